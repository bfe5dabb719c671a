//! What waits for the committer, and when it is taken.
//!
//! ```text
//!            put                    put                   a turn brings nothing more, enough wait, or PATIENCE has passed
//! Empty ───────────► gathers ◄────────────────► gathers ───► all are taken together
//! ```
//!
//! Each round costs the disk one synchronisation and the threads a few turns, however much is in it. What comes is
//! gathered turn by turn of all who have something to do, for as long as each turn brings something. So a message that
//! comes alone waits for one turn, those that come close together share a round, and whoever is told of a round has its
//! next message in the one after it.
//!
//! What may wait (a receipt, which is gathered in memory anyway) brings about no round. It goes with the next, or after
//! the longest that the taker waits.

use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;

/// So many are worth a round of their own.
const ENOUGH: usize = 128;
/// The longest that something is gathered for while a round is being told.
const PATIENCE: Duration = Duration::from_millis(1);
/// So many together do not wait any longer, even if each of them may.
const MANY: usize = 1_024;

/// What waits for the committer. Bounded by those who put something in.
#[derive(Debug)]
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Changed,
    /// Calls whoever counts the turns.
    first: Notify,
}

#[derive(Debug)]
struct State<T> {
    waiting: Vec<T>,
    /// How many of them bring about a round.
    urgent: usize,
    /// Something that may wait has not been dealt with: it waits, or is in the round under way.
    unsettled: bool,
    /// The taker waits for a round.
    wanted: bool,
    /// How many urgent ones waited when the last turn was over; `None` if turns are not counted, since one brought
    /// nothing.
    seen: Option<usize>,
    /// Nobody puts anything in any more.
    closed: bool,
}

/// How the taker learns that what it waits for is there.
#[derive(Debug)]
enum Changed {
    /// It is a thread.
    Thread(Condvar),
    /// It is a task, as in simulations.
    #[cfg(test)]
    Task(Notify),
}

/// What was taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// Something, or nothing because nothing came in time.
    Some,
    /// There is nothing left, and nothing more comes.
    End,
}

impl<T> Queue<T> {
    /// A queue for a thread.
    pub(super) fn for_thread() -> Self {
        Self::new(Changed::Thread(Condvar::new()))
    }

    /// A queue for a task.
    #[cfg(test)]
    pub(super) fn for_task() -> Self {
        Self::new(Changed::Task(Notify::new()))
    }

    fn new(changed: Changed) -> Self {
        let state =
            State { waiting: Vec::new(), urgent: 0, unsettled: false, wanted: false, seen: None, closed: false };
        Self { state: Mutex::new(state), changed, first: Notify::new() }
    }

