//! The dialects' own types read what the generator says, and write what it has to understand.

use std::borrow::Cow;

use super::*;

fn person() -> Person {
    Person { handle: "tom".to_owned(), number: 7, token: "demo-tom".to_owned() }
}

fn jack() -> Target {
    Target::User { handle: "jack".to_owned(), number: 8, session: 9 }
}

const STAMP: Stamp = Stamp { stream: 3, sequence: 5, due: 6 };
const ID: u64 = 1_000_100_000_300_000_005;

fn stamped() -> String {
    let mut text = text::blank().into_bytes();
    STAMP.write(&mut text);
    String::from_utf8(text).unwrap()
}

fn hear(dialect: DialectName, frame: &impl serde::Serialize) -> Heard {
    of(dialect).hear(serde_json::to_string(frame).unwrap().as_bytes())
}

#[test]
fn every_message_has_a_place_for_its_text_and_is_json() {
    for dialect in DialectName::ALL {
        let wire = of(dialect);
        for to in [jack(), Target::Group(4)] {
            let json = wire.message(&person(), &to);
            assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{json}");
            assert!(Template::new(&json, 1).is_some(), "{json}");
        }
        for frame in wire.opening(&person()) {
            assert!(serde_json::from_str::<serde_json::Value>(&frame).is_ok(), "{frame}");
        }
    }
}

#[test]
fn envelope_is_understood() {
    use koine_envelope::wire::{ClientFrame, DirectMessage, Push, msg_type};
    let json = of(DialectName::Envelope).message(&person(), &jack());
    let frame: ClientFrame<'_> = serde_json::from_str(&json).unwrap();
    assert_eq!(frame.params.receive_user_id, "jack".into());
    let text = stamped();
    let data = DirectMessage {
        send_user_id: "tom".into(),
        receive_user_id: "jack".into(),
        message_content: text.as_str().into(),
        receive_date: koine_envelope::wire::Date::Text(String::new()),
    };
    let push = Push { msg_type: msg_type::DIRECT_MESSAGE.into(), data };
    assert_eq!(hear(DialectName::Envelope, &push), Heard::Message(STAMP, None));
    let answer = serde_json::json!({ "code": 200, "msg": "发送消息成功", "obj": { "uniqueNo": ID.to_string() } });
    assert_eq!(hear(DialectName::Envelope, &answer), Heard::Accepted(3, 5));
    let failure = serde_json::json!({ "code": 400, "msg": "发送消息失败", "obj": { "uniqueNo": ID.to_string() } });
    assert_eq!(hear(DialectName::Envelope, &failure), Heard::Refused);
}

