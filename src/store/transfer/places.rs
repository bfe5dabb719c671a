//! Going through a space, past damage if need be.

use std::ops::Bound;

use crate::store::check::{Finding, key_name};
use crate::store::engine::{Direction, Engine, EngineError, Space};

/// How many pairs are read at a time.
const PORTION: usize = 512;
/// Longer than any key of numbers: a place between two keys can be named exactly.
const PLACE: usize = 33;

/// Hands every pair of a space to `each`. With `lost`, what cannot be read is noted there and passed over.
pub(super) fn each_pair<E: From<EngineError>>(
    engine: &dyn Engine,
    space: Space,
    mut lost: Option<&mut Vec<Finding>>,
    mut each: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut place = Bound::Unbounded;
    let mut portion = PORTION;
    loop {
        let found = engine.scan(space, (as_slice(&place), Bound::Unbounded), Direction::Forward, portion);
        let pairs = match (found, &mut lost) {
            (Ok(pairs), _) => pairs,
            (Err(error), None) => return Err(error.into()),
            // As much as there is before the damage.
            (Err(_), Some(_)) if portion > 1 => {
                portion = 1;
                continue;
            }
            (Err(error), Some(lost)) => {
                let next = beyond(engine, space, &place);
                let after = match &place {
                    Bound::Unbounded => String::new(),
                    Bound::Included(key) | Bound::Excluded(key) => format!("after {}", key_name(space, key)),
                };
                lost.push(Finding {
                    space: space.to_string(),
                    key: after,
                    what: format!("cannot be read: {}", error.cause()),
                });
                match next {
                    Some(next) => place = Bound::Included(next),
                    None => return Ok(()),
                }
                portion = PORTION;
                continue;
            }
        };
        let Some((last, _)) = pairs.last() else { return Ok(()) };
        place = Bound::Excluded(last.to_vec());
        for (key, value) in &pairs {
            each(key, value)?;
        }
    }
}

fn as_slice(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    match bound {
        Bound::Included(key) => Bound::Included(key),
        Bound::Excluded(key) => Bound::Excluded(key),
        Bound::Unbounded => Bound::Unbounded,
    }
}

/// The nearest place after a damaged one from which a space can be read on. Steps grow until one gets past the
/// damage, then the place is closed in on.
fn beyond(engine: &dyn Engine, space: Space, place: &Bound<Vec<u8>>) -> Option<Vec<u8>> {
    let mut low = match place {
        Bound::Included(key) | Bound::Excluded(key) => key.clone(),
        Bound::Unbounded => Vec::new(),
    };
    low.resize(PLACE, 0);
    let readable = |from: &[u8]| {
        let range = (Bound::Included(from), Bound::Unbounded);
        engine.scan(space, range, Direction::Forward, 1).is_ok_and(|pairs| !pairs.is_empty())
    };
    let mut high = None;
    for bit in 0..PLACE * 8 {
        let Some(next) = plus_bit(&low, bit) else { break };
        if readable(&next) {
            high = Some(next);
            break;
        }
    }
    let mut high = high?;
    while let Some(middle) = between(&low, &high) {
        if readable(&middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}

/// `number + 2^bit`, unless that needs another byte.
fn plus_bit(number: &[u8], bit: usize) -> Option<Vec<u8>> {
    let mut sum = number.to_vec();
    let at = sum.len().checked_sub(1 + bit / 8)?;
    let mut carry = 1_u16 << (bit % 8);
    for byte in sum.get_mut(..=at)?.iter_mut().rev() {
        let [high, low] = (u16::from(*byte) + carry).to_be_bytes();
        *byte = low;
        carry = u16::from(high);
        if carry == 0 {
            return Some(sum);
        }
    }
    None
}

/// The middle of two numbers of the same length; `None` once there is nothing between them.
fn between(low: &[u8], high: &[u8]) -> Option<Vec<u8>> {
    let mut sum = vec![0_u16; low.len() + 1];
    let mut carry = 0;
    for ((to, one), other) in sum.iter_mut().skip(1).zip(low).zip(high).rev() {
        let total = u16::from(*one) + u16::from(*other) + carry;
        *to = total & 0xff;
        carry = total >> 8;
    }
    if let Some(first) = sum.first_mut() {
        *first = carry;
    }
    let (mut middle, mut rest) = (Vec::with_capacity(low.len()), 0);
    for digit in sum {
        let value = rest * 256 + digit;
        middle.push(u8::try_from(value / 2).unwrap_or(u8::MAX));
        rest = value % 2;
    }
    let middle = middle.split_off(1);
    (middle != low).then_some(middle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_closes_in_on_a_number() {
        let (mut low, mut high) = (vec![0, 0, 0], vec![255, 255, 255]);
        while let Some(middle) = between(&low, &high) {
            if middle.as_slice() >= [1, 2, 3].as_slice() { high = middle } else { low = middle }
        }
        assert_eq!((low, high), (vec![1, 2, 2], vec![1, 2, 3]));
    }

    #[test]
    fn a_bit_is_added_with_its_carry_and_no_further_than_there_is_room() {
        assert_eq!(plus_bit(&[0, 1, 255], 0), Some(vec![0, 2, 0]));
        assert_eq!(plus_bit(&[0, 1, 255], 15), Some(vec![0, 129, 255]));
        assert_eq!(plus_bit(&[255, 255], 0), None);
        assert_eq!(plus_bit(&[1], 8), None);
    }
}
