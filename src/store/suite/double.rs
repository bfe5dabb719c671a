//! An engine that stands in for a real one: it fails a commit on demand, and lets something happen between two
//! reads.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::store::engine::{
    Batch, Direction, Durability, Engine, EngineError, EngineKind, KeyRange, Mark, Pair, Read, Snapshot, Space, open,
};

/// Small, so that the tests also read from the disk.
const CACHE_BYTES: u64 = 4 * 1024 * 1024;

/// What happens once, right after a snapshot was taken or before a snapshot is read.
type Hook = Box<dyn FnOnce() + Send>;

/// A real engine with faults.
pub(super) struct Double {
    inner: Arc<dyn Engine>,
    faults: Arc<Faults>,
}

/// What goes wrong, and when.
#[derive(Default)]
pub(super) struct Faults {
    /// How many commits succeed before one fails and poisons; `None`: all.
    commits_left: Mutex<Option<u64>>,
    /// How many reads of a snapshot happen before the hook runs (0: right after the snapshot was taken).
    hook: Mutex<Option<(usize, Hook)>>,
    /// How many messages a batch should carry at most; `None`: as many as the real engine says.
    largest: Mutex<Option<usize>>,
}

impl Double {
    /// Opens the real engine in a directory.
    pub(super) fn open(kind: EngineKind, directory: &std::path::Path, faults: &Arc<Faults>) -> Self {
        Self { inner: open(kind, directory, CACHE_BYTES).unwrap(), faults: faults.clone() }
    }
}

impl Faults {
    /// Lets `successes` more commits through; the one after them fails, and so does every later one.
    pub(super) fn fail_after(&self, successes: u64) {
        *self.commits_left.lock() = Some(successes);
    }

    /// Lets every commit through again.
    pub(super) fn heal(&self) {
        *self.commits_left.lock() = None;
    }

    /// Lets batches carry this many messages at most.
    pub(super) fn limit_batches(&self, messages: usize) {
        *self.largest.lock() = Some(messages);
    }

    /// Runs something after a snapshot was taken and read `reads` times.
    pub(super) fn after_reads(&self, reads: usize, hook: impl FnOnce() + Send + 'static) {
        *self.hook.lock() = Some((reads, Box::new(hook)));
    }

    fn step(&self) {
        let mut waiting = self.hook.lock();
        let Some((reads, hook)) = waiting.take() else { return };
        if let Some(left) = reads.checked_sub(1) {
            *waiting = Some((left, hook));
        } else {
            drop(waiting);
            hook();
        }
    }
}

impl Read for Double {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        self.inner.get(space, key)
    }

    fn scan(
        &self,
        space: Space,
        range: KeyRange<'_>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, EngineError> {
        self.inner.scan(space, range, direction, limit)
    }
}

impl Engine for Double {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, EngineError> {
        let inner = self.inner.snapshot()?;
        self.faults.step();
        Ok(Box::new(Watched { inner, faults: self.faults.clone() }))
    }

    fn snapshots_are_fixed(&self) -> bool {
        self.inner.snapshots_are_fixed()
    }

    fn commit(&self, batch: Batch, durability: Durability) -> Result<(), EngineError> {
        if let Some(left) = self.faults.commits_left.lock().as_mut() {
            *left = left.checked_sub(1).ok_or(EngineError::Poisoned { reason: "a test says so".to_owned() })?;
        }
        self.inner.commit(batch, durability)
    }

    fn drop_space(&self, space: Space) -> Result<(), EngineError> {
        self.inner.drop_space(space)
    }

    fn spaces(&self) -> Result<Vec<String>, EngineError> {
        self.inner.spaces()
    }

    fn health(&self) -> Result<(), EngineError> {
        match *self.faults.commits_left.lock() {
            Some(0) => Err(EngineError::Poisoned { reason: "a test says so".to_owned() }),
            _ => self.inner.health(),
        }
    }

    fn max_batch(&self) -> usize {
        self.faults.largest.lock().unwrap_or_else(|| self.inner.max_batch())
    }

    fn mark(&self) -> Mark {
        self.inner.mark()
    }

    fn sync(&self) -> Result<(), EngineError> {
        self.inner.sync()
    }
}

struct Watched {
    inner: Box<dyn Snapshot>,
    faults: Arc<Faults>,
}

impl Read for Watched {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        self.faults.step();
        self.inner.get(space, key)
    }

    fn scan(
        &self,
        space: Space,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, EngineError> {
        self.faults.step();
        self.inner.scan(space, range, direction, limit)
    }
}

impl Snapshot for Watched {}
