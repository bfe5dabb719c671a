//! What the relays in `benches/` speak: users are numbers, in the path.

use super::{Heard, Person, Target, Wire, accepted, blank_id, message, number_after, starts};
use crate::bench::text;

pub(super) struct Relay {
    pub(super) kind: Kind,
}

/// What it does beside forwarding.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing.
    Bare,
    /// All that a durable server must, with these frames beside the message.
    Ceiling(Frames),
}

/// The frames of a message beside those that carry it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Frames {
    /// Its sender gets an acknowledgement.
    pub(super) acknowledged: bool,
    /// Its receiver says that it has it.
    pub(super) confirmed: bool,
}

const fn ceiling(acknowledged: bool, confirmed: bool) -> Relay {
    Relay { kind: Kind::Ceiling(Frames { acknowledged, confirmed }) }
}

/// A ceiling for each set of frames.
static CEILINGS: [Relay; 4] = [ceiling(false, false), ceiling(false, true), ceiling(true, false), ceiling(true, true)];

impl Relay {
    const fn frames(&self) -> Frames {
        match self.kind {
            Kind::Bare => Frames { acknowledged: false, confirmed: false },
            Kind::Ceiling(frames) => frames,
        }
    }
}

impl Wire for Relay {
    fn name(&self) -> &'static str {
        if self.kind == Kind::Bare { "bare" } else { "ceiling" }
    }

    fn path(&self, person: &Person, peer: &Target) -> String {
        let peer = match peer {
            Target::User { number, .. } => *number,
            Target::Group(_) => 0,
        };
        let ack = if self.frames().acknowledged { "" } else { "&ack=no" };
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
        self.frames().acknowledged
    }

    fn hear(&self, frame: &[u8]) -> Heard {
        if starts(frame, r#""ack":"#) {
            accepted(number_after(frame, r#""ack":"#))
        } else if starts(frame, "ready") {
            Heard::Ready
        } else {
            message(frame, number_after(frame, r#""id":"#).filter(|_| self.frames().confirmed))
        }
    }

    fn confirmation(&self, id: u64) -> Option<String> {
        self.frames().confirmed.then(|| format!(r#"{{"confirmed":{id}}}"#))
    }

    fn with_frames_of(&self, from: &dyn Wire, to: &dyn Wire) -> Option<&'static dyn Wire> {
        let frames = Frames { acknowledged: from.acknowledges(), confirmed: to.confirmation(0).is_some() };
        let alike = CEILINGS.iter().find(|relay| self.kind != Kind::Bare && relay.frames() == frames)?;
        Some(alike)
    }
}
