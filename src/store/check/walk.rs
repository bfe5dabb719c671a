//! Going through a space, and looking things up on the way.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

use bytes::Bytes;

use super::{Report, names};
use crate::store::embedded::records::{ConversationRecord, Count, Head, Record, UserRecord};
use crate::store::embedded::spaces;
use crate::store::embedded::{catch_up, keys};
use crate::store::engine::{Direction, Engine, Pair, Space, Tally};
use crate::store::progress::Progress;

/// How many pairs are read at a time.
const PORTION: usize = 512;
/// How many looked-up users and conversations are kept.
const KEPT: usize = 65_536;

/// Something needed for a comparison cannot be read. That is a finding already; the comparison is left out.
#[derive(Debug)]
pub(super) struct Unreadable;

/// What a comparison comes to: findings, or nothing to compare with.
pub(super) type Compared<T = ()> = Result<T, Unreadable>;

/// Numbers that were handed out, as the store remembers them.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) user: u64,
    pub(super) conversation: u64,
    pub(super) chat: u64,
    pub(super) request: u64,
    pub(super) token: u64,
    /// How many users there are.
    pub(super) users: u64,
    /// How many conversations there are.
    pub(super) conversations: u64,
    /// The highest tick of a message id.
    pub(super) tick: u64,
}

/// What goes through a store.
pub(super) struct Checker<'a> {
    engine: &'a dyn Engine,
    progress: &'a mut dyn Progress,
    pub(super) report: Report,
    cap: usize,
    pub(super) counters: Counters,
    tally: Tally,
    /// Spaces that could not be read to the end: what is missing from the tally then is known already.
    broken: BTreeSet<Space>,
    users: HashMap<u64, bool>,
    conversations: HashMap<u64, Option<ConversationRecord>>,
}

impl<'a> Checker<'a> {
    pub(super) fn new(engine: &'a dyn Engine, cap: usize, progress: &'a mut dyn Progress) -> Self {
        progress.begin("checking", Some(engine.mark().tally.pairs));
        Self {
            engine,
            progress,
            report: Report::default(),
            cap,
            counters: Counters::default(),
            tally: Tally::default(),
            broken: BTreeSet::new(),
            users: HashMap::new(),
            conversations: HashMap::new(),
        }
    }

    pub(super) fn finish(self) -> Report {
        self.progress.end();
        self.report
    }

    /// Writes what a process that was ended had committed and not written yet.
    pub(super) fn catch_up(&mut self) {
        if let Err(error) = catch_up::catch_up(self.engine) {
            self.note("store", String::new(), format!("what was not written yet cannot be made up for: {error}"));
        }
    }

    /// The names of all spaces there are.
    pub(super) fn space_names(&mut self) -> Vec<String> {
        self.engine.spaces().unwrap_or_else(|error| {
            self.note("store", String::new(), format!("the spaces cannot be listed: {error}"));
            Vec::new()
        })
    }

    // Findings

    /// Something about a key is wrong.
    pub(super) fn find(&mut self, space: Space, key: &[u8], what: impl Into<String>) {
        self.note(&space.name(), names::key(space, key), what);
    }

    /// Something is wrong.
    pub(super) fn note(&mut self, space: &str, key: String, what: impl Into<String>) {
        self.report.add(self.cap, space, key, what);
    }

    /// Something is wrong unless this holds.
    pub(super) fn expect(&mut self, holds: bool, space: Space, key: &[u8], what: &str) {
        if !holds {
            self.find(space, key, what);
        }
    }

    // Going through

    /// Hands every pair of a space to `each`, in the order of the keys.
    pub(super) fn walk(&mut self, space: Space, mut each: impl FnMut(&mut Self, &[u8], &[u8]) -> Compared) {
        self.progress.part(&space.name());
        let mut after: Option<Bytes> = None;
        loop {
            let from = after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let portion = match self.engine.scan(space, (from, Bound::Unbounded), Direction::Forward, PORTION) {
                Ok(portion) => portion,
                Err(error) => {
                    let place = after.map(|key| format!("after {}", names::key(space, &key)));
                    self.note(&space.name(), place.unwrap_or_default(), format!("cannot be read: {}", error.cause()));
                    self.broken.insert(space);
                    return;
                }
            };
            self.report.records += portion.len() as u64;
            if space.is_counted() {
                self.progress.advance(portion.len() as u64);
            }
            for (key, value) in &portion {
                if space.is_counted() {
                    self.tally.add(space, key, value);
                }
                self.look_up_again(space, key, value);
                // What could not be read has been noted.
                let _noted = each(self, key, value);
            }
            match portion.into_iter().next_back() {
                Some((last, _)) => after = Some(last),
                None => return,
            }
        }
    }

