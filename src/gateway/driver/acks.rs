//! Confirmation by the client's own words: what its Acks name, gathered into receipts.
//!
//! An Ack has no answer, so that what it confirms may be written lazily, like a Pong's (auth-ack). At most one
//! receipt is on its way: the next stands for all Acks that came meanwhile. Nobody is woken when one has arrived,
//! unless somebody wants to know: the connection is looked after when it has something to do anyway.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use koine_core::{Error, Receipt, Reply, Tag};

use super::ranges::Ranges;
use crate::hub::{Pending, Position};

/// As many pushed messages are remembered. Acks of older ones are looked up in the store.
const MOST: usize = 1_024;

/// With so many unanswered commands the arrival of a receipt is waited for.
const MANY: usize = 16;

/// A receipt on its way, and the commands it stands for.
pub(super) type Sent = (Vec<Tag>, Pending);

/// What was pushed to a client that acknowledges, and what it has acknowledged.
#[derive(Default)]
pub(super) struct Acks {
    /// The ids on the wire of what was pushed, in that order, and where it is.
    pushed: VecDeque<(u64, Position)>,
    acknowledged: Ranges,
    /// The session's commands that wait for the next receipt.
    waiting: Vec<Tag>,
    /// A receipt is on its way.
    under_way: bool,
    sent: Option<Sent>,
    /// Somebody wants to know when the receipts have arrived.
    watched: bool,
    /// How many commands were noted.
    noted: u64,
    /// How many commands wait, for the receipt on its way or the next.
    unanswered: usize,
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
    pub(super) fn note(&mut self, tag: Tag, ids: &[u64]) -> bool {
        let place = |id: &u64| self.pushed.iter().position(|(pushed, _)| pushed == id);
        if ids.is_empty() || !ids.iter().all(|id| place(id).is_some()) {
            return false;
        }
        for id in ids {
            // Named twice is acknowledged once.
            let place = self.pushed.iter().position(|(pushed, _)| pushed == id);
            if let Some((_, position)) = place.and_then(|place| self.pushed.remove(place)) {
                self.acknowledged.push(position);
            }
        }
        self.waiting.push(tag);
        self.unanswered += 1;
        self.noted += 1;
        true
    }

    /// How many commands were noted so far.
    pub(super) const fn noted(&self) -> u64 {
        self.noted
    }

    /// Somebody wants to know when the receipts have arrived.
    pub(super) const fn watch(&mut self) {
        self.watched = self.unanswered > 0;
    }

    /// The answer to a receipt is to be waited for here.
    pub(super) fn sent(&mut self, tags: Vec<Tag>, pending: Pending) {
        self.sent = Some((tags, pending));
    }

    /// Whether it matters when the receipt on its way arrives.
    pub(super) const fn wants_to_know(&self) -> bool {
        self.watched || self.has_waiting() || self.unanswered >= MANY
    }

