//! Whatever comes in, and whatever goes out.

use ::http::HeaderMap;
use koine_core::{
    Authenticated, Body, Command, ConnectionId, Content, Context, ConversationId, Dialect, Event, HttpRequest, Input,
    Kind, MessageEvent, Opening, Output, Outputs, Payload, Reply, SendMessage, Session, SocketRequest, Target,
    Timestamp, View, Zone,
};
use proptest::prelude::*;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::{conversation, dialect, full_user, group, message, pairs, to, to_group, user};
use crate::wire;

fn live() -> Box<dyn Session> {
    let query = pairs(&[("access_token", "t")]);
    let request = SocketRequest { path: Vec::new(), query, headers: HeaderMap::new() };
    let opening = Opening { connection: ConnectionId::new(1), entropy: [0; 16], zone: Zone::utc() };
    let mut session = dialect().open(&request, opening);
    give(session.as_mut(), Input::Opened);
    let authenticated = Authenticated { user: full_user(1, "tom"), expires: None };
    give(session.as_mut(), Input::Reply(koine_core::Tag(0), Ok(Reply::Authenticated(authenticated))));
    give(session.as_mut(), Input::Reply(koine_core::Tag(1), Ok(Reply::Attached)));
    session
}

fn give(session: &mut dyn Session, input: Input<'_>) -> Vec<Output> {
    let mut out = Outputs::new();
    session.handle(Timestamp::from_millis(0), input, &mut out);
    out.drain().collect()
}

fn sent(frame: &str) -> Option<SendMessage> {
    match give(live().as_mut(), Input::Frame(frame)).pop() {
        Some(Output::Command { command: Command::Send(message), .. }) => Some(message),
        _ => None,
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 8.0)),
        "\\PC{0,12}".prop_map(Value::from),
        "unicast|MULTICAST|broadcast|[0-9]{1,21}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(name(), inner, 0..6).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// Names of parameters and fields, and others.
fn name() -> impl Strategy<Value = String> {
    let known = "type|receiverId|groupId|content|access_token|sort|drop|name|detailed|userId|from|to|notificationType";
    prop_oneof![4 => known, 1 => "\\PC{0,8}"]
}

fn any_fields() -> impl Strategy<Value = Vec<(String, String)>> {
    let value = prop_oneof!["\\PC{0,8}", "true|false|asc|desc|unicast|multicast|broadcast|[0-9]{1,21}"];
    prop::collection::vec((name(), value), 0..5)
}

fn any_payload() -> impl Strategy<Value = Payload> {
    prop_oneof![
        Just(Payload::Empty),
        any_fields().prop_map(Payload::Form),
        any_json().prop_map(Payload::Json),
        Just(Payload::Unreadable("broken")),
    ]
}

