//! access-token: silence for senders, `unicast` and `multicast` frames for receivers.

use super::{Heard, Person, Target, Wire, message, starts};
use crate::bench::{http, text};

pub(super) struct AccessToken;

impl Wire for AccessToken {
    fn name(&self) -> &'static str {
        "access-token"
    }

    fn path(&self, person: &Person, _: &Target) -> String {
        format!("/ws?access_token={}", person.token)
    }

    /// Nothing tells that a connection takes part, but the answer to a frame that makes no sense.
    fn opening(&self, _: &Person) -> Vec<String> {
        vec!["{}".to_owned()]
    }

    fn is_ready_when_refused(&self) -> bool {
        true
    }

    fn message(&self, _: &Person, to: &Target) -> String {
        let text = text::blank();
        match to {
            Target::User { handle, .. } => {
                format!(r#"{{"type":"unicast","receiverId":"{handle}","content":"{text}"}}"#)
            }
            Target::Group(group) => format!(r#"{{"type":"multicast","groupId":"{group}","content":"{text}"}}"#),
        }
    }

    fn acknowledges(&self) -> bool {
        false
    }

    fn hear(&self, frame: &[u8]) -> Heard {
        if starts(frame, "ERROR") { Heard::Refused } else { message(frame, None) }
    }

    fn catch_up(&self, person: &Person, _: &Target) -> Option<Vec<u8>> {
        Some(http::request("GET", &format!("/api/message?access_token={}", person.token), &[], None))
    }
}
