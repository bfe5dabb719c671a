//! What is pushed, and what cannot be said: the README's list of losses.

use std::sync::Arc;

use koine_auth_ack::AuthAck;
use koine_core::{Body, Content, Dialect, Event, RemovalReason, Request, RequestId, RequestKind, RequestState, View};
use serde_json::{Value, json};

use crate::support::{NOON, content, conversation_of, crew, direct, event, in_group, user};

fn shown(event: &Event, view: View) -> Option<Value> {
    let text = AuthAck::default().encode(event, view)?.into_shared().expect("nothing differs by receiver");
    Some(serde_json::from_str(&text).expect("JSON"))
}

#[test]
fn a_direct_message_is_pushed_as_it_was_sent_with_its_time() {
    assert_eq!(
        shown(&event(direct(3, 2, content("Text", "Hello,World"))), View::Other),
        Some(json!({"id": 1_268_242_042_090_295_296_u64, "fromUserId": 3, "toUserId": 2, "chatType": "Single",
            "msgType": "Text", "content": "Hello,World", "timestamp": 1_722_492_806_373_u64}))
    );
}

#[test]
fn a_group_message_names_its_team_and_no_user() {
    assert_eq!(
        shown(&event(in_group(3, content("Video", "/v.mp4"))), View::Other),
        Some(json!({"id": 77, "fromUserId": 3, "teamId": 12, "chatType": "Group", "msgType": "Video",
            "content": "/v.mp4", "timestamp": 1_722_492_806_373_u64}))
    );
}

#[test]
fn content_is_always_a_string() {
    let object = Content::Present { kind: koine_core::Kind::Text, body: Body::from_value(&json!({"a": 1})) };
    let cases = [
        (object, "Text", "{\"a\":1}"),
        (content("Image", "/file/down/1.png"), "Image", "/file/down/1.png"),
        (Content::Erased, "Text", Content::ERASED_TEXT),
        (content("Error", "forged"), "Text", "forged"),
    ];
    for (content, word, text) in cases {
        let frame = shown(&event(direct(3, 2, content)), View::Other).expect("a frame");
        assert_eq!((&frame["msgType"], &frame["content"]), (&json!(word), &json!(text)));
    }
}

#[test]
fn only_messages_of_others_and_notes_to_oneself_can_be_said() {
    let message = direct(3, 2, content("Text", "Hi"));
    let request = Arc::new(Request {
        id: RequestId::new(1),
        kind: RequestKind::Friend,
        from: user(3),
        to: user(2).to_ref(),
        note: None,
        created: NOON,
        state: RequestState::Pending,
        decided: None,
    });
    let losses = [
        Event::Opened { conversation: conversation_of(&message), by: user(3).to_ref() },
        Event::Presence { user: user(3).to_ref(), reachable: true },
        Event::Requested(request.clone()),
        Event::Decided(request),
        Event::Unfriended { by: user(3), time: NOON },
        Event::Removed { group: crew(), by: user(3), time: NOON, reason: RemovalReason::Removed },
        Event::Removed { group: crew(), by: user(3), time: NOON, reason: RemovalReason::Dissolved },
        Event::Notification { notification_type: "x".into(), content: Body::Text("y".into()) },
    ];
    for view in View::ALL {
        for loss in &losses {
            assert_eq!(shown(loss, view), None, "{loss:?} {view:?}");
        }
    }
    let group = in_group(3, content("Text", "Hi"));
    assert!(shown(&event(message.clone()), View::Other).is_some());
    assert!(shown(&event(message), View::Own).is_none());
    assert!(shown(&event(group.clone()), View::Other).is_some());
    assert!(shown(&event(group), View::Own).is_none());
    let note = direct(3, 3, content("Text", "to myself"));
    assert_eq!(shown(&event(note), View::Own).expect("an echo")["toUserId"], 3);
}
