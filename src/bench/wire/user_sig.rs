//! user-sig: a sig in the path, sessions, and `MESSAGE_SEND_SUCCESS` with the text itself.

use super::{Heard, Person, Target, Wire, message, starts};
use crate::bench::http;
use crate::bench::text::{self, Stamp};

pub(super) struct UserSig;

impl Wire for UserSig {
    fn name(&self) -> &'static str {
        "user-sig"
    }

    fn path(&self, person: &Person, _: &Target) -> String {
        format!("/ws/chat/{}/{}/", person.handle, person.token)
    }

    fn message(&self, _: &Person, to: &Target) -> String {
        let session = match to {
            Target::User { session, .. } => *session,
            Target::Group(group) => *group,
        };
        format!(r#"{{"to_session":{session},"content":"{}"}}"#, text::blank())
    }

    fn acknowledges(&self) -> bool {
        true
    }

    fn hear(&self, frame: &[u8]) -> Heard {
        if starts(frame, "MESSAGE_RECEIVED") {
            message(frame, None)
        } else if starts(frame, "MESSAGE_SEND_SUCCESS") {
            Stamp::find(frame).map_or(Heard::Refused, |stamp| Heard::Accepted(stamp.stream, stamp.sequence))
        } else if starts(frame, "SDK_READY") {
            Heard::Ready
        } else if starts(frame, "CONVERSATION_CREATED") {
            Heard::Nothing
        } else {
            Heard::Refused
        }
    }

    fn catch_up(&self, person: &Person, from: &Target) -> Option<Vec<u8>> {
        let Target::User { session, .. } = from else { return None };
        let path = format!("/chat/chat-log-info/?session_id={session}");
        Some(http::request("GET", &path, &[("Authorization", &person.token)], None))
    }
}
