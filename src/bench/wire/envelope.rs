//! envelope: `{"url", "params"}` out, `{"code"}` and `{"msgType"}` in.

use super::{Heard, Person, Target, Wire, accepted, blank_id, message, number_after, starts};
use crate::bench::text;

pub(super) struct Envelope;

impl Wire for Envelope {
    fn name(&self) -> &'static str {
        "envelope"
    }

    fn path(&self, _: &Person, _: &Target) -> String {
        "/chat".to_owned()
    }

    fn opening(&self, person: &Person) -> Vec<String> {
        vec![format!(r#"{{"url":"/chat/login","params":{{"token":"{}"}}}}"#, person.token)]
    }

    fn message(&self, person: &Person, to: &Target) -> String {
        let (url, key) = match to {
            Target::User { .. } => ("sendMessage", "receiveUserId"),
            Target::Group(_) => ("sendGroupMessage", "groupId"),
        };
        format!(
            r#"{{"url":"/chat/{url}","params":{{"token":"{}","uniqueNo":"{}","messageContent":"{}","{key}":"{}"}}}}"#,
            person.token,
            blank_id(),
            text::blank(),
            to.name()
        )
    }

    fn acknowledges(&self) -> bool {
        true
    }

    fn hear(&self, frame: &[u8]) -> Heard {
        if starts(frame, r#""msgType":"1""#) || starts(frame, r#""msgType":"2""#) {
            message(frame, None)
        } else if starts(frame, r#""code":200"#) {
            accepted(number_after(frame, r#""uniqueNo":"#))
        } else if starts(frame, r#""msgType":"8""#) && starts(frame, r#""code":"200""#) {
            Heard::Ready
        } else if starts(frame, r#""code":"#) {
            Heard::Refused
        } else {
            Heard::Nothing
        }
    }
}
