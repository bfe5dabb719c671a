//! What is due when: syncing lazy commits, recording the position. Pure: the time is handed in.

use std::time::{Duration, Instant};

use super::Durability;

/// How long a lazy commit may wait for a sync of its own; well within the promised second.
const LAZY_DELAY: Duration = Duration::from_millis(500);

/// The least time between two writes of the position file.
const RECORD_INTERVAL: Duration = Duration::from_secs(1);

/// Which commits there are, which are durable, and which of those the position file knows of.
#[derive(Debug)]
pub(super) struct Upkeep {
    committed: u64,
    durable: u64,
    recorded: u64,
    unsynced_since: Option<Instant>,
    recorded_at: Instant,
}

impl Upkeep {
    /// After opening a store whose last commit is `position`, all of it durable.
    pub(super) fn new(position: u64, recorded: u64, now: Instant) -> Self {
        Self { committed: position, durable: position, recorded, unsynced_since: None, recorded_at: now }
    }

    /// The number for the next commit.
    pub(super) fn next(&self) -> u64 {
        self.committed.saturating_add(1)
    }

    /// The commit of that number was applied and, with [`Durability::Sync`], synced.
    pub(super) fn committed(&mut self, durability: Durability, now: Instant) {
        self.committed = self.next();
        match durability {
            Durability::Sync => self.synced(),
            Durability::Lazy => {
                self.unsynced_since.get_or_insert(now);
            }
        }
    }

    /// Everything committed so far reached stable storage.
    pub(super) fn synced(&mut self) {
        self.durable = self.committed;
        self.unsynced_since = None;
    }

    /// Whether a lazy commit has waited for long enough.
    pub(super) fn sync_due(&self, now: Instant) -> bool {
        self.sync_at().is_some_and(|at| at <= now)
    }

    /// Whether something is committed that no sync has covered.
    pub(super) fn is_unsynced(&self) -> bool {
        self.unsynced_since.is_some()
    }

    /// The position to record now, if it is time to. The caller writes it, or poisons the store.
    pub(super) fn record_due(&mut self, now: Instant) -> Option<u64> {
        self.record_at().filter(|at| *at <= now)?;
        self.recorded_at = now;
        self.record_last()
    }

    /// The position to record before the store closes, if the file does not have it yet.
    pub(super) fn record_last(&mut self) -> Option<u64> {
        let behind = self.durable > self.recorded;
        self.recorded = self.durable;
        behind.then_some(self.durable)
    }

    /// When the next thing is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.sync_at().into_iter().chain(self.record_at()).min()
    }

    fn sync_at(&self) -> Option<Instant> {
        self.unsynced_since.map(|since| since + LAZY_DELAY)
    }

    fn record_at(&self) -> Option<Instant> {
        (self.durable > self.recorded).then(|| self.recorded_at + RECORD_INTERVAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALMOST: Duration = Duration::from_millis(499);
    const ALMOST_A_SECOND: Duration = Duration::from_millis(999);

    #[test]
    fn a_lazy_commit_is_due_for_a_sync_within_a_second_however_many_follow() {
        let start = Instant::now();
        let mut upkeep = Upkeep::new(0, 0, start);
        upkeep.committed(Durability::Lazy, start);
        upkeep.committed(Durability::Lazy, start + ALMOST);
        assert!(!upkeep.sync_due(start + ALMOST));
        assert!(upkeep.sync_due(start + LAZY_DELAY));
    }

    #[test]
    fn a_synced_commit_takes_the_lazy_ones_before_it_along() {
        let start = Instant::now();
        let mut upkeep = Upkeep::new(0, 0, start);
        upkeep.committed(Durability::Lazy, start);
        upkeep.committed(Durability::Sync, start);
        assert!(!upkeep.is_unsynced());
        assert_eq!(upkeep.record_due(start + RECORD_INTERVAL), Some(2));
    }

    #[test]
    fn the_position_is_recorded_at_most_once_a_second_and_never_ahead_of_a_sync() {
        let start = Instant::now();
        let mut upkeep = Upkeep::new(7, 7, start);
        assert_eq!(upkeep.next_due(), None);
        upkeep.committed(Durability::Lazy, start);
        assert_eq!(upkeep.record_due(start + 2 * RECORD_INTERVAL), None, "not durable yet");
        upkeep.synced();
        let first = start + 2 * RECORD_INTERVAL;
        assert_eq!(upkeep.record_due(first), Some(8));
        upkeep.committed(Durability::Sync, first);
        assert_eq!(upkeep.record_due(first + ALMOST_A_SECOND), None);
        assert_eq!(upkeep.next_due(), Some(first + RECORD_INTERVAL));
        assert_eq!(upkeep.record_due(first + RECORD_INTERVAL), Some(9));
        assert_eq!(upkeep.record_last(), None);
    }
}
