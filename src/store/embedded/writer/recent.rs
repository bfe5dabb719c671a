//! Where the latest messages are, by their id on auth-ack: that is what acknowledgements and retries ask for.

use foldhash::{HashMap, HashMapExt};
use koine_core::ConversationId;

/// How many ids are remembered at least, once there were so many.
const REMEMBERED: usize = 1 << 16;

/// The latest ids in two halves, of which the older goes when the newer is full. Clients choose some of the ids,
/// hence a hasher with a random seed.
#[derive(Debug)]
pub(super) struct Recent {
    newer: HashMap<u64, (ConversationId, u64)>,
    older: HashMap<u64, (ConversationId, u64)>,
}

impl Default for Recent {
    fn default() -> Self {
        Self { newer: HashMap::new(), older: HashMap::new() }
    }
}

impl Recent {
    /// Remembers where a message is.
    pub(super) fn insert(&mut self, wire_id: u64, conversation: ConversationId, seq: u64) {
        if self.newer.len() >= REMEMBERED {
            std::mem::swap(&mut self.newer, &mut self.older);
            self.newer.clear();
        }
        self.newer.insert(wire_id, (conversation, seq));
    }

    /// Where a message is, if it is one of the latest.
    pub(super) fn get(&self, wire_id: u64) -> Option<(ConversationId, u64)> {
        self.newer.get(&wire_id).or_else(|| self.older.get(&wire_id)).copied()
    }

    /// Forgets them all.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_ids_are_remembered_and_not_all() {
        let (mut recent, conversation) = (Recent::default(), ConversationId::new(1));
        let last = 3 * REMEMBERED as u64;
        for id in 1..=last {
            recent.insert(id, conversation, id);
        }
        for id in (last - REMEMBERED as u64 + 1)..=last {
            assert_eq!(recent.get(id), Some((conversation, id)));
        }
        assert_eq!(recent.get(1), None);
        assert!(recent.newer.len() + recent.older.len() <= 2 * REMEMBERED);
    }
}
