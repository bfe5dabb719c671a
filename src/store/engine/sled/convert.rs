//! Between sled's types and ours.

use bytes::Bytes;
use sled::IVec;

use super::key;
use crate::store::engine::tally::Mark;
use crate::store::engine::{Batch, EngineError};

/// A copy: sled's own slice may keep a whole page in memory.
pub(super) fn bytes(slice: &[u8]) -> Bytes {
    Bytes::copy_from_slice(slice)
}

/// A batch with its mark, as one batch of the one tree, and the keys it writes.
pub(super) fn batch(batch: Batch, mark: Mark) -> (sled::Batch, Vec<IVec>) {
    let (mut writes, mut keys) = (sled::Batch::default(), Vec::with_capacity(batch.len() + 1));
    for (space, key, value) in batch.into_operations() {
        let key = IVec::from(key::of(space, &key));
        keys.push(key.clone());
        match value {
            Some(value) => writes.insert(key, value),
            None => writes.remove(key),
        }
    }
    keys.push(key::POSITION.into());
    writes.insert(key::POSITION, mark.encode());
    (writes, keys)
}

/// What a tree says of its last commit.
pub(super) fn mark(tree: &sled::Tree) -> Result<Mark, EngineError> {
    let value = tree.get(key::POSITION).map_err(|error| failed("reading the position", error))?;
    value.map_or(Ok(Mark::default()), |value| Mark::decode(&value))
}

/// What sled's error means to us.
pub(super) fn failed(action: impl Into<String>, error: sled::Error) -> EngineError {
    match error {
        sled::Error::Io(source) => EngineError::io(action, source),
        other => EngineError::corrupt(format!("{}: {other}", action.into())),
    }
}
