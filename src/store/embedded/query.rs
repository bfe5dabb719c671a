//! Answers to questions, each from one snapshot.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use koine_core::{
    ChatId, Conversation, ConversationId, ConversationRow, Error, ErrorKind, File, FileId, Group, Handle, LogEntry,
    Message, MessageList, Paging, PullFilter, Receipt, Request, RequestId, Rows, Timestamp, User, UserId, UserKey,
};

use rustc_hash::FxHashMap;

use super::Embedded;
use super::keys::{self, Sort};
use super::merge::{Merge, Source};
use super::read::Reading;
use super::records::{
    FileRecord, Head, MemberRecord, MessageRecord, Record, RequestRecord, RequestStateRecord, ShapeRecord, TokenRecord,
    UserRecord,
};
use super::rows::{self, Reader, read_request};
use super::spaces;
use super::view::{View, end_of_prefix, read_user, sort_of};
use crate::auth::OpaqueToken;
use crate::store::StoreError;
use crate::store::engine::Direction;
use crate::store::query::{MessagePage, PendingScope, Queries, Stats, UserPage};

impl Embedded {
    fn reading(&self) -> Result<Reading, StoreError> {
        Reading::new(self.engine.as_ref(), &self.shared)
    }
}

impl Reading {
    /// A conversation and the user's membership of it.
    fn joined(&self, user: UserId, id: ConversationId) -> Result<(Arc<Conversation>, Sort, MemberRecord), Error> {
        let record = self.conversation_record(id)?.ok_or(ErrorKind::ConversationNotFound)?;
        if matches!(record.shape, ShapeRecord::Group { dissolved: true, .. }) {
            return Err(ErrorKind::ConversationNotFound.into());
        }
        let sort = sort_of(&record);
        let member = self.member(user, sort, id)?.ok_or(ErrorKind::NotMember)?;
        Ok((Arc::new(self.conversation(id, &record)?), sort, member))
    }

    /// The direct conversation with a user, if there is one.
    fn direct(&self, user: UserId, peer: UserId) -> Result<Option<(ConversationId, MemberRecord)>, StoreError> {
        let key = keys::two_users(user.min(peer), user.max(peer));
        let Some(id) = self.get(spaces::PAIRS, &key)?.and_then(|bytes| keys::read_number(&bytes)) else {
            return Ok(None);
        };
        let id = ConversationId::new(id);
        Ok(self.member(user, Sort::Direct, id)?.map(|member| (id, member)))
    }

    /// The time and the id of the last message that a member may see; its joining and 0 if there is none.
    fn activity(&self, id: ConversationId, head: &Head, member: &MemberRecord) -> Result<(i64, u64), StoreError> {
        match member.last_visible(head.seq) {
            None => Ok((member.created, 0)),
            Some(seq) if seq == head.seq => Ok((head.time.max(member.created), head.id)),
            // The last messages are hidden from the user.
            Some(seq) => {
                let record: MessageRecord = self
                    .record(spaces::LOG, &keys::log(id, seq))?
                    .ok_or(StoreError::corrupt("a message of the log is missing"))?;
                Ok((record.time.max(member.created), record.id))
            }
        }
    }

    fn source(
        &self,
        user: UserId,
        id: ConversationId,
        member: &MemberRecord,
        runs: Vec<(u64, u64)>,
    ) -> Result<Source, StoreError> {
        let record = self
            .conversation_record(id)?
            .ok_or(StoreError::corrupt("a conversation that is referred to is missing"))?;
        let conversation = Arc::new(self.conversation(id, &record)?);
        Ok(Source::new(Reader::new(self, user, &conversation, member)?, runs))
    }

