//! What waits for one connection: bounded in frames and bytes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use koine_core::{EndReason, View};
use parking_lot::Mutex;

use super::broadcast::Broadcast;
use super::subscription::Position;

/// An event for one connection.
pub(super) struct Item {
    pub(super) broadcast: Arc<Broadcast>,
    pub(super) view: View,
    /// The receiver's unread count, for frames that show it.
    pub(super) unread: u64,
    /// The message it shows.
    pub(super) position: Option<Position>,
    /// Its size, in bytes.
    pub(super) size: usize,
    /// Whether it was read from the store and not told live.
    pub(super) caught_up: bool,
}

/// As many are taken out at once, up to so many bytes. Not more: what has been taken out does not count towards the
/// bounds any more.
const TOGETHER: (usize, usize) = (8, 16 << 10);

/// What waits for one connection.
pub(super) struct Mailbox {
    state: Mutex<State>,
    max_frames: usize,
    max_bytes: usize,
}

struct State {
    items: VecDeque<Item>,
    bytes: usize,
    phase: Phase,
    end: Option<End>,
    /// Whoever has found it empty.
    waiting: Option<Waker>,
}

/// Where a subscription stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It reads what is pending from the store: messages that arrive meanwhile are only noted, since
    /// the store has them too.
    CatchingUp { missed: bool },
    /// Everything comes through the mailbox.
    Live,
}

/// Why nothing more comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The server ends the connection.
    Reason(EndReason),
    /// Too much was waiting.
    Overflow,
}

impl Mailbox {
    pub(super) fn new(catch_up: bool, max_frames: usize, max_bytes: usize) -> Self {
        let phase = if catch_up { Phase::CatchingUp { missed: false } } else { Phase::Live };
        Self {
            state: Mutex::new(State { items: VecDeque::new(), bytes: 0, phase, end: None, waiting: None }),
            max_frames,
            max_bytes,
        }
    }

    /// Puts an event in; past the bounds the subscription ends instead.
    pub(super) fn push(&self, item: Item) {
        let mut state = self.state.lock();
        if state.end.is_some() {
            return;
        }
        if let Phase::CatchingUp { missed } = &mut state.phase
            && item.position.is_some()
        {
            *missed = true;
            return;
        }
        if state.items.len() >= self.max_frames || state.bytes + item.size > self.max_bytes {
            state.items.clear();
            state.bytes = 0;
            state.end = Some(End::Overflow);
        } else {
            state.bytes += item.size;
            state.items.push_back(item);
        }
        wake(state);
    }

    /// Ends the subscription after what is waiting; an overflow drops that too.
    pub(super) fn end(&self, end: End) {
        let mut state = self.state.lock();
        if end == End::Overflow {
            state.items.clear();
            state.bytes = 0;
        }
        state.end.get_or_insert(end);
        wake(state);
    }

    /// The next event, or why there is none any more, or nothing yet.
    pub(super) fn pop(&self) -> Option<Result<Item, End>> {
        let mut state = self.state.lock();
        if let Some(item) = state.items.pop_front() {
            state.bytes -= item.size;
            return Some(Ok(item));
        }
        if state.items.capacity() > 64 {
            state.items.shrink_to(8);
        }
        state.end.map(Err)
    }

    /// Takes out the next events, into where none are; why there are none any more, if nothing is left.
    pub(super) fn poll_take(&self, into: &mut VecDeque<Item>, context: &mut Context<'_>) -> Poll<Result<(), End>> {
        let mut state = self.state.lock();
        if state.items.is_empty() {
            if let Some(end) = state.end {
                return Poll::Ready(Err(end));
            }
            if into.capacity() > TOGETHER.0 {
                into.shrink_to(8);
            }
            if !state.waiting.as_ref().is_some_and(|waiting| waiting.will_wake(context.waker())) {
                state.waiting = Some(context.waker().clone());
            }
            return Poll::Pending;
        }
        if into.is_empty() && state.items.len() <= TOGETHER.0 && state.bytes <= TOGETHER.1 {
            std::mem::swap(&mut state.items, into);
            state.bytes = 0;
            return Poll::Ready(Ok(()));
        }
        let mut bytes = 0;
        while into.len() < TOGETHER.0
            && bytes < TOGETHER.1
            && let Some(item) = state.items.pop_front()
        {
            bytes += item.size;
            into.push_back(item);
        }
        state.bytes -= bytes;
        Poll::Ready(Ok(()))
    }

