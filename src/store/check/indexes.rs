//! What leads to messages: ids on auth-ack, and idempotency keys.

use super::walk::Checker;
use crate::store::embedded::records::{ContentRecord, KeyRecord, MessageRecord};
use crate::store::embedded::{keys, spaces};
use crate::store::engine::Space;

impl Checker<'_> {
    /// Every id leads to the message that has it.
    pub(super) fn wire_ids(&mut self) {
        const SPACE: Space = spaces::WIRE_IDS;
        self.walk(SPACE, |checker, key, value| {
            let message = checker.look_up::<MessageRecord>(spaces::LOG, value)?;
            let same =
                message.is_some_and(|message| Some(message.client_id.unwrap_or(message.id)) == keys::read_number(key));
            checker.expect(same, SPACE, key, "no message has this id");
            Ok(())
        });
    }

    /// Every idempotency key leads to the message that was sent under it.
    pub(super) fn keys(&mut self) {
        for name in self.space_names() {
            if let Some(space) = Space::of_family("keys", &name) {
                self.keys_of(space);
            }
        }
    }

    fn keys_of(&mut self, space: Space) {
        self.records::<KeyRecord>(space, |checker, key, record| {
            checker.expect(key.len() == 16, space, key, "it is not a hash of a sender and a key");
            let place = keys::two_numbers(record.conversation, record.seq);
            let Some(message) = checker.look_up::<MessageRecord>(spaces::LOG, &place)? else {
                checker.find(space, key, format!("message {}/{} is missing", record.conversation, record.seq));
                return Ok(());
            };
            let same = message.id == record.id && message.time == record.time;
            checker.expect(same, space, key, "it was used for another message");
            let fingerprint = KeyRecord::fingerprint_of(record.conversation, &message.content).ok();
            let kept = message.content == ContentRecord::Erased || fingerprint == Some(record.fingerprint);
            checker.expect(kept, space, key, "it was used for another content");
            Ok(())
        });
    }
}
