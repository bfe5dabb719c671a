//! Which keys are certainly not in a space, without asking the engine.
//!
//! Nearly every idempotency key and every id that a client chooses is new. To hear that from the engine costs as much as
//! writing the key. A Bloom filter in blocks of one cache line each knows it after one look; where it is not sure, or has
//! not read the whole space yet, the engine is asked.

use std::ops::Bound;

use xxhash_rust::xxh3::xxh3_64;

use crate::store::StoreError;
use crate::store::engine::{Direction, Engine, Space};

/// Bits of a block: a cache line.
const BLOCK_BITS: u64 = 512;
/// Words of a block.
const BLOCK: usize = 8;
/// Bits that are set for a key.
const BITS: u32 = 6;

/// What is known of the keys of one space.
#[derive(Debug)]
pub(super) struct Known {
    space: Space,
    /// The filter; made with the first key.
    words: Vec<u64>,
    blocks: usize,
    /// How far the space has been read; `None` once it has been to its end.
    unread: Option<Vec<u8>>,
}

impl Known {
    /// Nothing is known yet. The filter takes so many bytes; with ten bits for each key it is wrong once in a hundred
    /// times, and with more keys it asks more often.
    pub(super) const fn new(space: Space, bytes: usize) -> Self {
        Self { space, words: Vec::new(), blocks: bytes / (BLOCK * 8), unread: Some(Vec::new()) }
    }

    /// Whether the space may hold this key.
    pub(super) fn may_hold(&self, key: &[u8]) -> bool {
        if self.unread.is_some() {
            return true;
        }
        let (place, bits) = self.place(key);
        let block = self.words.get(place..place + BLOCK).unwrap_or_default();
        !block.is_empty()
            && bits
                .zip(std::iter::repeat(block))
                .all(|((word, bit), block)| block.get(word).is_some_and(|word| word & bit != 0))
    }

    /// Notes a key that is written.
    pub(super) fn insert(&mut self, key: &[u8]) {
        if self.words.is_empty() {
            self.words = vec![0; self.blocks * BLOCK];
        }
        let (place, bits) = self.place(key);
        if let Some(block) = self.words.get_mut(place..place + BLOCK) {
            for (word, bit) in bits {
                if let Some(word) = block.get_mut(word) {
                    *word |= bit;
                }
            }
        }
    }

    /// Reads on in the space, so many keys at most; whether there may be more.
    pub(super) fn read_on(&mut self, engine: &dyn Engine, most: usize) -> Result<bool, StoreError> {
        let Some(from) = self.unread.take() else { return Ok(false) };
        let after = if from.is_empty() { Bound::Unbounded } else { Bound::Excluded(from.as_slice()) };
        let found = match engine.scan(self.space, (after, Bound::Unbounded), Direction::Forward, most) {
            Ok(found) => found,
            Err(error) => {
                self.unread = Some(from);
                return Err(error.into());
            }
        };
        for (key, _) in &found {
            self.insert(key);
        }
        if found.len() >= most {
            self.unread = found.last().map(|(key, _)| key.to_vec());
        }
        Ok(self.unread.is_some())
    }

    /// A key's block, and the words and bits within it.
    fn place(&self, key: &[u8]) -> (usize, impl Iterator<Item = (usize, u64)> + use<>) {
        let hash = xxh3_64(key);
        // The upper half chooses the block, the lower half the bits.
        let blocks = u64::try_from(self.blocks).unwrap_or(u64::MAX);
        let block = usize::try_from(((hash >> 32) * blocks) >> 32).unwrap_or(0);
        let (first, step) = (hash & 0xffff, (hash >> 16 & 0xffff) | 1);
        let bits = (0..u64::from(BITS)).map(move |number| {
            let bit = (first + number * step) % BLOCK_BITS;
            (usize::try_from(bit / 64).unwrap_or(0), 1 << (bit % 64))
        });
        (block * BLOCK, bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::engine::{self, Batch, Durability, EngineKind};

    const SPACE: Space = Space::fixed("names");

    fn key(number: u64) -> [u8; 8] {
        number.to_be_bytes()
    }

    #[test]
    fn what_was_written_before_or_since_may_be_there_and_hardly_anything_else() {
        let folder = tempfile::tempdir().unwrap();
        let engine = engine::open(EngineKind::Fjall, folder.path(), 8 << 20).unwrap();
        let mut batch = Batch::new();
        for number in 0..3_000 {
            batch.put(SPACE, key(number), []);
        }
        engine.commit(batch, Durability::Lazy).unwrap();
        let mut known = Known::new(SPACE, 1 << 14);
        for number in 3_000..5_000 {
            assert!(known.may_hold(&key(number)), "nothing has been read yet");
            known.insert(&key(number));
        }
        assert!(known.read_on(engine.as_ref(), 2_000).unwrap());
        assert!(known.may_hold(&key(9_000)), "not all has been read yet");
        assert!(!known.read_on(engine.as_ref(), 2_000).unwrap());
        assert!((0..5_000).all(|number| known.may_hold(&key(number))));
        let wrong = (5_000..25_000).filter(|number| known.may_hold(&key(*number))).count();
        assert!(wrong < 200, "{wrong} of 20,000");
    }

    #[test]
    fn an_empty_space_holds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let engine = engine::open(EngineKind::Fjall, folder.path(), 8 << 20).unwrap();
        let mut known = Known::new(SPACE, 1 << 14);
        assert!(!known.read_on(engine.as_ref(), 1).unwrap());
        assert!(!known.may_hold(b"a"));
        known.insert(b"a");
        assert!(known.may_hold(b"a") && !known.may_hold(b"b"));
    }
}
