//! What the client of a connection has acknowledged, on its way to the committer.
//!
//! Acks come one by one and many at a time. A connection has at most one receipt in the committer's queue: whatever is
//! acknowledged until that is taken goes with it. An Ack is as good as done once it is here, since whoever asks or
//! attaches afterwards does so behind it.

use koine_core::{Receipt, UserId, UserRef};
use parking_lot::Mutex;

use super::ranges::Ranges;
use super::subscription::Position;

/// The receipts of one connection.
#[derive(Debug)]
pub struct Receipts {
    user: UserId,
    gathered: Mutex<Ranges>,
}

impl Receipts {
    /// Nothing was acknowledged yet by this user on this connection.
    pub fn new(user: &UserRef) -> Self {
        Self { user: user.id, gathered: Mutex::default() }
    }

    /// Who acknowledges.
    pub(super) const fn user(&self) -> UserId {
        self.user
    }

    /// Adds a message; whether it is the first since the receipt before was taken.
    pub(super) fn add(&self, position: Position) -> bool {
        let mut gathered = self.gathered.lock();
        let first = gathered.is_empty();
        gathered.push(position);
        first
    }

    /// Takes out what was gathered.
    pub(super) fn take(&self) -> Receipt {
        self.gathered.lock().take()
    }
}

#[cfg(test)]
mod tests {
    use koine_core::{ConversationId, Handle};

    use super::*;

    #[test]
    fn one_receipt_stands_for_all_that_was_acknowledged_until_it_is_taken() {
        let receipts = Receipts::new(&UserRef { id: UserId::new(7), handle: Handle::new("tom").unwrap() });
        let conversation = ConversationId::new(1);
        let add = |seq| receipts.add(Position { conversation, seq });
        assert!(add(1) && !add(2) && !add(4));
        assert_eq!(receipts.take().ranges, [(conversation, 1, 2), (conversation, 4, 4)]);
        assert!(add(3));
        assert_eq!(receipts.take().ranges, [(conversation, 3, 3)]);
    }
}
