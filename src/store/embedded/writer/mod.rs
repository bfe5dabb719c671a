//! The one writer: decides operations in order against what is committed and what the batch has
//! changed so far, and commits the batch.

mod commit;
mod conversations;
mod known;
mod members;
mod numbers;
mod recent;
mod view;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use koine_core::{Conversation, ConversationId, Error, ErrorKind, Handle, Timestamp, User, UserId, UserKey};
use rustc_hash::FxHashMap;

use self::known::Known;
use self::numbers::Counters;
pub(in crate::store) use self::numbers::KEY as COUNTERS;
use self::recent::Recent;
use super::keys::Sort;
use super::message_ids::MessageIds;
use super::records::{ConversationRecord, Head, KeyRecord, MemberRecord, PlacesRecord, Record, UserRecord};
use super::shared::Shared;
use super::view::View;
use super::{Settings, key_space, keys, spaces};
use crate::store::StoreError;
use crate::store::engine::{Batch, Engine, Space};

/// What a filter of the ids that clients chose takes, in bytes, and one of a day's idempotency keys.
const FILTER_OF_IDS: usize = 8 << 20;
const FILTER_OF_KEYS: usize = 2 << 20;

/// Keys that filters read at a time.
const READ_ON: usize = 10_000;

/// The one writer.
pub(crate) struct Writer {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) settings: Settings,
    pub(super) shared: Arc<Shared>,
    pub(super) ids: MessageIds,
    pub(super) now: Timestamp,
    counters: Counters,
    /// The counters on the disk.
    counters_written: Counters,
    /// What the batch changes.
    staged: Batch,
    /// What may wait a second.
    lazy: Batch,
    /// Users the batch changes, for readers to know once it is committed.
    changed_users: FxHashMap<UserId, Arc<User>>,
    /// How often a user has changed, or seemed to.
    user_changes: u64,
    /// Handles the batch adds.
    new_handles: HashMap<Handle, UserId>,
    conversations: FxHashMap<ConversationId, ConversationState>,
    members: FxHashMap<(UserId, ConversationId), MemberState>,
    pairs: FxHashMap<(UserId, UserId), ConversationId>,
    blockers: FxHashMap<UserId, Arc<HashSet<UserId>>>,
    /// Members of a group who have blocked a sender.
    blocking: FxHashMap<ConversationId, HashMap<UserId, Arc<[UserId]>>>,
    /// Members whose record must be written with the batch.
    due: Vec<(UserId, ConversationId)>,
    /// Members whom the batch changes and whose record may wait.
    later: Vec<(UserId, ConversationId)>,
    /// Memberships that the batch ends.
    ended: Vec<(UserId, ConversationId)>,
    /// Conversations whose heads the batch moves. Heads may wait: the batch's places tell of them.
    moved: Vec<ConversationId>,
    /// Where the latest messages are.
    recent: Recent,
    /// Where the batch's messages are, and the id of the first.
    placed: PlacesRecord,
    first_placed: Option<u64>,
    /// The id of the batch's last message.
    placing: u64,
    /// The id of the last message of all that are committed.
    last_placed: u64,
    /// Messages the batch adds.
    pub(super) appended: u64,
    batch: u64,
    swept_on: Option<u32>,
    /// Which ids clients have chosen.
    known_ids: Known,
    /// Which idempotency keys there are, by day.
    known_keys: Vec<(u32, Known)>,
    /// Whether the batch takes a right away from somebody.
    pub(super) revoked: bool,
}

/// A conversation as the writer remembers it.
struct ConversationState {
    record: ConversationRecord,
    head: Head,
    /// Whether the batch moves the head.
    moved: bool,
    /// As participants know it, and how many changes of users it has seen.
    view: Option<(Arc<Conversation>, u64)>,
    used: u64,
}

impl ConversationState {
    const fn touched(&mut self, batch: u64) -> &mut Self {
        self.used = batch;
        self
    }
}

