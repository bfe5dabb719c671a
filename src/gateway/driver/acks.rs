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

    /// The client has acknowledged messages, whose places are passed on; whether all of them are known here. If not,
    /// nothing is noted.
    pub(super) fn note(&mut self, tag: Tag, ids: &[u64], mut acknowledged: impl FnMut(Position)) -> bool {
        let known = |id: &u64| self.pushed.iter().any(|(pushed, _)| pushed == id);
        // One that is named alone is looked for once.
        if ids.is_empty() || ids.len() > 1 && !ids.iter().all(known) {
            return false;
        }
        for id in ids {
            let place = self.pushed.iter().position(|(pushed, _)| pushed == id);
            match place.and_then(|place| self.pushed.remove(place)) {
                Some((_, position)) => acknowledged(position),
                None if ids.len() == 1 => return false,
                // Named twice is acknowledged once.
                None => {}
            }
        }
        self.noted.push(tag);
        true
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

    /// The places that an Ack of these messages acknowledges, if all are known.
    fn note(acks: &mut Acks, tag: u64, ids: &[u64]) -> Option<Vec<u64>> {
        let mut places = Vec::new();
        acks.note(Tag(tag), ids, |position| places.push(position.seq)).then_some(places)
    }

    #[test]
    fn acks_confirm_what_they_name_in_any_order_and_nothing_else() {
        let mut acks = pushed(1..=5);
        assert_eq!(note(&mut acks, 1, &[1_004]), Some(vec![4]));
        assert_eq!(note(&mut acks, 2, &[1_002, 1_001, 1_002]), Some(vec![2, 1]), "named twice is acknowledged once");
        let noted = acks.take_noted();
        assert_eq!(noted, Some(vec![Tag(1), Tag(2)]));
        acks.reuse(noted.unwrap());
        assert_eq!(acks.take_noted(), None);
    }

    #[test]
    fn an_ack_of_something_unknown_is_left_to_the_store() {
        let mut acks = pushed([1]);
        assert_eq!(note(&mut acks, 1, &[1_001, 7]), None);
        assert_eq!(note(&mut acks, 2, &[7]), None);
        assert_eq!(note(&mut acks, 3, &[]), None);
        assert_eq!(note(&mut acks, 4, &[1_001]), Some(vec![1]));
        assert_eq!(note(&mut acks, 5, &[1_001]), None, "an Ack counts once");
        assert_eq!(acks.take_noted(), Some(vec![Tag(4)]));
    }

    #[test]
    fn a_client_that_never_acknowledges_takes_bounded_memory() {
        let mut acks = pushed(1..=5_000);
        assert_eq!(acks.pushed.len(), MOST);
        assert_eq!(note(&mut acks, 1, &[1_001]), None);
        assert_eq!(note(&mut acks, 2, &[6_000]), Some(vec![5_000]));
    }
}
