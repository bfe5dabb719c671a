//! The domain's store over an embedded key-value engine.
//!
//! One writer decides operations and commits them in batches; readers ask snapshots. What is committed and written
//! within a second only (heads, which messages are their senders' own, deliveries) readers find in `shared`, and the
//! process after a crash in the log (`catch_up`).

pub(in crate::store) mod catch_up;
mod chat;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod group;
pub(in crate::store) mod keys;
mod merge;
mod message_ids;
mod query;
pub(in crate::store) mod ranges;
mod read;
pub(in crate::store) mod records;
mod request;
mod rows;
mod send;
mod shared;
pub(in crate::store) mod spaces;
mod user;
mod view;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use koine_core::{Error, ErrorKind, Timestamp, User, UserKey};
use parking_lot::Mutex;

use self::message_ids::MessageIds;
pub(in crate::store) use self::message_ids::{KEY as MESSAGE_IDS, tick_of};
use self::records::{Record, RequestRecord};
use self::shared::Shared;
pub(in crate::store) use self::writer::COUNTERS;
use self::writer::{Failure, Writer};
use super::engine::{Batch, Durability, Engine, Space};
use super::{Action, Applied, Effect, Op, Outcome, Store, StoreError};
use crate::complaint::Complaint;
use crate::config::DirectPolicy;

/// The version of the layout of keys and records.
pub(in crate::store) const SCHEMA: u64 = 2;
pub(in crate::store) const SCHEMA_KEY: &[u8] = b"schema";
/// There while a store is being filled by an import.
pub(in crate::store) const IMPORTING: &[u8] = b"importing";

/// What the store decides by.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The node's number, part of every message id.
    pub node: u8,
    /// Whether users come into being when they are first written to.
    pub demo: bool,
    /// The largest content of a message, in bytes.
    pub message_limit: usize,
    /// The most members of one group.
    pub group_members: usize,
    /// Who may send direct messages to whom.
    pub direct_policy: DirectPolicy,
    /// How long requests can be decided.
    pub request_ttl: Duration,
    /// How long idempotency keys are kept at least.
    pub keep_keys: Duration,
}

impl Settings {
    /// The settings of a configuration.
    pub fn new(config: &crate::config::Config, demo: bool) -> Self {
        Self {
            node: config.node,
            demo,
            message_limit: config.limits.message,
            group_members: config.limits.group_members,
            direct_policy: config.policy.direct,
            request_ttl: config.policy.request_ttl,
            keep_keys: config.store.keep_keys,
        }
    }
}

/// The domain's store over an embedded engine.
pub struct Embedded {
    engine: Arc<dyn Engine>,
    shared: Arc<Shared>,
    writer: Mutex<Writer>,
    settings: Settings,
    totals: (AtomicU64, AtomicU64),
    now: AtomicU64,
}

impl Embedded {
    /// Opens the domain's store on an engine; a newer layout is refused.
    pub fn open(engine: Arc<dyn Engine>, settings: Settings) -> Result<Self, StoreError> {
        check_schema(engine.as_ref())?;
        catch_up::catch_up(engine.as_ref())?;
        let (mark, shown) = match engine.get(spaces::META, message_ids::KEY)? {
            Some(bytes) => match Vec::<u64>::decode(&bytes)?.as_slice() {
                [mark, shown] => (*mark, i64::try_from(*shown).unwrap_or(0)),
                _ => return Err(StoreError::corrupt("the mark of message ids cannot be read")),
            },
            None => (0, 0),
        };
        let shared = Arc::new(Shared::new());
        let ids = MessageIds::new(settings.node, mark, shown);
        let writer = Writer::new(engine.clone(), settings.clone(), shared.clone(), ids)?;
        let (users, conversations) = writer.totals();
        Ok(Self {
            engine,
            shared,
            writer: Mutex::new(writer),
            settings,
            totals: (AtomicU64::new(users), AtomicU64::new(conversations)),
            now: AtomicU64::new(u64::try_from(shown).unwrap_or(0)),
        })
    }

    fn totals(&self) -> (u64, u64) {
        (self.totals.0.load(Ordering::Relaxed), self.totals.1.load(Ordering::Relaxed))
    }

    fn is_expired(&self, record: &RequestRecord) -> bool {
        let now = i64::try_from(self.now.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        request::is_expired(record, now, self.settings.request_ttl)
    }

    /// Decides a batch and commits it; `None` if the store failed on the way.
    fn try_apply(writer: &mut Writer, now: Timestamp, ops: &[Op]) -> Result<Vec<Applied>, StoreError> {
        writer.begin(now)?;
        let mut applied = Vec::with_capacity(ops.len());
        for op in ops {
            let mut effects = Vec::new();
            match writer.decide(op, &mut effects) {
                Ok(outcome) => applied.push(Applied { result: Ok(outcome), effects }),
                Err(Failure::Refused(error)) => applied.push(Applied { result: Err(error), effects: Vec::new() }),
                Err(Failure::Store(error)) => {
                    writer.forget();
                    return Err(error);
                }
            }
        }
        writer.commit()?;
        Ok(applied)
    }
}

impl Store for Embedded {
    fn apply(&self, now: Timestamp, ops: Vec<Op>) -> Vec<Applied> {
        let mut writer = self.writer.lock();
        let applied = match Self::try_apply(&mut writer, now, &ops) {
            Ok(applied) => applied,
            // One damaged record must not fail what happens to share its batch.
            Err(error) if ops.len() > 1 && self.engine.health().is_ok() => {
                tracing::error!(%error, "a batch failed: its operations are tried one by one");
                let mut applied = Vec::with_capacity(ops.len());
                for op in ops {
                    match Self::try_apply(&mut writer, now, std::slice::from_ref(&op)) {
                        Ok(one) => applied.extend(one),
                        Err(error) => applied.push(Applied { result: Err(error.into()), effects: Vec::new() }),
                    }
                }
                applied
            }
            Err(error) => {
                static COMPLAINT: Complaint = Complaint::new();
                if let Some(unlogged) = COMPLAINT.due() {
                    tracing::error!(%error, unlogged, "the store failed to commit");
                }
                let failed = || Applied { result: Err(Error::new(ErrorKind::Unavailable)), effects: Vec::new() };
                ops.iter().map(|_| failed()).collect()
            }
        };
        let (users, conversations) = writer.totals();
        self.totals.0.store(users, Ordering::Relaxed);
        self.totals.1.store(conversations, Ordering::Relaxed);
        self.now.store(u64::try_from(writer.now.as_millis()).unwrap_or(0), Ordering::Relaxed);
        applied
    }

