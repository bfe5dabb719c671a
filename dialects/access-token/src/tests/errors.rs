//! The table of failures, kind by kind.

use ::http::{Method, StatusCode, header::WWW_AUTHENTICATE};
use koine_core::{Dialect, Error, ErrorKind, Reply};
use serde_json::json;

use super::{dialect, json as parse, respond, shown};
use crate::error;

/// Status, and code of the ERROR frame if there is one. Written from the contract, not from the table.
const fn expected(kind: ErrorKind) -> (u16, Option<u16>) {
    use ErrorKind as K;
    match kind {
        K::BadRequest => (400, Some(400)),
        K::Unauthenticated | K::UserDisabled => (401, Some(403)),
        K::Forbidden | K::RegistrationClosed | K::NotMember | K::NotManager | K::AlreadyMember | K::NotAddressee => {
            (403, Some(403))
        }
        K::NotFriends => (403, None),
        K::UserNotFound
        | K::ConversationNotFound
        | K::GroupNotFound
        | K::RequestNotFound
        | K::ChatNotFound
        | K::FileNotFound
        | K::RouteNotFound => (404, Some(404)),
        K::UserExists | K::KeyConflict => (409, Some(400)),
        K::TooLarge => (413, Some(413)),
        K::RateLimited => (429, Some(429)),
        K::Internal => (500, Some(500)),
        K::Unavailable => (503, Some(503)),
    }
}

#[test]
fn every_kind_has_its_status_and_its_reason() {
    for kind in ErrorKind::ALL {
        let (status, body) = shown(dialect().http_error(&Error::new(*kind)));
        assert_eq!(status.as_u16(), expected(*kind).0, "{kind:?}");
        assert_eq!(parse(&body), json!({"error": kind.sentence()}), "{kind:?}");
    }
}

#[test]
fn every_kind_has_its_frame_or_is_silent() {
    for kind in ErrorKind::ALL {
        let error = Error::new(*kind);
        let frame = error::frame(&error).map(|frame| serde_json::to_value(frame).unwrap());
        let code = expected(*kind).1;
        assert_eq!(frame, code.map(|code| json!({"type": "ERROR", "code": code, "content": kind.sentence()})));
    }
}

#[test]
fn every_endpoint_answers_every_kind_in_the_dialects_form() {
    for endpoint in dialect().endpoints() {
        for kind in ErrorKind::ALL {
            let (status, body) = respond(&endpoint.method(), endpoint.path(), Err((*kind).into()));
            let expected = match expected(*kind).0 {
                400 | 404 | 409 if endpoint.path() == "/notification" => 403,
                status => status,
            };
            assert_eq!(status.as_u16(), expected, "{} {kind:?}", endpoint.path());
            assert_eq!(parse(&body), json!({"error": kind.sentence()}));
        }
    }
}

#[test]
fn a_reply_of_the_wrong_kind_is_a_fault_of_the_servers() {
    let wanted = [(Method::GET, "/api/message"), (Method::POST, "/api/group"), (Method::GET, "/api/group")];
    for (method, path) in wanted {
        assert_eq!(respond(&method, path, Ok(Reply::Done)).0, StatusCode::INTERNAL_SERVER_ERROR);
    }
}

#[test]
fn a_detail_is_shown_in_place_of_the_sentence() {
    let (_, body) = shown(dialect().http_error(&Error::bad_request("name is missing")));
    assert_eq!(parse(&body), json!({"error": "name is missing"}));
}

#[test]
fn who_is_not_let_in_is_told_the_scheme() {
    let response = dialect().http_error(&ErrorKind::Unauthenticated.into());
    assert_eq!(response.headers.get(WWW_AUTHENTICATE).unwrap(), "Bearer");
}
