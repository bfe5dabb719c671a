//! The single writer's thread: what is handed over is decided and made durable in batches.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use koine_core::{Error, ErrorKind};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::clock::Clock;
use super::dispatch::{self, Answering, Decided, Dispatcher, Party};
use super::publish::Publisher;
use super::queue::{Queue, Taken};
use super::receipts::Receipts;
use super::registry::Slot;
use crate::complaint::Complaint;
use crate::store::{Action, Op, Outcome, Store};

/// How long what may wait is gathered.
const GATHER: Duration = Duration::from_millis(500);

/// The longest that a question waits for receipts which came before it, where the store does not get on.
const SETTLING: Duration = Duration::from_millis(100);

/// The way to the committer's thread.
pub(super) struct Committer {
    queue: Arc<Queue<Task>>,
    /// Bounds what is in the queue, in bytes.
    room: Arc<Semaphore>,
    largest: usize,
    open: AtomicBool,
}

/// What waits for an answer.
pub(super) type Answer = oneshot::Receiver<Result<Outcome, Error>>;

enum Task {
    Op {
        op: Op,
        attaching: Option<Arc<Slot>>,
        answer: Option<Answering>,
        room: OwnedSemaphorePermit,
    },
    /// Bounded by the number of connections.
    Receipts(Arc<Receipts>),
    /// Answered once everything before it has been decided.
    Settle(oneshot::Sender<()>),
    Stop(oneshot::Sender<()>),
}

impl Committer {
    /// Starts the thread, and the task that tells what it has decided. `room` bounds the queue, in bytes.
    pub(super) fn start(
        store: Arc<dyn Store>,
        publisher: Arc<Publisher>,
        clock: Clock,
        room: usize,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let queue = Arc::new(Queue::for_thread());
        let (work, dispatching) = Work::new(&queue, store, publisher, clock);
        std::thread::Builder::new().name("committer".to_owned()).spawn(move || work.run())?;
        Ok((Self::with(queue, room), dispatching))
    }

    /// The same with another task instead of the thread, for simulations.
    #[cfg(test)]
    pub(super) fn start_as_task(
        store: Arc<dyn Store>,
        publisher: Arc<Publisher>,
        clock: Clock,
        room: usize,
    ) -> (Self, [JoinHandle<()>; 2]) {
        let queue = Arc::new(Queue::for_task());
        let (work, dispatching) = Work::new(&queue, store, publisher, clock);
        (Self::with(queue, room), [dispatching, tokio::spawn(work.run_in_task())])
    }

    fn with(queue: Arc<Queue<Task>>, room: usize) -> Self {
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

    /// Hands an operation over that nobody waits for, and that may wait for others where it is not `prompt`.
    pub(super) fn submit_quietly(&self, op: Op, prompt: bool) {
        let weight = self.weight(&op);
        // Nobody is refused for a confirmation that finds the queue full: what it confirms stays
        // pending and is delivered again.
        if let Ok(room) = self.room.clone().try_acquire_many_owned(weight) {
            let task = Task::Op { op, attaching: None, answer: None, room };
            let _ = if prompt { self.queue.put(task) } else { self.queue.put_lazily(task) };
        }
    }

    /// Takes up what a connection has acknowledged, and will have by the time that this is taken.
    pub(super) fn take_up(&self, receipts: &Arc<Receipts>) {
        let _ = self.queue.put_lazily(Task::Receipts(receipts.clone()));
    }

    /// Waits until whatever may wait and was handed over before has been decided.
    pub(super) async fn settle(&self) {
        if self.queue.is_settled() {
            return;
        }
        let (done, settled) = oneshot::channel();
        if self.queue.put(Task::Settle(done)).is_ok() {
            let _ = timeout(SETTLING, settled).await;
        }
    }

    /// Hands an operation over if the queue has room for it, and gives it back otherwise.
    pub(super) fn try_submit(&self, op: Op) -> Result<Answer, Box<Op>> {
        let (answer, receiver) = oneshot::channel();
        if self.open.load(Ordering::Acquire) {
            let weight = self.weight(&op);
            match self.room.clone().try_acquire_many_owned(weight) {
                Ok(room) => drop(self.queue.put(Task::Op { op, attaching: None, answer: Some(answer), room })),
                Err(_) => return Err(Box::new(op)),
            }
        }
        Ok(receiver)
    }

    /// How much of the queue's room an operation takes.
    fn weight(&self, op: &Op) -> u32 {
        u32::try_from(op.weight().min(self.largest)).unwrap_or(u32::MAX)
    }

    async fn hand_over(&self, op: Op, attaching: Option<Arc<Slot>>) -> Answer {
        let (answer, receiver) = oneshot::channel();
        if !self.open.load(Ordering::Acquire) {
            return receiver;
        }
        let weight = self.weight(&op);
        if let Ok(room) = self.room.clone().acquire_many_owned(weight).await {
            // A closed queue gives it back: without its sender, the answer's receiver says `Unavailable`.
            let _ = self.queue.put(Task::Op { op, attaching, answer: Some(answer), room });
        }
        receiver
    }

    /// Takes nothing more, finishes what was handed over, and writes what was gathered.
    pub(super) async fn stop(&self) {
        self.open.store(false, Ordering::Release);
        let (done, finished) = oneshot::channel();
        if self.queue.put(Task::Stop(done)).is_ok() {
            let _ = finished.await;
        }
    }
}

/// Waits for an answer.
pub(super) async fn wait(answer: Answer) -> Result<Outcome, Error> {
    answer.await.unwrap_or(Err(Error::new(ErrorKind::Unavailable)))
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.queue.close();
    }
}