/// A membership as the writer remembers it.
struct MemberState {
    record: MemberRecord,
    sort: Sort,
    due: bool,
    later: bool,
    used: u64,
}

impl MemberState {
    const fn new(record: MemberRecord, sort: Sort, used: u64) -> Self {
        Self { record, sort, due: false, later: false, used }
    }

    const fn touched(&mut self, batch: u64) -> &mut Self {
        self.used = batch;
        self
    }
}

impl Writer {
    /// A writer on an engine whose schema has been checked.
    pub(super) fn new(
        engine: Arc<dyn Engine>,
        settings: Settings,
        shared: Arc<Shared>,
        ids: MessageIds,
    ) -> Result<Self, StoreError> {
        let counters = Counters::read(engine.as_ref())?;
        Ok(Self {
            engine,
            settings,
            shared,
            ids,
            now: Timestamp::from_millis(0),
            counters,
            counters_written: counters,
            staged: Batch::new(),
            lazy: Batch::new(),
            changed_users: FxHashMap::default(),
            user_changes: 0,
            new_handles: HashMap::new(),
            conversations: FxHashMap::default(),
            members: FxHashMap::default(),
            pairs: FxHashMap::default(),
            blockers: FxHashMap::default(),
            blocking: FxHashMap::default(),
            due: Vec::new(),
            later: Vec::new(),
            ended: Vec::new(),
            moved: Vec::new(),
            recent: Recent::default(),
            placed: PlacesRecord::default(),
            first_placed: None,
            placing: 0,
            last_placed: 0,
            appended: 0,
            batch: 0,
            swept_on: None,
            known_ids: Known::new(spaces::WIRE_IDS, FILTER_OF_IDS),
            known_keys: Vec::new(),
            revoked: false,
        })
    }

    /// Begins a batch.
    pub(super) fn begin(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.now = self.ids.shown_time(now);
        self.batch += 1;
        self.drop_old_keys()
    }

    /// The day that idempotency keys are kept under now.
    pub(super) fn today(&self) -> u32 {
        u32::try_from(self.now.as_millis() / 86_400_000).unwrap_or(0)
    }

    /// The days whose idempotency keys are kept, the latest first.
    pub(super) fn key_days(&self) -> impl Iterator<Item = u32> + use<> {
        let today = self.today();
        let kept = self.kept_days();
        (0..=kept).filter_map(move |back| today.checked_sub(back))
    }

    fn kept_days(&self) -> u32 {
        u32::try_from(self.settings.keep_keys.as_secs().div_ceil(86_400)).unwrap_or(u32::MAX)
    }

    /// Whether there may be an idempotency key of a day.
    pub(super) fn may_hold_key(&self, day: u32, key: &[u8]) -> bool {
        self.known_keys.iter().find(|(known, _)| *known == day).is_none_or(|(_, known)| known.may_hold(key))
    }

    /// Reads on in the spaces that filters do not know yet. Where that fails, the engine is asked as before.
    pub(crate) fn learn(&mut self) {
        let keys = self.known_keys.iter_mut().map(|(_, known)| known);
        for known in std::iter::once(&mut self.known_ids).chain(keys) {
            if let Err(error) = known.read_on(self.engine.as_ref(), READ_ON) {
                tracing::debug!(%error, "a filter could not be filled");
            }
        }
    }

    /// Drops the idempotency keys of days that are too long ago, once a day.
    fn drop_old_keys(&mut self) -> Result<(), StoreError> {
        let today = self.today();
        if self.swept_on == Some(today) {
            return Ok(());
        }
        self.swept_on = Some(today);
        let kept: Vec<u32> = self.key_days().collect();
        self.known_keys.retain(|(day, _)| kept.contains(day));
        for day in kept {
            if self.known_keys.iter().all(|(known, _)| *known != day) {
                self.known_keys.push((day, Known::new(key_space(day), FILTER_OF_KEYS)));
            }
        }
        self.learn();
        let oldest = today.saturating_sub(self.kept_days());
        for name in self.engine.spaces()? {
            if let Some(space) = Space::of_family("keys", &name)
                && space.day().is_some_and(|day| day < oldest)
            {
                self.engine.drop_space(space)?;
            }
        }
        Ok(())
    }

