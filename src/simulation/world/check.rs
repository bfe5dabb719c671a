//! Whether the server and the reference see the same.

use std::collections::BTreeMap;

use koine_core::{Conversation, Paging, Shape, UserId};

use super::World;
use crate::simulation::model::Seen;
use crate::simulation::step::USERS;
use crate::store::{PendingScope, Queries};

impl World {
    /// Compares what a user sees with what it should see.
    pub(super) fn check(&self, user: u64) -> Result<(), String> {
        self.model.lock().violation()?;
        if self.disk.is_broken() {
            return Ok(());
        }
        let (seen, expected) = (self.see(user)?, self.model.lock().expected(user));
        if seen == expected {
            return Ok(());
        }
        let differing: Vec<_> = expected.iter().filter(|(id, expected)| seen.get(id) != Some(expected)).collect();
        Err(format!("user {user} sees {seen:?}; expected was {differing:?}"))
    }

    /// The same for everybody.
    pub(super) fn check_all(&self) -> Result<(), String> {
        (1..=USERS).try_for_each(|user| self.check(user))
    }

    /// What a user sees of its conversations.
    fn see(&self, user: u64) -> Result<BTreeMap<u64, Seen>, String> {
        let mut seen: BTreeMap<u64, Seen> = BTreeMap::new();
        for (conversation, unread) in self.rows(user)? {
            seen.entry(conversation.id.get()).or_default().unread = unread;
        }
        let pending = self
            .life
            .store
            .pending(UserId::new(user), PendingScope::All, &rustc_hash::FxHashMap::default(), usize::MAX)
            .map_err(|error| format!("what is pending for user {user} cannot be read: {error}"))?;
        for (message, ..) in pending.messages {
            seen.entry(message.conversation.get()).or_default().pending.insert(message.seq);
        }
        Ok(seen)
    }

    fn rows(&self, user: u64) -> Result<Vec<(std::sync::Arc<Conversation>, u64)>, String> {
        let unreadable = |error| format!("the list of user {user} cannot be read: {error}");
        let (_, rows) =
            self.life.store.conversations(UserId::new(user), Paging::All, false, true).map_err(unreadable)?;
        rows.map(|row| row.map(|row| (row.conversation, row.unread)).map_err(unreadable)).collect()
    }

    /// After a crash: learns what the last batch made, compares every log, and takes over what the crash
    /// has left of what was gathered.
    pub(super) fn take_stock(&self) -> Result<(), String> {
        for user in 1..=USERS {
            for (conversation, _) in self.rows(user)? {
                let id = conversation.id.get();
                if self.model.lock().find(id).is_none() {
                    let (pair, name) = match &conversation.shape {
                        Shape::Direct { users: [one, other], .. } => (Some((one.id.get(), other.id.get())), None),
                        Shape::Group { name, .. } => (None, Some(&**name)),
                    };
                    self.model.lock().learn(id, pair, name);
                }
            }
        }
        self.compare_logs()?;
        for user in 1..=USERS {
            let seen = self.see(user)?;
            self.model.lock().adopt(user, &seen);
        }
        self.model.lock().violation()
    }

    /// Whether everything that was accepted is in the logs, once and in its order.
    pub(super) fn compare_logs(&self) -> Result<(), String> {
        let ids: Vec<u64> = self.model.lock().conversations.iter().filter_map(|conversation| conversation.id).collect();
        for id in ids {
            let (_, log) = self
                .life
                .store
                .log(koine_core::ConversationId::new(id), None, usize::MAX)
                .map_err(|error| format!("the log of conversation {id} cannot be read: {error}"))?;
            let log: Vec<_> = log
                .iter()
                .rev()
                .map(|message| {
                    let text = message.content.as_text().to_owned();
                    (message.seq, message.wire_id(), message.sender.id.get(), text)
                })
                .collect();
            self.model.lock().compare_log(id, &log);
        }
        self.model.lock().violation()
    }
}