    /// Whether commands wait for the next receipt.
    pub(super) const fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// What has become of the receipt on its way, and the commands it stands for.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<(Vec<Tag>, Result<Reply, Error>)> {
        let Some((_, pending)) = &mut self.sent else { return Poll::Pending };
        let Poll::Ready(result) = Pin::new(pending).poll(context) else { return Poll::Pending };
        let tags = self.sent.take().map(|(tags, _)| tags);
        Poll::Ready((tags.unwrap_or_default(), result))
    }

    /// The receipt on its way, to be waited for elsewhere.
    pub(super) fn take_sent(&mut self) -> Option<Sent> {
        self.sent.take()
    }

    /// The next receipt and the commands it answers, unless one is on its way.
    pub(super) fn next(&mut self) -> Option<(Receipt, Vec<Tag>)> {
        if self.under_way {
            return None;
        }
        let last = self.last()?;
        self.under_way = true;
        Some(last)
    }

    /// Whatever has not been passed on yet, since nothing more comes.
    pub(super) fn last(&mut self) -> Option<(Receipt, Vec<Tag>)> {
        if self.waiting.is_empty() {
            return None;
        }
        Some((self.acknowledged.take(), std::mem::take(&mut self.waiting)))
    }

    /// The receipt on its way has arrived, or was lost; so many commands are answered by it.
    pub(super) const fn arrived(&mut self, answered: usize) {
        self.under_way = false;
        self.unanswered = self.unanswered.saturating_sub(answered);
        self.watched &= self.unanswered > 0;
    }

    /// How many commands wait for their answer.
    pub(super) const fn unanswered(&self) -> usize {
        self.unanswered
    }

    /// Gives back what a burst has taken.
    pub(super) fn shrink(&mut self) {
        if self.pushed.is_empty() {
            self.pushed = VecDeque::new();
        }
        if self.waiting.is_empty() {
            self.waiting = Vec::new();
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

    /// What the next receipt confirms, and for which commands.
    fn receipt(acks: &mut Acks) -> Option<(Vec<u64>, Vec<u64>)> {
        let (receipt, tags) = acks.next()?;
        let mut seqs: Vec<u64> = receipt.ranges.iter().flat_map(|(_, first, last)| *first..=*last).collect();
        seqs.sort_unstable();
        Some((seqs, tags.into_iter().map(|tag| tag.0).collect()))
    }

    #[test]
    fn acks_confirm_what_they_name_in_any_order_and_nothing_else() {
        let mut acks = pushed(1..=5);
        assert!(acks.note(Tag(1), &[1_004]) && acks.note(Tag(2), &[1_002, 1_001, 1_002]));
        assert_eq!(acks.unanswered(), 2);
        assert_eq!(receipt(&mut acks), Some((vec![1, 2, 4], vec![1, 2])));
        assert_eq!(acks.unanswered(), 2, "the receipt is on its way");
        acks.arrived(2);
        assert_eq!(acks.unanswered(), 0);
        assert_eq!(receipt(&mut acks), None);
    }

    #[test]
    fn an_ack_of_something_unknown_is_left_to_the_store() {
        let mut acks = pushed([1]);
        assert!(!acks.note(Tag(1), &[1_001, 7]) && !acks.note(Tag(2), &[7]) && !acks.note(Tag(3), &[]));
        assert_eq!(receipt(&mut acks), None);
        assert!(acks.note(Tag(4), &[1_001]));
        assert!(!acks.note(Tag(5), &[1_001]), "an Ack counts once");
        assert_eq!(receipt(&mut acks), Some((vec![1], vec![4])));
    }

    #[test]
    fn one_receipt_is_on_its_way_and_the_next_stands_for_all_that_came_meanwhile() {
        let mut acks = pushed(1..=3);
        assert!(acks.note(Tag(1), &[1_001]));
        assert_eq!(receipt(&mut acks), Some((vec![1], vec![1])));
        assert!(acks.note(Tag(2), &[1_002]) && acks.note(Tag(3), &[1_003]));
        assert_eq!(receipt(&mut acks), None);
        acks.arrived(1);
        assert_eq!(receipt(&mut acks), Some((vec![2, 3], vec![2, 3])));
    }

    #[test]
    fn the_arrival_of_a_receipt_matters_once_somebody_waits_for_it_or_many_are_unanswered() {
        let mut acks = pushed(1..=40);
        acks.watch();
        assert!(!acks.wants_to_know(), "there is nothing to wait for");
        assert!(acks.note(Tag(1), &[1_001]) && acks.next().is_some());
        assert!(!acks.wants_to_know());
        acks.watch();
        assert!(acks.wants_to_know(), "a Ping waits");
        acks.arrived(1);
        assert!(!acks.wants_to_know());
        for seq in 2..=17 {
            assert!(acks.note(Tag(seq), &[seq + 1_000]));
        }
        assert!(acks.next().is_some() && acks.wants_to_know(), "no more may be read for long");
        acks.arrived(16);
        assert!(acks.note(Tag(18), &[1_018]) && acks.next().is_some() && acks.note(Tag(19), &[1_019]));
        assert!(acks.wants_to_know(), "the next receipt has to go");
        assert_eq!(acks.noted(), 19);
    }

    #[test]
    fn a_client_that_never_acknowledges_takes_bounded_memory() {
        let mut acks = pushed(1..=5_000);
        assert_eq!(acks.pushed.len(), MOST);
        assert!(!acks.note(Tag(1), &[1_001]) && acks.note(Tag(2), &[6_000]));
    }
}
