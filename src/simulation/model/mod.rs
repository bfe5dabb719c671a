//! The reference: what operations mean, with vectors and sets instead of a store.

mod apply;
mod compare;
mod conversation;

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

pub(super) use self::compare::Seen;
pub(super) use self::conversation::{Conversation, Said};
use crate::store::Op;

/// A place in a conversation: which one, and its `seq`.
pub(super) type Place = (usize, u64);

/// Everything that was accepted, and who has got what of it.
#[derive(Default)]
pub(super) struct Model {
    pub(super) users: BTreeMap<u64, String>,
    pub(super) conversations: Vec<Conversation>,
    by_id: BTreeMap<u64, usize>,
    pairs: BTreeMap<(u64, u64), usize>,
    /// Blocker, blocked.
    blocks: BTreeSet<(u64, u64)>,
    /// Requests to join: who, and which group.
    requests: BTreeMap<u64, (u64, usize)>,
    /// What a sender's key was used for.
    keys: BTreeMap<(u64, String), Place>,
    wire_ids: BTreeMap<u64, Place>,
    /// Where a text was said. No two messages of a history have the same.
    texts: BTreeMap<String, Place>,
    /// What a client of a user has taken in.
    received: BTreeSet<(u64, Place)>,
    /// What a user has declared read without having taken it in.
    declared: BTreeSet<(u64, Place)>,
    /// Operations whose batch met its end on the way to the disk.
    under_way: Vec<Op>,
    /// The store has failed and refuses what would change it: nothing can be compared.
    pub(super) broken: bool,
    /// What was found wrong first.
    violation: Option<String>,
    /// How often things have happened that a good simulation must reach.
    pub(super) tally: BTreeMap<&'static str, u64>,
}

impl Model {
    /// Notes that something is wrong; the first counts.
    pub(super) fn object(&mut self, what: impl FnOnce() -> String) {
        if self.violation.is_none() {
            self.violation = Some(what());
        }
    }

    /// Notes that something worth reaching has happened.
    pub(super) fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_insert(0) += 1;
    }

    /// What was found wrong.
    pub(super) fn violation(&self) -> Result<(), String> {
        self.violation.clone().map_or(Ok(()), Err)
    }

    /// The groups that are not dissolved, by their numbers.
    pub(super) fn groups(&self) -> Vec<u64> {
        self.conversations.iter().filter(|found| found.is_open_group()).filter_map(|group| group.id).collect()
    }

    /// The conversations a user is in, by their numbers.
    pub(super) fn sessions(&self, user: u64) -> Vec<u64> {
        let mine = self.conversations.iter().filter(|conversation| conversation.members.contains_key(&user));
        mine.filter_map(|conversation| conversation.id).collect()
    }

    /// A conversation by its number.
    pub(super) fn find(&self, id: u64) -> Option<usize> {
        self.by_id.get(&id).copied()
    }

    /// Where a text was said.
    pub(super) fn place_of(&self, text: &str) -> Option<Place> {
        self.texts.get(text).copied()
    }

    /// Who said what at a place.
    pub(super) fn said(&self, (conversation, seq): Place) -> &Said {
        self.conversations[conversation].said(seq)
    }

    /// A client of a user has taken a text in; where it was said.
    pub(super) fn receive(&mut self, user: u64, text: &str) -> Result<Place, String> {
        let Some(place) = self.place_of(text) else {
            return Err(format!("user {user} was told {text:?}, which was never accepted"));
        };
        if !self.conversations[place.0].was_entitled(user, place.1) {
            return Err(format!("user {user} was told {text:?} without being entitled to it"));
        }
        if !self.received.insert((user, place)) {
            self.count("told again");
        }
        Ok(place)
    }

    /// What a user is entitled to, did not say, and has neither taken in nor declared read.
    pub(super) fn missing(&self, user: u64) -> Vec<&str> {
        let mut missing = Vec::new();
        for (at, conversation) in self.conversations.iter().enumerate() {
            for seq in conversation.owed(user) {
                if !self.received.contains(&(user, (at, seq))) && !self.declared.contains(&(user, (at, seq))) {
                    missing.push(conversation.said(seq).text.as_str());
                }
            }
        }
        missing
    }

    /// Gives a conversation its number, which only the store knows.
    fn bind(&mut self, conversation: usize, id: u64) {
        let known = *self.conversations[conversation].id.get_or_insert(id);
        let other = *self.by_id.entry(id).or_insert(conversation);
        if known != id || other != conversation {
            self.object(|| format!("conversation {id} is another than it was"));
        }
    }

    /// A batch is on its way to the disk.
    pub(super) fn begin(&mut self, ops: &[Op]) {
        self.under_way = ops.to_vec();
    }

    /// The batch has been answered.
    pub(super) fn end(&mut self) {
        self.under_way.clear();
    }

    /// A process has ended. `found`: the batch that was on its way is on the disk.
    pub(super) fn crash(&mut self, found: bool, now: Instant) {
        let ops = std::mem::take(&mut self.under_way);
        self.count(if found { "found after a crash" } else { "crash" });
        if found {
            for op in &ops {
                self.apply(op, now);
            }
        }
        self.broken = false;
    }
}
