//! Reading records, from a snapshot or from within the batch that is being decided.

use std::sync::Arc;

use bytes::Bytes;
use koine_core::{
    Conversation, ConversationId, GroupRef, Handle, Message, MessageId, Place, Shape, Timestamp, User, UserId, UserKey,
};

use super::keys::{self, Sort};
use super::message_ids::BOUND as ID_BOUND;
use super::records::{
    ConversationRecord, Head, MemberRecord, MessageRecord, PlacesRecord, Record, ShapeRecord, UserRecord,
};
use super::spaces;
use crate::store::StoreError;
use crate::store::engine::{Direction, Pair, Space};

/// Something records can be read from.
pub(crate) trait View {
    /// The value of a key.
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, StoreError>;

    /// Pairs with `from <= key < to`, at most `limit`.
    fn scan(
        &self,
        space: Space,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError>;

    /// A user; implementations may know it from memory.
    fn user(&self, id: UserId) -> Result<Option<Arc<User>>, StoreError>;

    /// A user's number by handle; implementations may know it from memory.
    fn user_id(&self, handle: &Handle) -> Result<Option<UserId>, StoreError> {
        match self.get(spaces::HANDLES, handle.as_str().as_bytes())? {
            Some(bytes) => Ok(keys::read_number(&bytes).map(UserId::new)),
            None => Ok(None),
        }
    }

    /// A membership; implementations may know a newer one from memory.
    fn member(
        &self,
        user: UserId,
        sort: Sort,
        conversation: ConversationId,
    ) -> Result<Option<MemberRecord>, StoreError> {
        self.record(spaces::CHATS, &keys::chat(user, sort, conversation))
    }

    /// A record.
    fn record<R: Record>(&self, space: Space, key: &[u8]) -> Result<Option<R>, StoreError> {
        self.get(space, key)?.map(|bytes| R::decode(&bytes)).transpose()
    }

    /// A user by either identity.
    fn find_user(&self, key: &UserKey) -> Result<Option<Arc<User>>, StoreError> {
        match key {
            UserKey::Id(id) => self.user(*id),
            UserKey::Handle(handle) => match self.user_id(handle)? {
                Some(id) => self.user(id),
                None => Ok(None),
            },
        }
    }

    /// A user that a record names, so that it must exist.
    fn known_user(&self, id: UserId) -> Result<Arc<User>, StoreError> {
        self.user(id)?.ok_or(StoreError::corrupt("a user that is referred to is missing"))
    }

    /// A conversation's record.
    fn conversation_record(&self, id: ConversationId) -> Result<Option<ConversationRecord>, StoreError> {
        self.record(spaces::CONVERSATIONS, &keys::conversation(id))
    }

    /// A conversation's head.
    fn head(&self, id: ConversationId) -> Result<Head, StoreError>;

    /// A conversation's head as the engine has it.
    fn written_head(&self, id: ConversationId) -> Result<Head, StoreError> {
        Ok(self.record(spaces::HEADS, &keys::conversation(id))?.unwrap_or_default())
    }

    /// A conversation as participants may know it.
    fn conversation(&self, id: ConversationId, record: &ConversationRecord) -> Result<Conversation, StoreError> {
        let shape = match &record.shape {
            ShapeRecord::Direct { name, users: [first, second] } => Shape::Direct {
                name: name.clone(),
                users: [self.known_user(UserId::new(*first))?, self.known_user(UserId::new(*second))?],
            },
            ShapeRecord::Group { name, manager, member_count, .. } => Shape::Group {
                name: name.clone(),
                manager: self.known_user(UserId::new(*manager))?.to_ref(),
                member_count: *member_count,
            },
        };
        Ok(Conversation { id, created: Timestamp::from_millis(record.created), shape })
    }

    /// A message of a conversation's log.
    fn message(&self, conversation: &Conversation, seq: u64) -> Result<Option<Message>, StoreError> {
        match self.record::<MessageRecord>(spaces::LOG, &keys::log(conversation.id, seq))? {
            Some(record) => self.read_message(conversation, seq, record).map(Some),
            None => Ok(None),
        }
    }

    /// A message from its record.
    fn read_message(
        &self,
        conversation: &Conversation,
        seq: u64,
        record: MessageRecord,
    ) -> Result<Message, StoreError> {
        let sender = self.known_user(UserId::new(record.sender))?.to_ref();
        let place = match &conversation.shape {
            Shape::Direct { .. } => {
                let receiver = conversation.peer_of(sender.id).map_or_else(|| sender.clone(), |peer| peer.to_ref());
                Place::Direct { receiver }
            }
            Shape::Group { name, .. } => Place::Group(GroupRef { id: conversation.id, name: name.clone() }),
        };
        Ok(Message {
            id: MessageId::new(record.id),
            client_id: record.client_id,
            conversation: conversation.id,
            seq,
            sender,
            place,
            time: Timestamp::from_millis(record.time),
            content: record.content.try_into()?,
        })
    }

    /// Where the message with this id on auth-ack is: its client's id if it has one, else its own.
    fn place_of(&self, wire_id: u64) -> Result<Option<(ConversationId, u64)>, StoreError> {
        let key = keys::number(wire_id);
        let place = match self.get(spaces::WIRE_IDS, &key)? {
            Some(bytes) => keys::numbers(&bytes),
            None if wire_id >= ID_BOUND => None,
            None => {
                let behind = [key.as_slice(), &[0]].concat();
                let found = self.scan(spaces::PLACES, &[], &behind, Direction::Reverse, 1)?;
                let Some((first, value)) = found.first() else { return Ok(None) };
                let first = keys::read_number(first).ok_or(StoreError::corrupt("places have no id"))?;
                let place = PlacesRecord::decode(value)?.find(wire_id.saturating_sub(first));
                place.filter(|place| !place.client).map(|place| (place.conversation, place.seq))
            }
        };
        Ok(place.map(|(conversation, seq)| (ConversationId::new(conversation), seq)))
    }

    /// The pairs whose keys begin with `prefix`, ascending, after the key `after`.
    fn scan_prefix(
        &self,
        space: Space,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        let from = match after {
            Some(key) => [key, &[0]].concat(),
            None => prefix.to_vec(),
        };
        self.scan(space, &from, &end_of_prefix(prefix), Direction::Forward, limit)
    }

    /// Every pair whose key begins with `prefix`, in portions, until `each` says to stop.
    fn each_with_prefix(
        &self,
        space: Space,
        prefix: &[u8],
        mut each: impl FnMut(&[u8], &[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>
    where
        Self: Sized,
    {
        const PORTION: usize = 512;
        let mut after: Option<Bytes> = None;
        loop {
            let portion = self.scan_prefix(space, prefix, after.as_deref(), PORTION)?;
            let full = portion.len() == PORTION;
            for (key, value) in &portion {
                each(key, value)?;
            }
            match portion.into_iter().next_back() {
                Some((key, _)) if full => after = Some(key),
                _ => return Ok(()),
            }
        }
    }
}

/// A user from its record.
pub(crate) fn read_user(id: UserId, record: UserRecord) -> Result<User, StoreError> {
    Ok(User {
        id,
        handle: Handle::new(&record.handle).map_err(|_| StoreError::corrupt("a user has an impossible handle"))?,
        profile: record.profile,
        disabled: record.disabled,
        created: Timestamp::from_millis(record.created),
        login: record.login.map(Timestamp::from_millis),
    })
}

/// The sort of a conversation's rows.
pub(crate) const fn sort_of(record: &ConversationRecord) -> Sort {
    match record.shape {
        ShapeRecord::Direct { .. } => Sort::Direct,
        ShapeRecord::Group { .. } => Sort::Group,
    }
}

/// The first key after all keys that begin with `prefix`.
pub(crate) fn end_of_prefix(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return end;
        }
    }
    // Keys are at most 257 bytes long, so that this is after all of them.
    vec![u8::MAX; 300]
}