    /// Begins a round of reading what is pending.
    pub(super) fn begin_round(&self) {
        let mut state = self.state.lock();
        if state.phase != Phase::Live {
            state.phase = Phase::CatchingUp { missed: false };
        }
    }

    /// Goes live, unless a message was missed since the round began.
    pub(super) fn go_live(&self) -> bool {
        let mut state = self.state.lock();
        let ready = state.phase != Phase::CatchingUp { missed: true };
        if ready {
            state.phase = Phase::Live;
        }
        ready
    }

    /// Why it ended, whether or not something is still waiting.
    pub(super) fn ended(&self) -> Option<End> {
        self.state.lock().end
    }

    /// How many bytes wait.
    pub(super) fn bytes(&self) -> usize {
        self.state.lock().bytes
    }
}

/// Wakes whoever waits, once nobody holds the lock.
fn wake(mut state: parking_lot::MutexGuard<'_, State>) {
    let waiting = state.waiting.take();
    drop(state);
    if let Some(waiting) = waiting {
        waiting.wake();
    }
}

#[cfg(test)]
mod tests {
    use koine_core::{ConversationId, Event, Timestamp, User, UserId};

    use super::super::broadcast::Speakers;
    use super::*;

    fn item(position: Option<u64>) -> Item {
        let by = User {
            id: UserId::new(1),
            handle: koine_core::Handle::new("tom").expect("a handle"),
            profile: koine_core::Profile::default(),
            disabled: false,
            created: Timestamp::from_millis(0),
            login: None,
        };
        let event = Event::Unfriended { by: Arc::new(by), time: Timestamp::from_millis(0) };
        Item {
            broadcast: Broadcast::new(Arc::new(event), &Arc::new(Speakers::new(Vec::new()))),
            view: View::Other,
            unread: 0,
            position: position.map(|seq| Position { conversation: ConversationId::new(1), seq }),
            size: 10,
            caught_up: false,
        }
    }

    #[test]
    fn a_mailbox_past_its_bound_ends_and_forgets() {
        for (frames, bytes) in [(2, 1_000), (1_000, 20)] {
            let mailbox = Mailbox::new(false, frames, bytes);
            mailbox.push(item(Some(1)));
            mailbox.push(item(Some(2)));
            assert!(mailbox.ended().is_none());
            mailbox.push(item(Some(3)));
            assert_eq!(mailbox.bytes(), 0);
            assert!(matches!(mailbox.pop(), Some(Err(End::Overflow))));
        }
    }

    #[test]
    fn messages_that_arrive_while_catching_up_call_for_another_round() {
        let mailbox = Mailbox::new(true, 10, 1_000);
        mailbox.begin_round();
        mailbox.push(item(Some(1)));
        assert!(mailbox.pop().is_none());
        assert!(!mailbox.go_live());
        mailbox.begin_round();
        mailbox.push(item(None));
        assert!(mailbox.go_live());
        mailbox.push(item(Some(2)));
        assert!(mailbox.pop().is_some_and(|item| item.is_ok_and(|item| item.position.is_none())));
        assert!(mailbox.pop().is_some_and(|item| item.is_ok_and(|item| item.position.is_some())));
        assert!(mailbox.pop().is_none());
    }

    #[test]
    fn what_was_waiting_comes_before_an_end_by_the_server() {
        let mailbox = Mailbox::new(false, 10, 1_000);
        mailbox.push(item(Some(1)));
        mailbox.end(End::Reason(EndReason::Kicked));
        mailbox.push(item(Some(2)));
        assert!(matches!(mailbox.pop(), Some(Ok(_))));
        assert!(matches!(mailbox.pop(), Some(Err(End::Reason(EndReason::Kicked)))));
    }
}
