//! A store in a temporary directory, and short words for what is done with it.

use std::sync::Arc;
use std::time::Duration;

use koine_core::{
    ChatKey, Content, ConversationId, ConversationRow, ErrorKind, Existing, Handle, LogEntry, MessageList, Paging,
    Profile, PullFilter, Receipt, Register, Reply, RequestId, SendMessage, Sent, Target, Timestamp, User, UserId,
    UserKey,
};
use tempfile::TempDir;

use super::double::{Double, Faults};
use crate::config::DirectPolicy;
use crate::store::check::{Report, check};
use crate::store::embedded::{Embedded, Settings};
use crate::store::engine::{Engine, EngineKind};
use crate::store::progress::Silent;
use crate::store::{Action, Applied, Effect, Op, Outcome, PendingScope, Queries, Store, StoreError};

/// 2025-06-01T00:00:00Z, in ms.
pub(super) const START: i64 = 1_748_736_000_000;
pub(super) const DAY: i64 = 86_400_000;

/// A store, its clock, and what can be changed about it.
pub(super) struct World {
    directory: TempDir,
    kind: EngineKind,
    pub(super) settings: Settings,
    pub(super) faults: Arc<Faults>,
    store: Option<Arc<Embedded>>,
    /// The clock, in ms; every batch moves it on by one.
    pub(super) now: i64,
}

/// A handle.
pub(super) fn handle(name: &str) -> Handle {
    Handle::new(name).unwrap()
}

/// A message of plain text.
pub(super) fn text(target: Target, words: &str) -> SendMessage {
    SendMessage { target, content: Content::text(words), client_id: None, key: None, reads: false }
}

impl World {
    pub(super) fn new(kind: EngineKind) -> Self {
        let settings = Settings {
            node: 1,
            demo: false,
            message_limit: 64 * 1024,
            group_members: 8,
            direct_policy: DirectPolicy::Open,
            request_ttl: Duration::from_hours(7 * 24),
            keep_keys: Duration::from_hours(24),
        };
        let directory = new_directory();
        let mut world = Self { directory, kind, settings, faults: Arc::default(), store: None, now: START };
        world.reopen();
        world
    }

    /// Ends the store as a kill would, and opens it anew, with the settings as they are now.
    pub(super) fn reopen(&mut self) {
        self.try_reopen().unwrap();
    }

    pub(super) fn try_reopen(&mut self) -> Result<(), StoreError> {
        drop(self.store.take());
        self.faults.heal();
        let engine: Arc<dyn Engine> = Arc::new(Double::open(self.kind, self.directory.path(), &self.faults));
        self.store = Some(Arc::new(Embedded::open(engine, self.settings.clone())?));
        Ok(())
    }

    /// Closes the store, and has `koine store check` look at it.
    pub(super) fn checked(mut self) -> Report {
        drop(self.store.take());
        let engine = Double::open(self.kind, self.directory.path(), &self.faults);
        check(&engine, None, 10, &mut Silent)
    }

    /// Over which engine the store is.
    pub(super) const fn kind(&self) -> EngineKind {
        self.kind
    }

    /// The bare engine, while the store is closed.
    pub(super) fn with_engine(&mut self, change: impl FnOnce(&dyn Engine)) {
        drop(self.store.take());
        change(&Double::open(self.kind, self.directory.path(), &self.faults));
    }

    pub(super) fn store(&self) -> Arc<Embedded> {
        self.store.clone().unwrap()
    }

    // Changing

    /// Applies a batch.
    pub(super) fn batch(&mut self, ops: Vec<(Option<UserId>, Action)>) -> Vec<Applied> {
        self.now += 1;
        let ops = ops.into_iter().map(|(by, action)| Op { by, action }).collect();
        self.store().apply(Timestamp::from_millis(self.now), ops)
    }

    /// Applies one operation.
    pub(super) fn apply(&mut self, by: impl Into<Option<UserId>>, action: Action) -> Applied {
        self.batch(vec![(by.into(), action)]).pop().unwrap()
    }

