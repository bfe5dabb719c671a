//! What the relays in `benches/` speak: users are numbers, in the path.

use super::{Heard, Person, Target, Wire, accepted, blank_id, message, number_after, starts};
use crate::bench::text;

/// A relay, and the frames of a message beside those that carry it.
pub(super) struct Relay {
    name: &'static str,
    /// Its sender gets an acknowledgement.
    acknowledged: bool,
    /// Its receiver says that it has it.
    confirmed: bool,
}

/// The relay that only forwards.
pub(super) static BARE: Relay = Relay { name: "bare", acknowledged: false, confirmed: false };
/// The relay that does all that a durable server must.
pub(super) static CEILING: Relay = Relay { name: "ceiling", acknowledged: true, confirmed: false };
/// The same with other frames.
static OTHER_CEILINGS: [Relay; 3] = [
    Relay { acknowledged: false, ..CEILING },
    Relay { confirmed: true, ..CEILING },
    Relay { acknowledged: false, confirmed: true, ..CEILING },
];

impl Wire for Relay {
    fn name(&self) -> &'static str {
        self.name
    }

    fn path(&self, person: &Person, peer: &Target) -> String {
        let peer = match peer {
            Target::User { number, .. } => *number,
            Target::Group(_) => 0,
        };
        let ack = if self.acknowledged { "" } else { "&ack=no" };
        format!("/?user={}&peer={peer}{ack}", person.number)
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
        self.acknowledged
    }

    fn hear(&self, frame: &[u8]) -> Heard {
        if starts(frame, r#""ack":"#) {
            accepted(number_after(frame, r#""ack":"#))
        } else if starts(frame, "ready") {
            Heard::Ready
        } else {
            message(frame, number_after(frame, r#""id":"#).filter(|_| self.confirmed))
        }
    }

    fn confirmation(&self, id: u64) -> Option<String> {
        self.confirmed.then(|| format!(r#"{{"confirmed":{id}}}"#))
    }

    fn with_frames_of(&self, from: &dyn Wire, to: &dyn Wire) -> Option<&'static dyn Wire> {
        let frames = (from.acknowledges(), to.confirmation(0).is_some());
        let mut ceilings = std::iter::once(&CEILING).chain(&OTHER_CEILINGS);
        let alike =
            ceilings.find(|other| other.name == self.name && (other.acknowledged, other.confirmed) == frames)?;
        Some(alike)
    }
}
