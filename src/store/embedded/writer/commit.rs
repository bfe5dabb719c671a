//! Making a batch durable, or forgetting it.

use std::sync::atomic::Ordering;

use koine_core::{ConversationId, UserId};
use rustc_hash::FxHashSet;

use super::{Writer, numbers};
use crate::store::StoreError;
use crate::store::embedded::records::{PlacesRecord, Record};
use crate::store::embedded::{keys, message_ids, spaces};
use crate::store::engine::{Batch, Durability};

/// Memberships, conversations and pairs kept in memory between batches.
const CACHED: usize = 200_000;

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
        let waiting: Vec<_> = self.later.drain().collect();
        for key in &waiting {
            self.stage_member(*key)?;
        }
        self.staged.append(std::mem::take(&mut self.lazy));
        let result = self.try_commit(if durable { Durability::Sync } else { Durability::Lazy });
        match result {
            Ok(()) => {
                let waiting: FxHashSet<_> = waiting.into_iter().collect();
                for (user, conversation) in self.lingering.difference(&waiting) {
                    self.shared.forget_member(*user, *conversation);
                }
                self.lingering = waiting;
                if durable {
                    self.engine.sync()?;
                }
                Ok(())
            }
            Err(error) => {
                self.forget();
                Err(error)
            }
        }
    }

    /// Whether something is waiting to be written.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.later.is_empty() || !self.lazy.is_empty() || !self.lingering.is_empty()
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
        self.publish_members();
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

    /// Tells readers of memberships that they knew from memory and that the batch has changed or ended.
    fn publish_members(&mut self) {
        for key in std::mem::take(&mut self.settled) {
            if let Some(state) = self.members.get(&key) {
                self.shared.remember_member(key.0, key.1, state.record.clone());
                self.lingering.insert(key);
            }
        }
        for key in std::mem::take(&mut self.ended) {
            if !self.later.contains(&key) {
                self.shared.forget_member(key.0, key.1);
            }
        }
    }

    /// Turns changed memberships and heads into staged records.
    fn settle(&mut self) -> Result<(), StoreError> {
        for key in std::mem::take(&mut self.due) {
            self.stage_member(key)?;
            if self.later.remove(&key) || self.lingering.contains(&key) {
                self.settled.push(key);
            }
        }
        self.settle_places()?;
        for id in std::mem::take(&mut self.heads_due) {
            if let Some(state) = self.conversations.get_mut(&id) {
                state.head_due = false;
                self.staged.put(spaces::HEADS, keys::conversation(id), state.head.encode()?);
            }
        }
        Ok(())
    }

    fn stage_member(&mut self, (user, conversation): (UserId, ConversationId)) -> Result<(), StoreError> {
        if let Some(state) = self.members.get_mut(&(user, conversation)) {
            state.due = false;
            let key = keys::chat(user, state.sort, conversation);
            self.staged.put(spaces::CHATS, key, state.record.encode()?);
        }
        Ok(())
    }

    /// Drops everything that is not committed.
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
        self.lingering.clear();
        self.settled.clear();
        self.ended.clear();
        self.heads_due.clear();
        self.blocking.clear();
        self.recent.clear();
        self.placed = PlacesRecord::default();
        self.first_placed = None;
        self.appended = 0;
        self.revoked = false;
        self.counters = self.counters_written;
        self.shared.forget_all_members();
        self.shared.marks.clear();
    }

    /// Keeps the memory bounded: what was not used lately goes.
    fn trim(&mut self) {
        let batch = self.batch;
        let mut horizon = 1 << 16;
        while self.members.len() > CACHED && horizon > 0 {
            let later = &self.later;
            self.members.retain(|key, state| state.due || later.contains(key) || state.used + horizon > batch);
            horizon /= 4;
        }
        let mut horizon = 1 << 16;
        while self.conversations.len() > CACHED && horizon > 0 {
            self.conversations.retain(|_, state| state.head_due || state.used + horizon > batch);
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