    /// A pair has to be found by its key as well: that reads parts of files that going through does not.
    fn look_up_again(&mut self, space: Space, key: &[u8], value: &[u8]) {
        match self.engine.get(space, key) {
            Ok(Some(found)) if found == value => {}
            Ok(_) => self.find(space, key, "is not found by its key"),
            Err(error) => self.find(space, key, format!("cannot be read by its key: {}", error.cause())),
        }
    }

    /// Hands every record of a space to `each`; what cannot be decoded is a finding.
    pub(super) fn records<R: Record>(&mut self, space: Space, mut each: impl FnMut(&mut Self, &[u8], R) -> Compared) {
        self.walk(space, |checker, key, value| match R::decode(value) {
            Ok(record) => each(checker, key, record),
            Err(error) => {
                checker.find(space, key, error.to_string());
                Ok(())
            }
        });
    }

    /// The pairs whose keys begin with these bytes; `each` gets the keys and values.
    pub(super) fn with_prefix(
        &mut self,
        space: Space,
        prefix: &[u8],
        mut each: impl FnMut(&mut Self, &[u8], &[u8]) -> Compared,
    ) -> Compared {
        let mut after = prefix.to_vec();
        let mut bound = Bound::Included(after.as_slice());
        loop {
            let portion: Vec<Pair> =
                match self.engine.scan(space, (bound, Bound::Unbounded), Direction::Forward, PORTION) {
                    Ok(portion) => portion,
                    // The walk through that space tells of it.
                    Err(_) => return Err(Unreadable),
                };
            for (key, value) in &portion {
                if !key.starts_with(prefix) {
                    return Ok(());
                }
                each(self, key, value)?;
            }
            match portion.last() {
                Some((last, _)) => after = last.to_vec(),
                None => return Ok(()),
            }
            bound = Bound::Excluded(after.as_slice());
        }
    }

    // Looking up

    /// The bytes under a key. Reading that fails is told by the walk through that space.
    pub(super) fn get(&self, space: Space, key: &[u8]) -> Compared<Option<Bytes>> {
        self.engine.get(space, key).map_err(|_| Unreadable)
    }

    /// The last pair of a space whose key is not after this one.
    pub(super) fn last_at(&self, space: Space, key: &[u8]) -> Compared<Option<Pair>> {
        let range = (Bound::Unbounded, Bound::Included(key));
        let found = self.engine.scan(space, range, Direction::Reverse, 1).map_err(|_| Unreadable)?;
        Ok(found.into_iter().next())
    }

    /// The record under a key.
    pub(super) fn look_up<R: Record>(&self, space: Space, key: &[u8]) -> Compared<Option<R>> {
        self.get(space, key)?.map(|bytes| R::decode(&bytes)).transpose().map_err(|_| Unreadable)
    }

    /// A counter's value; 0 if there is none.
    pub(super) fn count(&self, space: Space, key: &[u8]) -> Compared<u64> {
        Ok(self.look_up::<Count>(space, key)?.unwrap_or_default().0)
    }

    /// Whether there is a user of this number.
    pub(super) fn is_user(&mut self, id: u64) -> Compared<bool> {
        if let Some(known) = self.users.get(&id) {
            return Ok(*known);
        }
        let found = self.look_up::<UserRecord>(spaces::USERS, &keys::number(id))?.is_some();
        if self.users.len() >= KEPT {
            self.users.clear();
        }
        self.users.insert(id, found);
        Ok(found)
    }

    /// A conversation's record.
    pub(super) fn conversation(&mut self, id: u64) -> Compared<Option<ConversationRecord>> {
        if let Some(known) = self.conversations.get(&id) {
            return Ok(known.clone());
        }
        let found = self.look_up::<ConversationRecord>(spaces::CONVERSATIONS, &keys::number(id))?;
        if self.conversations.len() >= KEPT {
            self.conversations.clear();
        }
        self.conversations.insert(id, found.clone());
        Ok(found)
    }

    /// A conversation's head; a conversation without messages has none.
    pub(super) fn head(&self, conversation: u64) -> Compared<Head> {
        Ok(self.look_up(spaces::HEADS, &keys::number(conversation))?.unwrap_or_default())
    }

    // The whole

    /// Compares what was walked through with what the engine remembers.
    pub(super) fn whole(&mut self) {
        let remembered = self.engine.mark().tally;
        if self.tally == remembered || self.broken.iter().any(|space| space.is_counted()) {
            return;
        }
        let (there, expected) = (self.tally.pairs, remembered.pairs);
        let what = match there.cmp(&expected) {
            std::cmp::Ordering::Less => format!("{} of {expected} records are missing", expected - there),
            std::cmp::Ordering::Greater => format!("{} records are there that were removed", there - expected),
            std::cmp::Ordering::Equal => "records are not as they were last written".to_owned(),
        };
        self.note("store", String::new(), what);
    }
}