    /// Puts something behind what waits. Once the queue is closed it is given back.
    pub(super) fn put(&self, item: T) -> Result<(), T> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(item);
        }
        state.waiting.push(item);
        state.urgent += 1;
        if state.wanted && state.seen.is_none() {
            state.seen = Some(state.urgent);
            drop(state);
            self.first.notify_one();
        } else {
            self.tell(state);
        }
        Ok(())
    }

    /// Puts something behind what waits that may wait for something else to be taken, in its place.
    pub(super) fn put_lazily(&self, item: T) -> Result<(), T> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(item);
        }
        state.waiting.push(item);
        state.unsettled = true;
        if state.waiting.len() >= MANY {
            state.urgent = state.waiting.len();
            self.tell(state);
        }
        Ok(())
    }

    /// Whether everything that may wait has been dealt with.
    pub(super) fn is_settled(&self) -> bool {
        !self.state.lock().unsettled
    }

    /// Takes nothing more in; what waits can still be taken.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        self.tell(state);
    }

    /// The same, and what waits is forgotten: nobody takes anything any more.
    pub(super) fn end(&self) {
        self.close();
        let forgotten = std::mem::take(&mut self.state.lock().waiting);
        drop(forgotten);
    }

    /// Something has come, and turns have to be counted. May be said once too often.
    pub(super) async fn stirs(&self) {
        self.first.notified().await;
    }

    /// Everybody has had a turn since something came, a round began to be told, or the last turn. Whether nothing came
    /// in it: then what waits is a round.
    pub(super) fn turned(&self) -> bool {
        let mut state = self.state.lock();
        let urgent = state.urgent;
        if let Some(seen) = &mut state.seen
            && urgent > std::mem::replace(seen, urgent)
        {
            return false;
        }
        state.seen = None;
        self.tell(state);
        true
    }

    /// A round is about to be told.
    pub(super) fn begins_telling(&self) {
        let mut state = self.state.lock();
        state.seen = Some(state.urgent);
    }

    /// Wakes the taker if there is a round for it.
    fn tell(&self, mut state: parking_lot::MutexGuard<'_, State<T>>) {
        if state.wanted && state.is_ready() {
            state.wanted = false;
            drop(state);
            match &self.changed {
                Changed::Thread(changed) => {
                    changed.notify_one();
                }
                #[cfg(test)]
                Changed::Task(changed) => changed.notify_one(),
            }
        }
    }

    /// Takes at most so many into `round`, which is empty; waits at most so long for the first. Blocks its thread.
    pub(super) fn take(&self, round: &mut Vec<T>, most: usize, longest: Duration) -> Taken {
        let mut state = self.state.lock();
        if let (Some(patience), Changed::Thread(changed)) = (state.want(longest), &self.changed) {
            let _ = changed.wait_for(&mut state, patience);
        }
        state.take(round, most)
    }

    /// The same for a task.
    #[cfg(test)]
    pub(super) async fn take_in_task(&self, round: &mut Vec<T>, most: usize, longest: Duration) -> Taken {
        let patience = self.state.lock().want(longest);
        if let (Some(patience), Changed::Task(changed)) = (patience, &self.changed) {
            let _ = tokio::time::timeout(patience, changed.notified()).await;
        }
        self.state.lock().take(round, most)
    }
}

impl<T> State<T> {
    fn is_ready(&self) -> bool {
        self.closed || self.urgent >= ENOUGH || (self.seen.is_none() && self.urgent > 0)
    }

    /// How long the taker has to wait for a round, if it has to.
    fn want(&mut self, longest: Duration) -> Option<Duration> {
        // What was taken before has been dealt with.
        self.unsettled &= !self.waiting.is_empty();
        self.wanted = !self.is_ready();
        // Whoever tells a round may be held up.
        let patience = if self.seen.is_none() { longest } else { PATIENCE };
        self.wanted.then_some(patience)
    }

