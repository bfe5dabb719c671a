//! Where a space's keys lie in the one tree: the space's name, a zero byte, the key.
//!
//! Names hold neither 0 nor 1, so a space's keys stand together, and `name 0x01` is behind them all.

use std::ops::Bound;

use crate::store::engine::{KeyRange, Space};

/// The number of the last commit; in front of every space.
pub(super) const POSITION: &[u8] = b"\0position";

/// What the last commit writes; in front of every space.
pub(super) const REDO: &[u8] = b"\0redo";

/// Not behind any space's first key.
pub(super) const FIRST: &[u8] = b"\x01";

/// A space's key in the tree.
pub(super) fn of(space: Space, key: &[u8]) -> Vec<u8> {
    let name = space.name();
    let mut whole = Vec::with_capacity(name.len() + 1 + key.len());
    whole.extend_from_slice(name.as_bytes());
    whole.push(0);
    whole.extend_from_slice(key);
    whole
}

/// The name of the space that a key of the tree belongs to.
pub(super) fn space_name(key: &[u8]) -> Option<&str> {
    let end = key.iter().position(|byte| *byte == 0)?;
    str::from_utf8(key.get(..end)?).ok().filter(|name| !name.is_empty())
}

/// What lies behind all keys of a space.
pub(super) fn behind(name: &[u8]) -> Vec<u8> {
    let mut behind = name.to_vec();
    behind.push(1);
    behind
}

/// A space's range in the tree.
pub(super) fn range(space: Space, (low, high): KeyRange<'_>) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    let low = match low {
        Bound::Unbounded => Bound::Included(of(space, &[])),
        bound => bound.map(|key| of(space, key)),
    };
    let high = match high {
        Bound::Unbounded => Bound::Excluded(behind(space.name().as_bytes())),
        bound => bound.map(|key| of(space, key)),
    };
    (low, high)
}