    fn flush(&self, durable: bool) -> Result<(), StoreError> {
        let mut writer = self.writer.lock();
        if durable || writer.is_waiting() {
            writer.flush(durable)?;
        }
        if !durable {
            writer.learn();
        }
        Ok(())
    }

    fn max_batch(&self) -> usize {
        self.engine.max_batch()
    }

    fn health(&self) -> Result<(), StoreError> {
        Ok(self.engine.health()?)
    }

    fn revocation_epoch(&self) -> u64 {
        self.shared.revocations.load(Ordering::Acquire)
    }

    fn cached_user(&self, key: &UserKey) -> Option<Arc<User>> {
        match key {
            UserKey::Id(id) => self.shared.user(*id),
            UserKey::Handle(handle) => self.shared.user(self.shared.user_id(handle)?),
        }
    }

    fn makes_targets(&self) -> bool {
        self.settings.demo
    }
}

impl Writer {
    fn decide(&mut self, op: &Op, effects: &mut Vec<Effect>) -> Result<Outcome, Failure> {
        let by = op.by;
        match &op.action {
            Action::Register { register, number, merge_apps, known_only } => {
                self.register(register, *number, *merge_apps, *known_only)
            }
            Action::UpdateUser(user, patch) => self.update_user(user, patch),
            Action::SetDisabled(user, disabled) => self.set_disabled(user, *disabled, effects),
            Action::OpenDirect { with, name } => self.open_direct(by, with, name.clone(), effects),
            Action::CreateGroup { name, members, number } => self.create_group(by, name, members, *number, effects),
            Action::RenameGroup(group, name) => self.rename_group(by, *group, name),
            Action::Leave(group) => self.leave(by, *group, effects),
            Action::RemoveMember(group, user) => self.remove_member(by, *group, user, effects),
            Action::Dissolve(group) => self.dissolve(by, *group, effects),
            Action::Invite(group, user, note) => self.invite(by, *group, user, note.clone(), effects),
            Action::Join(group, note) => self.join(by, *group, note.clone(), effects),
            Action::Befriend(with, note) => self.befriend(by, with, note.clone(), effects),
            Action::Decide { request, answer, groups_only, friends_only } => {
                self.decide_request(by, *request, *answer, !friends_only, !groups_only, effects)
            }
            Action::Unfriend(with) => self.unfriend(by, with, effects),
            Action::Block(user) => self.block(by, user, true),
            Action::Unblock(user) => self.block(by, user, false),
            Action::Send(send) => self.send(by, send, effects),
            Action::MarkRead(chat) => self.mark_read(by, *chat, effects),
            Action::HideChat(chat) => self.hide_chat(by, *chat),
            Action::Confirm { receipt, read, durable } => self.confirm(by, receipt, *read, *durable, effects),
            Action::Acknowledge(wire_ids) => self.acknowledge(by, wire_ids),
            Action::ReserveMessageId => {
                let id = self.ids.next(self.now);
                Ok(Outcome::Reply(koine_core::Reply::MessageId(id)))
            }
            Action::Attach(attach) => self.attach(by, attach, effects),
            Action::AddToken { user, hash, dialect, expires } => self.add_token(user, *hash, *dialect, *expires),
            Action::RevokeToken(id) => self.revoke_token(*id),
            Action::AddFile { file, user_quota, total_quota } => self.add_file(file, *user_quota, *total_quota),
            Action::LoadMarks(groups) => self.load_marks(groups),
            Action::Ensure(handle) => {
                let user = self.ensure_user(handle)?;
                Ok(Outcome::Reply(koine_core::Reply::User(user)))
            }
        }
    }
}

/// The space of the idempotency keys of one day.
pub(in crate::store) fn key_space(day: u32) -> Space {
    Space::dated("keys", day)
}

fn check_schema(engine: &dyn Engine) -> Result<(), StoreError> {
    if engine.get(spaces::META, IMPORTING)?.is_some() {
        return Err(StoreError::Unfinished);
    }
    match engine.get(spaces::META, SCHEMA_KEY)? {
        None => {
            let mut batch = Batch::new();
            batch.put(spaces::META, SCHEMA_KEY, SCHEMA.to_be_bytes());
            Ok(engine.commit(batch, Durability::Sync)?)
        }
        Some(bytes) => match keys::read_number(&bytes) {
            Some(SCHEMA) => Ok(()),
            Some(found) if found > SCHEMA => Err(StoreError::Newer { found, known: SCHEMA }),
            Some(found @ 1..) => Err(StoreError::Older { found, known: SCHEMA }),
            Some(0) | None => Err(StoreError::corrupt("the schema version cannot be read")),
        },
    }
}
