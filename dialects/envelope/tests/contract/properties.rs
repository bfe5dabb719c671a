//! What holds for any input.

use koine_core::{Content, Dialect, Handle, Timestamp, View};
use koine_envelope::wire::{
    Answer, ClientFrame, Date, DirectMessage, FriendDecision, FriendRemoved, FriendRequest, GroupDecision,
    GroupMessage, GroupRemoved, GroupRequest, LoginResult, Param, Params, Push,
};
use koine_envelope::{Dates, Envelope, Options};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::support::{Done, Table, direct, to_group, user};

/// Text that is JSON-like enough to get past the first check now and then.
fn frames() -> impl Strategy<Value = String> {
    let value = || prop_oneof!["[\\[\\]{}\":,a0-9\\\\ud .e-]{0,12}", Just("null".to_owned()), Just("\"t\"".to_owned())];
    let url = prop_oneof![Just("/chat/login"), Just("chat/sendMessage"), Just("/chat/sendGroupMessage/"), Just("?")];
    prop_oneof![
        any::<String>(),
        any::<Vec<u8>>().prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        "[\\[\\]{}\":,urlpas0-9\\\\ ]{0,60}",
        (url, value(), value(), value(), value()).prop_map(|(url, token, unique, content, to)| format!(
            r#"{{"url":"{url}","params":{{"token":{token},"uniqueNo":{unique},"messageContent":{content},
                "receiveUserId":{to},"groupId":{to}}}}}"#
        )),
    ]
}

fn reads_back<'a, T: Serialize + Deserialize<'a> + PartialEq>(text: &'a str, value: &T) -> bool {
    serde_json::from_str::<T>(text).is_ok_and(|read| read == *value)
}

fn param() -> impl Strategy<Value = Param<'static>> {
    prop_oneof![Just(Param::Absent), any::<String>().prop_map(|text| Param::Text(text.into()))]
}

fn date() -> impl Strategy<Value = Date> {
    prop_oneof![
        any::<i64>().prop_map(|millis| Date::Millis(Timestamp::from_millis(millis))),
        any::<String>().prop_map(Date::Text)
    ]
}

proptest! {
    #[test]
    fn any_text_has_one_consequence_in_every_state(frame in frames()) {
        let consequence = |done: &[Done]| matches!(done, [Done::Send(..) | Done::Frame(_) | Done::Authenticate(..)]);
        let done = Table::new(Options::default()).frame(&frame);
        prop_assert!(consequence(&done), "{done:?}");
        let done = Table::logged_in(Options::default()).frame(&frame);
        prop_assert!(consequence(&done), "{done:?}");
        Envelope::default().recognizes(&frame);
    }

    #[test]
    fn what_a_client_writes_is_read_as_it_was_written(
        url in "[^\"]{1,20}", token in param(), unique_no in param(), text in any::<String>(),
        receive_user_id in param(), group_id in param(),
    ) {
        let message_content = Param::Text(text.into());
        let params = Params { token, unique_no, message_content, receive_user_id, group_id };
        let frame = ClientFrame { url: Param::Text(url.into()), params };
        let text = serde_json::to_string(&frame).expect("JSON");
        prop_assert_eq!(ClientFrame::read(&text).expect("a frame"), frame.clone());
        prop_assert!(reads_back(&text, &frame));
        prop_assert!(Envelope::default().recognizes(&text));
    }

    #[test]
    fn answers_read_back_equal(code in any::<u16>(), a in any::<String>(), b in any::<String>(), c in any::<String>()) {
        for answer in [Answer::plain(code, a.as_str()), Answer::accepted(&a, &b), Answer::refused(&a, &b, &c)] {
            let text = serde_json::to_string(&answer).expect("JSON");
            prop_assert!(reads_back(&text, &answer), "{text}");
        }
    }

    #[test]
    fn pushes_read_back_equal(
        a in any::<String>(), b in any::<String>(), note in any::<Option<String>>(), date in date(),
    ) {
        let s = |text: &str| std::borrow::Cow::<'static, str>::Owned(text.to_owned());
        let note = note.map(std::borrow::Cow::<'static, str>::Owned);
        macro_rules! same {
            ($type:ident { $($field:ident: $value:expr),* $(,)? }) => {{
                let push = Push { msg_type: s(&a), data: $type { $($field: $value),* } };
                let text = serde_json::to_string(&push).expect("JSON");
                prop_assert!(reads_back(&text, &push), "{text}");
            }};
        }
        same!(LoginResult { code: s(&a), msg: s(&b) });
        same!(DirectMessage {
            send_user_id: s(&a), receive_user_id: s(&b), message_content: s(&a), receive_date: date.clone(),
        });
        same!(GroupMessage {
            send_user_id: s(&a), receive_user_id: s(&b), message_content: s(&a), receive_date: date.clone(),
            group_id: s(&b),
        });
        same!(FriendRequest {
            apply_friend_id: s(&a), apply_user_id: s(&b), apply_nick_name: s(&a), note: note.clone(),
            apply_date: date.clone(),
        });
        same!(GroupRequest {
            apply_group_id: s(&a), apply_user_id: s(&b), apply_nick_name: s(&a), apply_date: date.clone(),
            note: note.clone(), group_id: s(&b),
        });
        same!(FriendRemoved { apply_user_id: s(&a), apply_nick_name: s(&b), apply_date: date.clone() });
        same!(GroupRemoved {
            apply_user_id: s(&a), apply_nick_name: s(&b), apply_date: date.clone(), note: note.clone(),
            group_id: s(&a),
        });
        same!(FriendDecision { apply_friend_id: s(&a), apply_state: s(&b), verify_date: date.clone() });
        same!(GroupDecision {
            apply_group_id: s(&a), group_id: s(&b), group_name: s(&a), apply_state: s(&b), verify_date: date,
            note: note,
        });
    }

    #[test]
    fn a_group_message_reads_as_its_wire_type_for_every_receiver(
        text in any::<String>(), group in 1..=u64::MAX, receiver in "[^\\p{Cc}]{1,20}",
    ) {
        let frame = Envelope::default().encode(&to_group(group, Content::text(&text)), View::Other).expect("a frame");
        let filled = frame.fill(&Handle::new(&receiver).expect("a handle"), 0);
        let push: Push<'_, GroupMessage<'_>> = serde_json::from_str(&filled).expect("the wire type");
        prop_assert_eq!(&*push.msg_type, "2");
        prop_assert_eq!(&*push.data.message_content, text);
        prop_assert_eq!(&*push.data.receive_user_id, receiver);
        prop_assert_eq!(push.data.group_id.parse::<u64>().ok(), Some(group));
        prop_assert_eq!(serde_json::to_string(&push).expect("JSON"), filled);
    }

    #[test]
    fn a_direct_message_is_written_as_its_wire_type(
        text in any::<String>(), receiver in "[^\\p{Cc}]{1,20}", in_words in any::<bool>(),
    ) {
        let dates = if in_words { Dates::Text } else { Dates::Millis };
        let event = direct(&user(2, &receiver, None).to_ref(), Content::text(&text));
        let frame = Envelope::new(Options { dates, ..Options::default() }).encode(&event, View::Other).expect("a frame");
        let frame = frame.into_shared().expect("no holes");
        let push: Push<'_, DirectMessage<'_>> = serde_json::from_str(&frame).expect("the wire type");
        prop_assert_eq!(&*push.msg_type, "1");
        prop_assert_eq!((&*push.data.message_content, &*push.data.receive_user_id), (text.as_str(), receiver.as_str()));
        prop_assert_eq!(serde_json::to_string(&push).expect("JSON"), frame);
    }
}