struct Work {
    queue: Arc<Queue<Task>>,
    store: Arc<dyn Store>,
    dispatcher: Dispatcher,
    clock: Clock,
    most: usize,
    flushed: Instant,
}

impl Work {
    fn new(
        queue: &Arc<Queue<Task>>,
        store: Arc<dyn Store>,
        publisher: Arc<Publisher>,
        clock: Clock,
    ) -> (Self, JoinHandle<()>) {
        let (dispatcher, dispatching) = dispatch::start(publisher, queue.clone());
        let most = store.max_batch().max(1);
        (Self { queue: queue.clone(), store, dispatcher, clock, most, flushed: Instant::now() }, dispatching)
    }

    /// Works until nothing more comes.
    fn run(mut self) {
        let mut tasks = Vec::new();
        loop {
            let taken = self.queue.take(&mut tasks, self.most, GATHER);
            let (decided, stopping) = self.decide(&mut tasks);
            if let Some(decided) = decided {
                report(self.dispatcher.blocking_send(decided).is_ok());
            }
            let ending = taken == Taken::End || stopping.is_some();
            self.flush(ending);
            if let Some(done) = stopping {
                report(self.dispatcher.blocking_send(Decided::Stopped(done)).is_ok());
            }
            if ending {
                return;
            }
        }
    }

    /// The same in a task, which it blocks while the store works.
    #[cfg(test)]
    async fn run_in_task(mut self) {
        let mut tasks = Vec::new();
        loop {
            let taken = self.queue.take_in_task(&mut tasks, self.most, GATHER).await;
            let (decided, stopping) = self.decide(&mut tasks);
            if let Some(decided) = decided {
                report(self.dispatcher.send(decided).await.is_ok());
            }
            let ending = taken == Taken::End || stopping.is_some();
            self.flush(ending);
            if let Some(done) = stopping {
                report(self.dispatcher.send(Decided::Stopped(done)).await.is_ok());
            }
            if ending {
                return;
            }
        }
    }

    /// Decides a round and makes it durable; who waits for the committer to stop, if somebody does.
    fn decide(&self, tasks: &mut Vec<Task>) -> (Option<Decided>, Option<oneshot::Sender<()>>) {
        let (mut ops, mut parties) = (Vec::with_capacity(tasks.len()), Vec::with_capacity(tasks.len()));
        let (mut settling, mut stopping) = (Vec::new(), None);
        for task in tasks.drain(..) {
            match task {
                Task::Op { op, attaching, answer, room } => {
                    ops.push(op);
                    parties.push(Party { attaching, answer, room: Some(room) });
                }
                Task::Receipts(receipts) => {
                    let action = Action::Confirm { receipt: receipts.take(), read: false, durable: false };
                    ops.push(Op { by: Some(receipts.user()), action });
                    parties.push(Party { attaching: None, answer: None, room: None });
                }
                Task::Settle(done) => settling.push(done),
                Task::Stop(done) => stopping = Some(done),
            }
        }
        let decided = (!ops.is_empty()).then(|| {
            let applied = self.store.apply(self.clock.now(), ops);
            self.queue.begins_telling();
            Decided::Round(applied, parties)
        });
        for done in settling {
            // Whoever does not wait any more has gone.
            let _ = done.send(());
        }
        (decided, stopping)
    }

    /// Writes what was gathered, now and then and in the end.
    fn flush(&mut self, ending: bool) {
        if !ending && self.flushed.elapsed() < GATHER {
            return;
        }
        self.flushed = Instant::now();
        if let Err(error) = self.store.flush(ending) {
            static COMPLAINT: Complaint = Complaint::new();
            if let Some(unlogged) = COMPLAINT.due() {
                tracing::error!(%error, unlogged, "what was gathered could not be written");
            }
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.queue.end();
    }
}

fn report(handed_over: bool) {
    if !handed_over {
        tracing::debug!("what was decided is told to nobody: the hub has ended");
    }
}
