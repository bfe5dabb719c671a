//! What the dialect says, and the list of what it cannot.

use koine_core::{Body, Content, Dialect, Event, Kind, View, Zone};
use koine_status_code::{Options, StatusCode};
use serde_json::json;

use crate::support::{direct, said, unspeakable, user};

#[test]
fn a_message_of_the_peer_is_30001() {
    let event = direct(&user(2, "jack").to_ref(), Content::text("Hello Jack"));
    let expected = json!({
        "status": 30001, "msg": "OK",
        "body": {"msg": "Hello Jack", "from_user": "tom", "send_time": "2019-01-02 11:23:41"},
    });
    assert_eq!(said(&event, View::Other), Some(expected));
}

#[test]
fn the_time_is_shown_in_the_zone_of_the_options() {
    let zone = jiff_zone(8);
    let dialect = StatusCode::new(Options { zone });
    let event = direct(&user(2, "jack").to_ref(), Content::text("x"));
    let text = dialect.encode(&event, View::Other).and_then(|frame| frame.into_shared().ok()).expect("a frame");
    assert!(text.contains(r#""send_time":"2019-01-02 19:23:41""#), "{text}");
}

fn jiff_zone(hours: i8) -> Zone {
    Zone::new(jiff::tz::TimeZone::fixed(jiff::tz::offset(hours)))
}

#[test]
fn ones_own_messages_are_shown_only_in_notes_to_oneself() {
    let to_jack = direct(&user(2, "jack").to_ref(), Content::text("x"));
    assert_eq!(said(&to_jack, View::Own), None);
    let to_self = direct(&user(1, "tom").to_ref(), Content::text("x"));
    assert_eq!(said(&to_self, View::Own).expect("a frame")["body"]["from_user"], "tom");
}

#[test]
fn content_of_other_dialects_is_shown_as_text() {
    let shown = |content| said(&direct(&user(2, "jack").to_ref(), content), View::Other).expect("a frame");
    let raw = |json: &str| serde_json::value::RawValue::from_string(json.to_owned()).expect("JSON");
    assert_eq!(shown(Content::json(&raw("42")).expect("content"))["body"]["msg"], "42");
    assert_eq!(shown(Content::json(&raw("{\"a\": 1}")).expect("content"))["body"]["msg"], "{\"a\":1}");
    let image = Content::Present { kind: Kind::Image, body: Body::Text("http://x/file/down/1".into()) };
    assert_eq!(shown(image)["body"]["msg"], "http://x/file/down/1");
    assert_eq!(shown(Content::Erased)["body"]["msg"], "[erased]");
}

#[test]
fn the_peers_coming_and_going_are_30098_and_30099() {
    let presence = |reachable| Event::Presence { user: user(2, "Tom").to_ref(), reachable };
    let login = json!({"status": 30098, "msg": "Target user Tom login", "body": {}});
    let logout = json!({"status": 30099, "msg": "Target user Tom logout", "body": {}});
    for view in View::ALL {
        assert_eq!(said(&presence(true), view).as_ref(), Some(&login));
        assert_eq!(said(&presence(false), view).as_ref(), Some(&logout));
    }
}

#[test]
fn the_losses_are_those_of_the_readme() {
    for event in unspeakable() {
        for view in View::ALL {
            assert_eq!(said(&event, view), None, "{event:?}");
        }
    }
}
