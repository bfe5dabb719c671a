//! The one thread that writes to sled and flushes it.
//!
//! Requests queue; the thread takes what is there, applies each batch by itself, flushes once for all that asked
//! for durability, and only then answers those. The same thread syncs lazy commits in time and records the
//! position. On any failure it answers every request with an error from then on.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use super::Shared;
use super::blobs::Blobs;
use super::convert::failed;
use super::redo::Redo;
use crate::store::engine::guard::guarded;
use crate::store::engine::position::PositionFile;
use crate::store::engine::tally::Mark;
use crate::store::engine::upkeep::Upkeep;
use crate::store::engine::{Batch, Durability, EngineError, Read};

/// How many callers may queue before the next one waits for room; also the most that share a flush.
const QUEUE: usize = 64;

/// What can be asked of the writer.
pub(super) enum Work {
    /// Apply a batch; with [`Durability::Sync`], flush it before answering.
    Commit(Batch, Durability),
    /// Flush what is there.
    Sync,
}

type Answer = Result<(), EngineError>;

struct Request {
    work: Work,
    answer: SyncSender<Answer>,
}

/// The handle of the thread. Dropping it flushes what is left and ends the thread.
pub(super) struct Writer {
    requests: Option<SyncSender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(shared: Arc<Shared>, directory: &Path, upkeep: Upkeep) -> Result<Self, EngineError> {
        let log = directory.join("db");
        let log = File::open(&log).map_err(|error| EngineError::io(format!("opening {}", log.display()), error))?;
        let position = PositionFile::new(directory);
        let state = State { shared, log, blobs: Blobs::new(directory), position, upkeep };
        let (sender, receiver) = sync_channel(QUEUE);
        let thread = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || state.run(&receiver))
            .map_err(|error| EngineError::io("starting the store's writer", error))?;
        Ok(Self { requests: Some(sender), thread: Some(thread) })
    }

    /// Has the thread do something, and waits for it.
    pub(super) fn ask(&self, work: Work) -> Answer {
        let gone = || EngineError::Poisoned { reason: "the store's writer has ended".to_owned() };
        let (answer, answered) = sync_channel(1);
        let requests = self.requests.as_ref().ok_or_else(gone)?;
        requests.send(Request { work, answer }).map_err(|_| gone())?;
        answered.recv().map_err(|_| gone())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the writer of the sled store panicked");
        }
    }
}

struct State {
    shared: Arc<Shared>,
    log: File,
    blobs: Blobs,
    position: PositionFile,
    upkeep: Upkeep,
}

impl State {
    fn run(mut self, requests: &Receiver<Request>) {
        loop {
            match self.next(requests) {
                Ok(first) => self.serve(first, requests),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.tend();
        }
        self.finish();
    }

    fn next(&self, requests: &Receiver<Request>) -> Result<Request, RecvTimeoutError> {
        let due = if self.shared.health.check().is_ok() { self.upkeep.next_due() } else { None };
        match due {
            None => requests.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(due) => requests.recv_timeout(due.saturating_duration_since(Instant::now())),
        }
    }

    fn serve(&mut self, first: Request, requests: &Receiver<Request>) {
        let mut waiting = Vec::new();
        for request in std::iter::once(first).chain(requests.try_iter().take(QUEUE)) {
            match request.work {
                Work::Commit(batch, durability) => match (self.apply(batch), durability) {
                    (Ok(()), Durability::Sync) => waiting.push(request.answer),
                    (applied, _) => answer(&request.answer, applied),
                },
                Work::Sync => waiting.push(request.answer),
            }
        }
        if !waiting.is_empty() {
            let synced = self.sync();
            for caller in &waiting {
                answer(caller, synced.clone());
            }
        }
    }

    /// Applies one batch; it is lazy until the next sync.
    fn apply(&mut self, batch: Batch) -> Answer {
        let position = self.upkeep.next();
        self.write(|state| {
            let tally = batch.tally(state.shared.mark().tally, |space, key| state.shared.get(space, key))?;
            let mark = Mark { position, tally };
            let (writes, shared) = (Redo::new(batch, mark), &state.shared);
            let kept = shared.durable.keep(&shared.tree, writes.keys());
            kept.map_err(|error| failed("reading what a batch replaces", error))?;
            shared.apply(writes, mark)
        })?;
        self.upkeep.committed(Durability::Lazy, Instant::now());
        Ok(())
    }

    fn sync(&mut self) -> Answer {
        self.write(|state| {
            state.shared.tree.flush().map_err(|error| failed("flushing the log", error))?;
            state.blobs.sync().map_err(|error| EngineError::io("syncing large pages", error))?;
            state.log.sync_data().map_err(|error| EngineError::io("syncing the log", error))?;
            state.shared.durable.forget();
            Ok(())
        })?;
        self.upkeep.synced();
        Ok(())
    }

    /// Does what is due. A failure is kept in the store's health, where the next request finds it.
    fn tend(&mut self) {
        let now = Instant::now();
        let synced = if self.upkeep.sync_due(now) { self.sync() } else { Ok(()) };
        if let (Ok(()), Some(position)) = (synced, self.upkeep.record_due(now)) {
            let _kept = self.write(|state| state.position.write(position));
        }
    }

    fn finish(mut self) {
        let synced = if self.upkeep.is_unsynced() { self.sync() } else { self.shared.health.check() };
        if let (Ok(()), Some(position)) = (synced, self.upkeep.record_last()) {
            let _kept = self.write(|state| state.position.write(position));
        }
    }

    /// Runs something that writes; a failure of it is the last.
    fn write(&mut self, write: impl FnOnce(&mut Self) -> Answer) -> Answer {
        self.shared.health.check()?;
        guarded(|| write(self)).inspect_err(|failure| self.shared.health.poison(failure))
    }
}

fn answer(caller: &SyncSender<Answer>, answer: Answer) {
    // A caller that has gone away needs no answer.
    let _gone = caller.send(answer);
}
