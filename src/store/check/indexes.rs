//! What leads to messages: ids on auth-ack, and idempotency keys.

use super::walk::{Checker, Compared, Unreadable};
use crate::store::embedded::records::{ContentRecord, KeyRecord, MessageRecord, PlaceRecord, PlacesRecord, Record};
use crate::store::embedded::{keys, spaces};
use crate::store::engine::Space;

impl Checker<'_> {
    /// Every id of a message leads to the message that has it.
    pub(super) fn places(&mut self) {
        const SPACE: Space = spaces::PLACES;
        self.records::<PlacesRecord>(SPACE, |checker, key, places| {
            let first = keys::read_number(key).unwrap_or(u64::MAX);
            let start = places.0.first().is_some_and(|place| place.above == 0);
            let ascending = places.0.is_sorted_by(|one, other| one.above < other.above);
            checker.expect(start && ascending, SPACE, key, "its messages are in disorder");
            for place in &places.0 {
                let id = first.saturating_add(place.above);
                let at = keys::two_numbers(place.conversation, place.seq);
                let message = checker.look_up::<MessageRecord>(spaces::LOG, &at)?;
                let same =
                    message.is_some_and(|message| message.id == id && message.client_id.is_some() == place.client);
                if !same {
                    checker.find(SPACE, key, format!("no message has the id {id}"));
                }
            }
            Ok(())
        });
    }

    /// Where the message of an id should be.
    pub(super) fn place(&mut self, id: u64) -> Compared<Option<PlaceRecord>> {
        let found = self.last_at(spaces::PLACES, &keys::number(id))?;
        let Some((first, value)) = found else { return Ok(None) };
        let places = PlacesRecord::decode(&value).map_err(|_| Unreadable)?;
        Ok(places.find(id.saturating_sub(keys::read_number(&first).unwrap_or(u64::MAX))))
    }

    /// Every client's id leads to the message that has it.
    pub(super) fn wire_ids(&mut self) {
        const SPACE: Space = spaces::WIRE_IDS;
        self.walk(SPACE, |checker, key, value| {
            let message = checker.look_up::<MessageRecord>(spaces::LOG, value)?;
            let id = keys::read_number(key);
            let same = message.is_some_and(|message| message.client_id.is_some() && message.client_id == id);
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
            let sender = keys::read_idempotency(key);
            checker.expect(sender.is_some(), space, key, "it is not made of a sender and a name");
            let place = keys::two_numbers(record.conversation, record.seq);
            let Some(message) = checker.look_up::<MessageRecord>(spaces::LOG, &place)? else {
                checker.find(space, key, format!("message {}/{} is missing", record.conversation, record.seq));
                return Ok(());
            };
            let same = message.id == record.id && message.time == record.time;
            let same = same && sender.is_none_or(|sender| sender.get() == message.sender);
            checker.expect(same, space, key, "it was used for another message");
            let fingerprint = KeyRecord::fingerprint_of(record.conversation, &message.content).ok();
            let kept = message.content == ContentRecord::Erased || fingerprint == Some(record.fingerprint);
            checker.expect(kept, space, key, "it was used for another content");
            Ok(())
        });
    }
}