    /// Everything that is pending for a user.
    fn pending_sources(
        &self,
        user: UserId,
        filter: PullFilter,
        above: &FxHashMap<ConversationId, u64>,
    ) -> Result<Vec<Source>, StoreError> {
        let sorts: &[Sort] = match filter {
            PullFilter::All => &[Sort::Direct, Sort::Group],
            PullFilter::Direct => &[Sort::Direct],
            PullFilter::Group => &[Sort::Group],
        };
        let mut sources = Vec::new();
        for sort in sorts {
            for (id, member) in self.rows_of(user, *sort)? {
                sources.extend(self.pending_source(user, *sort, id, member, above)?);
            }
        }
        Ok(sources)
    }

    fn pending_source(
        &self,
        user: UserId,
        sort: Sort,
        id: ConversationId,
        found: MemberRecord,
        above: &FxHashMap<ConversationId, u64>,
    ) -> Result<Option<Source>, StoreError> {
        let Some((head, member)) = self.up_to_date(user, sort, id, found)? else { return Ok(None) };
        let first = member.joined.max(above.get(&id).copied().unwrap_or(0)) + 1;
        let runs = member.delivered.gaps(first, head.seq);
        if runs.is_empty() {
            return Ok(None);
        }
        self.source(user, id, &member, runs).map(Some)
    }
}

/// The messages of a merge as a user sees them.
struct Entries {
    reading: Reading,
    merge: Merge,
    left: u64,
}

impl Iterator for Entries {
    type Item = Result<LogEntry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let next = self.merge.next(&self.reading).and_then(|found| match found {
            Some((message, source)) => {
                let shared = self.reading.shared.clone();
                let reader = self.merge.reader(source).ok_or(StoreError::corrupt("a log has no reader"))?;
                reader.entry(&self.reading, &shared, message).map(Some)
            }
            None => Ok(None),
        });
        next.map_err(Error::from).transpose()
    }
}

/// Offset and number of rows of a page.
fn window(paging: Paging) -> (u64, u64) {
    match paging {
        Paging::All => (0, u64::MAX),
        Paging::Page { number, size } => (number.saturating_sub(1).saturating_mul(size), size),
    }
}

impl Queries for Embedded {
    fn user(&self, key: &UserKey) -> Result<Option<Arc<User>>, Error> {
        Ok(self.reading()?.find_user(key)?)
    }

    fn users(&self, after: Option<UserId>, limit: usize) -> Result<UserPage, Error> {
        let reading = self.reading()?;
        let from = keys::number(after.map_or(0, |id| id.get().saturating_add(1)));
        let pairs =
            reading.scan(spaces::USERS, &from, &end_of_prefix(&[]), Direction::Forward, limit.saturating_add(1))?;
        let more = pairs.len() > limit;
        let mut users = Vec::new();
        for (key, value) in pairs.iter().take(limit) {
            let id = UserId::new(keys::read_number(key).ok_or(StoreError::corrupt("a user has no number"))?);
            let user = read_user(id, UserRecord::decode(value)?)?;
            users.push(reading.shared.user(id).unwrap_or_else(|| Arc::new(user)));
        }
        Ok(UserPage { users, more })
    }

    fn conversations(
        &self,
        user: UserId,
        paging: Paging,
        members: bool,
        hidden: bool,
    ) -> Result<(u64, Rows<ConversationRow>), Error> {
        let reading = self.reading()?;
        let mut order = Vec::new();
        for sort in [Sort::Direct, Sort::Group] {
            for (id, found) in reading.rows_of(user, sort)? {
                let Some((head, member)) = reading.up_to_date(user, sort, id, found)? else { continue };
                let listed = if hidden { member.row_begun(head.seq) } else { member.row_shown(head.seq) };
                if listed {
                    let (activity, last) = reading.activity(id, &head, &member)?;
                    order.push((activity, last, member.chat, sort, id));
                }
            }
        }
        order.sort_unstable_by_key(|row| std::cmp::Reverse((row.0, row.1, row.2)));
        let (offset, size) = window(paging);
        let total = order.len() as u64;
        let skip = usize::try_from(offset).unwrap_or(usize::MAX);
        let take = usize::try_from(size).unwrap_or(usize::MAX);
        let chosen: Vec<_> = order.into_iter().skip(skip).take(take).collect();
        let shared = self.shared.clone();
        let rows = chosen.into_iter().filter_map(move |(_, _, _, sort, id)| {
            rows::row(&reading, &shared, user, sort, id, members).map_err(Error::from).transpose()
        });
        Ok((total, Rows::new(rows)))
    }

