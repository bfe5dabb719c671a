//! From the committer's thread back to the runtime: what a round decided is answered and told there.
//!
//! A round is handed over as a whole. Waking what waits from the committer's thread, one answer after the
//! other, would have the two threads take turns on every answer wherever they share a core.

use std::sync::Arc;

use koine_core::Error;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::publish::Publisher;
use super::queue::Queue;
use super::registry::Slot;
use crate::store::{Applied, Outcome};

/// Rounds that may wait to be answered before the committer waits for them.
const ROUNDS: usize = 16;

/// Where the answer to an operation goes.
pub(super) type Answering = oneshot::Sender<Result<Outcome, Error>>;

/// Whom an operation concerns beside the store.
pub(super) struct Party {
    /// The connection it attaches.
    pub(super) attaching: Option<Arc<Slot>>,
    /// Who waits for its outcome.
    pub(super) answer: Option<Answering>,
    /// Its room in the committer's queue, given back once it is answered.
    pub(super) room: Option<OwnedSemaphorePermit>,
}

/// What the committer hands over.
pub(super) enum Decided {
    /// The outcomes of a round's operations, and whom each concerns, in their order.
    Round(Vec<Applied>, Vec<Party>),
    /// The committer has stopped; what it decided before has been answered when this is.
    Stopped(oneshot::Sender<()>),
}

/// The way to the task.
pub(super) type Dispatcher = mpsc::Sender<Decided>;

/// Starts the task; it ends when its sender is dropped. It counts the turns by which what waits in the queue is gathered.
pub(super) fn start<T: Send + 'static>(
    publisher: Arc<Publisher>,
    queue: Arc<Queue<T>>,
) -> (Dispatcher, tokio::task::JoinHandle<()>) {
    let (sender, rounds) = mpsc::channel(ROUNDS);
    (sender, tokio::spawn(run(publisher, rounds, queue)))
}

async fn run<T>(publisher: Arc<Publisher>, mut rounds: mpsc::Receiver<Decided>, queue: Arc<Queue<T>>) {
    // How many operations were decided so far.
    let mut decided = 0;
    loop {
        let next = tokio::select! {
            next = rounds.recv() => next,
            () = queue.stirs() => {
                count_turns(&rounds, &queue).await;
                continue;
            }
        };
        let Some(next) = next else { return };
        match next {
            Decided::Round(applied, parties) => {
                // Answers first: a sender has its reply before its own event.
                let mut effects = Vec::new();
                for (applied, Party { attaching, answer, room }) in applied.into_iter().zip(parties) {
                    decided += 1;
                    if let Some(slot) = attaching {
                        slot.attach_at(decided);
                    }
                    effects.extend(applied.effects.into_iter().map(|effect| (decided, effect)));
                    if let Some(answer) = answer {
                        // Whoever does not wait any more has gone.
                        let _ = answer.send(applied.result);
                    }
                    drop(room);
                }
                publisher.publish(effects.into_iter()).await;
                count_turns(&rounds, &queue).await;
            }
            Decided::Stopped(done) => {
                let _ = done.send(());
            }
        }
    }
}

/// Counts turns until one brings nothing, or there is a round to tell.
async fn count_turns<T>(rounds: &mpsc::Receiver<Decided>, queue: &Queue<T>) {
    while rounds.is_empty() {
        // Whoever was woken goes first, and whoever has something to read by then.
        tokio::task::yield_now().await;
        if queue.turned() {
            return;
        }
    }
}
