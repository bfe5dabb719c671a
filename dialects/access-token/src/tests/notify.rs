//! POST `/notification`.

use ::http::{Method, StatusCode};
use koine_core::{Command, HttpRequest, Payload, Reply};
use serde_json::{Value, json};

use super::{call, command, pairs, request, respond};

const PATH: &str = "/notification";

fn told(query: &[(&str, &str)], body: Value) -> HttpRequest {
    HttpRequest { payload: Payload::Json(body), ..request(Method::POST, query) }
}

fn status(query: &[(&str, &str)], body: Value) -> StatusCode {
    let why = call(PATH, &told(query, body)).expect_err("an error");
    respond(&Method::POST, PATH, Err(why)).0
}

fn news() -> Value {
    json!({"notificationType": "news", "content": "x"})
}

#[test]
fn a_notification_goes_to_one_user_unless_said_otherwise() {
    let expected =
        "Notify(Notify { from: None, to: User(Handle(\"jack\")), notification_type: \"news\", content: Text(\"x\") })";
    for query in [&[("to", "jack")][..], &[("to", "jack"), ("type", "UNICAST")], &[("to", "jack"), ("from", "")]] {
        assert_eq!(command(PATH, &told(query, news())), expected);
    }
}

#[test]
fn who_it_is_from_is_passed_on_for_blocking() {
    let seen = command(PATH, &told(&[("from", "tom"), ("to", "7"), ("type", "multicast")], news()));
    assert!(seen.starts_with("Notify(Notify { from: Some(Handle(\"tom\")), to: Group(ConversationId(7))"), "{seen}");
}

#[test]
fn a_broadcast_goes_to_the_friends_of_the_user_it_is_from() {
    let seen = command(PATH, &told(&[("from", "tom"), ("type", "broadcast")], news()));
    let expected = "Notify(Notify { from: Some(Handle(\"tom\")), to: FriendsOf(Handle(\"tom\"))";
    assert!(seen.starts_with(expected), "{seen}");
}

#[test]
fn content_is_any_value_and_every_parameter_may_come_in_the_body() {
    let body = json!({"to": "jack", "notificationType": 3, "content": {"a": [1]}});
    let Command::Notify(notify) = call(PATH, &told(&[], body)).unwrap().command else { panic!("a notification") };
    assert_eq!((&*notify.notification_type, notify.content.as_text()), ("3", r#"{"a":[1]}"#));
    let form = pairs(&[("to", "jack"), ("notificationType", "news"), ("content", "{}")]);
    let seen = HttpRequest { payload: Payload::Form(form), ..request(Method::POST, &[]) };
    assert!(command(PATH, &seen).ends_with("content: Text(\"{}\") })"));
}

#[test]
fn every_request_that_is_not_right_is_403() {
    let to = [("to", "jack")];
    let cases = [
        (&[][..], news()),
        (&[("to", "")], news()),
        (&[("type", "multicast")], news()),
        (&[("type", "broadcast")], news()),
        (&[("type", "broadcast"), ("from", "")], news()),
        (&[("type", "anycast"), ("to", "jack")], news()),
        (&[("type", "multicast"), ("to", "nobody")], news()),
        (&to, json!({"content": "x"})),
        (&to, json!({"notificationType": "", "content": "x"})),
        (&to, json!({"notificationType": "news"})),
        (&to, json!("news")),
    ];
    for (query, body) in cases {
        assert_eq!(status(query, body.clone()), StatusCode::FORBIDDEN, "{query:?} {body}");
    }
}

#[test]
fn a_notification_that_was_taken_is_answered_by_nothing() {
    assert_eq!(respond(&Method::POST, PATH, Ok(Reply::Done)), (StatusCode::OK, String::new()));
}
