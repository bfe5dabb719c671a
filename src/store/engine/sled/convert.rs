//! Between sled's types and ours.

use bytes::Bytes;

use super::key;
use crate::store::engine::{Batch, EngineError};

/// A copy: sled's own slice may keep a whole page in memory.
pub(super) fn bytes(slice: &[u8]) -> Bytes {
    Bytes::copy_from_slice(slice)
}

/// A batch with its number, as one batch of the one tree.
pub(super) fn batch(batch: Batch, position: u64) -> sled::Batch {
    let mut writes = sled::Batch::default();
    for (space, key, value) in batch.into_operations() {
        let key = key::of(space, &key);
        match value {
            Some(value) => writes.insert(key, value),
            None => writes.remove(key),
        }
    }
    writes.insert(key::POSITION, &position.to_be_bytes());
    writes
}

/// The number of the last commit in a tree.
pub(super) fn position(tree: &sled::Tree) -> Result<u64, EngineError> {
    let Some(value) = tree.get(key::POSITION).map_err(|error| failed("reading the position", error))? else {
        return Ok(0);
    };
    let number = <[u8; 8]>::try_from(&*value).map_err(|_| EngineError::corrupt("the position has no 8 bytes"))?;
    Ok(u64::from_be_bytes(number))
}

/// What sled's error means to us.
pub(super) fn failed(action: impl Into<String>, error: sled::Error) -> EngineError {
    match error {
        sled::Error::Io(source) => EngineError::io(action, source),
        other => EngineError::corrupt(format!("{}: {other}", action.into())),
    }
}
