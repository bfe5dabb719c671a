//! An engine that lets something happen before each commit.

use std::sync::Arc;

use bytes::Bytes;

use super::{Batch, Direction, Durability, Engine, EngineError, KeyRange, Mark, Pair, Read, Snapshot, Space};

/// Sees a batch before it is committed, and may keep it waiting.
type Hook = Box<dyn Fn(&Batch) + Send + Sync>;

/// Another engine, with a hook before each of its commits.
pub(crate) struct Hooked {
    engine: Arc<dyn Engine>,
    before: Hook,
}

impl Hooked {
    /// The same engine with the hook.
    pub(crate) fn new(engine: Arc<dyn Engine>, before: impl Fn(&Batch) + Send + Sync + 'static) -> Self {
        Self { engine, before: Box::new(before) }
    }
}

impl Read for Hooked {
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

impl Engine for Hooked {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, EngineError> {
        self.engine.snapshot()
    }

    fn snapshots_are_fixed(&self) -> bool {
        self.engine.snapshots_are_fixed()
    }

    fn commit(&self, batch: Batch, durability: Durability) -> Result<(), EngineError> {
        (self.before)(&batch);
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
