//! An engine that can be made to wait.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;

use crate::store::engine::{
    Batch, Direction, Durability, Engine, EngineError, KeyRange, Mark, Pair, Read, Snapshot, Space,
};

/// Whether commits are let through. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Gate(Arc<Inner>);

#[derive(Default)]
struct Inner {
    shut: Mutex<bool>,
    opened: Condvar,
    reached: Notify,
}

impl Gate {
    /// An engine whose commits wait while the gate is shut.
    pub(super) fn before(&self, engine: Arc<dyn Engine>) -> Arc<dyn Engine> {
        Arc::new(Gated { engine, gate: self.clone() })
    }

    pub(super) fn shut(&self) {
        *self.0.shut.lock() = true;
    }

    pub(super) fn open(&self) {
        *self.0.shut.lock() = false;
        self.0.opened.notify_all();
    }

    /// Waits until a commit waits.
    pub(super) async fn reached(&self) {
        self.0.reached.notified().await;
    }

    /// Not for ever, so that a failed test ends.
    fn pass(&self) {
        let mut shut = self.0.shut.lock();
        if *shut {
            self.0.reached.notify_one();
        }
        let _timed_out = self.0.opened.wait_while_for(&mut shut, |shut| *shut, Duration::from_secs(30));
    }
}

struct Gated {
    engine: Arc<dyn Engine>,
    gate: Gate,
}

impl Read for Gated {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        self.engine.get(space, key)
    }

    fn scan(
        &self,
        space: Space,
        range: KeyRange<'_>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, EngineError> {
        self.engine.scan(space, range, direction, limit)
    }
}

impl Engine for Gated {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, EngineError> {
        self.engine.snapshot()
    }

    fn snapshots_are_fixed(&self) -> bool {
        self.engine.snapshots_are_fixed()
    }

    fn commit(&self, batch: Batch, durability: Durability) -> Result<(), EngineError> {
        self.gate.pass();
        self.engine.commit(batch, durability)
    }

    fn drop_space(&self, space: Space) -> Result<(), EngineError> {
        self.engine.drop_space(space)
    }

    fn spaces(&self) -> Result<Vec<String>, EngineError> {
        self.engine.spaces()
    }

    fn health(&self) -> Result<(), EngineError> {
        self.engine.health()
    }

    fn max_batch(&self) -> usize {
        self.engine.max_batch()
    }

    fn mark(&self) -> Mark {
        self.engine.mark()
    }

    fn sync(&self) -> Result<(), EngineError> {
        self.engine.sync()
    }
}
