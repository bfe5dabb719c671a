//! Making a batch durable, or forgetting it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Writer, numbers};
use crate::store::StoreError;
use crate::store::embedded::records::{PlacesRecord, Record};
use crate::store::embedded::shared::NewerMember;
use crate::store::embedded::{catch_up, keys, message_ids, spaces};
use crate::store::engine::{Batch, Durability, Space};

/// Memberships, conversations and pairs kept in memory between batches.
const CACHED: usize = 200_000;

/// About how many records a message takes.
const RECORDS_PER_MESSAGE: usize = 5;

impl Writer {
    /// Makes the batch durable. On failure everything that only memory knows is forgotten.
    pub(crate) fn commit(&mut self) -> Result<(), StoreError> {
        let result = self.try_commit(Durability::Sync);
        if result.is_err() {
            self.forget();
        }
        result
    }

    /// Writes what may wait.
    pub(crate) fn flush(&mut self, durable: bool) -> Result<(), StoreError> {
        let result = self.try_flush(durable);
        if result.is_err() {
            self.forget();
        }
        result
    }

    fn try_flush(&mut self, durable: bool) -> Result<(), StoreError> {
        let newer = self.shared.newer();
        for member in &newer.members {
            let (user, conversation) = *member.key();
            let key = keys::chat(user, member.sort, conversation);
            self.stage_for_flush(spaces::CHATS, key, member.record.encode()?)?;
        }
        for head in &newer.heads {
            self.stage_for_flush(spaces::HEADS, keys::conversation(*head.key()), head.encode()?)?;
        }
        // With the last of them, so that after a crash none is taken to be written that is not.
        let sent = !newer.heads.is_empty();
        if sent {
            self.put(spaces::META, catch_up::KEY.to_vec(), &self.last_placed.clone())?;
        }
        self.staged.append(std::mem::take(&mut self.lazy));
        self.try_commit(if durable || sent { Durability::Sync } else { Durability::Lazy })?;
        if !newer.is_empty() {
            self.shared.renew();
        }
        if durable {
            self.engine.sync()?;
        }
        Ok(())
    }

    /// Sets a key with the flush, which becomes several batches where one would be too large.
    fn stage_for_flush(&mut self, space: Space, key: Vec<u8>, value: Vec<u8>) -> Result<(), StoreError> {
        if self.staged.len() >= self.engine.max_batch().saturating_mul(RECORDS_PER_MESSAGE) {
            self.engine.commit(std::mem::take(&mut self.staged), Durability::Lazy)?;
        }
        self.put_raw(space, key, value);
        Ok(())
    }

    /// Whether something is waiting to be written.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.lazy.is_empty() || !self.shared.newer().is_empty()
    }

    fn try_commit(&mut self, durability: Durability) -> Result<(), StoreError> {
        self.settle()?;
        if self.counters != self.counters_written {
            self.put(spaces::META, numbers::KEY.to_vec(), &self.counters.to_record())?;
        }
        let mark = self.ids.mark_to_write(!self.staged.is_empty());
        if let Some(mark) = &mark {
            self.put(spaces::META, message_ids::KEY.to_vec(), mark)?;
        }
        if !self.staged.is_empty() {
            self.engine.commit(std::mem::take(&mut self.staged), durability)?;
        }
        if mark.is_some() {
            self.ids.mark_written();
        }
        self.counters_written = self.counters;
        self.shared.messages.fetch_add(std::mem::take(&mut self.appended), Ordering::Relaxed);
        self.publish();
        self.new_handles.clear();
        for (id, user) in self.changed_users.drain() {
            self.shared.publish_user(id, user);
        }
        if std::mem::take(&mut self.revoked) {
            self.shared.revoke();
        }
        self.trim();
        Ok(())
    }

    /// Tells readers of what is newer than the engine's records now. Heads come last: who knows a message knows
    /// whose it is.
    fn publish(&mut self) {
        self.last_placed = self.last_placed.max(self.placing);
        let newer = self.shared.newer();
        for key in std::mem::take(&mut self.due) {
            let Some(state) = self.members.get_mut(&key) else { continue };
            state.due = false;
            if let Some(mut known) = newer.members.get_mut(&key) {
                *known = Arc::new(NewerMember { sort: state.sort, record: state.record.clone() });
            }
        }
        for key in std::mem::take(&mut self.ended) {
            newer.members.remove(&key);
        }
        for key in std::mem::take(&mut self.later) {
            let Some(state) = self.members.get_mut(&key) else { continue };
            state.later = false;
            newer.members.insert(key, Arc::new(NewerMember { sort: state.sort, record: state.record.clone() }));
        }
        for id in std::mem::take(&mut self.moved) {
            let Some(state) = self.conversations.get_mut(&id) else { continue };
            state.moved = false;
            newer.heads.insert(id, state.head);
        }
    }

    /// Turns memberships that must not wait into staged records.
    fn settle(&mut self) -> Result<(), StoreError> {
        for (user, conversation) in &self.due {
            if let Some(state) = self.members.get(&(*user, *conversation)) {
                let key = keys::chat(*user, state.sort, *conversation);
                self.staged.put(spaces::CHATS, key, state.record.encode()?);
            }
        }
        self.settle_places()
    }

    /// Drops everything that is not committed. What is committed and not written yet is in `shared`.
    pub(crate) fn forget(&mut self) {
        self.staged = Batch::new();
        self.lazy = Batch::new();
        self.changed_users.clear();
        self.new_handles.clear();
        self.conversations.clear();
        self.members.clear();
        self.pairs.clear();
        self.blockers.clear();
        self.due.clear();
        self.later.clear();
        self.ended.clear();
        self.moved.clear();
        self.blocking.clear();
        self.recent.clear();
        self.placed = PlacesRecord::default();
        self.first_placed = None;
        self.placing = 0;
        self.appended = 0;
        self.revoked = false;
        self.counters = self.counters_written;
        self.shared.marks.clear();
    }

    /// Keeps the memory bounded: what was not used lately goes.
    fn trim(&mut self) {
        let batch = self.batch;
        let mut horizon = 1 << 16;
        while self.members.len() > CACHED && horizon > 0 {
            self.members.retain(|_, state| state.used + horizon > batch);
            horizon /= 4;
        }
        let mut horizon = 1 << 16;
        while self.conversations.len() > CACHED && horizon > 0 {
            self.conversations.retain(|_, state| state.used + horizon > batch);
            horizon /= 4;
        }
        if self.pairs.len() > CACHED {
            self.pairs.clear();
        }
        if self.blockers.len() > CACHED || self.blocking.len() > CACHED {
            self.blockers.clear();
            self.blocking.clear();
        }
    }
}
