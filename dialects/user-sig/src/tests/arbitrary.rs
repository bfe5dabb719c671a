use koine_core::{
    Body, Content, Context, Conversation, ConversationId, Dialect, Event, Input, Kind, Message, MessageEvent,
    MessageId, Output, Outputs, Payload, Shape, Timestamp, View, Zone,
};
use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;
use std::sync::Arc;

use super::sample::{NOON, dialect, direct, group, jack, request, said, session, tom, user};
use super::session::ready;
use crate::wire::{EventName, ServerFrame, SessionInfo};

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(name(), inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A parameter's name, mostly one that means something.
fn name() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "to_session",
        "content",
        "user_id",
        "token",
        "name",
        "type",
        "chat_user_id_list",
        "chat_user_id_list[]",
        "session_id",
        "page_num",
        "page_size",
        "total",
        "birthday",
        "phone",
    ];
    prop_oneof![4 => prop::sample::select(KNOWN).prop_map(str::to_owned), 1 => any::<String>()]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        any::<i64>().prop_map(|number| number.to_string()),
        any_json().prop_map(|json| json.to_string())
    ]
}

fn fields() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::vec((name(), text()), 0..6)
}

fn payload() -> impl Strategy<Value = Payload> {
    prop_oneof![
        Just(Payload::Empty),
        Just(Payload::Unreadable("broken")),
        fields().prop_map(Payload::Form),
        any_json().prop_map(Payload::Json),
    ]
}

/// What a frame was answered with: a command or one `ERROR`, never both, never nothing.
fn answered_once(frame: &str) -> Result<(), TestCaseError> {
    let (mut session, mut out) = (ready(session("tom", "sig")), Outputs::new());
    session.handle(NOON, Input::Frame(frame), &mut out);
    let outputs: Vec<_> = out.drain().collect();
    match outputs.as_slice() {
        [Output::Command { .. }] => Ok(()),
        [Output::Send(text)] => {
            prop_assert!(matches!(ServerFrame::read(text), Ok(ServerFrame::Error(_))), "{text}");
            Ok(())
        }
        other => Err(TestCaseError::fail(format!("{other:?}"))),
    }
}

proptest! {
    #[test]
    fn any_text_is_answered_once(text in any::<String>()) {
        answered_once(&text)?;
    }

    #[test]
    fn any_bytes_are_answered_once(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        answered_once(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn any_json_is_answered_once(json in any_json()) {
        answered_once(&json.to_string())?;
    }

    #[test]
    fn any_session_and_content_are_answered_once(to in any_json(), content in any_json()) {
        answered_once(&format!(r#"{{"to_session":{to},"content":{content}}}"#))?;
    }

    #[test]
    fn any_path_opens_a_session(user_id in any::<String>(), user_sig in any::<String>()) {
        let (mut session, mut out) = (session(&user_id, &user_sig), Outputs::new());
        session.handle(NOON, Input::Opened, &mut out);
        prop_assert!(!out.is_empty());
    }

    #[test]
    fn any_request_becomes_a_command_or_an_error(query in fields(), payload in payload()) {
        let (zone, caller) = (Zone::utc(), tom().to_ref());
        for user in [None, Some(&caller)] {
            let context = Context { user, now: NOON, zone: &zone };
            let mut request = request(&[], payload.clone());
            request.query.clone_from(&query);
            for endpoint in dialect().endpoints() {
                if let Err(error) = endpoint.request(&context, &request) {
                    endpoint.response(&context, &koine_core::HttpRequest::new(http::Method::GET), Err(error)).into_bytes().unwrap();
                }
            }
        }
    }

    #[test]
    fn ids_keep_all_64_bits(id in 1_u64..) {
        for frame in [format!(r#"{{"to_session":{id}}}"#), format!(r#"{{"to_session":"{id}"}}"#)] {
            let (mut session, mut out) = (ready(session("tom", "sig")), Outputs::new());
            session.handle(NOON, Input::Frame(&frame), &mut out);
            let is_sent = matches!(
                out.drain().next(),
                Some(Output::Command { command: koine_core::Command::Send(message), .. })
                    if message.target == koine_core::Target::Conversation(ConversationId::new(id))
            );
            prop_assert!(is_sent, "{frame}");
        }
        let event = said(direct(id, None, [tom(), jack()]), Content::text("x"));
        let text = dialect().encode(&event, View::Own).unwrap().fill(&jack().handle, id);
        let Ok(ServerFrame::Message(frame)) = ServerFrame::read(&text) else { panic!("{text}") };
        prop_assert_eq!((frame.session.session_id, frame.session.unread_count), (id, id));
    }

    #[test]
    fn what_is_encoded_reads_back_equal(
        content in any_json(), name in any::<String>(), handle in "[^\\p{Cc}]{1,128}", ids in any::<(u64, u64)>(),
        millis in 0_i64..4_000_000_000_000, unread in any::<u64>(), in_group in any::<bool>(), own in any::<bool>(),
    ) {
        let sender = user(3, &handle);
        let raw = RawValue::from_string(content.to_string()).unwrap();
        let conversation = Arc::new(Conversation {
            id: ConversationId::new(ids.0),
            created: Timestamp::from_millis(millis),
            shape: if in_group {
                Shape::Group { name: name.as_str().into(), manager: sender.to_ref(), member_count: ids.1 }
            } else {
                Shape::Direct { name: Some(name.as_str().into()), users: [jack(), Arc::clone(&sender)] }
            },
        });
        let mut message = Message::clone(&super::sample::message(&conversation, &sender.to_ref(), Content::json(&raw).unwrap()));
        message.id = MessageId::new(ids.1);
        let event = Event::Message(MessageEvent { message: message.into(), conversation });
        let view = if own { View::Own } else { View::Other };
        let text = dialect().encode(&event, view).unwrap().fill(&jack().handle, unread);
        let Ok(ServerFrame::Message(frame)) = ServerFrame::read(&text) else { panic!("{text}") };
        prop_assert_eq!(frame.name, if own { EventName::MessageSendSuccess } else { EventName::MessageReceived });
        prop_assert_eq!(frame.content.get(), raw.get());
        prop_assert_eq!(frame.chat_log.content.get(), raw.get());
        prop_assert_eq!((frame.chat_log.id, frame.session.session_id), (ids.1, ids.0));
        prop_assert_eq!((&*frame.sender, &*frame.chat_log.sender), (&*handle, &*handle));
        prop_assert_eq!(frame.session.unread_count, unread);
        match &frame.session.session_info {
            SessionInfo::Group(info) => prop_assert_eq!(info.member_count, ids.1),
            SessionInfo::Direct(peer) => prop_assert_eq!(&*peer.user_id, if own { "jack" } else { &*handle }),
        }
        // It is what the type for both ends is written as.
        prop_assert_eq!(serde_json::to_string(&frame).unwrap(), text);
    }

    #[test]
    fn any_kind_of_content_is_shown_by_its_body(word in any::<String>(), text in any::<String>()) {
        for kind in [Kind::Text, Kind::Image, Kind::File, Kind::Other(word.as_str().into())] {
            let content = Content::Present { kind, body: Body::Text(text.as_str().into()) };
            let frame = dialect().encode(&said(group(9), content), View::Other).unwrap().fill(&jack().handle, 0);
            let frame: Value = serde_json::from_str(&frame).unwrap();
            prop_assert_eq!(frame["content"].as_str(), Some(text.as_str()));
        }
    }
}
