//! The connected members of one group, who are told what is said there in turns.
//!
//! ```text
//! log      m4 m5 m6 m7          a member's turn: everything since its last one, put into its mailboxes at once
//! members  a b c d e f g ...    turns go round; whatever is said meanwhile joins in where they are
//!              ▲
//! ```
//!
//! A small room is done in one go. In a large one, others have their turn every few members: the connections
//! that have been told write, and new messages arrive and go round with those that are under way, so that a
//! connection has several to write at once.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use koine_core::{UserId, View};

use super::broadcast::Broadcast;
use super::registry::{Telling, UserSlot};
use super::subscription::Position;
use crate::store::Recipient;

/// How many members have their turn before others do.
const TOGETHER: usize = 64;

/// The connected members of a group.
#[derive(Default)]
pub(super) struct Room {
    /// In one order, so that a history can be repeated.
    seats: BTreeMap<UserId, Seat>,
    /// What not everybody has been told.
    log: VecDeque<Entry>,
    /// How many messages there were before those in the log.
    told: u64,
    /// Whose turn was last, and how often it has begun anew.
    turn: Turn,
}

/// A place in the order of turns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    lap: u64,
    last: Option<UserId>,
}

/// A connected member of a group.
struct Seat {
    user: Arc<UserSlot>,
    unread: u64,
    /// How many of the room's messages it has been told, or was not there for.
    told: u64,
}

/// A message for a room.
pub(super) struct Entry {
    pub(super) operation: u64,
    pub(super) broadcast: Arc<Broadcast>,
    pub(super) position: Position,
    pub(super) sender: Recipient,
    /// Members whom a block keeps it from.
    pub(super) hidden_from: Vec<UserId>,
    /// After whose turn it came.
    since: Turn,
}

impl Room {
    /// Adds a message, to be told in turns.
    pub(super) fn say(
        &mut self,
        operation: u64,
        broadcast: Arc<Broadcast>,
        position: Position,
        sender: Recipient,
        hidden_from: Vec<UserId>,
    ) {
        let since = self.turn;
        self.log.push_back(Entry { operation, broadcast, position, sender, hidden_from, since });
    }

    /// Seats a member, who hears of what comes from now on.
    pub(super) fn seat(&mut self, id: UserId, user: Arc<UserSlot>, unread: u64) {
        self.tell(id);
        let told = self.said();
        self.seats.insert(id, Seat { user, unread, told });
    }

    /// Takes a member out, who has been told everything so far.
    pub(super) fn leave(&mut self, id: UserId) {
        self.tell(id);
        self.seats.remove(&id);
    }

    /// A member has read, and has so many unread messages now.
    pub(super) fn read(&mut self, id: UserId, unread: u64) {
        self.tell(id);
        if let Some(seat) = self.seats.get_mut(&id) {
            seat.unread = unread;
        }
    }

    /// Whether nobody is there.
    pub(super) fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// How many messages are being told.
    pub(super) fn under_way(&self) -> usize {
        self.log.len()
    }

    /// Gives the next few members their turn; whether everybody has been told everything then.
    pub(super) fn go_round(&mut self) -> bool {
        let mut turns = 0;
        while !self.log.is_empty() && turns < TOGETHER {
            let after = self.turn.last.map_or(Bound::Unbounded, Bound::Excluded);
            match self.seats.range_mut((after, Bound::Unbounded)).next() {
                Some((id, seat)) => {
                    seat.hear(*id, self.told, &self.log);
                    self.turn.last = Some(*id);
                    turns += 1;
                }
                None => self.turn = Turn { lap: self.turn.lap + 1, last: None },
            }
            self.forget();
        }
        self.log.is_empty()
    }

    /// Tells everybody everything.
    pub(super) fn settle(&mut self) {
        while !self.go_round() {}
    }

    /// Gives a member its turn, out of turn.
    fn tell(&mut self, id: UserId) {
        if !self.log.is_empty()
            && let Some(seat) = self.seats.get_mut(&id)
        {
            seat.hear(id, self.told, &self.log);
        }
    }

    /// How many messages there were so far.
    fn said(&self) -> u64 {
        self.told + u64::try_from(self.log.len()).unwrap_or(u64::MAX)
    }

    /// Drops the messages that everybody has been told since they came: turns have gone round once.
    fn forget(&mut self) {
        while let Some(first) = self.log.front() {
            let round = Turn { lap: first.since.lap + 1, last: first.since.last };
            if self.turn < round {
                return;
            }
            self.log.pop_front();
            self.told += 1;
        }
    }
}

impl Seat {
    /// Tells a member what of the log it has not been told. `before` counts the messages before the log.
    fn hear(&mut self, id: UserId, before: u64, log: &VecDeque<Entry>) {
        let known = usize::try_from(self.told.saturating_sub(before)).unwrap_or(usize::MAX);
        for entry in log.iter().skip(known) {
            let view = if id == entry.sender.user {
                self.unread = entry.sender.unread;
                View::Own
            } else if entry.hidden_from.contains(&id) {
                continue;
            } else {
                self.unread += 1;
                View::Other
            };
            self.user.deliver_to_all(&Telling {
                operation: entry.operation,
                broadcast: &entry.broadcast,
                view,
                unread: self.unread,
                position: Some(entry.position),
            });
        }
        self.told = before + u64::try_from(log.len()).unwrap_or(u64::MAX);
    }
}
