//! What holds for any input.

use std::borrow::Cow;

use koine_core::{Content, Dialect, View};
use koine_status_code::wire::{Body, Chat, ClientFrame, ServerFrame};
use koine_status_code::{Options, StatusCode};
use proptest::prelude::*;

use crate::support::{Done, Table, direct, user};

/// Text that is JSON-like enough to get past the first check now and then.
fn frames() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        any::<Vec<u8>>().prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        "[\\[\\]{}\":,msg0-9\\\\ ud]{0,40}",
        any::<String>().prop_map(|text| format!("{{\"msg\":{text}}}")),
    ]
}

proptest! {
    #[test]
    fn any_text_is_a_message_or_is_answered(frame in frames()) {
        let done = Table::chatting("jack").frame(&frame);
        prop_assert!(matches!(done.as_slice(), [Done::Send(..) | Done::Frame(_)]), "{done:?}");
    }

    #[test]
    fn any_path_and_token_open_a_session(peer in any::<String>(), token in any::<Option<String>>()) {
        let done = Table::new(&peer, token.as_deref()).open();
        prop_assert!(matches!(done.as_slice(), [Done::Authenticate(..)] | [Done::Accept, Done::Frame(_), Done::Close(_)]));
    }

    #[test]
    fn what_a_client_writes_is_read_as_it_was_written(msg in any::<String>()) {
        let frame = ClientFrame { msg: Cow::Borrowed(&msg) };
        let text = serde_json::to_string(&frame).expect("JSON");
        prop_assert_eq!(ClientFrame::read(&text).expect("a frame"), frame.clone());
        prop_assert_eq!(serde_json::from_str::<ClientFrame<'_>>(&text).expect("a frame"), frame);
    }

    #[test]
    fn what_is_pushed_reads_back_equal(msg in any::<String>(), from in any::<String>()) {
        let body = Body::Chat(Chat { msg: msg.into(), from_user: from.into(), send_time: "t".into() });
        let frame = ServerFrame { status: 30001, msg: "OK".into(), body };
        let text = serde_json::to_string(&frame).expect("JSON");
        prop_assert_eq!(serde_json::from_str::<ServerFrame<'_>>(&text).expect("a frame"), frame);
    }

    #[test]
    fn a_message_is_written_as_its_wire_type(msg in any::<String>()) {
        let event = direct(&user(2, "jack").to_ref(), Content::text(&msg));
        let frame = StatusCode::new(Options::default()).encode(&event, View::Other).expect("a frame");
        let text = frame.into_shared().expect("no holes");
        let read: ServerFrame<'_> = serde_json::from_str(&text).expect("the wire type");
        let Body::Chat(chat) = &read.body else { panic!("{text}") };
        prop_assert_eq!((&*chat.msg, &*chat.from_user), (msg.as_str(), "tom"));
        prop_assert_eq!(serde_json::to_string(&read).expect("JSON"), text);
    }
}
