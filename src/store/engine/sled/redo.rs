//! The batch that is being applied, as one record ahead of what it writes.
//!
//! sled has batches of its own, but starts to write in the background before it applies one and as soon as it has.
//! Where such a write fails, the batch stays half applied, or its pages have still to be split, and sled shows
//! nothing of those any more. So a batch is applied key by key, with each page put in order at once, and nothing
//! is written before the next flush. What makes it whole is this record: sled's log is recovered up to some point,
//! so whatever of a batch is there, the record of it is there, too, and the rest is done again at the next start.

use serde::{Deserialize, Serialize};
use sled::IVec;

use super::convert::failed;
use super::key;
use crate::store::engine::tally::Mark;
use crate::store::engine::{Batch, EngineError};

/// A key of the tree and what becomes of it; `None` removes it.
type Write = (Vec<u8>, Option<Vec<u8>>);

/// What a batch writes, its mark last: once that is there, all is.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Redo {
    position: u64,
    writes: Vec<Write>,
}

impl Redo {
    /// A batch with its mark.
    pub(super) fn new(batch: Batch, mark: Mark) -> Self {
        let mut writes = Vec::with_capacity(batch.len() + 1);
        writes.extend(batch.into_operations().map(|(space, key, value)| (key::of(space, &key), value)));
        writes.push((key::POSITION.to_vec(), Some(mark.encode())));
        Self { position: mark.position, writes }
    }

    /// The keys it writes.
    pub(super) fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.writes.iter().map(|(key, _)| key.as_slice())
    }

    /// Writes the record, and then what it says.
    pub(super) fn apply(self, tree: &sled::Tree) -> Result<(), EngineError> {
        let record = postcard::to_stdvec(&self).map_err(|_| EngineError::corrupt("a batch cannot be written"))?;
        self.write(tree, record).map_err(|error| failed("committing a batch", error))
    }

    fn write(self, tree: &sled::Tree, record: Vec<u8>) -> sled::Result<()> {
        put(tree, key::REDO, record)?;
        self.writes.into_iter().try_for_each(|(key, value)| match value {
            Some(value) => put(tree, &key, value),
            None => remove(tree, &key),
        })
    }

    /// Does the last batch again if only a part of it is there, and has sled put the pages in order that it left.
    pub(super) fn finish(tree: &sled::Tree, mark: Mark) -> Result<(), EngineError> {
        let record = tree.get(key::REDO).map_err(|error| failed("reading the last batch", error))?;
        let Some(record) = record else { return Ok(()) };
        let redo: Self =
            postcard::from_bytes(&record).map_err(|_| EngineError::corrupt("the last batch cannot be read"))?;
        if redo.position == mark.position + 1 {
            return redo.apply(tree);
        }
        if redo.position != mark.position {
            let found = format!("the last batch is {}, the position {}", redo.position, mark.position);
            return Err(EngineError::corrupt(found));
        }
        redo.keys().try_for_each(|key| tree.get(key).map(drop)).map_err(|error| failed("splitting pages", error))
    }
}

/// sled splits or merges a page when it next looks for a key there, which is at once here.
fn put(tree: &sled::Tree, key: &[u8], value: Vec<u8>) -> sled::Result<()> {
    if tree.insert(key, IVec::from(value))?.is_none() {
        tree.get(key)?;
    }
    Ok(())
}

fn remove(tree: &sled::Tree, key: &[u8]) -> sled::Result<()> {
    if tree.remove(key)?.is_some() {
        tree.get(key)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::engine::Space;

    const LOG: Space = Space::fixed("log");

    fn tree() -> sled::Db {
        sled::Config::new().temporary(true).open().unwrap()
    }

    fn mark(position: u64) -> Mark {
        Mark { position, ..Mark::default() }
    }

    /// A batch that puts twenty keys and removes the first.
    fn batch(position: u64) -> Redo {
        let mut batch = Batch::new();
        batch.delete(LOG, [0]);
        for number in 1..=20 {
            batch.put(LOG, [number], position.to_be_bytes());
        }
        Redo::new(batch, mark(position))
    }

    fn all(tree: &sled::Tree) -> Vec<(IVec, IVec)> {
        tree.iter().collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn whatever_of_a_batch_is_there_the_rest_is_done_again() {
        let whole = tree();
        whole.insert(key::of(LOG, &[0]), "old").unwrap();
        batch(1).apply(&whole).unwrap();
        let expected = all(&whole);

        for written in 0..=22 {
            let part = tree();
            part.insert(key::of(LOG, &[0]), "old").unwrap();
            let record = postcard::to_stdvec(&batch(1)).unwrap();
            let mut cut = batch(1);
            cut.writes.truncate(written);
            cut.write(&part, record).unwrap();
            Redo::finish(&part, super::super::convert::mark(&part).unwrap()).unwrap();
            assert_eq!(all(&part), expected, "after {written} writes");
        }
    }

    #[test]
    fn a_store_without_a_batch_is_left_alone() {
        let tree = tree();
        Redo::finish(&tree, mark(0)).unwrap();
        assert_eq!(all(&tree), []);
    }

    #[test]
    fn a_batch_that_does_not_belong_to_the_position_is_damage() {
        for position in [0, 2, 4] {
            let tree = tree();
            batch(position).apply(&tree).unwrap();
            let other = if position == 2 { 0 } else { 2 };
            assert!(matches!(Redo::finish(&tree, mark(other)), Err(EngineError::Corrupt { .. })), "{position}");
        }
        let tree = tree();
        tree.insert(key::REDO, "nonsense").unwrap();
        assert!(matches!(Redo::finish(&tree, mark(0)), Err(EngineError::Corrupt { .. })));
    }
}
