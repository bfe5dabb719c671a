//! Writes that belong together.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::space::Counting;
use super::{EngineError, Space, Tally};

/// The longest key, in bytes. The shortest has one.
pub const MAX_KEY_BYTES: usize = 4 * 1024;

/// The longest value, in bytes.
pub const MAX_VALUE_BYTES: usize = 16 * 1024 * 1024;

/// Puts and deletes over any spaces, applied as one. A later operation on a key replaces an earlier one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    operations: BTreeMap<(Space, Vec<u8>), Write>,
}

/// What becomes of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Write {
    /// `None` deletes.
    value: Option<Vec<u8>>,
    /// Whether the key may be there already.
    replaces: bool,
}

impl Batch {
    /// A batch that changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a key to a value.
    pub fn put(&mut self, space: Space, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        let replaces = space.counting() != Counting::New;
        self.operations.insert((space, key.into()), Write { value: Some(value.into()), replaces });
    }

    /// Sets a key that is there, in a space whose keys are otherwise put once ([`Space::growing`]).
    pub fn replace(&mut self, space: Space, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.operations.insert((space, key.into()), Write { value: Some(value.into()), replaces: true });
    }

    /// Removes a key; one that is not there is no error.
    pub fn delete(&mut self, space: Space, key: impl Into<Vec<u8>>) {
        self.operations.insert((space, key.into()), Write { value: None, replaces: true });
    }

    /// How many keys the batch touches.
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// Whether the batch changes nothing.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// The operations by space and key; a value of `None` deletes.
    pub(super) fn into_operations(self) -> impl Iterator<Item = (Space, Vec<u8>, Option<Vec<u8>>)> {
        self.operations.into_iter().map(|((space, key), write)| (space, key, write.value))
    }

    /// The tally of a store once the batch is applied to it; `stored` reads what is replaced.
    pub(super) fn tally(
        &self,
        mut tally: Tally,
        mut stored: impl FnMut(Space, &[u8]) -> Result<Option<Bytes>, EngineError>,
    ) -> Result<Tally, EngineError> {
        for ((space, key), write) in &self.operations {
            if !space.is_counted() {
                continue;
            }
            if write.replaces
                && let Some(old) = stored(*space, key)?
            {
                tally.remove(*space, key, &old);
            }
            if let Some(value) = &write.value {
                if cfg!(debug_assertions) && !write.replaces {
                    assert!(stored(*space, key)?.is_none(), "a key of the growing space {space} is put twice");
                }
                tally.add(*space, key, value);
            }
        }
        Ok(tally)
    }

    /// Refuses what an engine could not hold, before anything of it is written.
    pub(super) fn check(&self) -> Result<(), EngineError> {
        for ((space, key), write) in &self.operations {
            let too_large = |what, bytes, limit| EngineError::TooLarge { space: *space, what, bytes, limit };
            if key.is_empty() {
                return Err(EngineError::EmptyKey { space: *space });
            }
            if key.len() > MAX_KEY_BYTES {
                return Err(too_large("key", key.len(), MAX_KEY_BYTES));
            }
            if let Some(value) = write.value.as_ref().filter(|value| value.len() > MAX_VALUE_BYTES) {
                return Err(too_large("value", value.len(), MAX_VALUE_BYTES));
            }
        }
        Ok(())
    }
}
