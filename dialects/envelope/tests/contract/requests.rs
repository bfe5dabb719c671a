//! From the parameters of a send to the command.

use koine_core::{ConversationId, Handle, IdempotencyKey, Target, UserKey};
use koine_envelope::{Options, UniqueNo};
use serde_json::{Value, json};

use crate::support::Table;

const DIRECT: &str = "/chat/sendMessage";
const GROUP: &str = "/chat/sendGroupMessage";

fn jack() -> Target {
    Target::User(UserKey::Handle(Handle::new("jack").expect("a handle")))
}

/// The failure of a request, and what it says of it.
fn failure(url: &str, params: &Value) -> (Value, String) {
    let frame = json!({"url": url, "params": params}).to_string();
    let answer = Table::logged_in(Options::default()).answer(&frame);
    assert_eq!(answer["code"], 400);
    assert_eq!(answer["msg"], if url == DIRECT { "发送消息失败" } else { "发送群组消息失败" });
    (answer["obj"]["uniqueNo"].clone(), answer["obj"]["reason"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn a_direct_message_is_sent_with_its_token_and_key_and_reads_what_came_before() {
    let params = json!({"token": "tok", "uniqueNo": "n1", "messageContent": "你好", "receiveUserId": "jack"});
    let (_, token, send) = Table::logged_in(Options::default()).sends(DIRECT, &params);
    assert_eq!(token, "tok");
    assert_eq!(send.target, jack());
    assert_eq!(send.content.as_text(), "你好");
    assert_eq!(send.key.as_ref().map(IdempotencyKey::as_str), Some("n1"));
    assert_eq!(send.client_id, None);
    assert!(send.reads);
}

#[test]
fn a_group_message_goes_to_the_group_with_all_bits_of_its_number() {
    for id in [json!("18446744073709551615"), json!(18_446_744_073_709_551_615_u64)] {
        let params = json!({"token": "t", "messageContent": "x", "groupId": id});
        let (_, _, send) = Table::logged_in(Options::default()).sends(GROUP, &params);
        assert_eq!(send.target, Target::Group(ConversationId::new(u64::MAX)));
    }
}

#[test]
fn numbers_are_taken_for_strings_digit_for_digit() {
    let mut table = Table::logged_in(Options::default());
    let params = json!({"token": 42, "uniqueNo": 9_007_199_254_740_993_u64, "messageContent": "x", "receiveUserId": 7});
    let (_, token, send) = table.sends("chat/sendMessage", &params);
    assert_eq!(token, "42");
    assert_eq!(send.key.as_ref().map(IdempotencyKey::as_str), Some("9007199254740993"));
    assert_eq!(send.target, Target::User(UserKey::Handle(Handle::new("7").expect("a handle"))));
}

#[test]
fn content_that_is_no_string_becomes_its_text() {
    let text_of = |content: &str| {
        let frame = format!(
            r#"{{"url": "{DIRECT}", "params": {{"token": "t", "receiveUserId": "jack", "messageContent": {content}}}}}"#
        );
        match Table::logged_in(Options::default()).frame(&frame).pop() {
            Some(crate::support::Done::Send(_, _, send)) => send.content.as_text().to_owned(),
            other => panic!("{content} became {other:?}"),
        }
    };
    assert_eq!(text_of("42"), "42");
    assert_eq!(text_of("1e400"), "1e400");
    assert_eq!(text_of(r#"{ "a" : [1, " b "] }"#), r#"{"a":[1," b "]}"#);
    assert_eq!(text_of("true"), "true");
    assert_eq!(text_of("null"), "null");
    assert_eq!(text_of(r#""""#), "");
}

#[test]
fn an_absent_or_empty_unique_no_is_no_key_and_echoed_as_an_empty_string() {
    for unique_no in [json!(""), json!(null)] {
        let params = json!({"token": "t", "uniqueNo": unique_no, "messageContent": "x", "receiveUserId": "jack"});
        let (_, _, send) = Table::logged_in(Options::default()).sends(DIRECT, &params);
        assert_eq!(send.key, None);
    }
    let mut table = Table::logged_in(Options::default());
    let params = json!({"token": "t", "messageContent": "x", "receiveUserId": "jack"});
    let (tag, _, _) = table.sends(DIRECT, &params);
    let told = crate::support::one_frame(table.reply(tag.0, Ok(crate::support::sent())));
    assert_eq!(told["obj"], json!({"uniqueNo": ""}));
}

#[test]
fn a_unique_no_within_its_connection_or_ignored_is_another_key_or_none() {
    let key = |unique_no| {
        let options = Options { unique_no, ..Options::default() };
        let params = json!({"token": "t", "uniqueNo": "1", "messageContent": "x", "receiveUserId": "jack"});
        let (_, _, send) = Table::logged_in(options).sends(DIRECT, &params);
        send.key.map(|key| key.as_str().to_owned())
    };
    assert_eq!(key(UniqueNo::User).as_deref(), Some("1"));
    assert_eq!(key(UniqueNo::Connection), Some(format!("{}\u{0}1", "a7".repeat(16))));
    assert_eq!(key(UniqueNo::Ignore), None);
}

#[test]
fn a_unique_no_of_more_than_128_bytes_is_a_bad_request() {
    let params =
        |unique_no: &str| json!({"token": "t", "uniqueNo": unique_no, "messageContent": "x", "receiveUserId": "jack"});
    let longest = "é".repeat(64);
    assert!(Table::logged_in(Options::default()).sends(DIRECT, &params(&longest)).2.key.is_some());
    let longer = "é".repeat(65);
    assert_eq!(failure(DIRECT, &params(&longer)), (json!(longer), "bad-request".to_owned()));
}

#[test]
fn parameters_that_are_missing_or_wrong_are_told_by_their_reason() {
    let reason = |url, params: Value| {
        let (unique_no, reason) = failure(url, &params);
        assert_eq!(unique_no, "n", "{params}");
        reason
    };
    let direct = |token: Value, content: Value, to: Value| {
        reason(DIRECT, json!({"token": token, "uniqueNo": "n", "messageContent": content, "receiveUserId": to}))
    };
    assert_eq!(direct(json!(null), json!("x"), json!("jack")), "invalid-token");
    assert_eq!(direct(json!(""), json!("x"), json!("jack")), "invalid-token");
    assert_eq!(direct(json!({}), json!("x"), json!("jack")), "invalid-token");
    assert_eq!(direct(json!("t"), json!("x"), json!(null)), "bad-request");
    assert_eq!(direct(json!("t"), json!("x"), json!("")), "bad-request");
    assert_eq!(direct(json!("t"), json!("x"), json!([1])), "bad-request");
    assert_eq!(direct(json!("t"), json!("x"), json!("a\nb")), "user-not-found");
    assert_eq!(reason(DIRECT, json!({"token": "t", "uniqueNo": "n", "receiveUserId": "jack"})), "bad-request");
    let group = |id: Value| reason(GROUP, json!({"token": "t", "uniqueNo": "n", "messageContent": "x", "groupId": id}));
    assert_eq!(group(json!(null)), "bad-request");
    assert_eq!(group(json!("cats")), "group-not-found");
    assert_eq!(group(json!("0")), "group-not-found");
    assert_eq!(group(json!(1.5)), "group-not-found");
    assert_eq!(group(json!("18446744073709551616")), "group-not-found");
}

#[test]
fn a_unique_no_that_is_no_string_is_a_bad_request() {
    let params = json!({"token": "t", "uniqueNo": {"a": 1}, "messageContent": "x", "receiveUserId": "jack"});
    assert_eq!(failure(DIRECT, &params), (json!(""), "bad-request".to_owned()));
}

#[test]
fn half_a_surrogate_pair_is_no_content() {
    let frame = r#"{"url": "/chat/sendMessage", "params": {"token": "t", "receiveUserId": "jack", "messageContent": "\ud800"}}"#;
    assert_eq!(Table::logged_in(Options::default()).answer(frame)["obj"]["reason"], "bad-request");
}

#[test]
fn of_a_repeated_key_the_last_counts() {
    let frame = r#"{"url": "x", "url": "/chat/sendMessage", "params": {}, "params":
        {"token": "t", "receiveUserId": "tom", "receiveUserId": "jack", "messageContent": "a", "messageContent": "b"}}"#;
    match Table::logged_in(Options::default()).frame(frame).pop() {
        Some(crate::support::Done::Send(_, _, send)) => {
            assert_eq!((send.target, send.content.as_text()), (jack(), "b"));
        }
        other => panic!("{other:?}"),
    }
}
