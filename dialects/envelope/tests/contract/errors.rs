//! The table of errors, over every kind.

use koine_core::{Dialect, Error, ErrorKind};
use koine_envelope::{Envelope, Options};
use serde_json::Value;

use crate::support::{Table, one_frame};

fn reason(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Unauthenticated | ErrorKind::UserDisabled => "invalid-token",
        ErrorKind::UserNotFound => "user-not-found",
        ErrorKind::NotFriends => "not-friends",
        ErrorKind::NotMember | ErrorKind::NotManager => "not-member",
        ErrorKind::GroupNotFound | ErrorKind::ConversationNotFound => "group-not-found",
        ErrorKind::KeyConflict => "duplicate",
        ErrorKind::TooLarge => "too-large",
        ErrorKind::RateLimited => "rate-limited",
        ErrorKind::Unavailable | ErrorKind::Internal => "internal",
        _ => "bad-request",
    }
}

#[test]
fn every_kind_has_its_reason_on_a_send() {
    for kind in ErrorKind::ALL {
        let mut table = Table::logged_in(Options::default());
        table.frame(
            r#"{"url": "/chat/sendMessage", "params": {"token": "t", "uniqueNo": "n", "messageContent": "x", "receiveUserId": "jack"}}"#,
        );
        let told = one_frame(table.reply(3, Err((*kind).into())));
        let expected =
            serde_json::json!({"code": 400, "msg": "发送消息失败", "obj": {"uniqueNo": "n", "reason": reason(*kind)}});
        assert_eq!(told, expected, "{kind:?}");
    }
}

#[test]
fn every_kind_has_its_text_on_a_login() {
    for kind in ErrorKind::ALL {
        let mut table = Table::new(Options::default());
        table.frame(r#"{"url": "/chat/login", "params": {"token": "t"}}"#);
        let told = one_frame(table.reply(1, Err((*kind).into())));
        assert_eq!(told["msgType"], "8", "{kind:?}");
        assert_eq!(told["data"]["code"], "400", "{kind:?}");
        assert!(told["data"]["msg"].as_str().is_some_and(|msg| !msg.is_empty()), "{kind:?}");
    }
}

#[test]
fn every_kind_has_an_http_answer_in_the_same_form() {
    for kind in ErrorKind::ALL {
        let response = Envelope::default().http_error(&Error::new(*kind));
        let status = response.status;
        assert!(status.is_client_error() || status.is_server_error(), "{kind:?}");
        let body: Value = serde_json::from_slice(&response.into_bytes().expect("whole")).expect("JSON");
        assert_eq!(body["code"], status.as_u16(), "{kind:?}");
        assert!(body["msg"].as_str().is_some_and(|msg| !msg.is_empty()), "{kind:?}");
    }
    assert_eq!(Envelope::default().http_error(&ErrorKind::RouteNotFound.into()).status, http::StatusCode::NOT_FOUND);
}
