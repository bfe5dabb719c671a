//! An engine in memory whose process can be killed, and whose power can be cut, at any commit.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Bound;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::health::Health;
use super::{
    Batch, Direction, Durability, Engine, EngineError, KeyRange, Mark, Pair, Read, Snapshot, Space, Tally, range,
};

/// How long a lazy commit may be away from stable storage.
const LAZY: Duration = Duration::from_secs(1);

type Map = BTreeMap<(Space, Vec<u8>), Bytes>;
type Operations = Vec<(Space, Vec<u8>, Option<Vec<u8>>)>;

/// What becomes of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The process ends before anything is written.
    EndBefore,
    /// The process ends when everything is on stable storage, and nobody knows yet.
    EndAfter,
    /// The system reports an error; whether the batch is found when the store is opened anew is said here.
    Error {
        /// It is.
        written: bool,
    },
}

/// How a process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Crash {
    /// It is killed: what it has written stays.
    Killed,
    /// The power is cut: of what was written lazily within the last second, this many commits stay.
    PowerCut(usize),
}

/// A disk that outlives the processes which use it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Disk(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    ended: Notify,
}

struct State {
    stable: Arc<Map>,
    current: Arc<Map>,
    /// Written lazily and not brought to stable storage yet, oldest first.
    lazy: Vec<(Instant, Operations)>,
    /// Which process uses it.
    life: u64,
    /// The process has ended by a fault.
    ended: bool,
    /// The commit it ended in is on stable storage.
    landed: bool,
    commits: u64,
    /// Of what is current.
    tally: Tally,
    plan: Option<(u64, Fault)>,
    /// A batch that ended in an error, and whether it is on the disk all the same.
    doubtful: Option<(Operations, bool)>,
    /// A disk that lies: what is to be stable is only written lazily.
    lies: bool,
}

impl Disk {
    /// An empty disk. One that `lies` says that bytes are stable which are not.
    pub(crate) fn new(lies: bool) -> Self {
        let state = State {
            stable: Arc::default(),
            current: Arc::default(),
            lazy: Vec::new(),
            life: 0,
            ended: false,
            landed: false,
            commits: 0,
            tally: Tally::default(),
            plan: None,
            doubtful: None,
            lies,
        };
        Self(Arc::new(Inner { state: Mutex::new(state), ended: Notify::new() }))
    }

    /// Opens the disk for a new process; the old one's engine fails from then on.
    pub(crate) fn open(&self) -> Arc<dyn Engine> {
        let mut state = self.0.state.lock();
        state.life += 1;
        state.ended = false;
        Arc::new(Handle { disk: self.clone(), life: state.life, health: Health::default() })
    }

    /// Plans a fault for the commit after the next `after` ones.
    pub(crate) fn plan(&self, after: u64, fault: Fault) {
        let mut state = self.0.state.lock();
        state.plan = Some((state.commits + after, fault));
    }

    /// Plans no fault any more.
    pub(crate) fn forget_plan(&self) {
        self.0.state.lock().plan = None;
    }

    /// Whether the process has ended by a fault.
    pub(crate) fn has_ended(&self) -> bool {
        self.0.state.lock().ended
    }

    /// Whether the process has ended by a fault, or has seen an error.
    pub(crate) fn is_broken(&self) -> bool {
        let state = self.0.state.lock();
        state.ended || state.doubtful.is_some()
    }

    /// Waits for a process that ends by a fault.
    pub(crate) async fn ended(&self) {
        while !self.0.state.lock().ended {
            self.0.ended.notified().await;
        }
    }

    /// Ends the process; whether a batch that nobody saw the answer of is on the disk.
    pub(crate) fn crash(&self, crash: Crash) -> bool {
        let mut guard = self.0.state.lock();
        let state = &mut *guard;
        state.life += 1;
        state.ended = false;
        state.plan = None;
        let doubtful = state.doubtful.take().filter(|(_, written)| *written).map(|(operations, _)| operations);
        let now = Instant::now();
        // A log is written in order: whoever finds the end of it finds all of it.
        let kept = match crash {
            _ if doubtful.is_some() => state.lazy.len(),
            Crash::Killed => state.lazy.len(),
            Crash::PowerCut(kept) => {
                let old = if state.lies { 0 } else { state.lazy.iter().filter(|(at, _)| *at + LAZY <= now).count() };
                kept.clamp(old, state.lazy.len().max(old))
            }
        };
        for (_, operations) in std::mem::take(&mut state.lazy).into_iter().take(kept) {
            write(&mut state.stable, operations);
        }
        let found = doubtful.is_some() || std::mem::take(&mut state.landed);
        write(&mut state.stable, doubtful.unwrap_or_default());
        state.current = Arc::new(Map::clone(&state.stable));
        state.tally = tally(&state.current);
        found
    }
}

impl State {
    /// Brings what was written lazily to stable storage.
    fn settle(&mut self) {
        for (_, operations) in std::mem::take(&mut self.lazy) {
            write(&mut self.stable, operations);
        }
    }

