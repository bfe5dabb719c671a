//! A running digest of what a store holds, kept inside every batch.
//!
//! Both engines check what they read, yet can lose what they never read again: a log whose middle is damaged may be
//! replayed up to there and, from the next file or segment on, further. The last commit is then there and an earlier
//! one is not, so the position tells nothing. The tally does: it is a sum over all pairs, so that it can be kept up
//! with every batch without looking at any other pair, and compared with a scan by `koine store check`.
//!
//! It guards against accidents, not against somebody who changes data on purpose.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed, xxh3_128_with_seed};

use super::{EngineError, Space};

/// How many pairs there are, and the sum of their hashes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// The number of pairs.
    pub pairs: u64,
    /// The sum of their hashes, modulo 2^128.
    pub sum: u128,
}

impl Tally {
    /// Takes a pair in.
    pub fn add(&mut self, space: Space, key: &[u8], value: &[u8]) {
        self.pairs = self.pairs.wrapping_add(1);
        self.sum = self.sum.wrapping_add(hash(space, key, value));
    }

    /// Takes a pair out.
    pub fn remove(&mut self, space: Space, key: &[u8], value: &[u8]) {
        self.pairs = self.pairs.wrapping_sub(1);
        self.sum = self.sum.wrapping_sub(hash(space, key, value));
    }
}

fn hash(space: Space, key: &[u8], value: &[u8]) -> u128 {
    let seed = xxh3_64_with_seed(key, xxh3_64(space.name().as_bytes()));
    xxh3_128_with_seed(value, seed)
}

/// What is written into every batch: its number, and the tally after it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mark {
    /// The number of the last commit.
    pub position: u64,
    /// What the counted spaces should hold.
    pub tally: Tally,
}

impl Mark {
    pub(super) fn encode(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(32);
        bytes.extend_from_slice(&self.position.to_be_bytes());
        bytes.extend_from_slice(&self.tally.pairs.to_be_bytes());
        bytes.extend_from_slice(&self.tally.sum.to_be_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, EngineError> {
        let parts = bytes.split_first_chunk::<8>().and_then(|(position, rest)| {
            let (pairs, rest) = rest.split_first_chunk::<8>()?;
            let sum = <[u8; 16]>::try_from(rest).ok()?;
            Some((*position, *pairs, sum))
        });
        let (position, pairs, sum) = parts.ok_or_else(|| EngineError::corrupt("the position has no 32 bytes"))?;
        let tally = Tally { pairs: u64::from_be_bytes(pairs), sum: u128::from_be_bytes(sum) };
        Ok(Self { position: u64::from_be_bytes(position), tally })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Space = Space::fixed("one").counted();
    const OTHER: Space = Space::fixed("other").counted();

    fn of(pairs: &[(Space, &str, &str)]) -> Tally {
        let mut tally = Tally::default();
        for (space, key, value) in pairs {
            tally.add(*space, key.as_bytes(), value.as_bytes());
        }
        tally
    }

    #[test]
    fn a_tally_does_not_depend_on_the_order_and_forgets_what_is_taken_out() {
        let mut tally = of(&[(ONE, "a", "1"), (ONE, "b", "2")]);
        assert_eq!(tally, of(&[(ONE, "b", "2"), (ONE, "a", "1")]));
        tally.remove(ONE, b"b", b"2");
        assert_eq!(tally, of(&[(ONE, "a", "1")]));
    }

    #[test]
    fn a_tally_tells_space_key_and_value_apart() {
        let all =
            [(ONE, "a", "1"), (OTHER, "a", "1"), (ONE, "a", "2"), (ONE, "1", "a"), (ONE, "a1", ""), (ONE, "", "a1")];
        for (number, one) in all.iter().enumerate() {
            for other in &all[..number] {
                assert_ne!(of(&[*one]), of(&[*other]), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn a_mark_reads_back_as_it_was_written_and_a_cut_one_does_not() {
        let mark = Mark { position: 7, tally: of(&[(ONE, "a", "1")]) };
        let bytes = mark.encode();
        assert_eq!(Mark::decode(&bytes).unwrap(), mark);
        assert!(Mark::decode(&bytes[..31]).is_err());
    }
}
