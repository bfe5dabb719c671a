//! Who is connected, and who is reachable for whom.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use dashmap::DashMap;
use koine_core::{ConnectionId, EndReason, Event, Timestamp, UserId, UserRef, View};
use parking_lot::Mutex;
use rustc_hash::FxBuildHasher;

use super::ConnectionInfo;
use super::broadcast::{Broadcast, Speakers};
use super::mailbox::{End, Item, Mailbox};
use super::subscription::Position;
use crate::config::DialectName;

/// Who is connected.
pub(super) struct Registry {
    users: DashMap<UserId, Arc<UserSlot>, FxBuildHasher>,
    /// Connections that face a user and want to know about its presence.
    watchers: DashMap<UserId, Vec<Arc<Slot>>>,
    speakers: Arc<Speakers>,
    outbound_total: usize,
    connections: AtomicUsize,
    /// Set once all connections are to end: one that is added after it ends, too.
    ended: OnceLock<EndReason>,
}

/// An event on its way to one user.
#[derive(Clone, Copy)]
pub(super) struct Telling<'a> {
    /// The number of the operation that decided it.
    pub(super) operation: u64,
    pub(super) broadcast: &'a Arc<Broadcast>,
    pub(super) view: View,
    /// The user's unread count, for frames that show it.
    pub(super) unread: u64,
    /// The message it shows, if it shows one.
    pub(super) position: Option<Position>,
}

/// A user with at least one connection, or one that ended a moment ago.
pub(super) struct UserSlot {
    connections: Mutex<Vec<Arc<Slot>>>,
}

/// One authenticated, subscribed connection.
pub(super) struct Slot {
    pub(super) connection: ConnectionId,
    pub(super) info: ConnectionInfo,
    pub(super) user: UserRef,
    /// The only user whose messages it carries (status-code).
    pub(super) faces: Option<UserRef>,
    pub(super) mailbox: Mailbox,
    pub(super) since: Timestamp,
    /// The number of the operation that attached it: what was decided up to there is not news to it.
    attached_at: AtomicU64,
    /// Whether the user it faces was last said to be reachable.
    peer_reachable: AtomicBool,
    /// It has ended, and still counts for presence.
    lingering: AtomicBool,
}

impl Slot {
    pub(super) fn new(
        connection: ConnectionId,
        info: ConnectionInfo,
        user: UserRef,
        faces: Option<UserRef>,
        mailbox: Mailbox,
        since: Timestamp,
    ) -> Arc<Self> {
        let (peer_reachable, lingering) = (AtomicBool::new(false), AtomicBool::new(false));
        let attached_at = AtomicU64::new(u64::MAX);
        Arc::new(Self { connection, info, user, faces, mailbox, since, attached_at, peer_reachable, lingering })
    }

    /// From the operation after this one on, what is decided is told to the connection.
    pub(super) fn attach_at(&self, operation: u64) {
        self.attached_at.store(operation, Ordering::Release);
    }

    /// Whether what this operation decided is news to the connection.
    fn hears(&self, operation: u64) -> bool {
        operation > self.attached_at.load(Ordering::Acquire)
    }

    /// Whether a direct message from `sender` would come to this connection.
    fn carries_from(&self, sender: UserId) -> bool {
        self.faces.as_ref().is_none_or(|peer| peer.id == sender)
    }

    fn is_live(&self) -> bool {
        !self.lingering.load(Ordering::Acquire)
    }

    /// Puts an event into the mailbox, if the dialect can say it.
    fn deliver(&self, telling: &Telling<'_>) {
        let Telling { broadcast, view, unread, position, .. } = *telling;
        if !self.is_live() {
            return;
        }
        if let Some(size) = broadcast.size(self.info.dialect, view) {
            self.mailbox.push(Item { broadcast: broadcast.clone(), view, unread, position, size, caught_up: false });
        }
    }
}

impl UserSlot {
    /// The connections that live, to be used without holding the lock.
    pub(super) fn live(&self) -> Vec<Arc<Slot>> {
        self.connections.lock().iter().filter(|slot| slot.is_live()).cloned().collect()
    }

    /// Gives an event to every live connection that `wanted` chooses.
    pub(super) fn deliver(&self, telling: &Telling<'_>, wanted: impl Fn(&Slot) -> bool) {
        for slot in self.connections.lock().iter() {
            if wanted(slot) && slot.hears(telling.operation) {
                slot.deliver(telling);
            }
        }
    }

    /// Gives an event to the connections that take part in everything.
    pub(super) fn deliver_to_all(&self, telling: &Telling<'_>) {
        self.deliver(telling, |slot| slot.faces.is_none());
    }

    /// Whether a live connection takes part in everything, groups among it.
    pub(super) fn takes_part(&self) -> bool {
        self.connections.lock().iter().any(|slot| slot.faces.is_none() && slot.is_live())
    }
}

impl Registry {
    pub(super) fn new(speakers: Arc<Speakers>, outbound_total: usize) -> Self {
        Self {
            users: DashMap::default(),
            watchers: DashMap::new(),
            speakers,
            outbound_total,
            connections: AtomicUsize::new(0),
            ended: OnceLock::new(),
        }
    }

    /// A user's slot, if the user is connected or was a moment ago.
    pub(super) fn user(&self, user: UserId) -> Option<Arc<UserSlot>> {
        self.users.get(&user).map(|slot| slot.clone())
    }

