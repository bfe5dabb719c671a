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
    noted: VecDeque<Tag>,
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
    pub(super) fn take(&mut self, id: u64) -> Option<Position> {
        let place = self.pushed.iter().position(|(pushed, _)| *pushed == id)?;
        self.pushed.remove(place).map(|(_, position)| position)
    }

    /// A command that acknowledged is done.
    pub(super) fn note(&mut self, tag: Tag) {
        self.noted.push_back(tag);
    }

    /// The next of those commands.
    pub(super) fn next_noted(&mut self) -> Option<Tag> {
        self.noted.pop_front()
    }

    /// Gives back what a burst has taken.
    pub(super) fn shrink(&mut self) {
        if self.pushed.is_empty() {
            self.pushed = VecDeque::new();
        }
        self.noted = VecDeque::new();
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

    #[test]
    fn acks_confirm_what_they_name_in_any_order_and_once() {
        let mut acks = pushed(1..=5);
        let mut take = |id| acks.take(id).map(|position| position.seq);
        assert_eq!((take(1_004), take(1_002), take(1_002)), (Some(4), Some(2), None));
        assert_eq!(take(7), None, "what is unknown is left to the store");
    }

    #[test]
    fn the_commands_that_acknowledged_are_told_once() {
        let mut acks = Acks::default();
        acks.note(Tag(1));
        acks.note(Tag(2));
        let told: Vec<Tag> = std::iter::from_fn(|| acks.next_noted()).collect();
        assert_eq!(told, [Tag(1), Tag(2)]);
    }

    #[test]
    fn a_client_that_never_acknowledges_takes_bounded_memory() {
        let mut acks = pushed(1..=5_000);
        assert_eq!(acks.pushed.len(), MOST);
        assert_eq!(acks.take(1_001), None);
        assert_eq!(acks.take(6_000), Some(Position { conversation: ConversationId::new(1), seq: 5_000 }));
    }
}
