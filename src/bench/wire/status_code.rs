//! status-code: one connection, one peer; silence for senders.

use super::{Heard, Person, Target, Wire, message, starts};
use crate::bench::text;

pub(super) struct StatusCode;

impl Wire for StatusCode {
    fn name(&self) -> &'static str {
        "status-code"
    }

    fn path(&self, person: &Person, peer: &Target) -> String {
        format!("/v1/chat/{}?token={}", peer.name(), person.token)
    }

    /// What is pushed at connect comes before the answer to a frame that makes no sense.
    fn opening(&self, _: &Person) -> Vec<String> {
        vec!["{}".to_owned()]
    }

    fn is_ready_when_refused(&self) -> bool {
        true
    }

    fn message(&self, _: &Person, _: &Target) -> String {
        format!(r#"{{"msg":"{}"}}"#, text::blank())
    }

    fn acknowledges(&self) -> bool {
        false
    }

    fn has_groups(&self) -> bool {
        false
    }

    fn hear(&self, frame: &[u8]) -> Heard {
        if starts(frame, "30001") {
            message(frame, None)
        } else if starts(frame, "30098") || starts(frame, "30099") {
            Heard::Nothing
        } else {
            Heard::Refused
        }
    }
}
