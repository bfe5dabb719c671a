//! Reading what is committed, and over it what the batch has changed so far.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use koine_core::{ConversationId, Handle, User, UserId};

use super::Writer;
use crate::store::StoreError;
use crate::store::embedded::keys::{self, Sort};
use crate::store::embedded::records::{Head, MemberRecord, UserRecord};
use crate::store::embedded::spaces;
use crate::store::embedded::view::{View, read_user};
use crate::store::engine::{Direction, Pair, Space};

impl View for Writer {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        if let Some(waiting) = self.staged.get(space, key).or_else(|| self.lazy.get(space, key)) {
            return Ok(waiting.map(Bytes::copy_from_slice));
        }
        Ok(self.engine.get(space, key)?)
    }

    fn scan(
        &self,
        space: Space,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        if from >= to {
            return Ok(Vec::new());
        }
        let range = (Bound::Included(from), Bound::Excluded(to));
        let mut changed: BTreeMap<&[u8], Option<&[u8]>> = self.lazy.range(space, from, to).collect();
        changed.extend(self.staged.range(space, from, to));
        if changed.is_empty() {
            return Ok(self.engine.scan(space, range, direction, limit)?);
        }
        // What the batch removes makes room for what follows in the engine.
        let stored = self.engine.scan(space, range, direction, limit.saturating_add(changed.len()))?;
        let mut merged: BTreeMap<Bytes, Bytes> = stored.into_iter().collect();
        for (key, value) in changed {
            match value {
                Some(value) => merged.insert(Bytes::copy_from_slice(key), Bytes::copy_from_slice(value)),
                None => merged.remove(key),
            };
        }
        Ok(match direction {
            Direction::Forward => merged.into_iter().take(limit).collect(),
            Direction::Reverse => merged.into_iter().rev().take(limit).collect(),
        })
    }

    fn member(
        &self,
        user: UserId,
        sort: Sort,
        conversation: ConversationId,
    ) -> Result<Option<MemberRecord>, StoreError> {
        match self.members.get(&(user, conversation)) {
            Some(state) => Ok(Some(state.record.clone())),
            None => self.committed_member(user, sort, conversation),
        }
    }

    fn head(&self, id: ConversationId) -> Result<Head, StoreError> {
        match self.conversations.get(&id) {
            Some(state) => Ok(state.head),
            None => match self.shared.newer().head(id) {
                Some(head) => Ok(head),
                None => self.written_head(id),
            },
        }
    }

    fn user(&self, id: UserId) -> Result<Option<Arc<User>>, StoreError> {
        if let Some(user) = self.changed_users.get(&id) {
            return Ok(Some(user.clone()));
        }
        if let Some(user) = self.shared.user(id) {
            return Ok(Some(user));
        }
        let Some(record) = self.record::<UserRecord>(spaces::USERS, &keys::user(id))? else { return Ok(None) };
        let user = Arc::new(read_user(id, record)?);
        self.shared.publish_user(id, user.clone());
        Ok(Some(user))
    }

    fn user_id(&self, handle: &Handle) -> Result<Option<UserId>, StoreError> {
        if let Some(id) = self.shared.user_id(handle) {
            return Ok(Some(id));
        }
        if let Some(id) = self.new_handles.get(handle) {
            return Ok(Some(*id));
        }
        let found = self.get(spaces::HANDLES, handle.as_str().as_bytes())?;
        let id = found.and_then(|bytes| keys::read_number(&bytes)).map(UserId::new);
        if let Some(id) = id {
            self.shared.publish_handle(handle.clone(), id);
        }
        Ok(id)
    }
}
