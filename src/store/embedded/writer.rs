//! The one writer: decides operations in order against what is committed and what the batch has
//! changed so far, and commits the batch.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use koine_core::{
    ChatId, Conversation, ConversationId, Error, ErrorKind, Handle, RequestId, Shape, Timestamp, User, UserId, UserKey,
};

use super::keys::{self, Sort};
use super::message_ids::MessageIds;
use super::records::{ConversationRecord, Head, MemberRecord, Record, ShapeRecord, UserRecord};
use super::shared::Shared;
use super::view::{View, read_user};
use super::{Settings, spaces};
use crate::store::StoreError;
use crate::store::engine::{Batch, Direction, Durability, Engine, Pair, Space};

/// Memberships, conversations and pairs kept in memory between batches.
const CACHED: usize = 200_000;

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
    staged: BTreeMap<(Space, Vec<u8>), Option<Bytes>>,
    /// What may wait a second.
    lazy: BTreeMap<(Space, Vec<u8>), Option<Bytes>>,
    /// Users the batch changes, for readers to know once it is committed.
    changed_users: HashMap<UserId, Arc<User>>,
    /// Handles the batch adds.
    new_handles: HashMap<Handle, UserId>,
    conversations: HashMap<ConversationId, ConversationState>,
    members: HashMap<(UserId, ConversationId), MemberState>,
    pairs: HashMap<(UserId, UserId), ConversationId>,
    blockers: HashMap<UserId, Arc<HashSet<UserId>>>,
    /// Members of a group who have blocked a sender.
    blocking: HashMap<ConversationId, HashMap<UserId, Arc<[UserId]>>>,
    /// Members whose record must be written with the batch.
    due: Vec<(UserId, ConversationId)>,
    /// Members whose record may wait.
    later: HashSet<(UserId, ConversationId)>,
    /// Members whose record was written, and is kept for readers until the flush after it: their
    /// snapshot may be older than the write, but what they find must not be.
    lingering: HashSet<(UserId, ConversationId)>,
    /// Members of `later` or `lingering` whose record is written with the batch.
    settled: Vec<(UserId, ConversationId)>,
    /// Members of `later` or `lingering` whom the batch ends.
    ended: Vec<(UserId, ConversationId)>,
    /// Heads that must be written with the batch.
    heads_due: Vec<ConversationId>,
    /// Messages the batch adds.
    pub(super) appended: u64,
    batch: u64,
    swept_on: Option<u32>,
    /// Whether the batch takes a right away from somebody.
    pub(super) revoked: bool,
}

struct ConversationState {
    record: ConversationRecord,
    head: Head,
    head_due: bool,
    view: Option<Arc<Conversation>>,
    used: u64,
}

struct MemberState {
    record: MemberRecord,
    sort: Sort,
    due: bool,
    used: u64,
}

impl ConversationState {
    const fn touched(&mut self, batch: u64) -> &mut Self {
        self.used = batch;
        self
    }
}

impl MemberState {
    const fn touched(&mut self, batch: u64) -> &mut Self {
        self.used = batch;
        self
    }
}

/// Numbers that are handed out.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Counters {
    user: u64,
    conversation: u64,
    chat: u64,
    request: u64,
    token: u64,
    /// How many users there are; numbers may have been given from outside.
    users: u64,
    /// How many conversations there are or were.
    conversations: u64,
}

/// The highest number that may be given from outside, so that there are numbers after it.
const HIGHEST_GIVEN: u64 = u64::MAX >> 1;

const COUNTERS: &[u8] = b"counters";

