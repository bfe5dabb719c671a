//! The sled engine: a log-structured tree of pages, handled with more care than it asks for.
//!
//! - **One tree for all spaces**, keys prefixed with the space's name. A batch is one record ahead of what it
//!   writes (see `redo`), not an `apply_batch`, which writes in the background while it is applied.
//! - **One thread writes and flushes** (see `writer`); sled's own flusher is off. Concurrent flushes can block
//!   each other for ever.
//! - **`flush` is not a sync**: on Linux it ends in `sync_file_range`. The writer calls `fdatasync` on its own
//!   handle of the log after it, and syncs pages that sled moved to files of their own (see `blobs`).
//! - **A damaged tail opens without a word**, hence the position file. sled has cut the tail off by then: restore
//!   a backup, not the same files.
//! - **Damage in the middle of a long log** may go unnoticed until the page is read: sled skips the rest of that
//!   segment (8 MiB), and the last commit is still there. The tally does not come out then (see `tally`), which
//!   `koine store check` tells. fjall stops there, and is refused.
//! - **After a failed write** sled's state in memory is ahead of the disk. Reads go on from the last sync (see
//!   `durable`). sled refuses those that meet a page which is still to be split or merged, as that is written too;
//!   so pages are put in order with each key that is written (see `redo`).
//! - It panics on some damage; every call is guarded. A panic in one of sled's own I/O threads cannot be
//!   caught here: the commit that waits for that thread then never returns.

mod blobs;
mod convert;
mod durable;
mod key;
mod opening;
mod redo;
mod writer;

use std::mem;
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use bytes::Bytes;
use sled::IVec;

use super::guard::guarded;
use super::health::Health;
use super::open::Trust;
use super::tally::Mark;
use super::upkeep::Upkeep;
use super::{
    Batch, Direction, Durability, Engine, EngineError, EngineKind, KeyRange, Pair, Read, Snapshot, Space, open, range,
};
use convert::{bytes, failed};
use durable::Durable;
use redo::Redo;
use writer::{Work, Writer};

/// Past this sled holds unreasonably many pages in memory at once.
const MAX_BATCH: usize = 128;

/// How many keys are removed at a time when a space is dropped, so that commits get in between.
const DROP_STEP: usize = 512;

/// The sled engine.
pub(super) struct SledEngine {
    writer: Writer,
    shared: Arc<Shared>,
}

/// What the writer and all readers share.
struct Shared {
    tree: sled::Db,
    /// Held for writing while a batch is applied and for reading by everybody else, so that nobody sees parts of it.
    gate: RwLock<()>,
    /// Only the writer changes it.
    mark: Mutex<Mark>,
    /// What reads go by once writing has failed.
    durable: Durable,
    health: Health,
}

impl SledEngine {
    /// Opens the store in its own folder, which holds a position file already.
    pub(super) fn open(directory: &Path, cache_bytes: u64, trust: Trust) -> Result<Self, EngineError> {
        let tree = guarded(|| opening::open(directory, cache_bytes))?;
        let mark = guarded(|| opening::last(&tree, directory, trust))?;
        let (durable, health) = Default::default();
        let shared = Arc::new(Shared { tree, gate: RwLock::new(()), mark: Mutex::new(mark), durable, health });
        let recorded = open::verify(EngineKind::Sled, directory, trust, mark.position)?;
        let upkeep = Upkeep::new(mark.position, recorded, Instant::now());
        let writer = Writer::start(Arc::clone(&shared), directory, upkeep)?;
        Ok(Self { writer, shared })
    }

    /// The names of the spaces that hold something, each found by jumping behind the one before it.
    fn names(&self) -> Result<Vec<String>, EngineError> {
        let mut names = Vec::new();
        let mut from = key::FIRST.to_vec();
        while let Some(found) = self.shared.tree.range(from..).keys().next() {
            let found = found.map_err(|error| failed("listing the spaces", error))?;
            let name = key::space_name(&found).ok_or_else(|| EngineError::corrupt("a key without a space"))?;
            from = key::behind(name.as_bytes());
            names.push(name.to_owned());
        }
        Ok(names)
    }
}