    fn history(&self, user: UserId, conversation: ConversationId, paging: Paging) -> Result<MessageList, Error> {
        let reading = self.reading()?;
        let (conversation, sort, found) = reading.joined(user, conversation)?;
        let (head, member) = reading.up_to_date(user, sort, conversation.id, found)?.ok_or(ErrorKind::NotMember)?;
        let head = head.seq;
        let (offset, size) = window(paging);
        let total = member.visible(head);
        let Some(top) = member.visible_from_top(head, offset) else {
            return Ok(MessageList { total, rows: Vec::new().into(), receipt: Receipt::default() });
        };
        let below = offset.checked_add(size).and_then(|end| member.visible_from_top(head, end.saturating_sub(1)));
        let bottom = below.unwrap_or(member.joined + 1);
        let receipt = Receipt { ranges: vec![(conversation.id, bottom, top)] };
        let source = Source::new(Reader::new(&reading, user, &conversation, &member)?, vec![(bottom, top)]);
        let merge = Merge::new(&reading, Direction::Reverse, vec![source])?;
        Ok(MessageList { total, rows: Rows::new(Entries { reading, merge, left: size }), receipt })
    }

    fn timeline(&self, user: UserId, between: Option<&[UserKey; 2]>, paging: Paging) -> Result<MessageList, Error> {
        let reading = self.reading()?;
        let mut sources = Vec::new();
        let mut total = 0;
        let chosen = match between {
            None => {
                let mut all = Vec::new();
                for sort in [Sort::Direct, Sort::Group] {
                    all.extend(reading.rows_of(user, sort)?.into_iter().map(|(id, member)| (id, sort, member)));
                }
                all
            }
            Some([one, other]) => match (reading.find_user(one)?, reading.find_user(other)?) {
                (Some(one), Some(other)) if one.id == user || other.id == user => {
                    let peer = if one.id == user { other.id } else { one.id };
                    reading.direct(user, peer)?.map(|(id, member)| (id, Sort::Direct, member)).into_iter().collect()
                }
                (Some(_), Some(_)) => return Err(ErrorKind::Forbidden.into()),
                _ => return Err(ErrorKind::UserNotFound.into()),
            },
        };
        for (id, sort, found) in chosen {
            let Some((head, member)) = reading.up_to_date(user, sort, id, found)? else { continue };
            total += member.visible(head.seq);
            sources.push(reading.source(user, id, &member, vec![(member.joined + 1, head.seq)])?);
        }
        let (offset, size) = window(paging);
        let mut merge = Merge::new(&reading, Direction::Reverse, sources)?;
        for _ in 0..offset.min(total) {
            merge.next(&reading)?;
        }
        Ok(MessageList { total, rows: Rows::new(Entries { reading, merge, left: size }), receipt: Receipt::default() })
    }

    fn pending(
        &self,
        user: UserId,
        scope: PendingScope,
        above: &FxHashMap<ConversationId, u64>,
        limit: usize,
    ) -> Result<MessagePage, Error> {
        let reading = self.reading()?;
        let sources = match scope {
            PendingScope::All => reading.pending_sources(user, PullFilter::All, above)?,
            PendingScope::Peer(peer) => match reading.direct(user, peer)? {
                Some((id, member)) => {
                    reading.pending_source(user, Sort::Direct, id, member, above)?.into_iter().collect()
                }
                None => Vec::new(),
            },
        };
        let mut merge = Merge::new(&reading, Direction::Forward, sources)?;
        let mut messages = Vec::new();
        while messages.len() < limit {
            let Some((message, source)) = merge.next(&reading)? else { break };
            let Some(conversation) = merge.conversation(source) else { break };
            let head = reading.head(conversation.id)?.seq;
            let unread = merge.reader(source).map_or(0, |reader| reader.member().unread_at(message.seq, head));
            messages.push((Arc::new(message), conversation, unread));
        }
        Ok(MessagePage { messages })
    }