    fn take(&mut self, round: &mut Vec<T>, most: usize) -> Taken {
        self.wanted = false;
        if self.waiting.is_empty() && self.closed {
            return Taken::End;
        }
        if self.waiting.len() <= most {
            std::mem::swap(&mut self.waiting, round);
        } else {
            round.extend(self.waiting.drain(..most));
        }
        // What is left has waited long enough.
        self.urgent = self.waiting.len();
        Taken::Some
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    const LONGEST: Duration = Duration::from_secs(9);

    /// What is taken, and after how long.
    async fn take(queue: &Queue<usize>, most: usize) -> (Taken, Vec<usize>, Duration) {
        let (mut round, begin) = (Vec::new(), Instant::now());
        let taken = queue.take_in_task(&mut round, most, LONGEST).await;
        (taken, round, begin.elapsed())
    }

    fn put(queue: &Queue<usize>, items: impl IntoIterator<Item = usize>) {
        items.into_iter().for_each(|item| queue.put(item).unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_is_taken_after_the_turn_that_brings_nothing_more_and_nothing_only_after_the_longest_wait() {
        let queue = Queue::for_task();
        assert_eq!(take(&queue, 9).await, (Taken::Some, vec![], LONGEST));
        for all in [&[1][..], &[1, 2, 3]] {
            let turns = async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                for (place, item) in all.iter().enumerate() {
                    put(&queue, [*item]);
                    if place == 0 {
                        queue.stirs().await;
                    } else {
                        assert!(!queue.turned(), "something came in this turn");
                    }
                }
                assert!(queue.turned());
            };
            let (taken, ()) = tokio::join!(take(&queue, 9), turns);
            assert_eq!((taken.0, taken.1.as_slice()), (Taken::Some, all));
            assert!(taken.2 < Duration::from_secs(2), "{:?}", taken.2);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_while_a_round_is_told_does_not_wait_for_whoever_is_held_up() {
        let queue = Queue::for_task();
        queue.begins_telling();
        let later = async {
            tokio::time::sleep(PATIENCE / 2).await;
            put(&queue, [1]);
        };
        let (taken, ()) = tokio::join!(take(&queue, 9), later);
        assert_eq!((taken.0, taken.1), (Taken::Some, vec![1]));
        assert!(taken.2 < 3 * PATIENCE, "{:?}", taken.2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_meanwhile_is_gathered_until_the_last_round_has_been_told() {
        let queue = Queue::for_task();
        queue.begins_telling();
        put(&queue, [1]);
        let telling = async {
            tokio::time::sleep(PATIENCE / 2).await;
            put(&queue, [2]);
            assert!(!queue.turned(), "something came in this turn");
            assert!(queue.turned());
        };
        let (taken, ()) = tokio::join!(take(&queue, 9), telling);
        assert_eq!((taken.0, taken.1), (Taken::Some, vec![1, 2]));
        put(&queue, [3]);
        assert_eq!(take(&queue, 9).await, (Taken::Some, vec![3], Duration::ZERO), "the round has been told");
    }

    #[tokio::test(start_paused = true)]
    async fn gathering_ends_when_enough_wait_or_patience_does() {
        let queue = Queue::for_task();
        queue.begins_telling();
        put(&queue, 0..ENOUGH);
        assert_eq!(take(&queue, ENOUGH - 1).await, (Taken::Some, (0..ENOUGH - 1).collect(), Duration::ZERO));
        let (taken, rest, waited) = take(&queue, 9).await;
        assert_eq!((taken, rest), (Taken::Some, vec![ENOUGH - 1]));
        assert!(waited >= PATIENCE && waited < 3 * PATIENCE, "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_wait_goes_with_what_may_not_or_with_many_or_after_the_longest_wait() {
        let queue = Queue::for_task();
        assert!(queue.is_settled());
        queue.put_lazily(1).unwrap();
        assert!(!queue.is_settled());
        assert_eq!(take(&queue, 9).await, (Taken::Some, vec![1], LONGEST));
        assert!(!queue.is_settled(), "it has been taken, and may not have been dealt with");
        queue.put_lazily(2).unwrap();
        put(&queue, [3]);
        assert_eq!(take(&queue, 9).await, (Taken::Some, vec![2, 3], Duration::ZERO));
        assert_eq!(take(&queue, 9).await, (Taken::Some, vec![], LONGEST));
        assert!(queue.is_settled());
        (0..MANY).for_each(|item| queue.put_lazily(item).unwrap());
        let (taken, all, waited) = take(&queue, MANY).await;
        assert_eq!((taken, all.len(), waited), (Taken::Some, MANY, Duration::ZERO), "they are many");
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_wait_keeps_no_round_from_being_told() {
        let queue = Queue::for_task();
        queue.begins_telling();
        put(&queue, [1]);
        assert!(!queue.turned());
        queue.put_lazily(2).unwrap();
        assert!(queue.turned());
        assert_eq!(take(&queue, 9).await, (Taken::Some, vec![1, 2], Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_queue_gives_out_what_it_has_and_takes_nothing() {
        let queue = Queue::for_task();
        put(&queue, [1, 2]);
        queue.close();
        assert_eq!(queue.put(3), Err(3));
        assert_eq!(take(&queue, 1).await.1, [1]);
        assert_eq!(take(&queue, 1).await.1, [2]);
        assert_eq!(take(&queue, 1).await, (Taken::End, vec![], Duration::ZERO));
    }

    #[test]
    fn a_thread_is_woken_by_what_comes() {
        let queue = std::sync::Arc::new(Queue::for_thread());
        let putting = queue.clone();
        let thread = std::thread::spawn(move || {
            let mut round = Vec::new();
            while round.is_empty() {
                queue.take(&mut round, 9, LONGEST);
            }
            let end = queue.take(&mut Vec::new(), 9, LONGEST);
            (round, end)
        });
        put(&putting, [7]);
        while !putting.turned() {}
        putting.close();
        assert_eq!(thread.join().unwrap(), (vec![7], Taken::End));
    }
}
