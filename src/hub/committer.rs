//! The single writer's thread: what is handed over is decided and made durable in batches.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use koine_core::{Error, ErrorKind};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::Instant;

use super::clock::Clock;
use super::dispatch::{Answering, Decided, Dispatcher, Party};
use super::registry::Slot;
use crate::complaint::Complaint;
use crate::store::{Op, Outcome, Store};

/// How long what may wait is gathered.
const GATHER: Duration = Duration::from_millis(500);

/// The way to the committer's thread.
pub(super) struct Committer {
    queue: mpsc::UnboundedSender<Task>,
    /// Bounds what is in the queue, in bytes.
    room: Arc<Semaphore>,
    largest: usize,
    open: AtomicBool,
}

/// What waits for an answer.
pub(super) type Answer = oneshot::Receiver<Result<Outcome, Error>>;

#[expect(clippy::large_enum_variant, reason = "all but one task of a process's life are operations")]
enum Task {
    Op { op: Op, attaching: Option<Arc<Slot>>, answer: Option<Answering>, room: OwnedSemaphorePermit },
    Stop(oneshot::Sender<()>),
}

impl Committer {
    /// Starts the thread. `room` bounds the queue, in bytes.
    pub(super) fn start(
        store: Arc<dyn Store>,
        dispatcher: Dispatcher,
        clock: Clock,
        room: usize,
    ) -> std::io::Result<Self> {
        let (queue, tasks) = mpsc::unbounded_channel();
        let work = Work { store, dispatcher, clock };
        let runtime = tokio::runtime::Handle::current();
        std::thread::Builder::new().name("committer".to_owned()).spawn(move || runtime.block_on(work.run(tasks)))?;
        Ok(Self::with(queue, room))
    }

    /// The same on a task of the runtime, for simulations.
    #[cfg(test)]
    pub(super) fn start_as_task(
        store: Arc<dyn Store>,
        dispatcher: Dispatcher,
        clock: Clock,
        room: usize,
    ) -> (Self, tokio::task::JoinHandle<()>) {
        let (queue, tasks) = mpsc::unbounded_channel();
        let work = Work { store, dispatcher, clock };
        (Self::with(queue, room), tokio::spawn(work.run(tasks)))
    }

    fn with(queue: mpsc::UnboundedSender<Task>, room: usize) -> Self {
        let largest = room.min(Semaphore::MAX_PERMITS);
        Self { queue, room: Arc::new(Semaphore::new(largest)), largest, open: AtomicBool::new(true) }
    }

    /// Hands an operation over; waits only while the queue is full. What is handed over one after the
    /// other is decided in that order.
    pub(super) async fn submit(&self, op: Op) -> Answer {
        self.hand_over(op, None).await
    }

    /// The same for the operation that attaches a connection, which hears of everything after it.
    pub(super) async fn submit_attach(&self, op: Op, slot: Arc<Slot>) -> Answer {
        self.hand_over(op, Some(slot)).await
    }

    /// Hands an operation over that nobody waits for.
    pub(super) fn submit_quietly(&self, op: Op) {
        let weight = u32::try_from(op.weight().min(self.largest)).unwrap_or(u32::MAX);
        // Nobody is refused for a confirmation that finds the queue full: what it confirms stays
        // pending and is delivered again.
        if let Ok(room) = self.room.clone().try_acquire_many_owned(weight) {
            let _ = self.queue.send(Task::Op { op, attaching: None, answer: None, room });
        }
    }

    /// Hands an operation over if the queue has room for it.
    pub(super) fn try_submit(&self, op: Op) -> Option<Answer> {
        let weight = u32::try_from(op.weight().min(self.largest)).unwrap_or(u32::MAX);
        let room = self.room.clone().try_acquire_many_owned(weight).ok()?;
        let (answer, receiver) = oneshot::channel();
        let _ = self.queue.send(Task::Op { op, attaching: None, answer: Some(answer), room });
        Some(receiver)
    }

    async fn hand_over(&self, op: Op, attaching: Option<Arc<Slot>>) -> Answer {
        let (answer, receiver) = oneshot::channel();
        if !self.open.load(Ordering::Acquire) {
            return receiver;
        }
        let weight = u32::try_from(op.weight().min(self.largest)).unwrap_or(u32::MAX);
        if let Ok(room) = self.room.clone().acquire_many_owned(weight).await {
            // A closed queue drops the answer's sender, which its receiver takes for `Unavailable`.
            let _ = self.queue.send(Task::Op { op, attaching, answer: Some(answer), room });
        }
        receiver
    }

    /// Takes nothing more, finishes what was handed over, and writes what was gathered.
    pub(super) async fn stop(&self) {
        self.open.store(false, Ordering::Release);
        let (done, finished) = oneshot::channel();
        if self.queue.send(Task::Stop(done)).is_ok() {
            let _ = finished.await;
        }
    }
}

/// Waits for an answer.
pub(super) async fn wait(answer: Answer) -> Result<Outcome, Error> {
    answer.await.unwrap_or(Err(Error::new(ErrorKind::Unavailable)))
}

struct Work {
    store: Arc<dyn Store>,
    dispatcher: Dispatcher,
    clock: Clock,
}

/// What one round takes from the queue.
#[derive(Default)]
struct Round {
    ops: Vec<Op>,
    parties: Vec<Party>,
    stopping: Option<oneshot::Sender<()>>,
}

impl Round {
    fn take(&mut self, task: Task) {
        match task {
            Task::Op { op, attaching, answer, room } => {
                self.ops.push(op);
                self.parties.push(Party { attaching, answer, room });
            }
            Task::Stop(done) => self.stopping = Some(done),
        }
    }
}

impl Work {
    /// Blocks whoever polls it while the store works.
    async fn run(self, mut tasks: mpsc::UnboundedReceiver<Task>) {
        let most = self.store.max_batch().max(1);
        let mut flushed = Instant::now();
        loop {
            let mut round = Round::default();
            let next = tokio::time::timeout(GATHER, tasks.recv()).await;
            let closed = matches!(next, Ok(None));
            if let Ok(Some(task)) = next {
                round.take(task);
            }
            while round.ops.len() < most
                && round.stopping.is_none()
                && let Ok(task) = tasks.try_recv()
            {
                round.take(task);
            }
            let stopping = round.stopping.take();
            let ending = closed || stopping.is_some();
            self.carry_out(round).await;
            if ending || flushed.elapsed() >= GATHER {
                flushed = Instant::now();
                if let Err(error) = self.store.flush(ending) {
                    static COMPLAINT: Complaint = Complaint::new();
                    if let Some(unlogged) = COMPLAINT.due() {
                        tracing::error!(%error, unlogged, "what was gathered could not be written");
                    }
                }
            }
            if let Some(done) = stopping {
                self.hand_over(Decided::Stopped(done)).await;
            }
            if ending {
                return;
            }
        }
    }

    async fn carry_out(&self, round: Round) {
        if !round.ops.is_empty() {
            let applied = self.store.apply(self.clock.now(), round.ops);
            self.hand_over(Decided::Round(applied, round.parties)).await;
        }
    }

    async fn hand_over(&self, decided: Decided) {
        if self.dispatcher.send(decided).await.is_err() {
            tracing::debug!("what was decided is told to nobody: the hub has ended");
        }
    }
}