    fn pull(&self, user: UserId, filter: PullFilter, limit: usize) -> Result<MessageList, Error> {
        let reading = self.reading()?;
        let sources = reading.pending_sources(user, filter, &FxHashMap::default())?;
        let merge = Merge::new(&reading, Direction::Forward, sources)?;
        let entries = Entries { reading, merge, left: limit as u64 };
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let mut ranges: HashMap<ConversationId, Vec<(u64, u64)>> = HashMap::new();
        for entry in &entries {
            let (id, seq) = (entry.message.conversation, entry.message.seq);
            let runs = ranges.entry(id).or_default();
            match runs.last_mut() {
                Some(last) if last.1 + 1 == seq => last.1 = seq,
                _ => runs.push((seq, seq)),
            }
        }
        let ranges =
            ranges.into_iter().flat_map(|(id, runs)| runs.into_iter().map(move |(first, last)| (id, first, last)));
        let receipt = Receipt { ranges: ranges.collect() };
        Ok(MessageList { total: entries.len() as u64, rows: entries.into(), receipt })
    }

    fn group(&self, user: Option<UserId>, group: ConversationId) -> Result<Arc<Group>, Error> {
        let reading = self.reading()?;
        let found = rows::group(&reading, group, true)?.ok_or(ErrorKind::GroupNotFound)?;
        if let Some(user) = user
            && reading.member(user, Sort::Group, group)?.is_none()
        {
            return Err(ErrorKind::NotMember.into());
        }
        Ok(Arc::new(found))
    }

    fn groups(&self, user: UserId, detailed: bool) -> Result<Vec<Arc<Group>>, Error> {
        let reading = self.reading()?;
        let mut joined = reading.rows_of(user, Sort::Group)?;
        joined.sort_unstable_by_key(|(_, member)| member.chat);
        let mut groups = Vec::new();
        for (id, _) in joined {
            groups.extend(rows::group(&reading, id, detailed)?.map(Arc::new));
        }
        Ok(groups)
    }

    fn unprepared_marks(&self, user: UserId, only: Option<ConversationId>) -> Result<Vec<ConversationId>, Error> {
        let reading = self.reading()?;
        let groups = match only {
            Some(id) => reading.member(user, Sort::Group, id)?.map(|_| id).into_iter().collect(),
            None => reading.rows_of(user, Sort::Group)?.into_iter().map(|(id, _)| id).collect::<Vec<_>>(),
        };
        Ok(groups.into_iter().filter(|id| !self.shared.marks.has(*id)).collect())
    }

    fn requests(&self, user: UserId) -> Result<Vec<Arc<Request>>, Error> {
        let reading = self.reading()?;
        let mut ids = Vec::new();
        reading.each_with_prefix(spaces::REQUESTS_TO, &keys::user(user), |key, _| {
            ids.extend(keys::numbers(key).map(|(_, id)| RequestId::new(id)));
            Ok(())
        })?;
        let mut requests = Vec::new();
        for id in ids {
            let record: Option<RequestRecord> = reading.record(spaces::REQUESTS, &keys::number(id.get()))?;
            if let Some(record) =
                record.filter(|record| record.state == RequestStateRecord::Pending && !self.is_expired(record))
            {
                requests.push(Arc::new(read_request(&reading, id, &record)?));
            }
        }
        Ok(requests)
    }