    pub(super) fn outcome(&mut self, by: impl Into<Option<UserId>>, action: Action) -> Result<Outcome, ErrorKind> {
        self.apply(by, action).result.map_err(|error| error.kind())
    }

    /// Applies an operation that must succeed.
    pub(super) fn reply(&mut self, by: impl Into<Option<UserId>>, action: Action) -> Reply {
        match self.outcome(by, action) {
            Ok(Outcome::Reply(reply)) => reply,
            other => panic!("not a reply: {other:?}"),
        }
    }

    /// Applies an operation that must be refused.
    #[track_caller]
    pub(super) fn refused(&mut self, by: impl Into<Option<UserId>>, action: Action) -> ErrorKind {
        let applied = self.apply(by, action);
        assert!(applied.effects.is_empty(), "a refusal tells nobody: {:?}", applied.effects);
        applied.result.expect_err("it was not refused").kind()
    }

    /// Applies an operation that must succeed; what is to be told.
    pub(super) fn told(&mut self, by: impl Into<Option<UserId>>, action: Action) -> Vec<Effect> {
        let applied = self.apply(by, action);
        applied.result.unwrap();
        applied.effects
    }

    pub(super) fn flush(&self, durable: bool) {
        self.store().flush(durable).unwrap();
    }

    pub(super) fn user(&mut self, name: &str) -> UserId {
        match self.reply(None, register(name, None)) {
            Reply::Registered { user, new: true } => user.id,
            other => panic!("not a new user: {other:?}"),
        }
    }

    pub(super) fn users<const N: usize>(&mut self, names: [&str; N]) -> [UserId; N] {
        names.map(|name| self.user(name))
    }

    /// Opens the direct conversation of two users.
    pub(super) fn direct(&mut self, by: UserId, with: UserId) -> ConversationId {
        let opened = self.reply(by, Action::OpenDirect { with: UserKey::Id(with), name: None });
        opened.into_opened().unwrap().row.conversation.id
    }

    pub(super) fn group(&mut self, manager: UserId, members: &[UserId]) -> ConversationId {
        let members = members.iter().copied().map(UserKey::Id).collect();
        let opened = self.reply(manager, Action::CreateGroup { name: "group".into(), members, number: None });
        opened.into_opened().unwrap().row.conversation.id
    }

    pub(super) fn send(&mut self, by: UserId, send: SendMessage) -> Result<Sent, ErrorKind> {
        match self.outcome(by, Action::Send(send))? {
            Outcome::Reply(Reply::Sent(sent)) => Ok(sent),
            other => panic!("not sent: {other:?}"),
        }
    }

    /// Says something in a conversation.
    #[track_caller]
    pub(super) fn say(&mut self, by: UserId, conversation: ConversationId, words: &str) -> Sent {
        self.send(by, text(Target::Conversation(conversation), words)).unwrap()
    }

    /// Writes to a user.
    #[track_caller]
    pub(super) fn tell(&mut self, by: UserId, to: UserId, words: &str) -> Sent {
        self.send(by, text(Target::User(UserKey::Id(to)), words)).unwrap()
    }

    /// Replies, as dialects do that cannot mark.
    pub(super) fn answer(&mut self, by: UserId, conversation: ConversationId, words: &str) -> Sent {
        self.send(by, SendMessage { reads: true, ..text(Target::Conversation(conversation), words) }).unwrap()
    }

    pub(super) fn mark_read(&mut self, by: UserId, conversation: ConversationId) -> u64 {
        match self.reply(by, Action::MarkRead(ChatKey::Conversation(conversation))) {
            Reply::Marked(count) => count,
            other => panic!("not marked: {other:?}"),
        }
    }

    pub(super) fn confirm(&mut self, by: UserId, conversation: ConversationId, first: u64, last: u64) {
        self.confirm_as(by, &[(conversation, first, last)], false, true);
    }

