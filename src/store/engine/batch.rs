//! Writes that belong together.

use std::collections::BTreeMap;
use std::ops::Bound;

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
    /// By space, since a batch has few of them and many keys of each.
    spaces: Vec<(Space, BTreeMap<Vec<u8>, Write>)>,
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
        self.space(space).insert(key.into(), Write { value: Some(value.into()), replaces });
    }

    /// Sets a key that is there, in a space whose keys are otherwise put once ([`Space::growing`]).
    pub fn replace(&mut self, space: Space, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.space(space).insert(key.into(), Write { value: Some(value.into()), replaces: true });
    }

    /// Removes a key; one that is not there is no error.
    pub fn delete(&mut self, space: Space, key: impl Into<Vec<u8>>) {
        self.space(space).insert(key.into(), Write { value: None, replaces: true });
    }

    /// Leaves a key as it is after all.
    pub fn leave(&mut self, space: Space, key: &[u8]) {
        if let Some((_, writes)) = self.spaces.iter_mut().find(|(one, _)| *one == space) {
            writes.remove(key);
        }
    }

    /// What becomes of a key; `Some(None)` if it is removed, `None` if it stays as it is.
    pub fn get(&self, space: Space, key: &[u8]) -> Option<Option<&[u8]>> {
        let (_, writes) = self.spaces.iter().find(|(one, _)| *one == space)?;
        writes.get(key).map(|write| write.value.as_deref())
    }

    /// What becomes of the keys with `from <= key < to`, ascending. Nothing where `to` is not after `from`.
    pub fn range(&self, space: Space, from: &[u8], to: &[u8]) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        let found = self.spaces.iter().find(|(one, _)| *one == space && from < to);
        let bounds = (Bound::Included(from), Bound::Excluded(to));
        let writes = found.map(|(_, writes)| writes.range::<[u8], _>(bounds));
        writes.into_iter().flatten().map(|(key, write)| (key.as_slice(), write.value.as_deref()))
    }

    /// Takes over what another batch does, which wins where both concern a key.
    pub fn append(&mut self, later: Self) {
        for (space, mut writes) in later.spaces {
            self.space(space).append(&mut writes);
        }
    }

    /// The same in so many batches, each of them with about as many keys.
    pub(crate) fn split(self, parts: usize) -> Vec<Self> {
        let (keys, mut batches) = (self.len().max(1), vec![Self::new(); parts]);
        let writes =
            self.spaces.into_iter().flat_map(|(space, writes)| writes.into_iter().map(move |one| (space, one)));
        for (place, (space, (key, write))) in writes.enumerate() {
            if let Some(batch) = batches.get_mut(place * parts / keys) {
                batch.space(space).insert(key, write);
            }
        }
        batches
    }

    /// How many keys the batch touches.
    pub fn len(&self) -> usize {
        self.spaces.iter().map(|(_, writes)| writes.len()).sum()
    }

    /// Whether the batch changes nothing.
    pub fn is_empty(&self) -> bool {
        self.spaces.iter().all(|(_, writes)| writes.is_empty())
    }

    /// The operations by space and key; a value of `None` deletes.
    pub(super) fn into_operations(self) -> impl Iterator<Item = (Space, Vec<u8>, Option<Vec<u8>>)> {
        self.spaces
            .into_iter()
            .flat_map(|(space, writes)| writes.into_iter().map(move |(key, write)| (space, key, write.value)))
    }

    fn operations(&self) -> impl Iterator<Item = (Space, &Vec<u8>, &Write)> {
        self.spaces.iter().flat_map(|(space, writes)| writes.iter().map(|(key, write)| (*space, key, write)))
    }

    /// What becomes of the keys of a space.
    fn space(&mut self, space: Space) -> &mut BTreeMap<Vec<u8>, Write> {
        let found = self.spaces.iter().position(|(one, _)| *one == space);
        let at = found.unwrap_or_else(|| {
            let at = self.spaces.partition_point(|(one, _)| *one < space);
            self.spaces.insert(at, (space, BTreeMap::new()));
            at
        });
        #[expect(clippy::indexing_slicing, reason = "found or inserted right above")]
        &mut self.spaces[at].1
    }

    /// The tally of a store once the batch is applied to it; `stored` reads what is replaced.
    pub(super) fn tally(
        &self,
        mut tally: Tally,
        mut stored: impl FnMut(Space, &[u8]) -> Result<Option<Bytes>, EngineError>,
    ) -> Result<Tally, EngineError> {
        for (space, key, write) in self.operations().filter(|(space, ..)| space.is_counted()) {
            if write.replaces
                && let Some(old) = stored(space, key)?
            {
                tally.remove(space, key, &old);
            }
            if let Some(value) = &write.value {
                if cfg!(debug_assertions) && !write.replaces {
                    assert!(stored(space, key)?.is_none(), "a key of the growing space {space} is put twice");
                }
                tally.add(space, key, value);
            }
        }
        Ok(tally)
    }

    /// Refuses what an engine could not hold, before anything of it is written.
    pub(super) fn check(&self) -> Result<(), EngineError> {
        for (space, key, write) in self.operations() {
            let too_large = |what, bytes, limit| EngineError::TooLarge { space, what, bytes, limit };
            if key.is_empty() {
                return Err(EngineError::EmptyKey { space });
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_batch_are_the_whole_batch_and_about_as_large() {
        let spaces = [Space::fixed("one"), Space::fixed("two")];
        for (keys, parts) in [(0_u8, 1), (1, 3), (7, 3), (20, 4), (30, 30)] {
            let mut whole = Batch::new();
            for key in 0..keys {
                whole.put(spaces[usize::from(key % 2)], [key], [key]);
            }
            let split = whole.clone().split(parts);
            assert_eq!(split.len(), parts);
            let fair = usize::from(keys) / parts;
            assert!(split.iter().all(|part| (fair..=fair + 1).contains(&part.len())), "{keys} in {parts}");
            let mut again = Batch::new();
            for part in split {
                again.append(part);
            }
            assert_eq!(again, whole);
        }
    }
}
