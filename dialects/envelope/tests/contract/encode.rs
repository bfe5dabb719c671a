//! What the dialect says, and the list of what it cannot.

use koine_core::{Body, Content, Dialect, Event, Kind, RemovalReason, RequestKind, RequestState, View, Zone};
use koine_envelope::{Dates, Envelope, Options};
use serde_json::{Value, json};

use crate::support::{NOW, direct, every_event, group, removed, request, said, to_group, user};

fn told(event: &Event) -> Value {
    said(event, View::Other, Options::default()).expect("a frame")
}

#[test]
fn a_direct_message_is_1() {
    let event = direct(&user(2, "jack", None).to_ref(), Content::text("hi"));
    let data = json!({"sendUserId": "tom", "receiveUserId": "jack", "messageContent": "hi", "receiveDate": 1_546_428_221_000_i64});
    assert_eq!(told(&event), json!({"msgType": "1", "data": data}));
}

#[test]
fn a_group_message_is_2_and_names_its_receiver() {
    let event = to_group(u64::MAX, Content::text("h\"i"));
    let data = json!({
        "sendUserId": "tom", "receiveUserId": "jack", "messageContent": "h\"i",
        "receiveDate": 1_546_428_221_000_i64, "groupId": "18446744073709551615",
    });
    assert_eq!(told(&event), json!({"msgType": "2", "data": data}));
    let frame = Envelope::default().encode(&event, View::Other).expect("a frame");
    assert!(frame.has_holes(), "the body is written once for all members");
}

#[test]
fn a_friend_request_is_3() {
    let data = json!({
        "applyFriendId": "18446744073709551615", "applyUserId": "tom", "applyNickName": "Tommy",
        "note": "hello", "applyDate": 1_546_428_221_000_i64,
    });
    let event = Event::Requested(request(u64::MAX, RequestKind::Friend, RequestState::Pending, Some("hello")));
    assert_eq!(told(&event), json!({"msgType": "3", "data": data}));
}

#[test]
fn a_join_request_is_4_and_an_invitation_5() {
    let data = json!({
        "applyGroupId": "8", "applyUserId": "tom", "applyNickName": "Tommy",
        "applyDate": 1_546_428_221_000_i64, "note": null, "groupId": "5",
    });
    let join = Event::Requested(request(8, RequestKind::Join(group(5)), RequestState::Pending, None));
    assert_eq!(told(&join), json!({"msgType": "4", "data": data}));
    let invitation = Event::Requested(request(8, RequestKind::Invitation(group(5)), RequestState::Pending, None));
    assert_eq!(told(&invitation), json!({"msgType": "5", "data": data}));
}

#[test]
fn the_end_of_a_friendship_is_6() {
    let event = Event::Unfriended { by: user(1, "tom", Some("")), time: NOW };
    let data = json!({"applyUserId": "tom", "applyNickName": "tom", "applyDate": 1_546_428_221_000_i64});
    assert_eq!(told(&event), json!({"msgType": "6", "data": data}));
}

#[test]
fn a_removal_from_a_group_is_7() {
    let data = json!({
        "applyUserId": "tom", "applyNickName": "tom", "applyDate": 1_546_428_221_000_i64,
        "note": null, "groupId": "5",
    });
    for reason in [RemovalReason::Removed, RemovalReason::Dissolved] {
        assert_eq!(told(&removed(reason)), json!({"msgType": "7", "data": data}));
    }
}

#[test]
fn a_decided_friend_request_is_9() {
    for (state, shown) in [(RequestState::Accepted, "9"), (RequestState::Refused, "0"), (RequestState::Expired, "0")] {
        let event = Event::Decided(request(8, RequestKind::Friend, state, Some("hello")));
        let data = json!({"applyFriendId": "8", "applyState": shown, "verifyDate": 1_546_428_222_000_i64});
        assert_eq!(told(&event), json!({"msgType": "9", "data": data}));
    }
}

#[test]
fn a_decided_group_request_is_10() {
    for kind in [RequestKind::Join(group(5)), RequestKind::Invitation(group(5))] {
        let event = Event::Decided(request(8, kind, RequestState::Accepted, Some("hello")));
        let data = json!({
            "applyGroupId": "8", "groupId": "5", "groupName": "猫", "applyState": "9",
            "verifyDate": 1_546_428_222_000_i64, "note": "hello",
        });
        assert_eq!(told(&event), json!({"msgType": "10", "data": data}));
    }
}

#[test]
fn dates_can_be_text_in_the_zone_of_the_options() {
    let zone = Zone::new(jiff::tz::TimeZone::fixed(jiff::tz::offset(8)));
    let options = || Options { dates: Dates::Text, zone: zone.clone(), ..Options::default() };
    let events = [direct(&user(2, "jack", None).to_ref(), Content::text("hi")), to_group(5, Content::text("hi"))];
    for event in events {
        let frame = said(&event, View::Other, options()).expect("a frame");
        assert_eq!(frame["data"]["receiveDate"], "2019-01-02 19:23:41");
    }
}

#[test]
fn content_of_other_dialects_is_shown_as_text() {
    let shown = |content| told(&direct(&user(2, "jack", None).to_ref(), content))["data"]["messageContent"].clone();
    let raw = |json: &str| serde_json::value::RawValue::from_string(json.to_owned()).expect("JSON");
    assert_eq!(shown(Content::json(&raw("42")).expect("content")), "42");
    assert_eq!(shown(Content::json(&raw("{\"a\": 1}")).expect("content")), "{\"a\":1}");
    let image = Content::Present { kind: Kind::Image, body: Body::Text("http://x/file/down/1".into()) };
    assert_eq!(shown(image), "http://x/file/down/1");
    assert_eq!(shown(Content::Erased), "[erased]");
}

#[test]
fn the_losses_are_those_of_the_readme() {
    for (event, expected) in every_event() {
        let said = View::ALL.map(|view| said(&event, view, Options::default()).is_some());
        assert_eq!(said, expected, "{event:?}");
    }
}