    fn commit(&mut self, operations: Operations, durability: Durability) {
        write(&mut self.current, operations.clone());
        self.lazy.push((Instant::now(), operations));
        if durability == Durability::Sync && !self.lies {
            self.settle();
        }
    }
}

fn tally(map: &Map) -> Tally {
    let mut tally = Tally::default();
    for ((space, key), value) in map.iter().filter(|((space, _), _)| space.is_counted()) {
        tally.add(*space, key, value);
    }
    tally
}

fn write(map: &mut Arc<Map>, operations: Operations) {
    let map = Arc::make_mut(map);
    for (space, key, value) in operations {
        match value {
            Some(value) => map.insert((space, key), value.into()),
            None => map.remove(&(space, key)),
        };
    }
}

/// One process's engine.
struct Handle {
    disk: Disk,
    life: u64,
    health: Health,
}

impl Handle {
    fn map(&self) -> Result<Arc<Map>, EngineError> {
        let state = self.disk.0.state.lock();
        if state.life == self.life && !state.ended { Ok(Arc::clone(&state.current)) } else { Err(gone()) }
    }
}

fn gone() -> EngineError {
    EngineError::Poisoned { reason: "the process has ended".to_owned() }
}

impl Read for Handle {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        self.map()?.get(space, key)
    }

    fn scan(
        &self,
        space: Space,
        range: KeyRange<'_>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, EngineError> {
        self.map()?.scan(space, range, direction, limit)
    }
}

impl Engine for Handle {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, EngineError> {
        Ok(Box::new(self.map()?))
    }

    fn snapshots_are_fixed(&self) -> bool {
        true
    }

    fn commit(&self, batch: Batch, durability: Durability) -> Result<(), EngineError> {
        self.health.check()?;
        batch.check()?;
        let mut guard = self.disk.0.state.lock();
        let state = &mut *guard;
        if state.life != self.life || state.ended {
            return Err(gone());
        }
        let current = Arc::clone(&state.current);
        let tally = batch.tally(state.tally, |space, key| Read::get(&current, space, key))?;
        drop(current);
        let operations: Operations = batch.into_operations().collect();
        state.commits += 1;
        let commits = state.commits;
        let fault = state.plan.take_if(|(at, _)| *at < commits).map(|(_, fault)| fault);
        match fault {
            None => {}
            Some(Fault::Error { written }) => {
                state.doubtful = Some((operations, written));
                let error = EngineError::io("writing", io::Error::other("a fault of the simulation's"));
                self.health.poison(&error);
                return Err(error);
            }
            Some(ending) => {
                if ending == Fault::EndAfter {
                    state.tally = tally;
                    state.commit(operations, Durability::Sync);
                    state.landed = true;
                }
                state.ended = true;
                drop(guard);
                self.disk.0.ended.notify_one();
                resume_unwind(Box::new("the process ends here"));
            }
        }
        state.tally = tally;
        state.commit(operations, durability);
        Ok(())
    }

    fn drop_space(&self, space: Space) -> Result<(), EngineError> {
        let mut state = self.disk.0.state.lock();
        state.settle();
        let State { current, stable, .. } = &mut *state;
        for map in [&mut *current, stable] {
            Arc::make_mut(map).retain(|(kept, _), _| *kept != space);
        }
        state.tally = tally(&state.current);
        Ok(())
    }

    fn spaces(&self) -> Result<Vec<String>, EngineError> {
        let names: BTreeSet<Space> = self.map()?.keys().map(|(space, _)| *space).collect();
        Ok(names.into_iter().map(|space| space.name().into_owned()).collect())
    }

    fn health(&self) -> Result<(), EngineError> {
        self.map()?;
        self.health.check()
    }

    fn max_batch(&self) -> usize {
        64
    }

    fn mark(&self) -> Mark {
        let state = self.disk.0.state.lock();
        Mark { position: state.commits, tally: state.tally }
    }

    fn sync(&self) -> Result<(), EngineError> {
        let mut state = self.disk.0.state.lock();
        if !state.lies {
            state.settle();
        }
        Ok(())
    }
}

impl Snapshot for Arc<Map> {}

impl Read for Arc<Map> {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        Ok(BTreeMap::get(self, &(space, key.to_vec())).cloned())
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
        let low = match range.0 {
            Bound::Included(low) => Bound::Included((space, low.to_vec())),
            Bound::Excluded(low) => Bound::Excluded((space, low.to_vec())),
            Bound::Unbounded => Bound::Included((space, Vec::new())),
        };
        // No key is longer than that.
        let high = match range.1 {
            Bound::Included(high) => Bound::Included((space, high.to_vec())),
            Bound::Excluded(high) => Bound::Excluded((space, high.to_vec())),
            Bound::Unbounded => Bound::Included((space, vec![u8::MAX; super::MAX_KEY_BYTES])),
        };
        let inside = self.range((low, high));
        let pair = |((_, key), value): (&(Space, Vec<u8>), &Bytes)| (Bytes::copy_from_slice(key), value.clone());
        Ok(match direction {
            Direction::Forward => inside.take(limit).map(pair).collect(),
            Direction::Reverse => inside.rev().take(limit).map(pair).collect(),
        })
    }
}
