//! Sets of `seq`s that are mostly one run.

use serde::{Deserialize, Serialize};

/// A set of numbers from 1 on as closed, disjoint, non-adjacent ranges in ascending order; what is read as
/// one is held to that, since everything here counts on it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(u64, u64)>")]
pub(crate) struct RangeSet(Vec<(u64, u64)>);

impl TryFrom<Vec<(u64, u64)>> for RangeSet {
    type Error = &'static str;

    fn try_from(ranges: Vec<(u64, u64)>) -> Result<Self, Self::Error> {
        // Where the next range may begin; nothing can follow a range that ends where numbers do.
        let mut free = Some(1);
        for (first, last) in &ranges {
            if free.is_none_or(|free| *first < free) || first > last {
                return Err("ranges that are no set");
            }
            free = last.checked_add(2);
        }
        if free.is_none() { Err("ranges without an end") } else { Ok(Self(ranges)) }
    }
}

impl RangeSet {
    /// `1..=last`, or nothing for 0.
    pub(crate) fn up_to(last: u64) -> Self {
        Self(if last == 0 { Vec::new() } else { vec![(1, last)] })
    }

    /// Adds `first..=last`; whether that changed anything.
    pub(crate) fn insert(&mut self, first: u64, last: u64) -> bool {
        if first > last {
            return false;
        }
        // The common case: the next number, or a number after everything.
        match self.0.last_mut() {
            None => {
                self.0.push((first, last));
                return true;
            }
            Some(tail) if first > tail.1 => {
                if first == tail.1 + 1 {
                    tail.1 = last;
                } else {
                    self.0.push((first, last));
                }
                return true;
            }
            Some(_) => {}
        }
        let from = self.0.partition_point(|range| range.1.saturating_add(1) < first);
        let to = self.0.partition_point(|range| range.0 <= last.saturating_add(1));
        let Some(touched) = self.0.get(from..to).filter(|touched| !touched.is_empty()) else {
            self.0.insert(from, (first, last));
            return true;
        };
        let merged = touched.iter().fold((first, last), |all, range| (all.0.min(range.0), all.1.max(range.1)));
        if touched == [merged] {
            return false;
        }
        self.0.splice(from..to, [merged]);
        true
    }

    /// The greatest number in it.
    pub(crate) fn last(&self) -> Option<u64> {
        self.0.last().map(|range| range.1)
    }

    /// Whether it is as it should be: ascending, disjoint and non-adjacent, from 1 on.
    pub(crate) fn is_sound(&self) -> bool {
        let mut end = None;
        self.0.iter().all(|(first, last)| {
            let apart = end.is_none_or(|end: u64| first.checked_sub(end).is_some_and(|distance| distance > 1));
            end = Some(*last);
            apart && *first > 0 && first <= last
        })
    }

    /// Whether a number is in it.
    pub(crate) fn contains(&self, number: u64) -> bool {
        let at = self.0.partition_point(|range| range.1 < number);
        self.0.get(at).is_some_and(|range| range.0 <= number)
    }

    /// How many numbers of `first..=last` are in it.
    pub(crate) fn count(&self, first: u64, last: u64) -> u64 {
        if first > last {
            return 0;
        }
        let from = self.0.partition_point(|range| range.1 < first);
        self.0
            .iter()
            .skip(from)
            .take_while(|range| range.0 <= last)
            .map(|range| range.1.min(last) - range.0.max(first) + 1)
            .sum()
    }

    /// The runs of `first..=last` that are not in it, ascending.
    pub(crate) fn gaps(&self, first: u64, last: u64) -> Vec<(u64, u64)> {
        let mut gaps = Vec::new();
        let mut next = first;
        let from = self.0.partition_point(|range| range.1 < first);
        for range in self.0.iter().skip(from).take_while(|range| range.0 <= last) {
            if range.0 > next {
                gaps.push((next, range.0 - 1));
            }
            next = range.1 + 1;
        }
        if next <= last {
            gaps.push((next, last));
        }
        gaps
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_ranges_that_are_a_set_are_read_as_one() {
        let read = |ranges: &[(u64, u64)]| RangeSet::try_from(ranges.to_vec()).is_ok();
        assert!(read(&[]) && read(&[(1, 1), (3, 5), (7, 7)]));
        for damaged in [&[(0, 1)][..], &[(5, 3)], &[(1, 2), (3, 4)], &[(1, 5), (4, 9)], &[(7, 8), (1, 2)]] {
            assert!(!read(damaged), "{damaged:?}");
        }
        assert!(!read(&[(1, u64::MAX)]) && !read(&[(1, u64::MAX), (1, 2)]));
    }

    proptest! {
        #[test]
        fn a_range_set_is_the_set_of_its_numbers(inserts in prop::collection::vec((1_u64..40, 0_u64..8), 0..30), from in 1_u64..45, length in 0_u64..45) {
            let mut ranges = RangeSet::default();
            let mut model = BTreeSet::new();
            for (first, extra) in inserts {
                let before = model.len();
                model.extend(first..=first + extra);
                prop_assert_eq!(ranges.insert(first, first + extra), model.len() > before);
            }
            let to = from + length;
            prop_assert_eq!(ranges.count(from, to), model.range(from..=to).count() as u64);
            for number in 1..50 {
                prop_assert_eq!(ranges.contains(number), model.contains(&number));
            }
            let missing: Vec<u64> = ranges.gaps(from, to).into_iter().flat_map(|(first, last)| first..=last).collect();
            let expected: Vec<u64> = (from..=to).filter(|number| !model.contains(number)).collect();
            prop_assert_eq!(missing, expected);
            prop_assert!(ranges.is_sound());
        }
    }
}