    fn request(&self, request: RequestId) -> Result<Option<Arc<Request>>, Error> {
        let reading = self.reading()?;
        let mut record: Option<RequestRecord> = reading.record(spaces::REQUESTS, &keys::number(request.get()))?;
        if let Some(record) = &mut record
            && record.state == RequestStateRecord::Pending
            && self.is_expired(record)
        {
            record.state = RequestStateRecord::Expired;
        }
        Ok(record.map(|record| read_request(&reading, request, &record)).transpose()?.map(Arc::new))
    }

    fn friends(&self, user: UserId) -> Result<Vec<Arc<User>>, Error> {
        let reading = self.reading()?;
        let mut friends = Vec::new();
        reading.each_with_prefix(spaces::FRIENDS, &keys::user(user), |key, _| {
            if let Some((_, friend)) = keys::numbers(key) {
                friends.push(reading.known_user(UserId::new(friend))?);
            }
            Ok(())
        })?;
        Ok(friends)
    }

    fn blockers(&self, blocked: UserId) -> Result<Vec<UserId>, Error> {
        let mut blockers = HashSet::new();
        self.reading()?.each_with_prefix(spaces::BLOCKED_BY, &keys::user(blocked), |key, _| {
            blockers.extend(keys::numbers(key).map(|(_, blocker)| UserId::new(blocker)));
            Ok(())
        })?;
        Ok(blockers.into_iter().collect())
    }

    fn token(&self, hash: &[u8; 32]) -> Result<Option<OpaqueToken>, Error> {
        let reading = self.reading()?;
        let Some(id) = reading.get(spaces::TOKEN_HASHES, hash)?.and_then(|bytes| keys::read_number(&bytes)) else {
            return Ok(None);
        };
        let record: Option<TokenRecord> = reading.record(spaces::TOKENS, &keys::number(id))?;
        Ok(record.map(|record| OpaqueToken {
            id,
            user: UserId::new(record.user),
            dialect: record.dialect,
            expires: record.expires.map(Timestamp::from_millis),
        }))
    }

    fn chat_owner(&self, chat: ChatId) -> Result<Option<UserId>, Error> {
        let key = self.reading()?.get(spaces::CHAT_IDS, &keys::number(chat.get()))?;
        Ok(key.and_then(|key| keys::read_chat(&key)).map(|(owner, _, _)| owner))
    }

    fn file(&self, file: FileId) -> Result<Option<File>, Error> {
        let reading = self.reading()?;
        let Some(record) = reading.record::<FileRecord>(spaces::FILES, &keys::file(file))? else { return Ok(None) };
        Ok(Some(File {
            id: file,
            md5: record.md5,
            sha256: record.sha256,
            name: record.name,
            size: record.size,
            media_type: record.media_type,
            created: Timestamp::from_millis(record.created),
            owner: reading.known_user(UserId::new(record.owner))?.to_ref(),
            url: String::new(),
        }))
    }

    fn log(
        &self,
        conversation: ConversationId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<(Arc<Conversation>, Vec<Arc<Message>>), Error> {
        let reading = self.reading()?;
        let record = reading.conversation_record(conversation)?.ok_or(ErrorKind::ConversationNotFound)?;
        let conversation = Arc::new(reading.conversation(conversation, &record)?);
        let head = reading.head(conversation.id)?.seq;
        let last = before.map_or(head, |before| before.saturating_sub(1).min(head));
        let messages = reading.log(&conversation, 1, last, Direction::Reverse, limit)?;
        Ok((conversation, messages.into_iter().map(Arc::new).collect()))
    }

    fn stats(&self) -> Result<Stats, Error> {
        let (users, conversations) = self.totals();
        Ok(Stats {
            users,
            conversations,
            messages: self.shared.messages.load(Ordering::Relaxed),
            ignored_acks: self.shared.ignored_acks.load(Ordering::Relaxed),
        })
    }

    fn is_known(&self, handle: &Handle) -> Result<bool, Error> {
        Ok(self.reading()?.user_id(handle)?.is_some())
    }
}