#[test]
fn auth_ack_is_understood_and_its_messages_confirmed() {
    use koine_auth_ack::wire::{AckFrame, ChatType, ErrorFrame, MessageFrame, SignalFrame};
    let json = of(DialectName::AuthAck).message(&person(), &jack());
    let frame: MessageFrame<'_> = serde_json::from_str(&json).unwrap();
    assert_eq!((frame.from_user_id, frame.to_user_id), (7, Some(8)));
    let text = stamped();
    let push = MessageFrame { id: Some(21), content: text.as_str().into(), ..frame };
    assert_eq!(hear(DialectName::AuthAck, &push), Heard::Message(STAMP, Some(21)));
    let content = format!("{{\"srcId\": {ID}}}");
    let ack =
        AckFrame { id: Some(1), chat_type: ChatType::Single, msg_type: "Ack".into(), content: content.as_str().into() };
    assert_eq!(hear(DialectName::AuthAck, &ack), Heard::Accepted(3, 5));
    assert_eq!(hear(DialectName::AuthAck, &SignalFrame::new("Pong")), Heard::Ready);
    assert_eq!(hear(DialectName::AuthAck, &ErrorFrame::new(ChatType::Single, "no", 403, None)), Heard::Refused);
    let confirmation = of(DialectName::AuthAck).confirmation(21).unwrap();
    let confirmation: AckFrame<'_> = serde_json::from_str(&confirmation).unwrap();
    assert_eq!(confirmation.content, r#"{"srcId":21}"#);
}

#[test]
fn access_token_is_understood() {
    use koine_access_token::wire::{Message, MessageType, Send};
    let json = of(DialectName::AccessToken).message(&person(), &jack());
    let frame: Send<'_, String> = serde_json::from_str(&json).unwrap();
    assert_eq!(frame.receiver_id.as_deref(), Some("jack"));
    let push = Message {
        kind: MessageType::Unicast,
        sender_id: "tom".into(),
        receiver_id: Some("jack".into()),
        group_id: None,
        content: stamped(),
        timestamp: 0,
    };
    assert_eq!(hear(DialectName::AccessToken, &push), Heard::Message(STAMP, None));
    let error = serde_json::json!({ "type": "ERROR", "code": 400, "content": "no" });
    assert_eq!(hear(DialectName::AccessToken, &error), Heard::Refused);
}

#[test]
fn status_code_is_understood() {
    use koine_status_code::wire::{Body, ServerFrame, status};
    let body = serde_json::json!({ "msg": stamped(), "from_user": "tom", "send_time": "2025-11-20 12:00:00" });
    let body = body.to_string();
    let frame = |status, msg: &'static str, body| ServerFrame {
        status,
        msg: Cow::Borrowed(msg),
        body: serde_json::from_str::<Body<'_>>(body).unwrap(),
    };
    let heard = |frame: ServerFrame<'_>| hear(DialectName::StatusCode, &frame);
    assert_eq!(heard(frame(status::MESSAGE, "OK", &body)), Heard::Message(STAMP, None));
    assert_eq!(heard(frame(status::LOGIN, "Target user tom login", "{}")), Heard::Nothing);
    assert_eq!(heard(frame(status::BAD_REQUEST, "no", "{}")), Heard::Refused);
}

#[test]
fn user_sig_is_understood() {
    let message = |name: &str| serde_json::json!({ "type": name, "content": stamped(), "sender": "tom" }).to_string();
    let wire = of(DialectName::UserSig);
    let reordered = message("MESSAGE_RECEIVED");
    // The server writes `type` first.
    let received = reordered.replacen('{', r#"{"type":"MESSAGE_RECEIVED","#, 1);
    assert_eq!(wire.hear(received.as_bytes()), Heard::Message(STAMP, None));
    let sent = message("MESSAGE_SEND_SUCCESS").replacen('{', r#"{"type":"MESSAGE_SEND_SUCCESS","#, 1);
    assert_eq!(wire.hear(sent.as_bytes()), Heard::Accepted(3, 5));
    let ready = koine_user_sig::wire::ReadyFrame::new("abcdefgh".into());
    assert_eq!(hear(DialectName::UserSig, &ready), Heard::Ready);
}

#[test]
fn the_ceiling_beside_a_pair_has_the_same_frames() {
    for (from, to, acknowledged, confirmed) in [
        (DialectName::AccessToken, DialectName::StatusCode, false, false),
        (DialectName::StatusCode, DialectName::AuthAck, false, true),
        (DialectName::UserSig, DialectName::Envelope, true, false),
        (DialectName::AuthAck, DialectName::AuthAck, true, true),
    ] {
        let relay = CEILING.with_frames_of(of(from), of(to)).unwrap();
        assert_eq!(relay.acknowledges(), acknowledged);
        assert_eq!(relay.path(&person(), &jack()).ends_with("&ack=no"), !acknowledged);
        let forwarded = format!(r#"{{"from":7,"id":21,"text":"{}"}}"#, stamped());
        assert_eq!(relay.hear(forwarded.as_bytes()), Heard::Message(STAMP, confirmed.then_some(21)));
        assert_eq!(relay.confirmation(21), confirmed.then(|| r#"{"confirmed":21}"#.to_owned()));
    }
    assert!(BARE.with_frames_of(of(DialectName::UserSig), of(DialectName::Envelope)).is_none());
}
