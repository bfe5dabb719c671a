//! The fjall engine: a log-structured merge tree with one journal for all spaces.
//!
//! A commit is one journal batch, checksummed as a whole, so it is atomic across spaces. Commits are
//! serialised here, because the commit number inside a batch must rise in the order of the journal. A second
//! thread, the keeper, syncs lazy commits and records the position. fjall refuses all writes after an I/O
//! error; so do we, and the reason is kept.

mod aborted;
mod convert;
mod keeper;
mod manifests;
mod pace;
mod spaces;

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use bytes::Bytes;
use fjall::{Database, Keyspace, PersistMode, Readable};

use super::guard::guarded;
use super::health::Health;
use super::open::Trust;
use super::tally::Mark;
use super::upkeep::Upkeep;
use super::{
    Batch, Direction, Durability, Engine, EngineError, EngineKind, KeyRange, Pair, Read, Snapshot, Space, open, range,
};
use crate::descriptors;
use convert::{bytes, failed, pair};
use spaces::{Handles, Spaces};

/// Past this a batch gains nothing and holds up the journal.
const MAX_BATCH: usize = 1024;

/// All journals together: the least that fjall allows twice, so that the spaces' write buffers stay small and
/// a crash is recovered from in about a second.
const MAX_JOURNAL_BYTES: u64 = 128 * 1024 * 1024;

/// The fjall engine.
pub(super) struct FjallEngine {
    inner: Arc<Inner>,
    keeper: Option<JoinHandle<()>>,
}

/// What the engine, its keeper and its snapshots share.
struct Inner {
    database: Database,
    spaces: Spaces,
    state: Mutex<State>,
    wake: Condvar,
    health: Health,
}

struct State {
    upkeep: Upkeep,
    mark: Mark,
    closing: bool,
}

impl FjallEngine {
    /// Opens the store in its own folder, which holds a position file already.
    pub(super) fn open(directory: &Path, cache_bytes: u64, trust: Trust) -> Result<Self, EngineError> {
        aborted::clear(directory, trust)?;
        manifests::verify(directory)?;
        let action = || format!("opening the fjall store in {}", directory.display());
        let (database, spaces, mark) = pace::in_background(|| {
            guarded(|| {
                let database = Database::builder(directory)
                    .cache_size(cache_bytes)
                    .max_journaling_size(MAX_JOURNAL_BYTES)
                    .max_cached_files(Some(descriptors::for_store()))
                    .open()
                    .map_err(|error| match error {
                        fjall::Error::Locked => {
                            EngineError::Locked { kind: EngineKind::Fjall, directory: directory.to_owned() }
                        }
                        error => failed(action(), error),
                    })?;
                let (spaces, mark) = Spaces::open(&database)?;
                Ok((database, spaces, mark))
            })
        })?;
        let recorded = open::verify(EngineKind::Fjall, directory, trust, mark.position)?;
        let upkeep = Upkeep::new(mark.position, recorded, Instant::now());
        let inner = Arc::new(Inner {
            database,
            spaces,
            state: Mutex::new(State { upkeep, mark, closing: false }),
            wake: Condvar::new(),
            health: Health::default(),
        });
        let keeper = keeper::start(Arc::clone(&inner), directory)?;
        Ok(Self { inner, keeper: Some(keeper) })
    }

    /// A view of the published batches; the spaces are looked up after it, so that none of its data is missed.
    fn view(&self) -> View {
        let snapshot = self.inner.database.snapshot();
        View { snapshot, handles: self.inner.spaces.handles() }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs something that writes; a failure of it is the last.
    fn write<T>(&self, write: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
        self.health.check()?;
        guarded(write).inspect_err(|failure| self.health.poison(failure))
    }

    fn apply(&self, batch: Batch, mark: Mark, durability: Durability) -> Result<(), EngineError> {
        let mode = match durability {
            Durability::Sync => PersistMode::SyncData,
            Durability::Lazy => PersistMode::Buffer,
        };
        let mut writes = self.database.batch().durability(Some(mode));
        let mut current: Option<(Space, Keyspace)> = None;
        let mut touched = Vec::new();
        for (space, key, value) in batch.into_operations() {
            let handle = match current {
                Some((of, handle)) if of == space => handle,
                _ => {
                    let handle = self.spaces.handle_or_create(&self.database, space)?;
                    touched.push(handle.clone());
                    handle
                }
            };
            match value {
                Some(value) => writes.insert(&handle, key, value),
                None => writes.remove(&handle, key),
            }
            current = Some((space, handle));
        }
        self.spaces.put_mark(&mut writes, mark);
        pace::wait_for(&touched);
        writes.commit().map_err(|error| failed("committing a batch", error))
    }

    fn sync(&self, state: &mut State) -> Result<(), EngineError> {
        self.write(|| {
            self.database.persist(PersistMode::SyncData).map_err(|error| failed("syncing the journal", error))
        })?;
        state.upkeep.synced();
        Ok(())
    }
}

impl Engine for FjallEngine {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, EngineError> {
        Ok(Box::new(self.view()))
    }

