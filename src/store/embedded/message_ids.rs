//! Message ids: 40 bits of milliseconds since 2024-01-01, 5 bits of node, 8 bits of sequence.

use koine_core::{MessageId, Timestamp};

/// Where the mark is kept.
pub(in crate::store) const KEY: &[u8] = b"message_ids";

/// Ids stay below this, so that clients keep them exact in their own numbers.
pub(super) const BOUND: u64 = 1 << 53;

/// 2024-01-01T00:00:00Z, in ms since the Unix epoch.
const EPOCH: i64 = 1_704_067_200_000;
const NODE_BITS: u32 = 5;
const SEQUENCE_BITS: u32 = 8;
/// How far ahead ids are reserved, in ticks: 10 s.
const RESERVE: u64 = 10_000 << SEQUENCE_BITS;

/// Hands message ids out: strictly increasing, ahead of the clock if need be, and never below what an
/// earlier process may have handed out, because a mark is made durable before ids up to it are used.
#[derive(Debug)]
pub(crate) struct MessageIds {
    node: u64,
    /// Milliseconds and sequence of the last id.
    last: u64,
    /// Ids up to here may be used.
    mark: u64,
    /// The mark on the disk.
    written: u64,
    /// The last time that was shown, in ms.
    shown: i64,
    /// The shown time on the disk.
    shown_written: i64,
}

impl MessageIds {
    /// Goes on after the mark and the time that an earlier process left.
    pub(super) const fn new(node: u8, mark: u64, shown: i64) -> Self {
        Self { node: node as u64, last: mark, mark, written: mark, shown, shown_written: shown }
    }

    /// The next id.
    pub(super) fn next(&mut self, now: Timestamp) -> MessageId {
        let since = u64::try_from(now.as_millis().saturating_sub(EPOCH)).unwrap_or(0);
        self.last = (since << SEQUENCE_BITS).max(self.last + 1);
        if self.last >= self.mark {
            self.mark = self.last + RESERVE;
        }
        self.id(self.last)
    }

    /// Whether an id of this size may have been handed out already.
    pub(super) fn has_reached(&self, id: u64) -> bool {
        id <= self.id(self.last).get()
    }

    /// The time to show: the clock's, but never before one that was shown.
    pub(super) fn shown_time(&mut self, now: Timestamp) -> Timestamp {
        self.shown = self.shown.max(now.as_millis());
        Timestamp::from_millis(self.shown)
    }

    /// The mark and the shown time, if they must be written before what used them is acknowledged:
    /// the time only along with something that shows it (`showing`).
    pub(super) fn mark_to_write(&self, showing: bool) -> Option<Vec<u64>> {
        let due = self.mark != self.written || (showing && self.shown != self.shown_written);
        due.then(|| vec![self.mark, u64::try_from(self.shown).unwrap_or(0)])
    }

    /// The mark and the shown time are on the disk.
    pub(super) const fn mark_written(&mut self) {
        self.written = self.mark;
        self.shown_written = self.shown;
    }

    const fn id(&self, ticks: u64) -> MessageId {
        let millis = ticks >> SEQUENCE_BITS;
        let sequence = ticks & ((1 << SEQUENCE_BITS) - 1);
        MessageId::new((millis << (NODE_BITS + SEQUENCE_BITS)) | (self.node << SEQUENCE_BITS) | sequence)
    }
}

/// The milliseconds and the sequence of a message id, which the mark bounds.
pub(in crate::store) const fn tick_of(id: u64) -> u64 {
    let millis = id >> (NODE_BITS + SEQUENCE_BITS);
    (millis << SEQUENCE_BITS) | (id & ((1 << SEQUENCE_BITS) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_increase_though_the_clock_jumps_back_and_the_process_restarts() {
        let now = Timestamp::from_millis(EPOCH + 86_400_000);
        let mut ids = MessageIds::new(3, 0, 0);
        let mut last = ids.next(now);
        for jump in [0, 0, 1, -3_600_000, 5, 0] {
            let next = ids.next(Timestamp::from_millis(now.as_millis() + jump));
            assert!(next > last);
            last = next;
        }
        let mark = ids.mark_to_write(false).expect("a mark");
        ids.mark_written();
        assert!(ids.mark_to_write(true).is_none());
        let mut restarted = MessageIds::new(3, mark[0], i64::try_from(mark[1]).expect("a time"));
        assert!(restarted.next(Timestamp::from_millis(EPOCH)) > last);
        assert_eq!(last.get() >> SEQUENCE_BITS & 31, 3);
    }

    #[test]
    fn ids_stay_below_two_to_the_fifty_third_for_decades() {
        let mut ids = MessageIds::new(31, 0, 0);
        let in_thirty_years = Timestamp::from_millis(EPOCH + 30 * 365 * 86_400_000);
        assert!(ids.next(in_thirty_years).get() < BOUND);
    }

    #[test]
    fn shown_times_never_run_backwards() {
        let mut ids = MessageIds::new(0, 0, 0);
        let late = ids.shown_time(Timestamp::from_millis(10));
        assert_eq!(ids.shown_time(Timestamp::from_millis(5)), late);
    }

    #[test]
    fn a_mark_that_could_not_be_written_is_due_again() {
        let mut ids = MessageIds::new(0, 0, 0);
        ids.next(Timestamp::from_millis(EPOCH));
        let mark = ids.mark_to_write(false);
        assert!(mark.is_some());
        assert_eq!(ids.mark_to_write(false), mark);
    }

    #[test]
    fn a_time_that_was_shown_is_written_with_what_shows_it_and_not_alone() {
        let mut ids = MessageIds::new(0, 7, 3);
        ids.shown_time(Timestamp::from_millis(9));
        assert_eq!(ids.mark_to_write(false), None);
        assert_eq!(ids.mark_to_write(true), Some(vec![7, 9]));
    }
}
