//! Between sled's types and ours.

use super::key;
use crate::store::engine::EngineError;
use crate::store::engine::tally::Mark;
use bytes::Bytes;

/// A copy: sled's own slice may keep a whole page in memory.
pub(super) fn bytes(slice: &[u8]) -> Bytes {
    Bytes::copy_from_slice(slice)
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