impl Writer {
    /// A writer on an engine whose schema has been checked.
    pub(super) fn new(
        engine: Arc<dyn Engine>,
        settings: Settings,
        shared: Arc<Shared>,
        ids: MessageIds,
    ) -> Result<Self, StoreError> {
        let mut counters = Counters::default();
        if let Some(bytes) = engine.get(spaces::META, COUNTERS)? {
            let numbers: Vec<u64> = Vec::decode(&bytes)?;
            let [user, conversation, chat, request, token, users, conversations] = numbers[..] else {
                return Err(StoreError::corrupt("the counters cannot be read"));
            };
            counters = Counters { user, conversation, chat, request, token, users, conversations };
        }
        Ok(Self {
            engine,
            settings,
            shared,
            ids,
            now: Timestamp::from_millis(0),
            counters,
            counters_written: counters,
            staged: BTreeMap::new(),
            lazy: BTreeMap::new(),
            changed_users: HashMap::new(),
            new_handles: HashMap::new(),
            conversations: HashMap::new(),
            members: HashMap::new(),
            pairs: HashMap::new(),
            blockers: HashMap::new(),
            blocking: HashMap::new(),
            due: Vec::new(),
            later: HashSet::new(),
            lingering: HashSet::new(),
            settled: Vec::new(),
            ended: Vec::new(),
            heads_due: Vec::new(),
            appended: 0,
            batch: 0,
            swept_on: None,
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

    /// Drops the idempotency keys of days that are too long ago, once a day.
    fn drop_old_keys(&mut self) -> Result<(), StoreError> {
        let today = self.today();
        if self.swept_on == Some(today) {
            return Ok(());
        }
        self.swept_on = Some(today);
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

    /// Makes the batch durable. On failure everything that only memory knows is forgotten.
    pub(super) fn commit(&mut self) -> Result<(), StoreError> {
        let result = self.try_commit(Durability::Sync);
        if result.is_err() {
            self.forget();
        }
        result
    }

    /// Writes what may wait.
    pub(super) fn flush(&mut self, durable: bool) -> Result<(), StoreError> {
        let waiting: Vec<_> = self.later.drain().collect();
        for key in &waiting {
            self.stage_member(*key)?;
        }
        self.staged.append(&mut self.lazy);
        let result = self.try_commit(if durable { Durability::Sync } else { Durability::Lazy });
        match result {
            Ok(()) => {
                let waiting: HashSet<_> = waiting.into_iter().collect();
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
    pub(super) fn is_waiting(&self) -> bool {
        !self.later.is_empty() || !self.lazy.is_empty() || !self.lingering.is_empty()
    }

    fn try_commit(&mut self, durability: Durability) -> Result<(), StoreError> {
        self.settle()?;
        if self.counters != self.counters_written {
            let Counters { user, conversation, chat, request, token, users, conversations } = self.counters;
            let numbers = vec![user, conversation, chat, request, token, users, conversations];
            self.put(spaces::META, COUNTERS.to_vec(), &numbers)?;
        }
        let mark = self.ids.mark_to_write(!self.staged.is_empty());
        if let Some(mark) = &mark {
            self.put(spaces::META, super::message_ids::KEY.to_vec(), mark)?;
        }
        if !self.staged.is_empty() {
            let mut batch = Batch::new();
            for ((space, key), value) in std::mem::take(&mut self.staged) {
                match value {
                    Some(value) => batch.put(space, key, value),
                    None => batch.delete(space, key),
                }
            }
            self.engine.commit(batch, durability)?;
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
        for id in std::mem::take(&mut self.heads_due) {
            if let Some(state) = self.conversations.get_mut(&id) {
                state.head_due = false;
                let bytes = state.head.encode()?;
                self.staged.insert((spaces::HEADS, keys::conversation(id)), Some(bytes.into()));
            }
        }
        Ok(())
    }

    fn stage_member(&mut self, (user, conversation): (UserId, ConversationId)) -> Result<(), StoreError> {
        if let Some(state) = self.members.get_mut(&(user, conversation)) {
            state.due = false;
            let bytes = state.record.encode()?;
            self.staged.insert((spaces::CHATS, keys::chat(user, state.sort, conversation)), Some(bytes.into()));
        }
        Ok(())
    }

    /// Drops everything that is not committed.
    pub(super) fn forget(&mut self) {
        self.staged.clear();
        self.lazy.clear();
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

    // Writing

    /// Sets a key with the batch.
    pub(super) fn put<R: Record>(&mut self, space: Space, key: Vec<u8>, record: &R) -> Result<(), StoreError> {
        let bytes = record.encode()?;
        self.staged.insert((space, key), Some(bytes.into()));
        Ok(())
    }

    /// Sets a key to raw bytes with the batch.
    pub(super) fn put_raw(&mut self, space: Space, key: Vec<u8>, value: Vec<u8>) {
        self.staged.insert((space, key), Some(value.into()));
    }

    /// Sets a key within a second; what is staged later for the same key wins.
    pub(super) fn put_lazily<R: Record>(&mut self, space: Space, key: Vec<u8>, record: &R) -> Result<(), StoreError> {
        let bytes = record.encode()?;
        self.lazy.insert((space, key), Some(bytes.into()));
        Ok(())
    }

    /// Removes a key with the batch.
    pub(super) fn delete(&mut self, space: Space, key: Vec<u8>) {
        self.lazy.remove(&(space, key.clone()));
        self.staged.insert((space, key), None);
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
        self.lazy.remove(&(spaces::USERS, keys::user(user.id)));
        self.put(spaces::USERS, keys::user(user.id), &record)?;
        let user = Arc::new(user);
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

    // Numbers

    /// The next user number, or the given one if it is free.
    pub(super) fn next_user(&mut self, wanted: Option<UserId>) -> Result<UserId, Failure> {
        if let Some(id) = wanted {
            check_given(id.get())?;
            if self.user(id)?.is_some() {
                return Err(ErrorKind::UserExists.into());
            }
            self.counters.users += 1;
            self.counters.user = self.counters.user.max(id.get());
            return Ok(id);
        }
        self.counters.users += 1;
        self.counters.user += 1;
        Ok(UserId::new(self.counters.user))
    }

    /// The next conversation number, or the given one if it is free.
    pub(super) fn next_conversation(&mut self, wanted: Option<ConversationId>) -> Result<ConversationId, Failure> {
        if let Some(id) = wanted {
            check_given(id.get())?;
            if self.state(id)?.is_some() {
                return Err(Error::with_detail(ErrorKind::KeyConflict, "the group number is taken").into());
            }
            self.counters.conversations += 1;
            self.counters.conversation = self.counters.conversation.max(id.get());
            return Ok(id);
        }
        self.counters.conversations += 1;
        self.counters.conversation += 1;
        Ok(ConversationId::new(self.counters.conversation))
    }

    /// The next row number.
    pub(super) fn next_chat(&mut self) -> ChatId {
        self.counters.chat += 1;
        ChatId::new(self.counters.chat)
    }

    /// The next request number.
    pub(super) fn next_request(&mut self) -> RequestId {
        self.counters.request += 1;
        RequestId::new(self.counters.request)
    }

    /// The next token number.
    pub(super) fn next_token(&mut self) -> u64 {
        self.counters.token += 1;
        self.counters.token
    }

    /// How many users and conversations were ever made.
    pub(super) const fn totals(&self) -> (u64, u64) {
        (self.counters.users, self.counters.conversations)
    }

    // Conversations

    fn state(&mut self, id: ConversationId) -> Result<Option<&mut ConversationState>, StoreError> {
        if !self.conversations.contains_key(&id) {
            let Some(record) = self.conversation_record(id)? else { return Ok(None) };
            let head = self.head(id)?;
            self.conversations
                .insert(id, ConversationState { record, head, head_due: false, view: None, used: self.batch });
        }
        let batch = self.batch;
        let state = self.conversations.get_mut(&id);
        Ok(state.map(|state| state.touched(batch)))
    }

    /// A conversation's record.
    pub(super) fn find_conversation(&mut self, id: ConversationId) -> Result<Option<ConversationRecord>, StoreError> {
        Ok(self.state(id)?.map(|state| state.record.clone()))
    }

    /// A conversation's shape without copying its record: its sort, and whether it is a dissolved group.
    pub(super) fn sort(&mut self, id: ConversationId) -> Result<Option<(Sort, bool)>, StoreError> {
        Ok(self.state(id)?.map(|state| match &state.record.shape {
            ShapeRecord::Direct { .. } => (Sort::Direct, false),
            ShapeRecord::Group { dissolved, .. } => (Sort::Group, *dissolved),
        }))
    }

    /// Writes a conversation's record with the batch.
    pub(super) fn put_conversation(
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
            self.conversations.insert(id, ConversationState { record, head, head_due: false, view: None, used });
        }
        Ok(())
    }

    /// A conversation's head.
    pub(super) fn current_head(&mut self, id: ConversationId) -> Result<Head, StoreError> {
        Ok(self.state(id)?.map(|state| state.head).unwrap_or_default())
    }

    /// Moves a conversation's head with the batch.
    pub(super) fn put_head(&mut self, id: ConversationId, head: Head) -> Result<(), StoreError> {
        if let Some(state) = self.state(id)? {
            state.head = head;
            if !std::mem::replace(&mut state.head_due, true) {
                self.heads_due.push(id);
            }
        }
        Ok(())
    }

    /// A conversation as participants may know it now.
    pub(super) fn current_conversation(&mut self, id: ConversationId) -> Result<Arc<Conversation>, StoreError> {
        let missing = StoreError::corrupt("a conversation that is referred to is missing");
        let Some(state) = self.state(id)? else { return Err(missing) };
        let kept = state.view.clone();
        if let Some(view) = kept
            && self.is_fresh(&view)?
        {
            return Ok(view);
        }
        let Some(state) = self.state(id)? else { return Err(missing) };
        let record = state.record.clone();
        let view = Arc::new(self.conversation(id, &record)?);
        if let Some(state) = self.state(id)? {
            state.view = Some(view.clone());
        }
        Ok(view)
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
    pub(super) fn pair(&mut self, one: UserId, other: UserId) -> Result<Option<ConversationId>, StoreError> {
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

    // Members

    /// A membership, to look at.
    pub(super) fn membership(
        &mut self,
        user: UserId,
        sort: Sort,
        conversation: ConversationId,
    ) -> Result<Option<&MemberRecord>, StoreError> {
        Ok(self.member_state(user, sort, conversation)?.map(|state| &state.record))
    }

    fn member_state(
        &mut self,
        user: UserId,
        sort: Sort,
        conversation: ConversationId,
    ) -> Result<Option<&mut MemberState>, StoreError> {
        let key = (user, conversation);
        if !self.members.contains_key(&key) {
            let Some(record) = self.record(spaces::CHATS, &keys::chat(user, sort, conversation))? else {
                return Ok(None);
            };
            self.members.insert(key, MemberState { record, sort, due: false, used: self.batch });
        }
        let batch = self.batch;
        let state = self.members.get_mut(&key);
        Ok(state.map(|state| state.touched(batch)))
    }

    /// Changes a membership with the batch; `None` if there is none.
    pub(super) fn change_member<T>(
        &mut self,
        user: UserId,
        sort: Sort,
        conversation: ConversationId,
        change: impl FnOnce(&mut MemberRecord) -> T,
    ) -> Result<Option<T>, StoreError> {
        self.change(user, sort, conversation, true, change)
    }

    /// Changes a membership within a second; readers see it at once.
    pub(super) fn change_member_lazily<T>(
        &mut self,
        user: UserId,
        sort: Sort,
        conversation: ConversationId,
        change: impl FnOnce(&mut MemberRecord) -> T,
    ) -> Result<Option<T>, StoreError> {
        self.change(user, sort, conversation, false, change)
    }

    fn change<T>(
        &mut self,
        user: UserId,
        sort: Sort,
        conversation: ConversationId,
        with_batch: bool,
        change: impl FnOnce(&mut MemberRecord) -> T,
    ) -> Result<Option<T>, StoreError> {
        let Some(state) = self.member_state(user, sort, conversation)? else { return Ok(None) };
        let before = state.record.read;
        let result = change(&mut state.record);
        let after = state.record.read;
        let already_due = if with_batch { std::mem::replace(&mut state.due, true) } else { state.due };
        if with_batch && !already_due {
            self.due.push((user, conversation));
        } else if !with_batch && !already_due {
            let record = state.record.clone();
            self.shared.remember_member(user, conversation, record);
            self.later.insert((user, conversation));
        }
        if before != after && sort == Sort::Group {
            self.shared.marks.moved(conversation, before, after);
        }
        Ok(Some(result))
    }

    /// Makes a user a member, entitled to what comes after the head.
    pub(super) fn add_member(
        &mut self,
        user: UserId,
        sort: Sort,
        conversation: ConversationId,
    ) -> Result<(), StoreError> {
        let joined = self.current_head(conversation)?.seq;
        let chat = self.next_chat();
        let record = MemberRecord::new(chat.get(), self.now.as_millis(), joined);
        let name = [keys::chat(user, sort, conversation)].concat();
        self.put_raw(spaces::CHAT_IDS, keys::number(chat.get()), name);
        if sort == Sort::Group {
            self.put(spaces::MEMBERS, keys::member(conversation, chat), &user.get())?;
            self.shared.marks.joined(conversation, joined);
            self.blocking.remove(&conversation);
        }
        self.put(spaces::CHATS, keys::chat(user, sort, conversation), &record)?;
        self.members.insert((user, conversation), MemberState { record, sort, due: false, used: self.batch });
        Ok(())
    }

    /// Ends a user's membership.
    pub(super) fn drop_member(
        &mut self,
        user: UserId,
        sort: Sort,
        conversation: ConversationId,
    ) -> Result<(), StoreError> {
        let Some(record) = self.membership(user, sort, conversation)?.cloned() else { return Ok(()) };
        let chat = ChatId::new(record.chat);
        self.delete(spaces::CHATS, keys::chat(user, sort, conversation));
        self.delete(spaces::CHAT_IDS, keys::number(chat.get()));
        self.delete(spaces::MEMBERS, keys::member(conversation, chat));
        self.members.remove(&(user, conversation));
        self.due.retain(|key| *key != (user, conversation));
        if self.later.remove(&(user, conversation)) || self.lingering.remove(&(user, conversation)) {
            self.ended.push((user, conversation));
        }
        self.blocking.remove(&conversation);
        self.shared.marks.left(conversation, record.read);
        Ok(())
    }

    /// The members of a group, by joining.
    pub(super) fn members_of(&mut self, group: ConversationId) -> Result<Vec<UserId>, StoreError> {
        let mut members = Vec::new();
        self.each_with_prefix(spaces::MEMBERS, &keys::conversation(group), |_, value| {
            members.push(UserId::new(u64::decode(value)?));
            Ok(())
        })?;
        Ok(members)
    }

    /// A user's rows of one sort.
    pub(super) fn rows_of(&mut self, user: UserId, sort: Sort) -> Result<Vec<ConversationId>, StoreError> {
        let mut rows = Vec::new();
        self.each_with_prefix(spaces::CHATS, &keys::chats_of_sort(user, sort), |key, _| {
            rows.extend(keys::read_chat(key).map(|(_, _, conversation)| conversation));
            Ok(())
        })?;
        Ok(rows)
    }

    // Blocks

    /// Who has blocked a user.
    pub(super) fn blockers_of(&mut self, user: UserId) -> Result<Arc<HashSet<UserId>>, StoreError> {
        if let Some(known) = self.blockers.get(&user) {
            return Ok(known.clone());
        }
        let mut blockers = HashSet::new();
        self.each_with_prefix(spaces::BLOCKED_BY, &keys::user(user), |key, _| {
            blockers.extend(keys::numbers(key).map(|(_, blocker)| UserId::new(blocker)));
            Ok(())
        })?;
        let blockers = Arc::new(blockers);
        self.blockers.insert(user, blockers.clone());
        Ok(blockers)
    }

    /// Forgets who has blocked a user, since it changes.
    pub(super) fn forget_blockers(&mut self, user: UserId) {
        self.blockers.remove(&user);
        self.blocking.clear();
    }

    /// The members of a group who have blocked one of its senders.
    pub(super) fn blocking_members(
        &mut self,
        sender: UserId,
        group: ConversationId,
    ) -> Result<Arc<[UserId]>, StoreError> {
        if let Some(known) = self.blocking.get(&group).and_then(|senders| senders.get(&sender)) {
            return Ok(known.clone());
        }
        let mut members = Vec::new();
        for blocker in self.blockers_of(sender)?.iter() {
            if self.membership(*blocker, Sort::Group, group)?.is_some() {
                members.push(*blocker);
            }
        }
        members.sort_unstable();
        let members: Arc<[UserId]> = members.into();
        self.blocking.entry(group).or_default().insert(sender, members.clone());
        Ok(members)
    }
}

impl View for Writer {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        if !self.staged.is_empty() || !self.lazy.is_empty() {
            let key = (space, key.to_vec());
            if let Some(waiting) = self.staged.get(&key).or_else(|| self.lazy.get(&key)) {
                return Ok(waiting.clone());
            }
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
        let bounds = (Bound::Included((space, from.to_vec())), Bound::Excluded((space, to.to_vec())));
        let range = (Bound::Included(from), Bound::Excluded(to));
        if from >= to {
            return Ok(Vec::new());
        }
        let mut changed: BTreeMap<&[u8], &Option<Bytes>> = BTreeMap::new();
        for map in [&self.lazy, &self.staged] {
            changed.extend(map.range(bounds.clone()).map(|((_, key), value)| (key.as_slice(), value)));
        }
        if changed.is_empty() {
            return Ok(self.engine.scan(space, range, direction, limit)?);
        }
        // What the batch removes makes room for what follows in the engine.
        let stored = self.engine.scan(space, range, direction, limit.saturating_add(changed.len()))?;
        let mut merged: BTreeMap<Bytes, Bytes> = stored.into_iter().collect();
        for (key, value) in changed {
            match value {
                Some(value) => merged.insert(Bytes::copy_from_slice(key), value.clone()),
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
            None => self.record(spaces::CHATS, &keys::chat(user, sort, conversation)),
        }
    }

    fn head(&self, id: ConversationId) -> Result<Head, StoreError> {
        match self.conversations.get(&id) {
            Some(state) => Ok(state.head),
            None => Ok(self.record(spaces::HEADS, &keys::conversation(id))?.unwrap_or_default()),
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

/// Refuses a number from outside that cannot be one.
fn check_given(number: u64) -> Result<(), Failure> {
    if (1..=HIGHEST_GIVEN).contains(&number) {
        return Ok(());
    }
    Err(Error::bad_request("the number is not between 1 and 9223372036854775807").into())
}

/// Why an operation was not carried out: for its asker, or because the store failed.
#[derive(Debug)]
pub(super) enum Failure {
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
