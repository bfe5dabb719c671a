//! What is read from records for more than one question.

use std::collections::HashMap;
use std::sync::Arc;

use koine_core::{
    ChatId, Conversation, ConversationId, ConversationRow, Group, GroupRef, LogEntry, Message, Request, RequestId,
    RequestKind, RequestState, Shape, Timestamp, UserId,
};

use super::keys::{self, Sort};
use super::records::{MemberRecord, Record, RequestKindRecord, RequestRecord, RequestStateRecord, ShapeRecord};
use super::shared::Shared;
use super::spaces;
use super::view::View;
use crate::store::StoreError;
use crate::store::engine::Direction;

/// One row of a user's list of conversations.
pub(super) fn row<V: View>(
    view: &V,
    shared: &Shared,
    user: UserId,
    sort: Sort,
    id: ConversationId,
    members: bool,
) -> Result<Option<ConversationRow>, StoreError> {
    // The head first: a membership that is newer knows everything up to it.
    let head = view.head(id)?;
    let Some(member) = view.member(user, sort, id)? else { return Ok(None) };
    let Some(record) = view.conversation_record(id)? else {
        return Err(StoreError::corrupt("a conversation that is referred to is missing"));
    };
    let conversation = Arc::new(view.conversation(id, &record)?);
    let mut reader = Reader::new(view, user, &conversation, &member)?;
    let last = match member.last_visible(head.seq) {
        Some(seq) => {
            view.message(&conversation, seq)?.map(|message| reader.entry(view, shared, message)).transpose()?
        }
        None => None,
    };
    let created = Timestamp::from_millis(member.created);
    let updated = last.as_ref().map_or(created, |entry| entry.message.time.max(created));
    let members = if members && sort == Sort::Group { member_ids(view, id)? } else { Vec::new() };
    let members = members.into_iter().map(|id| view.known_user(id)).collect::<Result<_, _>>()?;
    Ok(Some(ConversationRow {
        conversation,
        members,
        chat: ChatId::new(member.chat),
        created,
        updated,
        unread: member.unread(head.seq),
        last,
    }))
}

/// The members of a group, by joining.
pub(super) fn member_ids<V: View>(view: &V, group: ConversationId) -> Result<Vec<UserId>, StoreError> {
    let mut members = Vec::new();
    view.each_with_prefix(spaces::MEMBERS, &keys::conversation(group), |_, value| {
        members.push(UserId::new(u64::decode(value)?));
        Ok(())
    })?;
    Ok(members)
}

/// A group with its members, or without.
pub(super) fn group<V: View>(view: &V, id: ConversationId, members: bool) -> Result<Option<Group>, StoreError> {
    let Some(record) = view.conversation_record(id)? else { return Ok(None) };
    let ShapeRecord::Group { name, manager, dissolved, .. } = record.shape else { return Ok(None) };
    if dissolved {
        return Ok(None);
    }
    let members = if members { member_ids(view, id)? } else { Vec::new() };
    let members = members.into_iter().map(|id| Ok(view.known_user(id)?.to_ref())).collect::<Result<_, StoreError>>()?;
    let manager = view.known_user(UserId::new(manager))?.to_ref();
    Ok(Some(Group { id, name, manager, members, created: Timestamp::from_millis(record.created) }))
}

/// A request from its record.
pub(super) fn read_request<V: View>(view: &V, id: RequestId, record: &RequestRecord) -> Result<Request, StoreError> {
    let about = || -> Result<GroupRef, StoreError> {
        let id = ConversationId::new(record.group);
        match view.conversation_record(id)?.map(|record| record.shape) {
            Some(ShapeRecord::Group { name, .. }) => Ok(GroupRef { id, name }),
            _ => Err(StoreError::corrupt("a request is about no group")),
        }
    };
    let kind = match record.kind {
        RequestKindRecord::Friend => RequestKind::Friend,
        RequestKindRecord::Join => RequestKind::Join(about()?),
        RequestKindRecord::Invitation => RequestKind::Invitation(about()?),
    };
    let state = match record.state {
        RequestStateRecord::Pending => RequestState::Pending,
        RequestStateRecord::Accepted => RequestState::Accepted,
        RequestStateRecord::Refused => RequestState::Refused,
        RequestStateRecord::Expired => RequestState::Expired,
    };
    Ok(Request {
        id,
        kind,
        from: view.known_user(UserId::new(record.from))?,
        to: view.known_user(UserId::new(record.to))?.to_ref(),
        note: record.note.clone(),
        created: Timestamp::from_millis(record.created),
        state,
        decided: record.decided.map(Timestamp::from_millis),
    })
}

