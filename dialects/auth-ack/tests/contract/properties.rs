//! Whatever comes in, nothing panics; whatever goes out reads back as it was.

use std::borrow::Cow;

use koine_auth_ack::wire::{AckFrame, AuthFrame, ChatType, ErrorFrame, MessageFrame, MessageRow};
use koine_auth_ack::{AckContent, AuthAck, Options};
use koine_core::{Access, Command, Context, Dialect, HttpRequest, Payload, View, Zone};
use proptest::prelude::*;
use serde_json::{Map, Number, Value, json};

use crate::support::{Connection, NOON, Seen, command, content, direct, event, in_group, post, sent};

/// Any JSON, with the wire's own names and words well represented.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        "[a-zA-Z{}':, 0-9\"\\\\]{0,12}",
        any::<String>(),
        prop::sample::select(vec![
            "Auth",
            "Ack",
            "Text",
            "Ping",
            "Heartbeat",
            "Single",
            "Group",
            "{'srcId': 5}",
            "{'a'}",
            "7"
        ])
        .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<u64>().prop_map(|number| Value::Number(number.into())),
        any::<i64>().prop_map(|number| Value::Number(number.into())),
        any::<f64>().prop_map(|number| Number::from_f64(number).map_or(Value::Null, Value::Number)),
        word.prop_map(Value::String),
    ];
    leaf.prop_recursive(3, 24, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((any_name(), inner), 0..8)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn any_name() -> impl Strategy<Value = String> {
    let names = vec![
        "id",
        "msgType",
        "chatType",
        "fromUserId",
        "toUserId",
        "teamId",
        "content",
        "token",
        "srcId",
        "userId",
        "pageNum",
        "pageSize",
        "ack",
        "thirdUserId",
        "app",
    ];
    prop_oneof![4 => prop::sample::select(names).prop_map(str::to_owned), 1 => any::<String>()]
}

fn feed(text: &str) {
    AuthAck::default().recognizes(text);
    let (mut fresh, _) = Connection::open(Options::default());
    fresh.frame(text);
    Connection::live().frame(text);
    let (mut waiting, tag) = Connection::authenticating();
    waiting.frame(text);
    waiting.reply(tag, Ok(crate::support::authenticated(3)));
}

proptest! {
    #[test]
    fn no_text_panics_a_session(text in any::<String>()) {
        feed(&text);
    }

    #[test]
    fn no_bytes_panic_a_session(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        feed(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_json_panics_a_session(value in any_json()) {
        feed(&value.to_string());
    }

    #[test]
    fn no_content_panics_a_session(value in any_json(), word in prop::sample::select(vec!["Auth", "Ack", "Text"])) {
        feed(&json!({"msgType": word, "fromUserId": 3, "toUserId": 2, "chatType": "Single", "content": value}).to_string());
    }

    #[test]
    fn no_json_panics_an_endpoint(value in any_json()) {
        let zone = Zone::utc();
        let context = Context { user: None, now: NOON, zone: &zone };
        let request = HttpRequest { payload: Payload::Json(value), ..post("{}") };
        for endpoint in AuthAck::default().endpoints() {
            let _ = endpoint.request(&context, &request);
            if let Access::Claimed { find, claim } = endpoint.access() {
                let _ = (find(&request), claim(&request));
            }
        }
    }

    #[test]
    fn a_pushed_message_reads_back_with_all_its_bits(id in 1_u64.., from in 1_u64.., to in 1_u64.., text in any::<String>(), group in any::<bool>()) {
        let content = content("Text", &text);
        let mut message = if group { in_group(from, content) } else { direct(from, to, content) };
        message.client_id = Some(id);
        let view = if message.is_to_self() { View::Own } else { View::Other };
        let frame = AuthAck::default().encode(&event(message), view).expect("a frame").into_shared().expect("no holes");
        let read: MessageFrame<'_> = serde_json::from_str(&frame).expect("a message");
        prop_assert_eq!((read.id, read.from_user_id, read.content.as_ref()), (Some(id), from, text.as_str()));
        prop_assert_eq!((read.to_user_id, read.team_id), if group { (None, Some(12)) } else { (Some(to), None) });
        let again: MessageFrame<'_> = serde_json::from_str(&frame).expect("a message");
        prop_assert_eq!(serde_json::to_string(&again).expect("JSON"), frame);
    }

    #[test]
    fn a_sent_message_is_taken_as_a_client_wrote_it(id in 1_u64.., to in 1_u64.., text in any::<String>()) {
        let frame = MessageFrame {
            id: Some(id), from_user_id: 3, to_user_id: Some(to), team_id: None, chat_type: ChatType::Single,
            msg_type: Cow::Borrowed("Text"), content: Cow::Borrowed(&text), timestamp: None,
        };
        let seen = Connection::live().frame(&serde_json::to_string(&frame).expect("JSON"));
        let (_, Command::Send(send)) = command(&seen, 0) else { panic!("{seen:?}") };
        prop_assert_eq!((send.client_id, &send.content), (Some(id), &koine_core::Content::text(&text)));
    }

    #[test]
    fn an_ack_in_either_form_can_be_given_back_as_it_came(id in 1_u64.., documented in any::<bool>()) {
        let ack_content = if documented { AckContent::Documented } else { AckContent::Json };
        let mut connection = Connection::live_with(Options { ack_content, ..Options::default() });
        let frame = format!(r#"{{"id":{id},"toUserId":2,"chatType":"Single","msgType":"Text","content":"a"}}"#);
        let tag = command(&connection.frame(&frame), 0).0;
        let seen = connection.reply(tag, Ok(sent(Some(id))));
        let [Seen::Frame(ack)] = &seen[..] else { panic!("{seen:?}") };
        let text = ack.to_string();
        let read: AckFrame<'_> = serde_json::from_str(&text).expect("an ack");
        prop_assert_eq!(serde_json::to_value(&read).expect("JSON"), ack.clone());
        let seen = connection.frame(&text);
        let (_, Command::Acknowledge { wire_id }) = command(&seen, 0) else { panic!("{seen:?}") };
        prop_assert_eq!(*wire_id, id);
    }

    #[test]
    fn frames_read_back_equal(number in any::<u64>(), text in any::<String>()) {
        let auth = AuthFrame { msg_type: "Auth".into(), from_user_id: number, content: text.as_str().into() };
        let json = serde_json::to_string(&auth).expect("JSON");
        prop_assert_eq!(serde_json::from_str::<AuthFrame<'_>>(&json).expect("an auth"), auth);
        let error = ErrorFrame::new(ChatType::Group, &text, 400, Some(number));
        let json = serde_json::to_string(&error).expect("JSON");
        prop_assert_eq!(serde_json::from_str::<ErrorFrame<'_>>(&json).expect("an error"), error);
    }
}

#[test]
fn the_documents_own_examples_read_back() {
    let row = r#"{"msgType":"Text","fromUserId":2,"isRead":false,"eventType":null,"toUserId":3,"content":"消息内容","stateEnum":"Client","teamId":null,"name":null,"serverSendTime":null,"id":1267898438633263104,"chatType":"Single","timestamp":1722332144206}"#;
    let read: MessageRow<'_> = serde_json::from_str(row).expect("a row");
    assert_eq!(serde_json::to_string(&read).expect("JSON"), row);
}

#[test]
fn a_field_given_twice_counts_as_the_last() {
    let seen = Connection::live().frame(
        r#"{"id":5,"id":6,"toUserId":2,"chatType":"Single","msgType":"Ping","msgType":"Text","content":"a","content":"b"}"#,
    );
    let (_, Command::Send(send)) = command(&seen, 0) else { panic!("{seen:?}") };
    assert_eq!((send.client_id, send.content.as_text()), (Some(6), "b"));
}

#[test]
fn only_objects_with_a_message_type_are_recognized() {
    let dialect = AuthAck::default();
    for own in [r#"{"msgType":"Auth"}"#, r#"{"content":[[{"deep":1}]],"msgType":"Ping"}"#, r#"{"msg\u0054ype":1}"#] {
        assert!(dialect.recognizes(own), "{own}");
    }
    for other in ["", "1", "[]", r#"["msgType"]"#, r#"{"url":"/chat/login"}"#, r#"{"msgType":"Auth""#] {
        assert!(!dialect.recognizes(other), "{other}");
    }
}
