//! Numbers the store remembers, and spaces it should not have.

use super::walk::{Checker, Counters};
use crate::store::embedded::records::Record;
use crate::store::embedded::{COUNTERS, IMPORTING, MESSAGE_IDS, SCHEMA, SCHEMA_KEY, catch_up, keys, spaces, tick_of};
use crate::store::engine::Space;

impl Checker<'_> {
    /// The schema's version, the counters and the mark of message ids; then the names of spaces.
    pub(super) fn meta(&mut self) {
        let mut schema = false;
        self.walk(spaces::META, |checker, key, value| {
            match key {
                SCHEMA_KEY => {
                    schema = true;
                    let known = keys::read_number(value) == Some(SCHEMA);
                    checker.expect(known, spaces::META, key, "the schema's version is not a known one");
                }
                COUNTERS => checker.read_counters(value),
                IMPORTING => checker.find(spaces::META, key, "an import into this store was cut short"),
                MESSAGE_IDS => checker.read_message_ids(value),
                catch_up::KEY => {
                    let known = u64::decode(value).is_ok_and(|mark| tick_of(mark) <= checker.counters.tick);
                    checker.expect(known, spaces::META, key, "the mark of what is written is not that of a message");
                }
                _ => checker.find(spaces::META, key, "this version of koine knows no such thing"),
            }
            Ok(())
        });
        if !schema {
            self.note("meta", "schema".to_owned(), "the schema's version is missing");
        }
        for name in self.space_names() {
            let known = spaces::ALL.iter().any(|space| space.name() == name);
            if !known && Space::of_family("keys", &name).is_none() {
                self.note(&name, String::new(), "this version of koine knows no such space");
            }
        }
    }

    fn read_counters(&mut self, value: &[u8]) {
        match Vec::<u64>::decode(value).as_deref() {
            Ok(&[user, conversation, chat, request, token, users, conversations]) => {
                let tick = self.counters.tick;
                self.counters = Counters { user, conversation, chat, request, token, users, conversations, tick };
            }
            _ => self.find(spaces::META, COUNTERS, "the counters cannot be read"),
        }
    }

    fn read_message_ids(&mut self, value: &[u8]) {
        match Vec::<u64>::decode(value).as_deref() {
            Ok([tick, _]) => self.counters.tick = *tick,
            _ => self.find(spaces::META, MESSAGE_IDS, "the mark of message ids cannot be read"),
        }
    }
}
