//! Places of messages, gathered into ranges.

use std::collections::VecDeque;

use koine_core::{ConversationId, Receipt};

use super::subscription::Position;

/// As many ranges as are kept for a client that does not confirm; the oldest are forgotten first, and
/// what they named stays pending.
const MOST: usize = 1_024;

/// Closed ranges of places, per conversation.
#[derive(Debug, Default)]
pub struct Ranges(VecDeque<(ConversationId, u64, u64)>);

impl Ranges {
    /// Adds a place. Places of a conversation come in their order.
    pub fn push(&mut self, Position { conversation, seq }: Position) {
        if let Some((_, _, last)) = self.0.iter_mut().rev().find(|(known, ..)| *known == conversation) {
            if *last + 1 == seq {
                *last = seq;
                return;
            }
            if *last == seq {
                return;
            }
        }
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back((conversation, seq, seq));
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes them out.
    pub fn take(&mut self) -> Receipt {
        Receipt { ranges: std::mem::take(&mut self.0).into() }
    }

    /// Puts others behind them.
    pub fn append(&mut self, others: &mut Self) {
        self.0.append(&mut others.0);
        let beyond = self.0.len().saturating_sub(MOST);
        self.0.drain(..beyond);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn covered(receipt: &Receipt) -> Vec<(u64, u64)> {
        let places = |(conversation, first, last): &(ConversationId, u64, u64)| {
            let conversation = conversation.get();
            (*first..=*last).map(move |seq| (conversation, seq)).collect::<Vec<_>>()
        };
        receipt.ranges.iter().flat_map(places).collect()
    }

    proptest! {
        #[test]
        fn ranges_cover_exactly_what_was_pushed(
            steps in proptest::collection::vec((1_u64..5, 1_u64..4), 0..300),
        ) {
            let mut ranges = Ranges::default();
            let mut heads = [0_u64; 5];
            let mut pushed = BTreeSet::new();
            for (conversation, step) in steps {
                let head = &mut heads[usize::try_from(conversation).expect("small")];
                *head += step;
                ranges.push(Position { conversation: ConversationId::new(conversation), seq: *head });
                pushed.insert((conversation, *head));
            }
            let receipt = ranges.take();
            let covered = covered(&receipt);
            prop_assert_eq!(covered.len(), pushed.len(), "nothing is named twice");
            prop_assert_eq!(covered.into_iter().collect::<BTreeSet<_>>(), pushed);
            prop_assert!(ranges.is_empty());
        }
    }

    #[test]
    fn a_run_of_messages_is_one_range() {
        let mut ranges = Ranges::default();
        for seq in 7..1_000 {
            ranges.push(Position { conversation: ConversationId::new(1), seq });
        }
        assert_eq!(ranges.take().ranges, [(ConversationId::new(1), 7, 999)]);
    }

    #[test]
    fn a_client_that_never_confirms_takes_bounded_memory() {
        let mut ranges = Ranges::default();
        for seq in 1..10_000 {
            ranges.push(Position { conversation: ConversationId::new(1), seq: seq * 2 });
        }
        let mut more = Ranges::default();
        more.push(Position { conversation: ConversationId::new(2), seq: 1 });
        ranges.append(&mut more);
        let receipt = ranges.take();
        assert_eq!(receipt.ranges.len(), MOST);
        assert_eq!(receipt.ranges.last(), Some(&(ConversationId::new(2), 1, 1)));
    }
}
