//! Confirmation by the client's own words: what its Acks name is found among what was pushed to it.

use std::collections::VecDeque;

use koine_core::Tag;

use crate::hub::Position;

/// As many pushed messages are remembered. Acks of older ones are looked up in the store.
const MOST: usize = 1_024;

/// What was pushed to a client that acknowledges, and what it has acknowledged.
#[derive(Debug, Default)]
pub(super) struct Acks {
    /// The ids on the wire of what was pushed, in that order, and where it is.
    pushed: VecDeque<(u64, Position)>,
    /// The commands that were noted and not answered.
    noted: Vec<Tag>,
}

impl Acks {
    /// A message is on its way to the client.
    pub(super) fn pushed(&mut self, id: u64, position: Position) {
        if self.pushed.len() == MOST {
            self.pushed.pop_front();
        }
        self.pushed.push_back((id, position));
    }

    /// The client has acknowledged a message: its place, if it was pushed here and not acknowledged before.
    pub(super) fn note(&mut self, tag: Tag, id: u64) -> Option<Position> {
        let place = self.pushed.iter().position(|(pushed, _)| *pushed == id)?;
        let (_, position) = self.pushed.remove(place)?;
        self.noted.push(tag);
        Some(position)
    }

    /// The commands that were noted since this was asked last, if any: they are done.
    pub(super) fn take_noted(&mut self) -> Option<Vec<Tag>> {
        (!self.noted.is_empty()).then(|| std::mem::take(&mut self.noted))
    }

    /// Takes back the room for them.
    pub(super) fn reuse(&mut self, mut noted: Vec<Tag>) {
        noted.clear();
        self.noted = noted;
    }

    /// Gives back what a burst has taken.
    pub(super) fn shrink(&mut self) {
        if self.pushed.is_empty() {
            self.pushed = VecDeque::new();
        }
        self.noted = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use koine_core::ConversationId;

    use super::*;

    fn pushed(seqs: impl IntoIterator<Item = u64>) -> Acks {
        let mut acks = Acks::default();
        for seq in seqs {
            acks.pushed(seq + 1_000, Position { conversation: ConversationId::new(1), seq });
        }
        acks
    }

    /// The place of what an Ack acknowledges.
    fn note(acks: &mut Acks, tag: u64, id: u64) -> Option<u64> {
        acks.note(Tag(tag), id).map(|position| position.seq)
    }

    #[test]
    fn acks_confirm_what_they_name_in_any_order_and_once() {
        let mut acks = pushed(1..=5);
        assert_eq!(note(&mut acks, 1, 1_004), Some(4));
        assert_eq!(note(&mut acks, 2, 1_002), Some(2));
        assert_eq!(note(&mut acks, 3, 1_002), None);
        let noted = acks.take_noted();
        assert_eq!(noted, Some(vec![Tag(1), Tag(2)]));
        acks.reuse(noted.unwrap());
        assert_eq!(acks.take_noted(), None);
    }

    #[test]
    fn an_ack_of_something_unknown_is_left_to_the_store() {
        let mut acks = pushed([1]);
        assert_eq!(note(&mut acks, 1, 7), None);
        assert_eq!(acks.take_noted(), None);
    }

    #[test]
    fn a_client_that_never_acknowledges_takes_bounded_memory() {
        let mut acks = pushed(1..=5_000);
        assert_eq!(acks.pushed.len(), MOST);
        assert_eq!(note(&mut acks, 1, 1_001), None);
        assert_eq!(note(&mut acks, 2, 6_000), Some(5_000));
    }
}