proptest! {
    #[test]
    fn any_bytes_get_one_answer_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(give(live().as_mut(), Input::Frame(&String::from_utf8_lossy(&bytes))).len() == 1);
    }

    #[test]
    fn any_text_gets_one_answer(text in "[\\PC\\n\"{}:,\\\\]{0,80}") {
        prop_assert!(give(live().as_mut(), Input::Frame(&text)).len() == 1);
    }

    #[test]
    fn any_json_gets_one_answer(value in any_json()) {
        prop_assert!(give(live().as_mut(), Input::Frame(&value.to_string())).len() == 1);
    }

    #[test]
    fn every_endpoint_takes_any_request(
        id in "\\PC{0,24}|[0-9]{1,21}", query in any_fields(), payload in any_payload()
    ) {
        let zone = Zone::utc();
        let context = Context { user: None, now: Timestamp::from_millis(0), zone: &zone };
        for endpoint in dialect().endpoints() {
            let path = pairs(&[("groupId", &id), ("requestId", &id)]);
            let method = endpoint.method();
            let headers = HeaderMap::new();
            let request = HttpRequest { path, query: query.clone(), headers, payload: payload.clone(), ..HttpRequest::new(method) };
            if let koine_core::Access::Token { find, .. } = endpoint.access() {
                find(&request);
            }
            if let Err(why) = endpoint.request(&context, &request) {
                prop_assert!(endpoint.response(&context, &koine_core::HttpRequest::new(::http::Method::GET), Err(why)).status.is_client_error());
            }
        }
    }

    #[test]
    fn what_a_client_writes_is_what_is_sent(content in any_json(), receiver in "\\PC{1,20}") {
        let frame = wire::Send {
            kind: wire::MessageType::Unicast,
            receiver_id: Some(receiver.as_str().into()),
            group_id: None,
            content: &content,
        };
        let message = sent(&serde_json::to_string(&frame).unwrap()).expect("a message");
        let Content::Present { kind: Kind::Text, body } = message.content else { panic!("text") };
        prop_assert_eq!(serde_json::to_value(&body).unwrap(), content);
        let Target::User(koine_core::UserKey::Handle(handle)) = message.target else { panic!("a user") };
        prop_assert_eq!(handle.as_str(), receiver);
    }

    #[test]
    fn a_sent_message_is_received_as_it_was_sent(content in any_json(), time in 0_u64..1 << 52) {
        let raw = to_raw_value(&content).unwrap();
        let said = message(time, user(1, "tom"), to(user(2, "jack")), Content::json(&raw).unwrap());
        let event = Event::Message(MessageEvent { message: said, conversation: conversation(7) });
        let text = dialect().encode(&event, View::Other).unwrap().into_shared().unwrap();
        let Ok(wire::ServerFrame::Message(read)) = wire::ServerFrame::read(&text) else { panic!("{text}") };
        prop_assert_eq!(read.content.get(), raw.get());
        prop_assert_eq!(read.timestamp.unsigned_abs(), time);
        prop_assert_eq!(read.receiver_id.as_deref(), Some("jack"));
        prop_assert_eq!(read.group_id.as_deref(), None);
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), text);
    }

    #[test]
    fn group_ids_keep_all_64_bits(id in 1_u64.., quoted in any::<bool>()) {
        let written = if quoted { json!(id.to_string()) } else { json!(id) };
        let frame = json!({"type": "multicast", "groupId": written, "content": "x"}).to_string();
        prop_assert_eq!(sent(&frame).expect("a message").target, Target::Group(ConversationId::new(id)));
        let said = message(1, user(1, "tom"), to_group(id), Content::text("x"));
        let event = Event::Message(MessageEvent { message: said, conversation: conversation(id) });
        let text = dialect().encode(&event, View::Other).unwrap().into_shared().unwrap();
        let Ok(wire::ServerFrame::Message(read)) = wire::ServerFrame::read(&text) else { panic!("{text}") };
        prop_assert_eq!(read.group_id.as_deref().map(str::to_owned), Some(id.to_string()));
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), text);
        let shown = group(id, &[user(1, "tom")]);
        let shown = crate::encode::group(&shown);
        let read: wire::Group<'_> = serde_json::from_str(&serde_json::to_string(&shown).unwrap()).unwrap();
        prop_assert_eq!(read, shown);
    }

    #[test]
    fn notifications_and_failures_read_back(word in "\\PC{0,20}", content in any_json(), code in any::<u16>()) {
        let event = Event::Notification { notification_type: word.as_str().into(), content: Body::from_value(&content) };
        let text = dialect().encode(&event, View::Other).unwrap().into_shared().unwrap();
        let Ok(wire::ServerFrame::Notification(read)) = wire::ServerFrame::read(&text) else { panic!("{text}") };
        prop_assert_eq!(&*read.notification_type, word.as_str());
        let back: Box<RawValue> = read.content;
        prop_assert_eq!(serde_json::from_str::<Value>(back.get()).unwrap(), content);
        let failure = wire::Failure { kind: wire::FailureType::Error, code, content: word.as_str().into() };
        let text = serde_json::to_string(&failure).unwrap();
        let Ok(wire::ServerFrame::Failure(read)) = wire::ServerFrame::read(&text) else { panic!("{text}") };
        prop_assert_eq!(read, failure);
    }

    #[test]
    fn a_client_reads_any_frame_without_panic(value in any_json(), text in "\\PC{0,60}") {
        let _ = wire::ServerFrame::read(&value.to_string());
        prop_assert!(wire::ServerFrame::read(&text).is_err() || text.contains("type"));
    }
}
