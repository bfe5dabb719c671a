use std::sync::Arc;

use koine_core::{
    Body, Content, Dialect, Event, Frame, RemovalReason, Request, RequestId, RequestKind, RequestState, View,
};
use serde_json::{Value, json};

use super::sample::{NOON, NOON_TEXT, dialect, direct, group, group_ref, jack, said, tom};
use crate::wire::ServerFrame;
use crate::{Options, UserSig};

fn shown(event: &Event, view: View) -> Value {
    filled(&dialect().encode(event, view).unwrap())
}

fn filled(frame: &Frame) -> Value {
    let text = frame.fill(&jack().handle, 3);
    ServerFrame::read(&text).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn private(user: &Value) -> bool {
    ["birthday", "id_card_num", "phone", "email"].iter().all(|field| user[field].is_null())
}

#[test]
fn a_message_is_received_with_the_session_as_the_receiver_sees_it() {
    let frame = shown(&said(direct(12, Some("us"), [tom(), jack()]), Content::text("hi")), View::Other);
    assert_eq!(frame["type"], "MESSAGE_RECEIVED");
    assert_eq!(frame["content"], "hi");
    assert_eq!(frame["sender"], "tom");
    let log = json!({"id": 77, "have_read": false, "read_time": null, "content": "hi", "sender": "tom",
        "create_time": NOON_TEXT, "create_timestamp": NOON.as_millis()});
    assert_eq!(frame["chat_log"], log);
    let session = &frame["session"];
    assert_eq!(session["recently_chat_log"], log);
    assert_eq!((&session["session_id"], &session["type"], &session["name"]), (&json!(12), &json!(1), &json!("us")));
    assert_eq!(session["create_time"], NOON_TEXT);
    assert_eq!(session["unread_count"], 3);
    assert_eq!(session["session_info"]["user_id"], "tom");
    assert!(private(&session["session_info"]));
    assert_eq!(frame.as_object().unwrap().len(), 5);
    assert_eq!(session.as_object().unwrap().len(), 7);
}

#[test]
fn the_senders_devices_see_the_other_user_as_the_session() {
    let frame = shown(&said(direct(12, None, [tom(), jack()]), Content::text("hi")), View::Own);
    assert_eq!(frame["type"], "MESSAGE_SEND_SUCCESS");
    assert_eq!(frame["session"]["session_info"]["user_id"], "jack");
    assert_eq!(frame["session"]["name"], "未命名单聊");
    assert_eq!(frame["session"]["unread_count"], 3);
}

#[test]
fn a_note_to_oneself_is_said_once_and_shows_the_user_all_of_itself() {
    let frame = shown(&said(direct(12, None, [tom(), tom()]), Content::text("hi")), View::Own);
    assert_eq!(frame["type"], "MESSAGE_SEND_SUCCESS");
    assert_eq!(frame["session"]["session_info"]["user_id"], "tom");
    assert_eq!(frame["session"]["session_info"]["phone"], "139");
}

#[test]
fn a_groups_frame_does_not_grow_with_the_group() {
    for view in View::ALL {
        let frame = shown(&said(group(9), Content::text("hi")), view);
        assert_eq!(frame["session"]["session_info"], json!({"manager": "tom", "member_count": 3}));
        assert_eq!(frame["session"]["type"], 2);
        assert_eq!(frame["session"]["name"], "friends");
    }
}

#[test]
fn full_profiles_show_what_is_private() {
    let open = UserSig::new(Options { full_profiles: true, ..Options::default() });
    let event = said(direct(12, None, [tom(), jack()]), Content::text("hi"));
    let frame = filled(&open.encode(&event, View::Other).unwrap());
    assert_eq!(frame["session"]["session_info"]["email"], "a@b");
}

#[test]
fn json_content_keeps_every_digit_and_erased_content_keeps_its_place() {
    let raw = r#"{"n":12345678901234567890.12345678901234567890,"m":null}"#;
    let content = Content::json(&serde_json::value::RawValue::from_string(raw.to_owned()).unwrap()).unwrap();
    let frame = dialect().encode(&said(group(9), content), View::Other).unwrap();
    assert_eq!(frame.fill(&jack().handle, 0).matches(raw).count(), 3);
    assert_eq!(shown(&said(group(9), Content::Erased), View::Other)["content"], "[erased]");
}

#[test]
fn a_new_session_is_announced_to_both_sides_as_each_sees_it() {
    let event = Event::Opened { conversation: direct(12, Some("us"), [tom(), jack()]), by: jack().to_ref() };
    let (own, other) = (shown(&event, View::Own), shown(&event, View::Other));
    assert_eq!(own["type"], "CONVERSATION_CREATED");
    assert_eq!(own["session"]["session_info"]["user_id"], "tom");
    assert_eq!(other["session"]["session_info"]["user_id"], "jack");
    assert_eq!(other["session"]["unread_count"], 0);
    assert!(other["session"]["recently_chat_log"].is_null());
    let silent = UserSig::new(Options { announce_sessions: false, ..Options::default() });
    assert!(View::ALL.iter().all(|view| silent.encode(&event, *view).is_none()));
}

/// The README's list of what this dialect cannot say.
#[test]
fn what_the_readme_lists_as_lost_is_lost_and_nothing_else() {
    let request = Arc::new(Request {
        id: RequestId::new(1),
        kind: RequestKind::Friend,
        from: tom(),
        to: jack().to_ref(),
        note: None,
        created: NOON,
        state: RequestState::Pending,
        decided: None,
    });
    let removed = |reason| Event::Removed { group: group_ref(9), by: tom(), time: NOON, reason };
    let events = [
        (said(direct(12, None, [tom(), jack()]), Content::text("hi")), true),
        (said(group(9), Content::text("hi")), true),
        (Event::Opened { conversation: group(9), by: tom().to_ref() }, true),
        (Event::Presence { user: tom().to_ref(), reachable: true }, false),
        (Event::Requested(Arc::clone(&request)), false),
        (Event::Decided(request), false),
        (Event::Unfriended { by: tom(), time: NOON }, false),
        (removed(RemovalReason::Removed), false),
        (removed(RemovalReason::Dissolved), false),
        (Event::Notification { notification_type: "word".into(), content: Body::Text("x".into()) }, false),
    ];
    for (event, said) in &events {
        for view in View::ALL {
            assert_eq!(dialect().encode(event, view).is_some(), *said, "{event:?} {view:?}");
        }
    }
}
