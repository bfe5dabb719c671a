//! What one receiver has got of one stream, and what went wrong with it.

use std::collections::BTreeSet;

use serde::Serialize;

/// What went wrong. All of it must be 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Faults {
    /// Messages that did not arrive.
    pub lost: u64,
    /// Messages that arrived again.
    pub duplicated: u64,
    /// Messages that arrived after later ones.
    pub disordered: u64,
    /// Requests that the server refused, and acknowledgements of what was not sent.
    pub refused: u64,
    /// Connections that ended early.
    pub closed: u64,
}

impl Faults {
    /// Whether nothing went wrong.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl std::ops::AddAssign for Faults {
    fn add_assign(&mut self, other: Self) {
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.disordered += other.disordered;
        self.refused += other.refused;
        self.closed += other.closed;
    }
}

/// What has arrived of a stream whose messages are numbered from 0.
#[derive(Debug, Default)]
pub struct Tally {
    next: u64,
    missing: BTreeSet<u64>,
}

/// More than this many gaps are not told apart any more.
const MOST_MISSING: u64 = 100_000;

impl Tally {
    /// Notes an arrival; `true` if the message is there for the first time.
    pub fn arrived(&mut self, sequence: u64, faults: &mut Faults) -> bool {
        if sequence == self.next {
            self.next += 1;
            return true;
        }
        if sequence > self.next {
            self.missing.extend((self.next..sequence).take(usize::try_from(MOST_MISSING).unwrap_or(usize::MAX)));
            self.next = sequence + 1;
            return true;
        }
        let late = self.missing.remove(&sequence);
        if late {
            faults.disordered += 1;
        } else {
            faults.duplicated += 1;
        }
        late
    }

    /// How many of the messages below `sent` have not arrived.
    pub fn missing(&self, sent: u64) -> u64 {
        sent.saturating_sub(self.next) + u64::try_from(self.missing.len()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(arrivals: &[u64], sent: u64) -> Faults {
        let (mut tally, mut faults) = (Tally::default(), Faults::default());
        for sequence in arrivals {
            tally.arrived(*sequence, &mut faults);
        }
        faults.lost = tally.missing(sent);
        faults
    }

    #[test]
    fn a_whole_stream_in_order_has_no_faults() {
        assert!(after(&[0, 1, 2, 3], 4).is_none());
    }

    #[test]
    fn what_never_came_is_lost_within_the_stream_and_at_its_end() {
        assert_eq!(after(&[0, 2, 3], 6), Faults { lost: 3, ..Faults::default() });
    }

    #[test]
    fn what_came_twice_is_duplicated_and_what_came_late_disordered() {
        assert_eq!(after(&[0, 1, 1], 2), Faults { duplicated: 1, ..Faults::default() });
        assert_eq!(after(&[1, 0], 2), Faults { disordered: 1, ..Faults::default() });
        assert_eq!(after(&[1, 0, 0], 2), Faults { disordered: 1, duplicated: 1, ..Faults::default() });
    }
}
