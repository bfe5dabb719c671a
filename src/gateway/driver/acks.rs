//! Confirmation by the client's own words: what its Acks name, gathered into receipts.
//!
//! An Ack has no answer, so that what it confirms may be written lazily, like a Pong's (auth-ack). The first
//! after a quiet time is passed on at once; under load one receipt stands for all Acks of [`APART`].

use std::collections::VecDeque;
use std::time::Duration;

use koine_core::Receipt;
use tokio::time::Instant;

use super::ranges::Ranges;
use crate::hub::Position;

/// The shortest time between two receipts.
const APART: Duration = Duration::from_millis(50);

/// As many pushed messages are remembered. Acks of older ones are looked up in the store.
const MOST: usize = 1_024;

/// What was pushed to a client that acknowledges, and what it has acknowledged.
#[derive(Debug, Default)]
pub(super) struct Acks {
    /// The ids on the wire of what was pushed, in that order, and where it is.
    pushed: VecDeque<(u64, Position)>,
    acknowledged: Ranges,
    /// When what is acknowledged is to be passed on.
    due: Option<Instant>,
    last: Option<Instant>,
}

impl Acks {
    /// A message is on its way to the client.
    pub(super) fn pushed(&mut self, id: u64, position: Position) {
        if self.pushed.len() == MOST {
            self.pushed.pop_front();
        }
        self.pushed.push_back((id, position));
    }

    /// The client has acknowledged messages; whether all of them are known here. If not, nothing is noted.
    pub(super) fn note(&mut self, ids: &[u64]) -> bool {
        let place = |id: &u64| self.pushed.iter().position(|(pushed, _)| pushed == id);
        if !ids.iter().all(|id| place(id).is_some()) {
            return false;
        }
        for id in ids {
            // Named twice is acknowledged once.
            let place = self.pushed.iter().position(|(pushed, _)| pushed == id);
            if let Some((_, position)) = place.and_then(|place| self.pushed.remove(place)) {
                self.acknowledged.push(position);
            }
        }
        if self.due.is_none() {
            let now = Instant::now();
            self.due = Some(self.last.map_or(now, |last| now.max(last + APART)));
        }
        true
    }

    /// When a receipt is to be passed on; `None` while there is nothing to confirm.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// What has been acknowledged since the last receipt.
    pub(super) fn take(&mut self) -> Option<Receipt> {
        self.due.take()?;
        self.last = Some(Instant::now());
        Some(self.acknowledged.take())
    }

    /// Gives back what a burst has taken.
    pub(super) fn shrink(&mut self) {
        if self.pushed.is_empty() {
            self.pushed = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use koine_core::ConversationId;

    use super::*;

    fn position(seq: u64) -> Position {
        Position { conversation: ConversationId::new(1), seq }
    }

    fn pushed(seqs: impl IntoIterator<Item = u64>) -> Acks {
        let mut acks = Acks::default();
        for seq in seqs {
            acks.pushed(seq + 1_000, position(seq));
        }
        acks
    }

    fn confirmed(acks: &mut Acks) -> Vec<u64> {
        let ranges = acks.take().map(|receipt| receipt.ranges).unwrap_or_default();
        let mut seqs: Vec<u64> = ranges.iter().flat_map(|(_, first, last)| *first..=*last).collect();
        seqs.sort_unstable();
        seqs
    }

    #[test]
    fn acks_confirm_what_they_name_in_any_order_and_nothing_else() {
        let mut acks = pushed(1..=5);
        assert!(acks.note(&[1_004]) && acks.note(&[1_002, 1_001, 1_002]));
        assert_eq!(confirmed(&mut acks), [1, 2, 4]);
        assert_eq!(acks.due(), None);
    }

    #[test]
    fn an_ack_of_something_unknown_is_left_to_the_store() {
        let mut acks = pushed([1]);
        assert!(!acks.note(&[1_001, 7]) && !acks.note(&[7]));
        assert!(confirmed(&mut acks).is_empty());
        assert!(acks.note(&[1_001]));
        assert!(!acks.note(&[1_001]), "an Ack counts once");
        assert_eq!(confirmed(&mut acks), [1]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_receipt_goes_at_once_and_the_next_stands_for_all_of_a_while() {
        let mut acks = pushed(1..=3);
        assert!(acks.note(&[1_001]));
        assert_eq!(acks.due(), Some(Instant::now()));
        assert_eq!(confirmed(&mut acks), [1]);
        assert!(acks.note(&[1_002]) && acks.note(&[1_003]));
        assert_eq!(acks.due(), Some(Instant::now() + APART));
        assert_eq!(confirmed(&mut acks), [2, 3]);
    }

    #[test]
    fn a_client_that_never_acknowledges_takes_bounded_memory() {
        let mut acks = pushed(1..=5_000);
        assert_eq!(acks.pushed.len(), MOST);
        assert!(!acks.note(&[1_001]) && acks.note(&[6_000]));
    }
}