    // Writing

    /// Sets a key with the batch.
    pub(super) fn put<R: Record>(&mut self, space: Space, key: Vec<u8>, record: &R) -> Result<(), StoreError> {
        self.staged.put(space, key, record.encode()?);
        Ok(())
    }

    /// Sets a key to raw bytes with the batch.
    pub(super) fn put_raw(&mut self, space: Space, key: Vec<u8>, value: Vec<u8>) {
        self.staged.put(space, key, value);
    }

    /// Writes an idempotency key with the batch.
    pub(super) fn put_key(&mut self, key: Vec<u8>, record: &KeyRecord) -> Result<(), StoreError> {
        let today = self.today();
        if let Some((_, known)) = self.known_keys.iter_mut().find(|(day, _)| *day == today) {
            known.insert(&key);
        }
        self.put(key_space(today), key, record)
    }

    /// Sets a key within a second; what is staged later for the same key wins.
    pub(super) fn put_lazily<R: Record>(&mut self, space: Space, key: Vec<u8>, record: &R) -> Result<(), StoreError> {
        self.lazy.put(space, key, record.encode()?);
        Ok(())
    }

    /// Removes a key with the batch.
    pub(super) fn delete(&mut self, space: Space, key: Vec<u8>) {
        self.lazy.leave(space, &key);
        self.staged.delete(space, key);
    }

    // Users

    /// Writes a user with the batch.
    pub(super) fn put_user(&mut self, user: User, app: Option<String>) -> Result<Arc<User>, StoreError> {
        let record = UserRecord {
            handle: user.handle.as_str().to_owned(),
            profile: user.profile.clone(),
            disabled: user.disabled,
            created: user.created.as_millis(),
            login: user.login.map(Timestamp::as_millis),
            app,
        };
        self.lazy.leave(spaces::USERS, &keys::user(user.id));
        self.put(spaces::USERS, keys::user(user.id), &record)?;
        let user = Arc::new(user);
        self.user_changes += 1;
        self.changed_users.insert(user.id, user.clone());
        Ok(user)
    }

    /// Writes a new user's handle with the batch.
    pub(super) fn put_handle(&mut self, handle: &Handle, id: UserId) {
        self.put_raw(spaces::HANDLES, handle.as_str().as_bytes().to_vec(), keys::number(id.get()));
        self.new_handles.insert(handle.clone(), id);
    }

    /// Notes a user's login within a second.
    pub(super) fn note_login(&mut self, user: &Arc<User>) -> Result<(), StoreError> {
        let Some(mut record) = self.record::<UserRecord>(spaces::USERS, &keys::user(user.id))? else { return Ok(()) };
        record.login = Some(self.now.as_millis());
        let changed = Arc::new(User { login: Some(self.now), ..User::clone(user) });
        self.put_lazily(spaces::USERS, keys::user(user.id), &record)?;
        self.user_changes += 1;
        self.changed_users.insert(user.id, changed);
        Ok(())
    }

    /// A user that the caller names.
    pub(super) fn require_user(&self, key: &UserKey) -> Result<Arc<User>, Failure> {
        Ok(self.find_user(key)?.ok_or(ErrorKind::UserNotFound)?)
    }

    /// The acting user.
    pub(super) fn actor(&self, by: Option<UserId>) -> Result<Arc<User>, Failure> {
        let user = self.require_user(&UserKey::Id(by.ok_or(ErrorKind::Unauthenticated)?))?;
        if user.disabled { Err(ErrorKind::UserDisabled.into()) } else { Ok(user) }
    }
}

/// Why an operation was not carried out: for its asker, or because the store failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The asker's own.
    Refused(Error),
    /// The store's.
    Store(StoreError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<ErrorKind> for Failure {
    fn from(kind: ErrorKind) -> Self {
        Self::Refused(kind.into())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
