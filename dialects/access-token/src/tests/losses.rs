//! What the dialect can say and what it cannot: the README's list, event by event and view by view.

use std::sync::Arc;

use koine_core::{
    Body, Content, Dialect, Event, GroupRef, MessageEvent, Place, RemovalReason, Request, RequestId, RequestKind,
    RequestState, Timestamp, UserRef, View,
};
use serde_json::{Value, json};

use super::{conversation, dialect, full_user, json as parse, message, to, to_group, user};

fn said(sender: UserRef, place: Place, content: Content) -> Event {
    let message = message(1_592_915_696_789, sender, place, content);
    Event::Message(MessageEvent { message, conversation: conversation(7) })
}

fn frame(event: &Event, view: View) -> Option<Value> {
    dialect().encode(event, view).map(|frame| parse(&frame.into_shared().expect("the same for all receivers")))
}

fn request(kind: RequestKind) -> Arc<Request> {
    Arc::new(Request {
        id: RequestId::new(5),
        kind,
        from: full_user(1, "tom"),
        to: user(2, "jack"),
        note: None,
        created: Timestamp::from_millis(0),
        state: RequestState::Pending,
        decided: None,
    })
}

#[test]
fn a_direct_message_is_shown_to_the_receiver_and_not_to_the_sender() {
    let event = said(user(1, "tom"), to(user(2, "jack")), Content::text("Hello"));
    let expected = json!({"type": "unicast", "senderId": "tom", "receiverId": "jack", "content": "Hello",
        "timestamp": 1_592_915_696_789_i64});
    assert_eq!(frame(&event, View::Other), Some(expected));
    assert_eq!(frame(&event, View::Own), None);
}

#[test]
fn a_group_message_is_shown_to_the_others() {
    let event = said(user(1, "tom"), to_group(u64::MAX), Content::text("Hello"));
    let expected = json!({"type": "multicast", "senderId": "tom", "groupId": "18446744073709551615",
        "content": "Hello", "timestamp": 1_592_915_696_789_i64});
    assert_eq!(frame(&event, View::Other), Some(expected));
    assert_eq!(frame(&event, View::Own), None);
}

#[test]
fn a_note_to_oneself_is_shown_to_oneself() {
    let event = said(user(1, "tom"), to(user(1, "tom")), Content::text("milk"));
    let shown = frame(&event, View::Own).expect("a frame");
    assert_eq!((&shown["senderId"], &shown["receiverId"]), (&json!("tom"), &json!("tom")));
}

#[test]
fn content_that_came_as_json_is_shown_as_json_and_erased_content_as_its_place() {
    let raw = serde_json::value::RawValue::from_string(r#"{"n":12345678901234567890123}"#.to_owned()).unwrap();
    let event = said(user(1, "tom"), to(user(2, "jack")), Content::json(&raw).unwrap());
    let text = dialect().encode(&event, View::Other).unwrap().into_shared().unwrap();
    assert!(text.contains(r#""content":{"n":12345678901234567890123},"#), "{text}");
    let erased = frame(&said(user(1, "tom"), to(user(2, "jack")), Content::Erased), View::Other).unwrap();
    assert_eq!(erased["content"], "[erased]");
}

#[test]
fn a_notification_is_shown_to_both_sides() {
    let event = Event::Notification { notification_type: "news".into(), content: Body::Text("x".into()) };
    let expected = json!({"type": "NOTIFICATION", "notificationType": "news", "content": "x"});
    for view in View::ALL {
        assert_eq!(frame(&event, view), Some(expected.clone()));
    }
}

#[test]
fn nothing_else_can_be_said() {
    let group = || GroupRef { id: conversation(7).id, name: "Hiking".into() };
    let (by, time) = (full_user(1, "tom"), Timestamp::from_millis(0));
    let events = [
        Event::Opened { conversation: conversation(7), by: user(1, "tom") },
        Event::Presence { user: user(1, "tom"), reachable: true },
        Event::Presence { user: user(1, "tom"), reachable: false },
        Event::Requested(request(RequestKind::Friend)),
        Event::Requested(request(RequestKind::Join(group()))),
        Event::Requested(request(RequestKind::Invitation(group()))),
        Event::Decided(request(RequestKind::Invitation(group()))),
        Event::Unfriended { by: by.clone(), time },
        Event::Removed { group: group(), by: by.clone(), time, reason: RemovalReason::Removed },
        Event::Removed { group: group(), by, time, reason: RemovalReason::Dissolved },
    ];
    for event in events {
        for view in View::ALL {
            assert_eq!(frame(&event, view), None, "{event:?}");
        }
    }
}