impl Shared {
    fn mark(&self) -> MutexGuard<'_, Mark> {
        self.mark.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies a batch as a whole in the eyes of scans; where that fails, they know before they see a part.
    fn apply(&self, writes: Redo, mark: Mark) -> Result<(), EngineError> {
        let _whole_batches = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        let applied = guarded(|| writes.apply(&self.tree));
        applied.inspect_err(|failure| self.health.poison(failure))?;
        *self.mark() = mark;
        Ok(())
    }

    /// Whether what is in memory may be ahead of the disk for good.
    fn has_failed(&self) -> bool {
        self.health.check().is_err()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if self.has_failed() {
            // Never closed: closing writes, and may wait for ever for a thread that is gone.
            mem::forget(self.tree.clone());
        }
    }
}

impl Engine for SledEngine {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, EngineError> {
        Ok(Box::new(View(Arc::clone(&self.shared))))
    }

    fn snapshots_are_fixed(&self) -> bool {
        false
    }

    fn commit(&self, batch: Batch, durability: Durability) -> Result<(), EngineError> {
        batch.check()?;
        match durability {
            _ if !batch.is_empty() => self.writer.ask(Work::Commit(batch, durability)),
            Durability::Sync => self.sync(),
            Durability::Lazy => self.health(),
        }
    }

    fn drop_space(&self, space: Space) -> Result<(), EngineError> {
        debug_assert!(!space.is_counted(), "the counted space {space} is dropped");
        loop {
            let step = self.shared.scan(space, (Bound::Unbounded, Bound::Unbounded), Direction::Forward, DROP_STEP)?;
            if step.is_empty() {
                return self.sync();
            }
            let mut batch = Batch::new();
            for (key, _) in step {
                batch.delete(space, key);
            }
            self.commit(batch, Durability::Lazy)?;
        }
    }

    fn spaces(&self) -> Result<Vec<String>, EngineError> {
        guarded(|| self.names())
    }

    fn health(&self) -> Result<(), EngineError> {
        self.shared.health.check()
    }

    fn max_batch(&self) -> usize {
        MAX_BATCH
    }

    fn mark(&self) -> Mark {
        *self.shared.mark()
    }

    fn sync(&self) -> Result<(), EngineError> {
        self.writer.ask(Work::Sync)
    }
}

impl Read for SledEngine {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        self.shared.get(space, key)
    }

    fn scan(
        &self,
        space: Space,
        range: KeyRange<'_>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, EngineError> {
        self.shared.scan(space, range, direction, limit)
    }
}

/// The live store.
struct View(Arc<Shared>);

impl Snapshot for View {}

impl Read for View {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        self.0.get(space, key)
    }

    fn scan(
        &self,
        space: Space,
        range: KeyRange<'_>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, EngineError> {
        self.0.scan(space, range, direction, limit)
    }
}

impl Read for Shared {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        guarded(|| {
            let key = key::of(space, key);
            let _whole_batches = self.gate.read().unwrap_or_else(PoisonError::into_inner);
            let value = if self.has_failed() { self.durable.get(&self.tree, &key) } else { self.tree.get(key) };
            let value = value.map_err(|error| failed(format!("reading from {space}"), error))?;
            Ok(value.as_deref().map(bytes))
        })
    }

    fn scan(
        &self,
        space: Space,
        range: KeyRange<'_>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, EngineError> {
        if range::is_empty(range) {
            return Ok(Vec::new());
        }
        guarded(|| {
            let _whole_batches = self.gate.read().unwrap_or_else(PoisonError::into_inner);
            let prefix = space.name().len() + 1;
            let pair = |(key, value): (IVec, IVec)| (bytes(key.get(prefix..).unwrap_or_default()), bytes(&value));
            let range = key::range(space, range);
            let pairs: Result<_, _> = if self.has_failed() {
                let found = self.durable.scan(&self.tree, &range, direction, limit);
                found.map(|pairs| pairs.into_iter().map(pair).collect())
            } else {
                let found = self.tree.range(range);
                match direction {
                    Direction::Forward => found.take(limit).map(|found| found.map(pair)).collect(),
                    Direction::Reverse => found.rev().take(limit).map(|found| found.map(pair)).collect(),
                }
            };
            pairs.map_err(|error| failed(format!("scanning {space}"), error))
        })
    }
}