    pub(super) fn confirm_as(
        &mut self,
        by: UserId,
        ranges: &[(ConversationId, u64, u64)],
        read: bool,
        durable: bool,
    ) -> Vec<Effect> {
        self.told(by, Action::Confirm { receipt: Receipt { ranges: ranges.to_vec() }, read, durable })
    }

    /// The number of the request that an operation makes.
    pub(super) fn request(&mut self, by: UserId, action: Action) -> RequestId {
        match self.reply(by, action) {
            Reply::Requested(request) => request.id,
            other => panic!("not requested: {other:?}"),
        }
    }

    // Asking

    pub(super) fn find(&self, id: UserId) -> Arc<User> {
        self.store().user(&UserKey::Id(id)).unwrap().unwrap()
    }

    pub(super) fn rows(&self, user: UserId, hidden: bool) -> Vec<ConversationRow> {
        let (total, rows) = self.store().conversations(user, Paging::All, true, hidden).unwrap();
        let rows = rows.collect_all().unwrap();
        assert_eq!(total, rows.len() as u64);
        rows
    }

    #[track_caller]
    pub(super) fn row(&self, user: UserId, conversation: ConversationId) -> ConversationRow {
        self.rows(user, true).into_iter().find(|row| row.conversation.id == conversation).expect("the user's row")
    }

    #[track_caller]
    pub(super) fn unread(&self, user: UserId, conversation: ConversationId) -> u64 {
        self.row(user, conversation).unread
    }

    /// What is pending for a user, oldest first.
    pub(super) fn pending(&self, user: UserId) -> Vec<String> {
        let page =
            self.store().pending(user, PendingScope::All, &rustc_hash::FxHashMap::default(), usize::MAX).unwrap();
        let pending: Vec<_> =
            page.messages.iter().map(|(message, _, _)| message.content.as_text().to_owned()).collect();
        let pulled = words(self.pull(user, PullFilter::All, usize::MAX));
        assert_eq!(pending, pulled, "both ways to ask what is pending");
        pending
    }

    pub(super) fn pull(&self, user: UserId, filter: PullFilter, limit: usize) -> MessageList {
        self.store().pull(user, filter, limit).unwrap()
    }

    /// A conversation's messages, newest first, as a user sees them.
    #[track_caller]
    pub(super) fn entries(&self, user: UserId, conversation: ConversationId) -> Vec<LogEntry> {
        let list = self.store().history(user, conversation, Paging::All).unwrap();
        let total = list.total;
        let entries = list.rows.collect_all().unwrap();
        assert_eq!(total, entries.len() as u64);
        entries
    }

    #[track_caller]
    pub(super) fn history(&self, user: UserId, conversation: ConversationId) -> Vec<String> {
        self.entries(user, conversation).iter().map(|entry| entry.message.content.as_text().to_owned()).collect()
    }

    /// A user's messages, newest first.
    pub(super) fn timeline(&self, user: UserId) -> Vec<String> {
        words(self.store().timeline(user, None, Paging::All).unwrap())
    }
}

/// A directory in memory where there is such a thing: what a process leaves behind is the same there, and
/// hundreds of stores are made faster.
fn new_directory() -> TempDir {
    let memory = std::path::Path::new("/dev/shm");
    tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()).unwrap()
}

/// What the messages of a list say.
pub(super) fn words(list: MessageList) -> Vec<String> {
    let entries = list.rows.collect_all().unwrap();
    entries.iter().map(|entry| entry.message.content.as_text().to_owned()).collect()
}

/// Registering a user who must be new.
pub(super) fn register(name: &str, number: Option<UserId>) -> Action {
    register_as(name, number, Existing::Refuse, None)
}

/// Registering a user.
pub(super) fn register_as(name: &str, number: Option<UserId>, existing: Existing, app: Option<&str>) -> Action {
    let register =
        Box::new(Register { handle: handle(name), profile: Profile::default(), app: app.map(Into::into), existing });
    Action::Register { register, number, merge_apps: false, known_only: false }
}