    /// Adds a connection; those who face its user learn that it is reachable.
    pub(super) fn add(&self, slot: &Arc<Slot>) {
        let user = self
            .users
            .entry(slot.user.id)
            .or_insert_with(|| Arc::new(UserSlot { connections: Mutex::new(Vec::with_capacity(1)) }));
        user.connections.lock().push(slot.clone());
        drop(user);
        self.connections.fetch_add(1, Ordering::Relaxed);
        if let Some(peer) = &slot.faces {
            self.watchers.entry(peer.id).or_default().push(slot.clone());
        }
        self.announce(&slot.user);
        if let Some(reason) = self.ended.get() {
            slot.mailbox.end(End::Reason(*reason));
        }
    }

    /// Ends a connection; for presence it still counts until [`Registry::remove`].
    pub(super) fn linger(&self, slot: &Arc<Slot>) {
        slot.lingering.store(true, Ordering::Release);
        self.connections.fetch_sub(1, Ordering::Relaxed);
        if let Some(peer) = &slot.faces
            && let Some(mut watchers) = self.watchers.get_mut(&peer.id)
        {
            watchers.retain(|watcher| !Arc::ptr_eq(watcher, slot));
            let nobody = watchers.is_empty();
            drop(watchers);
            if nobody {
                self.watchers.remove_if(&peer.id, |_, watchers| watchers.is_empty());
            }
        }
    }

    /// Forgets an ended connection; those who face its user learn whether it is still reachable.
    pub(super) fn remove(&self, slot: &Arc<Slot>) {
        if let Some(user) = self.user(slot.user.id) {
            user.connections.lock().retain(|other| !Arc::ptr_eq(other, slot));
        }
        self.users.remove_if(&slot.user.id, |_, user| user.connections.lock().is_empty());
        self.announce(&slot.user);
    }

    /// Whether some connection of `user`, live or just ended, would carry a direct message from `other`.
    fn is_reachable(&self, user: UserId, other: UserId) -> bool {
        self.user(user).is_some_and(|slot| slot.connections.lock().iter().any(|slot| slot.carries_from(other)))
    }

    /// Tells every connection that faces `user` if that has changed for it.
    fn announce(&self, user: &UserRef) {
        let Some(watchers) = self.watchers.get(&user.id).map(|watchers| watchers.clone()) else { return };
        for watcher in watchers {
            let reachable = self.is_reachable(user.id, watcher.user.id);
            if watcher.user.id != user.id && watcher.peer_reachable.swap(reachable, Ordering::AcqRel) != reachable {
                self.tell_presence(&watcher, user, reachable);
            }
        }
    }

    /// Tells a new connection whether the user it faces is reachable.
    pub(super) fn greet(&self, slot: &Arc<Slot>) {
        let Some(peer) = &slot.faces else { return };
        if self.is_reachable(peer.id, slot.user.id) && !slot.peer_reachable.swap(true, Ordering::AcqRel) {
            self.tell_presence(slot, peer, true);
        }
    }

    fn tell_presence(&self, watcher: &Slot, user: &UserRef, reachable: bool) {
        let event = Event::Presence { user: user.clone(), reachable };
        let broadcast = Broadcast::new(Arc::new(event), &self.speakers);
        watcher.deliver(&Telling {
            operation: u64::MAX,
            broadcast: &broadcast,
            view: View::Other,
            unread: 0,
            position: None,
        });
    }

    /// Gives a direct message to the connections of one side that face the other, or face nobody.
    pub(super) fn deliver_direct(&self, user: UserId, other: UserId, telling: &Telling<'_>) {
        if let Some(slot) = self.user(user) {
            slot.deliver(telling, |slot| slot.carries_from(other));
        }
    }

    /// Gives an event that is no message to all connections of a user that take part in everything.
    pub(super) fn deliver_event(&self, user: UserId, telling: &Telling<'_>) {
        if let Some(slot) = self.user(user) {
            slot.deliver_to_all(telling);
        }
    }

    /// Ends all connections of a user; how many there were.
    pub(super) fn end_user(&self, user: UserId, reason: EndReason) -> usize {
        let slots = self.user(user).map(|slot| slot.live()).unwrap_or_default();
        for slot in &slots {
            slot.mailbox.end(End::Reason(reason));
        }
        slots.len()
    }

    /// Ends all connections, those of the future among them.
    pub(super) fn end_all(&self, reason: EndReason) {
        // They end for the first reason.
        let _ = self.ended.set(reason);
        for user in &self.users {
            for slot in user.live() {
                slot.mailbox.end(End::Reason(reason));
            }
        }
    }

    /// While more waits for all connections together than may, ends the one that most waits for.
    pub(super) fn relieve(&self) {
        if self.speakers.waiting() <= self.outbound_total {
            return;
        }
        let fullest = self
            .users
            .iter()
            .flat_map(|user| user.live())
            .filter(|slot| slot.mailbox.ended().is_none())
            .max_by_key(|slot| slot.mailbox.bytes());
        if let Some(slot) = fullest.filter(|slot| slot.mailbox.bytes() > 0) {
            tracing::warn!(connection = slot.connection.get(), "too much is waiting: the fullest connection is closed");
            slot.mailbox.end(End::Overflow);
        }
    }

    /// Whether a live connection of a user in a dialect comes from an address (and origin).
    pub(super) fn vouches(&self, user: UserId, dialect: DialectName, address: IpAddr, origin: Option<&str>) -> bool {
        self.user(user).is_some_and(|slot| {
            slot.connections.lock().iter().any(|slot| {
                slot.is_live()
                    && slot.info.dialect == dialect
                    && slot.info.address == address
                    && origin.is_none_or(|origin| slot.info.origin.as_deref() == Some(origin))
            })
        })
    }

    /// How many connections are subscribed.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// How many users have a live connection.
    pub(super) fn online(&self) -> usize {
        self.users.iter().filter(|user| !user.live().is_empty()).count()
    }
}
