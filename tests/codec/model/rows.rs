//! Lists: rows of conversations, pages of messages.

use std::collections::BTreeMap;

use koine_core::{
    ConversationId, ConversationRow, Error, ErrorKind, LogEntry, MessageList, Paging, Pull, PullFilter, Receipt, Reply,
    UserId, UserKey,
};

use super::{Answer, Entry, Model, Talk, TalkShape};

impl Model {
    pub(super) fn row(&self, id: ConversationId, user: UserId, members: bool) -> Result<ConversationRow, Error> {
        let talk = self.talk(id)?;
        let member = talk.member(user)?;
        let last = talk.visible(user).last();
        let is_group = talk.manager().is_some();
        let shown = talk.order.iter().filter(|_| members && is_group);
        Ok(ConversationRow {
            conversation: self.conversation(id)?.into(),
            members: shown.map(|member| self.user(*member)).collect::<Result<_, _>>()?,
            chat: member.chat,
            created: member.joined,
            updated: last.map_or(member.joined, |entry| entry.message.time),
            unread: talk.unread(user),
            last: last.map(|entry| log_entry(talk, entry, user)),
        })
    }

    pub(super) fn rows(&self, user: UserId, paging: Paging, members: bool, hidden: bool) -> Answer {
        let mine = self.talks.values().filter(|talk| {
            talk.members.get(&user).is_some_and(|member| hidden || member.hidden_at != Some(talk.head()))
        });
        let mut rows: Vec<(u64, ConversationRow)> = Vec::new();
        for talk in mine {
            let newest = talk.visible(user).last().map_or(0, |entry| entry.message.id.get());
            rows.push((newest, self.row(talk.id, user, members)?));
        }
        rows.sort_by_key(|(newest, row)| (row.updated, *newest, row.conversation.id));
        rows.reverse();
        let rows: Vec<ConversationRow> = rows.into_iter().map(|(_, row)| row).collect();
        let total = rows.len().try_into().unwrap_or(u64::MAX);
        Ok(Reply::Conversations { total, rows: page(rows, paging).into() })
    }

    pub(super) fn history(&self, user: UserId, conversation: ConversationId, paging: Paging) -> Answer {
        let talk = self.talk(conversation)?;
        talk.member(user)?;
        let entries: Vec<LogEntry> = talk.visible(user).map(|entry| log_entry(talk, entry, user)).collect();
        Ok(newest_first(entries, paging))
    }

    pub(super) fn timeline(&self, user: UserId, between: Option<&[UserKey; 2]>, paging: Paging) -> Answer {
        let mut only = None;
        if let Some([first, second]) = between {
            let (first, second) = (self.find(first)?.id, self.find(second)?.id);
            if user != first && user != second {
                return Err(ErrorKind::Forbidden.into());
            }
            only = Some([first.min(second), first.max(second)]);
        }
        let wanted = |talk: &&Talk| match (&only, &talk.shape) {
            (None, _) => true,
            (Some(pair), TalkShape::Direct { users, .. }) => users == pair,
            (Some(_), TalkShape::Group { .. }) => false,
        };
        let talks = self.talks.values().filter(wanted);
        let entries = talks.flat_map(|talk| talk.visible(user).map(|entry| log_entry(talk, entry, user)));
        let mut entries: Vec<LogEntry> = entries.collect();
        entries.sort_by_key(|entry| entry.message.id);
        Ok(newest_first(entries, paging))
    }

    pub(super) fn pull(&mut self, user: UserId, pull: &Pull) -> Reply {
        self.acknowledge(user, &pull.acknowledge);
        let wanted = |talk: &&Talk| match pull.filter {
            PullFilter::All => true,
            PullFilter::Direct => talk.manager().is_none(),
            PullFilter::Group => talk.manager().is_some(),
        };
        let talks = self.talks.values().filter(wanted);
        let entries = talks.flat_map(|talk| talk.pending(user).map(|entry| log_entry(talk, entry, user)));
        let mut entries: Vec<LogEntry> = entries.collect();
        entries.sort_by_key(|entry| entry.message.id);
        let limit = pull.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(self.settings.max_pull);
        entries.truncate(limit);
        if pull.newest_first {
            entries.reverse();
        }
        let total = entries.len().try_into().unwrap_or(u64::MAX);
        Reply::Messages(MessageList { total, receipt: receipt(&entries), rows: entries.into() })
    }
}

fn newest_first(mut entries: Vec<LogEntry>, paging: Paging) -> Reply {
    entries.reverse();
    let total = entries.len().try_into().unwrap_or(u64::MAX);
    let entries = page(entries, paging);
    Reply::Messages(MessageList { total, receipt: receipt(&entries), rows: entries.into() })
}

fn page<T>(rows: Vec<T>, paging: Paging) -> Vec<T> {
    match paging {
        Paging::All => rows,
        Paging::Page { number, size } => {
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            let before = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX).saturating_mul(size);
            rows.into_iter().skip(before).take(size).collect()
        }
    }
}

/// Exactly the messages of a list, as ranges.
fn receipt(entries: &[LogEntry]) -> Receipt {
    let mut seqs: BTreeMap<ConversationId, Vec<u64>> = BTreeMap::new();
    for entry in entries {
        seqs.entry(entry.message.conversation).or_default().push(entry.message.seq);
    }
    let ranges =
        seqs.into_iter().flat_map(|(conversation, seqs)| seqs.into_iter().map(move |seq| (conversation, seq, seq)));
    Receipt { ranges: ranges.collect() }
}

fn log_entry(talk: &Talk, entry: &Entry, user: UserId) -> LogEntry {
    let (message, seq) = (&entry.message, entry.message.seq);
    let others = || {
        let entitled = talk.members.iter().filter(|(_, member)| member.join_seq < seq);
        entitled.filter(|(id, _)| **id != message.sender.id && !entry.hidden.contains(*id))
    };
    let read_time =
        |member: &super::Member| member.read_steps.iter().find(|(read, _)| *read >= seq).map(|(_, time)| *time);
    let own = message.sender.id == user;
    let member = talk.members.get(&user);
    let read = own || member.is_some_and(|member| member.read >= seq);
    LogEntry {
        message: message.clone(),
        read_time: match others().next() {
            _ if talk.manager().is_some() => None,
            None => Some(message.time),
            Some((_, member)) => read_time(member),
        },
        read_by_others: others().all(|(_, member)| member.read >= seq),
        read,
        delivered: read || member.is_some_and(|member| member.delivered.contains(&seq)),
    }
}
