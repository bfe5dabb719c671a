//! What was there before the batches that are not on stable storage yet.
//!
//! sled has one state in memory, with everything that was applied; whether the disk took it shows later. Once
//! writing has failed, that state holds batches, or a part of one, that nobody may be shown. Reads then take what
//! those batches touched from here: the store is shown as of its last sync, and as a restart finds it.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use sled::IVec;

use crate::store::engine::Direction;

/// A range of the tree.
pub(super) type TreeRange = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// What each key held at the last sync that has been written since; `None` where it was not there.
type Before = BTreeMap<Vec<u8>, Option<IVec>>;

/// Only the writer changes it; nobody else looks at it before writing has failed.
#[derive(Debug, Default)]
pub(super) struct Durable(RwLock<Before>);

impl Durable {
    /// Keeps what keys hold that are about to be written.
    pub(super) fn keep<'a>(&self, tree: &sled::Tree, keys: impl Iterator<Item = &'a [u8]>) -> sled::Result<()> {
        let mut before = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for key in keys {
            if !before.contains_key(key) {
                before.insert(key.to_vec(), tree.get(key)?);
            }
        }
        Ok(())
    }

    /// Everything is on stable storage.
    pub(super) fn forget(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What a key held at the last sync.
    pub(super) fn get(&self, tree: &sled::Tree, key: &[u8]) -> sled::Result<Option<IVec>> {
        match self.before().get(key) {
            Some(before) => Ok(before.clone()),
            None => tree.get(key),
        }
    }

    /// What a range held at the last sync.
    pub(super) fn scan(
        &self,
        tree: &sled::Tree,
        range: &TreeRange,
        direction: Direction,
        limit: usize,
    ) -> sled::Result<Vec<(IVec, IVec)>> {
        let before = self.before();
        let untouched = tree.range(range.clone()).filter(|found| match found {
            Ok((key, _)) => !before.contains_key(&**key),
            Err(_) => true,
        });
        let there = before.range(range.clone()).filter_map(|(key, value)| Some((IVec::from(&**key), value.clone()?)));
        match direction {
            Direction::Forward => {
                merged(untouched.peekable(), there.peekable(), |one, other| one < other).take(limit).collect()
            }
            Direction::Reverse => merged(untouched.rev().peekable(), there.rev().peekable(), |one, other| one > other)
                .take(limit)
                .collect(),
        }
    }

    fn before(&self) -> RwLockReadGuard<'_, Before> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Two ordered sequences as one; an error comes as soon as it is met.
fn merged(
    mut one: Peekable<impl Iterator<Item = sled::Result<(IVec, IVec)>>>,
    mut other: Peekable<impl Iterator<Item = (IVec, IVec)>>,
    is_first: impl Fn(&IVec, &IVec) -> bool,
) -> impl Iterator<Item = sled::Result<(IVec, IVec)>> {
    std::iter::from_fn(move || match (one.peek(), other.peek()) {
        (Some(Ok((left, _))), Some((right, _))) if !is_first(left, right) => other.next().map(Ok),
        (None, Some(_)) => other.next().map(Ok),
        _ => one.next(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: TreeRange = (Bound::Unbounded, Bound::Unbounded);

    fn pairs(durable: &Durable, tree: &sled::Tree, range: &TreeRange, direction: Direction, limit: usize) -> String {
        let found = durable.scan(tree, range, direction, limit).unwrap();
        let text = |slice: &IVec| String::from_utf8(slice.to_vec()).unwrap();
        let pairs: Vec<String> = found.iter().map(|(key, value)| text(key) + &text(value)).collect();
        pairs.join(" ")
    }

    #[test]
    fn what_was_not_synced_is_not_shown_and_what_it_replaced_is() {
        let tree = sled::Config::new().temporary(true).open().unwrap();
        for key in ["a", "c", "e", "g"] {
            tree.insert(key, "1").unwrap();
        }
        let durable = Durable::default();
        durable.keep(&tree, ["a", "b", "e", "h"].map(str::as_bytes).into_iter()).unwrap();
        for key in ["a", "b", "h"] {
            tree.insert(key, "2").unwrap();
        }
        tree.remove("e").unwrap();
        // The first value counts, however often a key is written.
        durable.keep(&tree, [b"a".as_slice()].into_iter()).unwrap();
        tree.insert("a", "3").unwrap();

        assert_eq!(pairs(&durable, &tree, &ALL, Direction::Forward, 9), "a1 c1 e1 g1");
        assert_eq!(pairs(&durable, &tree, &ALL, Direction::Reverse, 3), "g1 e1 c1");
        let inner = (Bound::Excluded(b"a".to_vec()), Bound::Included(b"e".to_vec()));
        assert_eq!(pairs(&durable, &tree, &inner, Direction::Forward, 9), "c1 e1");
        assert_eq!(durable.get(&tree, b"a").unwrap().as_deref(), Some(b"1".as_slice()));
        assert_eq!(durable.get(&tree, b"b").unwrap(), None);
        assert_eq!(durable.get(&tree, b"c").unwrap().as_deref(), Some(b"1".as_slice()));

        durable.forget();
        assert_eq!(pairs(&durable, &tree, &ALL, Direction::Forward, 9), "a3 b2 c1 g1 h2");
    }
}
