//! Every kind of error, on the socket and over HTTP.

use http::StatusCode;
use koine_auth_ack::AuthAck;
use koine_core::{Context, Dialect, Error, ErrorKind, Reply, Zone};
use serde_json::{Value, json};

use crate::support::{Connection, NOON, command, only_frame};

fn expected(kind: ErrorKind) -> u16 {
    match kind.word() {
        "bad-request" => 400,
        "unauthenticated" => 401,
        "forbidden"
        | "user-disabled"
        | "registration-closed"
        | "not-member"
        | "not-manager"
        | "not-addressee"
        | "not-friends" => 403,
        "user-exists" | "already-member" | "key-conflict" => 409,
        "too-large" => 413,
        "rate-limited" => 429,
        "unavailable" | "internal" => 500,
        _ => 404,
    }
}

#[test]
fn every_kind_is_an_error_frame_that_names_the_send() {
    for kind in ErrorKind::ALL {
        let mut connection = Connection::live();
        let send = r#"{"id":5,"teamId":12,"chatType":"Group","msgType":"Text","content":"Hi"}"#;
        let tag = command(&connection.frame(send), 0).0;
        let seen = connection.reply(tag, Err(Error::new(*kind)));
        assert_eq!(
            *only_frame(&seen),
            json!({"msgType": "Error", "chatType": "Group", "content": kind.sentence(), "code": expected(*kind), "srcId": 5})
        );
    }
}

#[test]
fn every_kind_is_a_status_500_whose_code_tells_it_from_every_endpoint() {
    let zone = Zone::utc();
    let context = Context { user: None, now: NOON, zone: &zone };
    for kind in ErrorKind::ALL {
        let error = Error::new(*kind);
        let responses = AuthAck::default()
            .endpoints()
            .into_iter()
            .map(|endpoint| {
                endpoint.response(&context, &koine_core::HttpRequest::new(http::Method::GET), Err(error.clone()))
            })
            .chain([AuthAck::default().http_error(&error)]);
        for response in responses {
            assert_eq!(response.status, StatusCode::INTERNAL_SERVER_ERROR);
            let body: Value = serde_json::from_slice(&response.into_bytes().expect("a body")).expect("JSON");
            assert_eq!(body, json!({"msg": kind.sentence(), "code": expected(*kind)}));
        }
    }
}

#[test]
fn a_reply_of_the_wrong_kind_is_an_internal_error() {
    let mut connection = Connection::live();
    let send = r#"{"id":5,"toUserId":2,"chatType":"Single","msgType":"Text","content":"Hi"}"#;
    let tag = command(&connection.frame(send), 0).0;
    assert_eq!(only_frame(&connection.reply(tag, Ok(Reply::Done)))["code"], 500);
}
