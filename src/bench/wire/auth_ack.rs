//! auth-ack: numbers for users, ids from the client, an `Ack` each way.

use super::{Heard, Person, Target, Wire, accepted, blank_id, message, number_after};
use crate::bench::{http, text};
use memchr::memmem;

pub(super) struct AuthAck;

impl Wire for AuthAck {
    fn name(&self) -> &'static str {
        "auth-ack"
    }

    fn path(&self, _: &Person, _: &Target) -> String {
        "/ws".to_owned()
    }

    /// The answer to the `Ping` tells that the silent `Auth` was taken.
    fn opening(&self, person: &Person) -> Vec<String> {
        let auth = format!(r#"{{"msgType":"Auth","fromUserId":{},"content":"{}"}}"#, person.number, person.token);
        vec![auth, r#"{"msgType":"Ping"}"#.to_owned()]
    }

    fn message(&self, person: &Person, to: &Target) -> String {
        let to = match to {
            Target::User { number, .. } => format!(r#""toUserId":{number},"chatType":"Single""#),
            Target::Group(group) => format!(r#""teamId":{group},"chatType":"Group""#),
        };
        format!(
            r#"{{"id":{},"fromUserId":{},{to},"msgType":"Text","content":"{}"}}"#,
            blank_id(),
            person.number,
            text::blank()
        )
    }

    fn acknowledges(&self) -> bool {
        true
    }

    fn hear(&self, frame: &[u8]) -> Heard {
        let has = |word: &str| memmem::find(frame, word.as_bytes()).is_some();
        if has(r#""msgType":"Text""#) {
            message(frame, number_after(frame, r#""id":"#))
        } else if has(r#""msgType":"Ack""#) {
            accepted(number_after(frame, "srcId"))
        } else if has(r#""msgType":"Pong""#) {
            Heard::Ready
        } else {
            Heard::Refused
        }
    }

    fn confirmation(&self, id: u64) -> Option<String> {
        Some(format!(r#"{{"msgType":"Ack","chatType":"Single","content":"{{\"srcId\":{id}}}"}}"#))
    }

    fn catch_up(&self, person: &Person, _: &Target) -> Option<Vec<u8>> {
        let body = format!(r#"{{"userId":{},"token":"{}"}}"#, person.number, person.token);
        Some(http::request("POST", "/im/message/offline", &[], Some(("application/json", &body))))
    }
}
