//! Conversations, their heads, and which pair has which.

use std::sync::Arc;

use koine_core::{Conversation, ConversationId, MessageId, SendMessage, Shape, UserId};

use super::{ConversationState, Writer};
use crate::store::StoreError;
use crate::store::embedded::keys::{self, Sort};
use crate::store::embedded::message_ids::BOUND as ID_BOUND;
use crate::store::embedded::records::{ConversationRecord, Head, PlaceRecord, ShapeRecord};
use crate::store::embedded::spaces;
use crate::store::embedded::view::View;

impl Writer {
    pub(super) fn state(&mut self, id: ConversationId) -> Result<Option<&mut ConversationState>, StoreError> {
        if !self.conversations.contains_key(&id) {
            let Some(record) = self.conversation_record(id)? else { return Ok(None) };
            let head = self.head(id)?;
            self.conversations
                .insert(id, ConversationState { record, head, moved: false, view: None, used: self.batch });
        }
        let batch = self.batch;
        let state = self.conversations.get_mut(&id);
        Ok(state.map(|state| state.touched(batch)))
    }

    /// A conversation's record.
    pub(crate) fn find_conversation(&mut self, id: ConversationId) -> Result<Option<ConversationRecord>, StoreError> {
        Ok(self.state(id)?.map(|state| state.record.clone()))
    }

    /// A conversation's shape without copying its record: its sort, and whether it is a dissolved group.
    pub(crate) fn sort(&mut self, id: ConversationId) -> Result<Option<(Sort, bool)>, StoreError> {
        Ok(self.state(id)?.map(|state| match &state.record.shape {
            ShapeRecord::Direct { .. } => (Sort::Direct, false),
            ShapeRecord::Group { dissolved, .. } => (Sort::Group, *dissolved),
        }))
    }

    /// Writes a conversation's record with the batch.
    pub(crate) fn put_conversation(
        &mut self,
        id: ConversationId,
        record: ConversationRecord,
    ) -> Result<(), StoreError> {
        self.put(spaces::CONVERSATIONS, keys::conversation(id), &record)?;
        if let Some(state) = self.conversations.get_mut(&id) {
            state.record = record;
            state.view = None;
        } else {
            let head = self.head(id)?;
            let used = self.batch;
            self.conversations.insert(id, ConversationState { record, head, moved: false, view: None, used });
        }
        Ok(())
    }

    /// A conversation's head.
    pub(crate) fn current_head(&mut self, id: ConversationId) -> Result<Head, StoreError> {
        Ok(self.state(id)?.map(|state| state.head).unwrap_or_default())
    }

    /// Moves a conversation's head with the batch, and in the engine within a second.
    pub(crate) fn put_head(&mut self, id: ConversationId, head: Head) -> Result<(), StoreError> {
        if let Some(state) = self.state(id)? {
            state.head = head;
            if !std::mem::replace(&mut state.moved, true) {
                self.moved.push(id);
            }
        }
        Ok(())
    }

    /// A conversation as participants may know it now.
    pub(crate) fn current_conversation(&mut self, id: ConversationId) -> Result<Arc<Conversation>, StoreError> {
        let missing = StoreError::corrupt("a conversation that is referred to is missing");
        let Some(state) = self.state(id)? else { return Err(missing) };
        let kept = state.view.clone();
        if let Some((view, seen)) = kept
            && (seen == self.user_changes || self.is_fresh(&view)?)
        {
            if seen != self.user_changes {
                self.keep_view(id, &view)?;
            }
            return Ok(view);
        }
        let Some(state) = self.state(id)? else { return Err(missing) };
        let record = state.record.clone();
        let view = Arc::new(self.conversation(id, &record)?);
        self.keep_view(id, &view)?;
        Ok(view)
    }

    fn keep_view(&mut self, id: ConversationId, view: &Arc<Conversation>) -> Result<(), StoreError> {
        let seen = self.user_changes;
        if let Some(state) = self.state(id)? {
            state.view = Some((view.clone(), seen));
        }
        Ok(())
    }

    /// Whether the users in a view are still as they were.
    fn is_fresh(&self, view: &Conversation) -> Result<bool, StoreError> {
        let Shape::Direct { users, .. } = &view.shape else { return Ok(true) };
        for user in users {
            if !Arc::ptr_eq(user, &self.known_user(user.id)?) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The direct conversation of two users.
    pub(crate) fn pair(&mut self, one: UserId, other: UserId) -> Result<Option<ConversationId>, StoreError> {
        let key = (one.min(other), one.max(other));
        if let Some(id) = self.pairs.get(&key) {
            return Ok(Some(*id));
        }
        let found = self.get(spaces::PAIRS, &keys::two_users(key.0, key.1))?;
        let id = found.and_then(|bytes| keys::read_number(&bytes)).map(ConversationId::new);
        if let Some(id) = id {
            self.pairs.insert(key, id);
        }
        Ok(id)
    }

    /// Leads from a new message's id on auth-ack to the message, with the batch.
    pub(crate) fn put_place(&mut self, id: MessageId, send: &SendMessage, conversation: ConversationId, seq: u64) {
        let SendMessage { client_id, reads, .. } = *send;
        if let Some(client_id) = client_id {
            let key = keys::number(client_id);
            self.known_ids.insert(&key);
            self.put_raw(spaces::WIRE_IDS, key, keys::log(conversation, seq));
        }
        let first = *self.first_placed.get_or_insert(id.get());
        let above = id.get().saturating_sub(first);
        let client = client_id.is_some();
        self.placed.0.push(PlaceRecord { above, conversation: conversation.get(), seq, client, reads });
        self.recent.insert(client_id.unwrap_or(id.get()), conversation, seq);
    }

    /// Writes where the messages of the batch are.
    pub(super) fn settle_places(&mut self) -> Result<(), StoreError> {
        if let Some(first) = self.first_placed.take() {
            let places = std::mem::take(&mut self.placed);
            self.placing = places.0.last().map_or(first, |last| first.saturating_add(last.above));
            self.put(spaces::PLACES, keys::number(first), &places)?;
        }
        Ok(())
    }

    /// Where the message with this auth-ack id is.
    pub(crate) fn wire_position(&self, wire_id: u64) -> Result<Option<(ConversationId, u64)>, StoreError> {
        if let Some(known) = self.recent.get(wire_id) {
            return Ok(Some(known));
        }
        if wire_id >= ID_BOUND && !self.known_ids.may_hold(&keys::number(wire_id)) {
            return Ok(None);
        }
        self.place_of(wire_id)
    }
}
