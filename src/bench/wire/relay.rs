//! What the relays in `benches/` speak: users are numbers, in the path.

use super::{Heard, Person, Target, Wire, accepted, blank_id, message, number_after, starts};
use crate::bench::text;

pub(super) struct Relay {
    pub(super) acknowledges: bool,
}

impl Wire for Relay {
    fn name(&self) -> &'static str {
        if self.acknowledges { "ceiling" } else { "bare" }
    }

    fn path(&self, person: &Person, peer: &Target) -> String {
        let peer = match peer {
            Target::User { number, .. } => *number,
            Target::Group(_) => 0,
        };
        format!("/?user={}&peer={peer}", person.number)
    }

    /// A relay greets whoever it has noted.
    fn is_ready_when_open(&self) -> bool {
        false
    }

    fn message(&self, _: &Person, to: &Target) -> String {
        let to = match to {
            Target::User { number, .. } => *number,
            Target::Group(_) => 0,
        };
        format!(r#"{{"to":{to},"id":{},"text":"{}"}}"#, blank_id(), text::blank())
    }

    fn acknowledges(&self) -> bool {
        self.acknowledges
    }

    fn hear(&self, frame: &[u8]) -> Heard {
        if starts(frame, r#""ack":"#) {
            accepted(number_after(frame, r#""ack":"#))
        } else if starts(frame, "ready") {
            Heard::Ready
        } else {
            message(frame, None)
        }
    }
}
