//! Reading from one snapshot.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use koine_core::{Conversation, ConversationId, Handle, Message, User, UserId};

use super::keys::{self, Sort};
use super::records::{Head, MemberRecord, MessageRecord, Record, UserRecord};
use super::shared::{Newer, NewerMember, Shared};
use super::spaces;
use super::view::{View, read_user};
use crate::store::StoreError;
use crate::store::engine::{Direction, Engine, Pair, Snapshot, Space};

/// One point in time, as far as the engine can keep one.
pub(super) struct Reading {
    snapshot: Box<dyn Snapshot>,
    /// Whether the snapshot stays as it is.
    fixed: bool,
    /// What was newer than the engine's records when the snapshot was taken.
    newer: Arc<Newer>,
    pub(super) shared: Arc<Shared>,
}

impl Reading {
    pub(super) fn new(engine: &dyn Engine, shared: &Arc<Shared>) -> Result<Self, StoreError> {
        let (fixed, mut newer) = (engine.snapshots_are_fixed(), shared.newer());
        loop {
            let snapshot = engine.snapshot()?;
            let now = shared.newer();
            // Otherwise something was written in between, and the snapshot may be from before that.
            if Arc::ptr_eq(&newer, &now) {
                return Ok(Self { snapshot, fixed, newer, shared: shared.clone() });
            }
            newer = now;
        }
    }

    fn newer_member(&self, user: UserId, sort: Sort, conversation: ConversationId) -> Option<Arc<NewerMember>> {
        if self.fixed {
            self.newer.member(user, sort, conversation)
        } else {
            self.shared.newer().member(user, sort, conversation)
        }
    }

    /// A user's rows of one sort, newer records from memory.
    pub(super) fn rows_of(&self, user: UserId, sort: Sort) -> Result<Vec<(ConversationId, MemberRecord)>, StoreError> {
        let mut rows = Vec::new();
        self.each_with_prefix(spaces::CHATS, &keys::chats_of_sort(user, sort), |key, value| {
            if let Some((_, _, conversation)) = keys::read_chat(key) {
                let record = match self.newer_member(user, sort, conversation) {
                    Some(newer) => newer.record.clone(),
                    None => MemberRecord::decode(value)?,
                };
                rows.push((conversation, record));
            }
            Ok(())
        })?;
        Ok(rows)
    }

    /// A conversation's head, and the membership that was found before it as it is now at the latest: no
    /// older than the head, so that it knows what of the log is the user's own or hidden. `None` if it has
    /// ended.
    pub(super) fn up_to_date(
        &self,
        user: UserId,
        sort: Sort,
        id: ConversationId,
        found: MemberRecord,
    ) -> Result<Option<(Head, MemberRecord)>, StoreError> {
        let head = self.head(id)?;
        if !self.fixed {
            return Ok(self.member(user, sort, id)?.map(|member| (head, member)));
        }
        let member = self.newer_member(user, sort, id).map_or(found, |newer| newer.record.clone());
        Ok(Some((head, member)))
    }

    /// Messages of a log from `first` to `last`, at most `limit`.
    pub(super) fn log(
        &self,
        conversation: &Conversation,
        first: u64,
        last: u64,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        if first > last {
            return Ok(Vec::new());
        }
        let (from, to) = (keys::log(conversation.id, first), keys::log(conversation.id, last.saturating_add(1)));
        let mut messages = Vec::new();
        for (key, value) in self.scan(spaces::LOG, &from, &to, direction, limit)? {
            let (_, seq) = keys::numbers(&key).ok_or(StoreError::corrupt("a key of the log cannot be read"))?;
            messages.push(self.read_message(conversation, seq, MessageRecord::decode(&value)?)?);
        }
        Ok(messages)
    }
}

impl View for Reading {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        Ok(self.snapshot.get(space, key)?)
    }

    fn scan(
        &self,
        space: Space,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        Ok(self.snapshot.scan(space, (Bound::Included(from), Bound::Excluded(to)), direction, limit)?)
    }

    fn user(&self, id: UserId) -> Result<Option<Arc<User>>, StoreError> {
        if let Some(user) = self.shared.user(id) {
            return Ok(Some(user));
        }
        let Some(record) = self.record::<UserRecord>(spaces::USERS, &keys::user(id))? else { return Ok(None) };
        Ok(Some(Arc::new(read_user(id, record)?)))
    }

    fn user_id(&self, handle: &Handle) -> Result<Option<UserId>, StoreError> {
        if let Some(id) = self.shared.user_id(handle) {
            return Ok(Some(id));
        }
        let found = self.get(spaces::HANDLES, handle.as_str().as_bytes())?;
        Ok(found.and_then(|bytes| keys::read_number(&bytes)).map(UserId::new))
    }

    fn member(
        &self,
        user: UserId,
        sort: Sort,
        conversation: ConversationId,
    ) -> Result<Option<MemberRecord>, StoreError> {
        match self.newer_member(user, sort, conversation) {
            Some(newer) => Ok(Some(newer.record.clone())),
            None => self.record(spaces::CHATS, &keys::chat(user, sort, conversation)),
        }
    }

    /// A conversation's head, and never a message that the snapshot does not have.
    fn head(&self, id: ConversationId) -> Result<Head, StoreError> {
        let newer = if self.fixed { self.newer.head(id) } else { self.shared.newer().head(id) };
        let Some(head) = newer else { return self.written_head(id) };
        if !self.fixed || self.get(spaces::LOG, &keys::log(id, head.seq))?.is_some() {
            return Ok(head);
        }
        // It was committed after the snapshot was taken.
        let range = (keys::log(id, 0), keys::log(id, head.seq));
        let last = self.scan(spaces::LOG, &range.0, &range.1, Direction::Reverse, 1)?;
        let Some((key, value)) = last.first() else { return Ok(Head::default()) };
        let (_, seq) = keys::numbers(key).ok_or(StoreError::corrupt("a key of the log cannot be read"))?;
        let MessageRecord { id, time, .. } = MessageRecord::decode(value)?;
        Ok(Head { seq, id, time })
    }
}
