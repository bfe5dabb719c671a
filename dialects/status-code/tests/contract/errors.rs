//! The table of errors, over every kind.

use koine_core::{Dialect, Error, ErrorKind, Tag};
use koine_status_code::StatusCode;
use serde_json::Value;

use crate::support::{Done, Table};

/// The status on the wire, and whether an open chat survives it.
fn expected(kind: ErrorKind) -> (u64, bool) {
    match kind {
        ErrorKind::Unauthenticated | ErrorKind::UserDisabled => (30002, false),
        ErrorKind::UserNotFound => (30003, false),
        ErrorKind::Forbidden
        | ErrorKind::RegistrationClosed
        | ErrorKind::NotMember
        | ErrorKind::NotManager
        | ErrorKind::NotAddressee
        | ErrorKind::NotFriends => (30403, true),
        ErrorKind::TooLarge => (30413, false),
        ErrorKind::RateLimited => (30429, true),
        ErrorKind::Unavailable | ErrorKind::Internal => (30500, true),
        _ => (30400, true),
    }
}

#[test]
fn every_kind_has_its_frame_in_an_open_chat() {
    for kind in ErrorKind::ALL {
        let mut table = Table::chatting("jack");
        table.frame(r#"{"msg": "x"}"#);
        let done = table.reply(Tag(2), Err((*kind).into()));
        let (status, survives) = expected(*kind);
        let Some(Done::Frame(frame)) = done.first() else { panic!("{kind:?}: {done:?}") };
        assert_eq!(frame["status"], status, "{kind:?}");
        assert!(frame["msg"].as_str().is_some_and(|msg| !msg.is_empty()), "{kind:?}");
        assert_eq!(frame["body"], serde_json::json!({}), "{kind:?}");
        assert_eq!(done.len() == 1, survives, "{kind:?}: {done:?}");
    }
}

#[test]
fn every_kind_turns_a_newcomer_away() {
    for kind in ErrorKind::ALL {
        let mut table = Table::new("jack", Some("t"));
        table.open();
        let done = table.reply(Tag(0), Err((*kind).into()));
        assert!(matches!(done.as_slice(), [Done::Accept, Done::Frame(_), Done::Close(_)]), "{kind:?}: {done:?}");
    }
}

#[test]
fn every_kind_has_an_http_answer_in_the_same_form() {
    for kind in ErrorKind::ALL {
        let response = StatusCode::default().http_error(&Error::new(*kind));
        assert!(response.status.is_client_error() || response.status.is_server_error(), "{kind:?}");
        let body: Value = serde_json::from_slice(&response.into_bytes().expect("whole")).expect("JSON");
        assert_eq!(body["status"], expected(*kind).0, "{kind:?}");
    }
    let unknown = StatusCode::default().http_error(&ErrorKind::RouteNotFound.into());
    assert_eq!(unknown.status, http::StatusCode::NOT_FOUND);
}
