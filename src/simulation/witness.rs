//! A store that tells the reference of everything it is asked to change.

use std::sync::Arc;

use koine_core::{
    ChatId, Conversation, ConversationId, ConversationRow, Error, File, FileId, Group, Message, MessageList, Paging,
    PullFilter, Request, RequestId, Rows, Timestamp, User, UserId, UserKey,
};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::time::Instant;

use super::model::Model;
use crate::auth::OpaqueToken;
use crate::store::embedded::Embedded;
use crate::store::engine::simulated::Disk;
use crate::store::{Applied, MessagePage, Op, PendingScope, Queries, Stats, Store, StoreError, UserPage};

/// A store and its witness.
pub(super) struct Witnessed {
    pub(super) store: Embedded,
    pub(super) disk: Disk,
    pub(super) model: Arc<Mutex<Model>>,
}

impl Store for Witnessed {
    fn apply(&self, now: Timestamp, ops: Vec<Op>) -> Vec<Applied> {
        let was_broken = self.model.lock().broken;
        if !was_broken {
            self.model.lock().begin(&ops);
        }
        // The simulation may end the process in here.
        let applied = self.store.apply(now, ops.clone());
        let mut model = self.model.lock();
        model.broken = self.disk.is_broken();
        for (op, applied) in ops.iter().zip(&applied) {
            model.applied(op, applied, Instant::now());
        }
        if !model.broken {
            model.end();
        }
        applied
    }

    fn flush(&self, durable: bool) -> Result<(), StoreError> {
        let flushed = self.store.flush(durable);
        self.model.lock().broken = self.disk.is_broken();
        flushed
    }

    fn max_batch(&self) -> usize {
        self.store.max_batch()
    }

    fn health(&self) -> Result<(), StoreError> {
        self.store.health()
    }

    fn revocation_epoch(&self) -> u64 {
        self.store.revocation_epoch()
    }

    fn cached_user(&self, key: &UserKey) -> Option<Arc<User>> {
        self.store.cached_user(key)
    }

    fn makes_targets(&self) -> bool {
        self.store.makes_targets()
    }
}

/// Passes questions on.
macro_rules! ask {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)+) => { $(
        fn $name(&self, $($argument: $kind),*) -> Result<$answer, Error> {
            self.store.$name($($argument),*)
        }
    )+ };
}

impl Queries for Witnessed {
    ask! {
        user(key: &UserKey) -> Option<Arc<User>>;
        users(after: Option<UserId>, limit: usize) -> UserPage;
        conversations(user: UserId, paging: Paging, members: bool, hidden: bool) -> (u64, Rows<ConversationRow>);
        history(user: UserId, conversation: ConversationId, paging: Paging) -> MessageList;
        timeline(user: UserId, between: Option<&[UserKey; 2]>, paging: Paging) -> MessageList;
        pending(
            user: UserId, scope: PendingScope, above: &FxHashMap<ConversationId, u64>, limit: usize
        ) -> MessagePage;
        pull(user: UserId, filter: PullFilter, limit: usize) -> MessageList;
        group(user: Option<UserId>, group: ConversationId) -> Arc<Group>;
        groups(user: UserId, detailed: bool) -> Vec<Arc<Group>>;
        unprepared_marks(user: UserId, only: Option<ConversationId>) -> Vec<ConversationId>;
        requests(user: UserId) -> Vec<Arc<Request>>;
        request(request: RequestId) -> Option<Arc<Request>>;
        friends(user: UserId) -> Vec<Arc<User>>;
        blockers(blocked: UserId) -> Vec<UserId>;
        token(hash: &[u8; 32]) -> Option<OpaqueToken>;
        chat_owner(chat: ChatId) -> Option<UserId>;
        file(file: FileId) -> Option<File>;
        log(conversation: ConversationId, before: Option<u64>, limit: usize) -> (Arc<Conversation>, Vec<Arc<Message>>);
        stats() -> Stats;
    }
}