/// What turns messages of one conversation into entries for one user.
pub(super) struct Reader {
    user: UserId,
    conversation: Arc<Conversation>,
    member: MemberRecord,
    others: Others,
}

/// What the others have read.
enum Others {
    /// The other side of a direct conversation.
    Peer(UserId, MemberRecord),
    /// Notes to oneself: nobody else.
    Nobody,
    /// Everyone else in a group: for each sender met so far, up to where all but it have read.
    Group(HashMap<UserId, u64>),
}

impl Reader {
    pub(super) fn new<V: View>(
        view: &V,
        user: UserId,
        conversation: &Arc<Conversation>,
        member: &MemberRecord,
    ) -> Result<Self, StoreError> {
        let others = match &conversation.shape {
            Shape::Direct { .. } => match conversation.peer_of(user) {
                Some(peer) if peer.id != user => match view.member(peer.id, Sort::Direct, conversation.id)? {
                    Some(record) => Others::Peer(peer.id, record),
                    None => Others::Nobody,
                },
                _ => Others::Nobody,
            },
            Shape::Group { .. } => Others::Group(HashMap::new()),
        };
        Ok(Self { user, conversation: conversation.clone(), member: member.clone(), others })
    }

    /// The conversation.
    pub(super) const fn conversation(&self) -> &Arc<Conversation> {
        &self.conversation
    }

    /// The user's membership.
    pub(super) const fn member(&self) -> &MemberRecord {
        &self.member
    }

    /// A message as the user sees it.
    pub(super) fn entry<V: View>(
        &mut self,
        view: &V,
        shared: &Shared,
        message: Message,
    ) -> Result<LogEntry, StoreError> {
        let own = message.sender.id == self.user;
        let (read_by_others, read_time) = self.read_state(view, shared, &message)?;
        Ok(LogEntry {
            read: own || message.seq <= self.member.read,
            delivered: own || self.member.delivered.contains(message.seq),
            message: Arc::new(message),
            read_time,
            read_by_others,
        })
    }

    fn read_state<V: View>(
        &mut self,
        view: &V,
        shared: &Shared,
        message: &Message,
    ) -> Result<(bool, Option<Timestamp>), StoreError> {
        let (id, seq) = (self.conversation.id, message.seq);
        match &mut self.others {
            Others::Nobody => Ok((true, Some(message.time))),
            // What the other side wrote, the user is the other side of.
            Others::Peer(..) if message.sender.id != self.user => read_by(view, id, self.user, &self.member, seq),
            Others::Peer(peer, record) => read_by(view, id, *peer, record, seq),
            Others::Group(senders) => {
                let mark = if let Some(mark) = senders.get(&message.sender.id) {
                    *mark
                } else {
                    let sender = view.member(message.sender.id, Sort::Group, id)?;
                    let mark = shared.marks.read_by_all(id, sender.map(|sender| sender.read)).unwrap_or(0);
                    senders.insert(message.sender.id, mark);
                    mark
                };
                Ok((mark >= seq, None))
            }
        }
    }
}

/// Whether and when a user has read a message of a direct conversation.
fn read_by<V: View>(
    view: &V,
    id: ConversationId,
    user: UserId,
    member: &MemberRecord,
    seq: u64,
) -> Result<(bool, Option<Timestamp>), StoreError> {
    if seq > member.read || member.hidden.contains(seq) {
        return Ok((false, None));
    }
    let (from, to) = (keys::read(id, user, seq), keys::read(id, user, u64::MAX));
    let step = view.scan(spaces::READS, &from, &to, Direction::Forward, 1)?;
    let time = match step.first() {
        Some((_, value)) => Some(i64::decode(value)?),
        None => member.read_time,
    };
    Ok((true, time.map(Timestamp::from_millis)))
}