    fn snapshots_are_fixed(&self) -> bool {
        true
    }

    fn commit(&self, batch: Batch, durability: Durability) -> Result<(), EngineError> {
        batch.check()?;
        let mut state = self.inner.lock();
        if batch.is_empty() {
            return if durability == Durability::Sync {
                self.inner.sync(&mut state)
            } else {
                self.inner.health.check()
            };
        }
        let mark = self.inner.write(|| {
            let tally = batch.tally(state.mark.tally, |space, key| self.get(space, key))?;
            let mark = Mark { position: state.upkeep.next(), tally };
            self.inner.apply(batch, mark, durability).map(|()| mark)
        })?;
        state.mark = mark;
        let due = state.upkeep.next_due();
        state.upkeep.committed(durability, Instant::now());
        if state.upkeep.next_due() != due {
            self.inner.wake.notify_one();
        }
        Ok(())
    }

    fn drop_space(&self, space: Space) -> Result<(), EngineError> {
        debug_assert!(!space.is_counted(), "the counted space {space} is dropped");
        let mut state = self.inner.lock();
        // What earlier commits wrote elsewhere must not be overtaken by the removal.
        self.inner.sync(&mut state)?;
        self.inner.write(|| self.inner.spaces.remove(&self.inner.database, space))
    }

    fn spaces(&self) -> Result<Vec<String>, EngineError> {
        Ok(self.inner.spaces.names())
    }

    fn health(&self) -> Result<(), EngineError> {
        // A failure of fjall's own background threads shows only when something is asked of it.
        self.inner.write(|| {
            self.inner.database.persist(PersistMode::Buffer).map_err(|error| failed("probing the journal", error))
        })
    }

    fn max_batch(&self) -> usize {
        MAX_BATCH
    }

    fn mark(&self) -> Mark {
        self.inner.lock().mark
    }

    fn sync(&self) -> Result<(), EngineError> {
        let mut state = self.inner.lock();
        self.inner.sync(&mut state)
    }
}

impl Read for FjallEngine {
    /// Without a snapshot: one key needs none, and a batch reaches memory only once it is durable.
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        let Some(handle) = self.inner.spaces.handle(space) else { return Ok(None) };
        guarded(|| {
            let value = handle.get(key).map_err(|error| failed(format!("reading from {space}"), error))?;
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
        self.view().scan(space, range, direction, limit)
    }
}

impl Drop for FjallEngine {
    fn drop(&mut self) {
        self.inner.lock().closing = true;
        self.inner.wake.notify_one();
        if let Some(keeper) = self.keeper.take()
            && keeper.join().is_err()
        {
            tracing::error!("the keeper of the fjall store panicked");
        }
    }
}

/// One point in time, and the spaces there were.
struct View {
    snapshot: fjall::Snapshot,
    handles: Arc<Handles>,
}

impl Snapshot for View {}

impl Read for View {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        let Some(handle) = self.handles.get(&*space.name()) else { return Ok(None) };
        guarded(|| {
            let value =
                self.snapshot.get(handle, key).map_err(|error| failed(format!("reading from {space}"), error))?;
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
        let Some(handle) = self.handles.get(&*space.name()) else { return Ok(Vec::new()) };
        if range::is_empty(range) {
            return Ok(Vec::new());
        }
        guarded(|| {
            let found = self.snapshot.range::<&[u8], _>(handle, range);
            let pairs: Result<_, _> = match direction {
                Direction::Forward => found.take(limit).map(pair).collect(),
                Direction::Reverse => found.rev().take(limit).map(pair).collect(),
            };
            pairs.map_err(|error| failed(format!("scanning {space}"), error))
        })
    }
}
