//! The transitions of the connection.

use koine_core::{EndReason, Error, ErrorKind, Handle, Input, Reply, Scope, Tag, Target, UserKey};
use serde_json::json;

use crate::support::{Done, Table, authenticated, sent};

fn jack() -> UserKey {
    UserKey::Handle(Handle::new("jack").expect("a handle"))
}

fn bad_token() -> Done {
    Done::Frame(json!({"status": 30002, "msg": "Token authentication failed", "body": {}}))
}

fn no_such_user(name: &str) -> Done {
    Done::Frame(json!({"status": 30003, "msg": format!("Target user {name} does not exist"), "body": {}}))
}

fn bad_request(why: &str) -> Done {
    Done::Frame(json!({"status": 30400, "msg": format!("Bad request: {why}"), "body": {}}))
}

#[test]
fn a_chat_is_authenticated_then_attached_to_the_peer_then_accepted() {
    let mut table = Table::new("jack", Some("t"));
    assert_eq!(table.open(), [Done::Authenticate(Tag(0), "t".into())]);
    assert_eq!(table.reply(Tag(0), Ok(authenticated("tom"))), [Done::Attach(Tag(1), Scope::Peer(jack()))]);
    assert_eq!(table.reply(Tag(1), Ok(Reply::Attached)), [Done::Accept]);
}

#[test]
fn a_missing_or_empty_token_is_told_after_the_handshake() {
    for token in [None, Some("")] {
        let mut table = Table::new("jack", token);
        assert_eq!(table.open(), [Done::Accept, bad_token(), Done::Close(1008)]);
        assert_eq!(table.frame(r#"{"msg": "late"}"#), []);
    }
}

#[test]
fn a_bad_token_is_told_and_the_connection_closed() {
    for kind in [ErrorKind::Unauthenticated, ErrorKind::UserDisabled] {
        let mut table = Table::new("jack", Some("bad"));
        table.open();
        assert_eq!(table.reply(Tag(0), Err(kind.into())), [Done::Accept, bad_token(), Done::Close(1008)]);
    }
}

#[test]
fn an_unknown_target_is_told_by_the_name_in_the_path() {
    let mut table = Table::new("老 王/x", Some("t"));
    table.open();
    table.reply(Tag(0), Ok(authenticated("tom")));
    let done = table.reply(Tag(1), Err(ErrorKind::UserNotFound.into()));
    assert_eq!(done, [Done::Accept, no_such_user("老 王/x"), Done::Close(1008)]);
}

#[test]
fn a_path_that_cannot_be_a_user_is_an_unknown_target() {
    let name = "a\nb";
    let mut table = Table::new(name, Some("t"));
    assert_eq!(table.open().len(), 1, "the token is looked at first");
    let done = table.reply(Tag(0), Ok(authenticated("tom")));
    assert_eq!(done, [Done::Accept, no_such_user(name), Done::Close(1008)]);
}

#[test]
fn a_server_that_cannot_attach_says_so_and_closes() {
    let mut table = Table::new("jack", Some("t"));
    table.open();
    let done = table.reply(Tag(0), Err(ErrorKind::Unavailable.into()));
    let told = Done::Frame(json!({"status": 30500, "msg": "Temporarily unavailable", "body": {}}));
    assert_eq!(done, [Done::Accept, told, Done::Close(1013)]);
}

#[test]
fn a_reply_of_the_wrong_kind_is_an_internal_error() {
    let mut table = Table::new("jack", Some("t"));
    table.open();
    let done = table.reply(Tag(0), Ok(Reply::Done));
    let told = Done::Frame(json!({"status": 30500, "msg": "Internal error", "body": {}}));
    assert_eq!(done, [Done::Accept, told, Done::Close(1011)]);
}

#[test]
fn a_message_goes_to_the_peer_and_success_is_silent() {
    let mut table = Table::chatting("jack");
    let done = table.frame(r#"{"msg": "Hello Jack", "extra": {"ignored": [1]}}"#);
    assert_eq!(done, [Done::Send(Tag(2), Target::User(jack()), "Hello Jack".into())]);
    assert_eq!(table.reply(Tag(2), Ok(sent())), []);
}

#[test]
fn content_that_is_no_string_becomes_its_text() {
    let mut table = Table::chatting("jack");
    let mut text_of = |msg: &str| match table.frame(&format!(r#"{{"msg": {msg}}}"#)).pop() {
        Some(Done::Send(_, _, text)) => text,
        other => panic!("{msg} became {other:?}"),
    };
    assert_eq!(text_of("42"), "42");
    assert_eq!(text_of("18446744073709551617.10"), "18446744073709551617.10");
    assert_eq!(text_of(r#"{ "a" : [1, " b "] }"#), r#"{"a":[1," b "]}"#);
    assert_eq!(text_of("null"), "null");
    assert_eq!(text_of(r#""a\u00e9\n""#), "a\u{e9}\n");
    assert_eq!(text_of(r#""""#), "");
}

#[test]
fn of_a_repeated_key_the_last_counts() {
    let mut table = Table::chatting("jack");
    let done = table.frame(r#"{"msg": "one", "\u006dsg": "two"}"#);
    assert_eq!(done, [Done::Send(Tag(2), Target::User(jack()), "two".into())]);
}

#[test]
fn frames_that_cannot_be_understood_are_answered_and_the_chat_goes_on() {
    let mut table = Table::chatting("jack");
    for frame in ["", "hello", "[1]", "42", "{\"msg\":", r#"{"msg": "a"} x"#] {
        assert_eq!(table.frame(frame), [bad_request("the frame is not a JSON object")], "{frame}");
    }
    assert_eq!(table.frame(r#"{"message": "a"}"#), [bad_request("msg is missing")]);
    assert_eq!(table.frame(r#"{"msg": "\ud800"}"#), [bad_request("msg holds an escape that is no character")]);
    let binary = Input::Refused(None, Error::bad_request("binary frames are not served"));
    assert_eq!(table.input(binary), [bad_request("binary frames are not served")]);
    assert_eq!(table.frame(r#"{"msg": "on"}"#).len(), 1);
}

#[test]
fn a_message_above_the_limit_is_told_and_ends_the_connection() {
    let told = Done::Frame(json!({"status": 30413, "msg": "Message too large", "body": {}}));
    let mut table = Table::chatting("jack");
    table.frame(r#"{"msg": "large"}"#);
    let done = table.reply(Tag(2), Err(ErrorKind::TooLarge.into()));
    assert_eq!(done, [told, Done::Close(1009)]);
    assert_eq!(table.frame(r#"{"msg": "late"}"#), []);
}

#[test]
fn a_policy_that_forbids_a_message_leaves_the_chat_open() {
    let mut table = Table::chatting("jack");
    table.frame(r#"{"msg": "hi"}"#);
    let done = table.reply(Tag(2), Err(ErrorKind::NotFriends.into()));
    assert_eq!(done, [Done::Frame(json!({"status": 30403, "msg": "Forbidden: not friends", "body": {}}))]);
    assert_eq!(table.frame(r#"{"msg": "again"}"#).len(), 1);
}

#[test]
fn the_end_has_its_close_code_in_every_state() {
    let mut fresh = Table::new("jack", Some("t"));
    fresh.open();
    assert_eq!(fresh.end(EndReason::Draining), [Done::Accept, Done::Close(1001)]);
    assert_eq!(Table::chatting("jack").end(EndReason::Kicked), [Done::Close(1008)]);
    assert_eq!(Table::chatting("jack").end(EndReason::Disabled), [Done::Close(1008)]);
}
