//! What readers know without asking the engine. Only the writer puts anything in.
//!
//! Heads and some memberships are written a while after the batch that changed them; until then they are [`Newer`].
//! Whoever reads one point in time keeps the `Newer` of that point, since what it held the next one does not.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;
use koine_core::{ConversationId, Handle, User, UserId};
use parking_lot::RwLock;
use quick_cache::sync::Cache;
use rustc_hash::FxBuildHasher;

use super::keys::Sort;
use super::records::{Head, MemberRecord};

/// Users kept in memory.
const CACHED_USERS: usize = 100_000;

/// What readers know without asking the engine.
pub(crate) struct Shared {
    users: Cache<UserId, Arc<User>>,
    handles: Cache<Handle, UserId>,
    newer: RwLock<Arc<Newer>>,
    /// How far everybody in a group has read.
    pub(super) marks: Marks,
    /// Changes when a token is revoked or a user disabled.
    pub(super) revocations: AtomicU64,
    /// Messages since the process started.
    pub(super) messages: AtomicU64,
    /// Acknowledgements that named no message of their user.
    pub(super) ignored_acks: AtomicU64,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            users: Cache::new(CACHED_USERS),
            handles: Cache::new(CACHED_USERS),
            newer: RwLock::default(),
            marks: Marks::default(),
            revocations: AtomicU64::new(0),
            messages: AtomicU64::new(0),
            ignored_acks: AtomicU64::new(0),
        }
    }

    pub(super) fn user(&self, id: UserId) -> Option<Arc<User>> {
        self.users.get(&id)
    }

    pub(super) fn user_id(&self, handle: &Handle) -> Option<UserId> {
        self.handles.get(handle)
    }

    pub(super) fn publish_user(&self, id: UserId, user: Arc<User>) {
        self.handles.insert(user.handle.clone(), id);
        self.users.insert(id, user);
    }

    pub(super) fn publish_handle(&self, handle: Handle, id: UserId) {
        self.handles.insert(handle, id);
    }

    /// What is newer than the engine's records now.
    pub(super) fn newer(&self) -> Arc<Newer> {
        self.newer.read().clone()
    }

    /// Everything is written.
    pub(super) fn renew(&self) {
        *self.newer.write() = Arc::default();
    }

    pub(super) fn revoke(&self) {
        self.revocations.fetch_add(1, Ordering::Release);
    }
}

/// What was committed and is newer than the engine's records of it.
#[derive(Debug, Default)]
pub(crate) struct Newer {
    pub(super) members: DashMap<(UserId, ConversationId), Arc<NewerMember>, FxBuildHasher>,
    pub(super) heads: DashMap<ConversationId, Head, FxBuildHasher>,
}

/// A membership that is newer than the engine's.
#[derive(Debug)]
pub(crate) struct NewerMember {
    pub(super) sort: Sort,
    pub(super) record: MemberRecord,
}

impl Newer {
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.heads.is_empty()
    }

    pub(super) fn member(&self, user: UserId, sort: Sort, conversation: ConversationId) -> Option<Arc<NewerMember>> {
        let found = self.members.get(&(user, conversation)).map(|member| member.clone());
        found.filter(|member| member.sort == sort)
    }

    pub(super) fn head(&self, conversation: ConversationId) -> Option<Head> {
        self.heads.get(&conversation).map(|head| *head)
    }
}

/// How far the members of a group have read: for each read mark, how many members have it. Kept for
/// groups that were asked about, so that the question needs no scan.
#[derive(Debug, Default)]
pub(crate) struct Marks(DashMap<ConversationId, BTreeMap<u64, u32>>);

/// Groups whose marks are kept.
const KEPT: usize = 10_000;

impl Marks {
    /// Whether a group's marks are kept.
    pub(super) fn has(&self, group: ConversationId) -> bool {
        self.0.contains_key(&group)
    }

    /// Begins to keep a group's marks.
    pub(super) fn load(&self, group: ConversationId, marks: impl Iterator<Item = u64>) {
        if self.0.len() >= KEPT {
            self.0.clear();
        }
        let mut counts = BTreeMap::new();
        for mark in marks {
            *counts.entry(mark).or_insert(0) += 1;
        }
        self.0.insert(group, counts);
    }

    /// A member's mark has moved.
    pub(super) fn moved(&self, group: ConversationId, from: u64, to: u64) {
        if let Some(mut counts) = self.0.get_mut(&group) {
            remove(&mut counts, from);
            *counts.entry(to).or_insert(0) += 1;
        }
    }

    /// A member has joined.
    pub(super) fn joined(&self, group: ConversationId, mark: u64) {
        if let Some(mut counts) = self.0.get_mut(&group) {
            *counts.entry(mark).or_insert(0) += 1;
        }
    }

    /// A member has left.
    pub(super) fn left(&self, group: ConversationId, mark: u64) {
        if let Some(mut counts) = self.0.get_mut(&group) {
            remove(&mut counts, mark);
        }
    }

    /// Up to where everybody but one member, whose mark is `except`, has read. `None` if the marks are
    /// not kept; the largest number if there is nobody else.
    pub(super) fn read_by_all(&self, group: ConversationId, except: Option<u64>) -> Option<u64> {
        let counts = self.0.get(&group)?;
        let lowest = counts.iter().find(|(mark, count)| **count > u32::from(except == Some(**mark)));
        Some(lowest.map_or(u64::MAX, |(mark, _)| *mark))
    }

    pub(super) fn clear(&self) {
        self.0.clear();
    }
}

fn remove(counts: &mut BTreeMap<u64, u32>, mark: u64) {
    if let Some(count) = counts.get_mut(&mark) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&mark);
        }
    }
}
