//! The connection's states, step by step.

use std::time::Duration;

use koine_auth_ack::{AckContent, Options};
use koine_core::{
    Body, Claim, Command, ConfirmBy, Content, ConversationId, EndReason, Error, ErrorKind, Input, Kind, Reply, Scope,
    Target, UserId, UserKey,
};
use serde_json::{Value, json};

use crate::support::{Connection, NOON, Seen, authenticated, command, only_frame, sent, user};

const HELLO: &str =
    r#"{"id":5,"fromUserId":3,"toUserId":2,"chatType":"Single","msgType":"Text","content":"Hello,World"}"#;

#[test]
fn a_connection_is_accepted_and_has_ten_seconds_for_its_auth() {
    let (mut connection, seen) = Connection::open(Options::default());
    assert!(matches!(seen[..], [Seen::Accept, Seen::WakeAt(at)] if at == NOON.plus(Duration::from_secs(10))));
    assert!(matches!(connection.input(Input::Wake)[..], [Seen::Close(4008)]));
}

#[test]
fn the_handshake_time_is_configurable() {
    let (_, seen) = Connection::open(Options { handshake: Duration::from_millis(1), ..Options::default() });
    assert!(matches!(seen[..], [Seen::Accept, Seen::WakeAt(at)] if at == NOON.plus(Duration::from_millis(1))));
}

#[test]
fn an_auth_asks_whose_the_token_is_and_names_the_claimed_user() {
    let (mut connection, _) = Connection::open(Options::default());
    let seen = connection.frame(r#"{"msgType":"Auth","fromUserId":"3","content":{"token":"secret"}}"#);
    assert!(matches!(seen[0], Seen::NoWake));
    let (_, Command::Authenticate(asked)) = command(&seen, 1) else { panic!("{seen:?}") };
    assert_eq!(asked.token.expose(), "secret");
    assert_eq!(asked.claim, Some(Claim::User(UserKey::Id(UserId::new(3)))));
}

#[test]
fn after_the_auth_everything_live_is_asked_for_and_only_acks_confirm() {
    let (mut connection, tag) = Connection::authenticating();
    let seen = connection.reply(tag, Ok(authenticated(3)));
    let [Seen::Command(_, Command::Attach(attach))] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!((&attach.scope, attach.catch_up, attach.confirm), (&Scope::All, false, ConfirmBy::Command));
}

#[test]
fn a_wake_while_the_token_is_looked_at_closes_nothing() {
    let (mut connection, _) = Connection::authenticating();
    assert!(connection.input(Input::Wake).is_empty());
}

#[test]
fn a_refused_token_is_a_401_and_a_close_and_nothing_after() {
    for kind in [ErrorKind::Unauthenticated, ErrorKind::UserDisabled, ErrorKind::UserNotFound] {
        let (mut connection, tag) = Connection::authenticating();
        connection.frame(HELLO);
        let seen = connection.reply(tag, Err(kind.into()));
        let [Seen::Frame(frame), Seen::Close(4001)] = &seen[..] else { panic!("{seen:?}") };
        assert_eq!(*frame, json!({"msgType": "Error", "chatType": "Single", "content": kind.sentence(), "code": 401}));
        assert!(connection.frame(HELLO).is_empty());
    }
}

#[test]
fn a_server_that_cannot_look_at_tokens_says_to_try_again() {
    let (mut connection, tag) = Connection::authenticating();
    let seen = connection.reply(tag, Err(ErrorKind::Unavailable.into()));
    let [Seen::Frame(frame), Seen::Close(1013)] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!(frame["code"], 500);
}

#[test]
fn an_auth_that_cannot_be_read_is_a_401_and_a_close() {
    for auth in [
        r#"{"msgType":"Auth","fromUserId":3}"#,
        r#"{"msgType":"Auth","fromUserId":3,"content":""}"#,
        r#"{"msgType":"Auth","fromUserId":3,"content":null}"#,
        r#"{"msgType":"Auth","fromUserId":3,"content":["a"]}"#,
        r#"{"msgType":"Auth","fromUserId":3,"content":"{}"}"#,
        r#"{"msgType":"Auth","content":"secret"}"#,
        r#"{"msgType":"Auth","fromUserId":"tom","content":"secret"}"#,
        r#"{"msgType":"Auth","fromUserId":0,"content":"secret"}"#,
    ] {
        let (mut connection, _) = Connection::open(Options::default());
        let seen = connection.frame(auth);
        let [Seen::NoWake, Seen::Frame(frame), Seen::Close(4001)] = &seen[..] else { panic!("{auth}: {seen:?}") };
        assert_eq!(frame["code"], 401, "{auth}");
    }
}

#[test]
fn frames_before_an_auth_are_401_and_the_connection_stays() {
    let (mut connection, _) = Connection::open(Options::default());
    let error = connection.frame(HELLO);
    assert_eq!(only_frame(&error)["code"], 401);
    assert_eq!(only_frame(&error)["srcId"], 5);
    assert_eq!(only_frame(&connection.frame(r#"{"msgType":"Ack","content":"5"}"#))["code"], 401);
    assert_eq!(only_frame(&connection.frame(r#"{"msgType":"Ping"}"#))["code"], 401);
    assert!(connection.frame(r#"{"msgType":"Heartbeat"}"#).is_empty());
    assert!(matches!(connection.input(Input::Wake)[..], [Seen::Close(4008)]));
}

#[test]
fn frames_behind_an_auth_wait_and_keep_their_order() {
    let (mut connection, tag) = Connection::authenticating();
    for id in 1..=200 {
        assert!(connection.frame(&HELLO.replacen('5', &id.to_string(), 1)).is_empty());
    }
    let mut ids = Vec::new();
    let mut seen = connection.reply(tag, Ok(authenticated(3)));
    loop {
        let mut tags = Vec::new();
        for step in &seen {
            match step {
                Seen::Command(tag, Command::Send(send)) => {
                    ids.push(send.client_id.expect("an id"));
                    tags.push((*tag, sent(send.client_id)));
                }
                Seen::Command(tag, Command::Attach(_)) => tags.push((*tag, Reply::Attached)),
                Seen::Frame(frame) => assert_eq!(frame["msgType"], "Ack"),
                other => panic!("{other:?}"),
            }
        }
        assert!(tags.len() <= 64, "no more than 64 commands at once");
        if tags.is_empty() {
            break;
        }
        seen = tags.into_iter().flat_map(|(tag, reply)| connection.reply(tag, Ok(reply))).collect();
    }
    assert_eq!(ids, (1..=200).collect::<Vec<u64>>());
}

#[test]
fn more_than_a_mebibyte_behind_an_auth_is_429() {
    let (mut connection, _) = Connection::authenticating();
    let large = HELLO.replace("Hello,World", &"a".repeat(300_000));
    for _ in 0..3 {
        assert!(connection.frame(&large).is_empty());
    }
    let error = connection.frame(&large);
    assert_eq!(only_frame(&error)["code"], 429);
    assert_eq!(only_frame(&error)["srcId"], 5);
}

#[test]
fn a_message_becomes_a_send_under_its_own_id_and_is_acknowledged() {
    let mut connection = Connection::live();
    let seen = connection.frame(HELLO);
    let (tag, Command::Send(send)) = command(&seen, 0) else { panic!("{seen:?}") };
    assert_eq!(send.target, Target::User(UserKey::Id(UserId::new(2))));
    assert_eq!(send.content, Content::text("Hello,World"));
    assert_eq!((send.client_id, &send.key, send.reads), (Some(5), &None, false));
    let seen = connection.reply(tag, Ok(sent(Some(5))));
    assert_eq!(
        *only_frame(&seen),
        json!({"id": 78, "chatType": "Single", "msgType": "Ack", "content": "{\"srcId\": 5}"})
    );
}

#[test]
fn the_documents_form_of_the_ack_is_an_option() {
    let options = Options { ack_content: AckContent::Documented, ..Options::default() };
    let mut connection = Connection::live_with(options);
    let tag = command(&connection.frame(HELLO), 0).0;
    assert_eq!(only_frame(&connection.reply(tag, Ok(sent(Some(5)))))["content"], "{'srcId': 5}");
}

#[test]
fn a_message_without_an_id_is_acknowledged_by_the_servers() {
    let mut connection = Connection::live();
    let seen = connection.frame(&HELLO.replace("\"id\":5,", ""));
    let (tag, Command::Send(send)) = command(&seen, 0) else { panic!("{seen:?}") };
    assert_eq!(send.client_id, None);
    assert_eq!(only_frame(&connection.reply(tag, Ok(sent(None))))["content"], "{\"srcId\": 77}");
}

#[test]
fn a_message_to_a_group_names_its_team_and_may_call_the_chat_a_team() {
    for word in ["Group", "Team"] {
        let mut connection = Connection::live();
        let frame =
            json!({"id": 6, "fromUserId": 3, "teamId": "12", "chatType": word, "msgType": "Text", "content": "Hi"});
        let seen = connection.frame(&frame.to_string());
        let (tag, Command::Send(send)) = command(&seen, 0) else { panic!("{seen:?}") };
        assert_eq!(send.target, Target::Group(ConversationId::new(12)));
        assert_eq!(only_frame(&connection.reply(tag, Ok(sent(Some(6)))))["chatType"], "Group");
    }
}

#[test]
fn words_for_content_pass_through_and_json_content_keeps_every_digit() {
    let mut connection = Connection::live();
    let kinds = [
        ("Text", Kind::Text),
        ("Image", Kind::Image),
        ("File", Kind::File),
        ("Video", Kind::Other("Video".into())),
        ("x-own", Kind::Other("x-own".into())),
    ];
    for (word, kind) in kinds {
        let frame = HELLO
            .replace("\"Text\"", &format!("\"{word}\""))
            .replace("\"Hello,World\"", "{\"n\": 12345678901234567890.10}");
        let seen = connection.frame(&frame);
        let (_, Command::Send(send)) = command(&seen, 0) else { panic!("{seen:?}") };
        let Content::Present { kind: found, body: Body::Json(raw) } = &send.content else { panic!("{send:?}") };
        assert_eq!((found, raw.get()), (&kind, "{\"n\":12345678901234567890.10}"));
    }
}

#[test]
fn a_message_in_anothers_name_is_403() {
    let mut connection = Connection::live();
    let seen = connection.frame(&HELLO.replace("\"fromUserId\":3", "\"fromUserId\":4"));
    let error = only_frame(&seen);
    assert_eq!((&error["code"], &error["srcId"]), (&json!(403), &json!(5)));
}

#[test]
fn a_message_need_not_repeat_who_it_is_from() {
    let mut connection = Connection::live();
    let seen = connection.frame(&HELLO.replace("\"fromUserId\":3,", ""));
    assert!(matches!(command(&seen, 0).1, Command::Send(_)));
}

#[test]
fn faults_in_frames_are_400_and_the_connection_stays() {
    let mut connection = Connection::live();
    let faults = [
        "",
        "hello",
        "[]",
        "{",
        "{\u{201c}msgType\u{201d}:\u{201c}Heartbeat\u{201d}}",
        r#"{"fromUserId":3}"#,
        r#"{"msgType":""}"#,
        r#"{"msgType":7}"#,
        r#"{"msgType":"Error","content":"forged"}"#,
        r#"{"msgType":"Pong"}"#,
        r#"{"msgType":"Ack","content":"nothing"}"#,
        r#"{"msgType":"Ack"}"#,
        r#"{"msgType":"Text","chatType":"Single","content":"a"}"#,
        r#"{"msgType":"Text","chatType":"Group","toUserId":2,"content":"a"}"#,
        r#"{"msgType":"Text","chatType":"Crowd","toUserId":2,"content":"a"}"#,
        r#"{"msgType":"Text","toUserId":2,"content":"a"}"#,
        r#"{"msgType":"Text","chatType":"Single","toUserId":2}"#,
        r#"{"msgType":"Text","chatType":"Single","toUserId":2,"content":"\ud800"}"#,
        r#"{"msgType":"Text","chatType":"Single","toUserId":-2,"content":"a"}"#,
        r#"{"msgType":"Text","chatType":"Single","toUserId":2,"content":"a","id":0}"#,
        r#"{"msgType":"Text","chatType":"Single","toUserId":2,"content":"a","id":1.5}"#,
        r#"{"msgType":"Text","chatType":"Single","toUserId":2,"content":"a","id":18446744073709551616}"#,
        r#"{"msgType":"Text","chatType":"Single","toUserId":2,"content":"a","fromUserId":"tom"}"#,
    ];
    for fault in faults {
        let seen = connection.frame(fault);
        assert_eq!(only_frame(&seen)["code"], 400, "{fault}");
    }
    assert!(matches!(command(&connection.frame(HELLO), 0).1, Command::Send(_)));
}

#[test]
fn an_ack_acknowledges_silently() {
    let mut connection = Connection::live();
    for content in [json!("{'srcId': 9}"), json!("{\"srcId\": 9}"), json!("9"), json!(9), json!({"srcId": 9})] {
        let frame = json!({"id": 5, "chatType": "Single", "msgType": "Ack", "content": content});
        let seen = connection.frame(&frame.to_string());
        let (tag, Command::Acknowledge { wire_id }) = command(&seen, 0) else { panic!("{seen:?}") };
        assert_eq!(*wire_id, 9);
        assert!(connection.reply(tag, Ok(Reply::Done)).is_empty());
    }
}

fn ack(own: u64, content: &str) -> String {
    json!({"id": own, "chatType": "Group", "msgType": "Ack", "content": content}).to_string()
}

#[test]
fn an_ack_that_looks_like_the_one_before_is_read_at_a_glance() {
    let mut connection = Connection::live();
    assert_eq!(connection.acknowledges(&ack(1, "{'srcId': 9}")), None, "there was none before");
    for content in ["{'srcId': 9}", "9"] {
        let seen = connection.frame(&ack(2, content));
        let (tag, Command::Acknowledge { wire_id: 9 }) = command(&seen, 0) else { panic!("{seen:?}") };
        for number in [1, 80, u64::MAX] {
            let like = ack(number, &content.replace('9', &number.to_string()));
            assert_eq!(connection.acknowledges(&like), Some(number));
        }
        for other in [ack(3, "{'srcId': 0}"), ack(3, "{'srcId':9}"), ack(3, " 9"), HELLO.to_owned(), "{}".to_owned()] {
            assert_eq!(connection.acknowledges(&other), None, "{other}");
        }
        assert!(connection.reply(tag, Ok(Reply::Done)).is_empty());
    }
}

#[test]
fn an_ack_takes_its_turn_behind_frames_that_wait() {
    let mut connection = Connection::live();
    let seen = connection.frame(&ack(1, "9"));
    let first = command(&seen, 0).0;
    for number in 0..64 {
        connection.frame(&ack(2, &format!("[{number}]")));
        connection.frame(HELLO);
    }
    assert_eq!(connection.acknowledges(&ack(3, "9")), None);
    connection.reply(first, Ok(Reply::Done));
    assert_eq!(connection.acknowledges(&ack(3, "9")), None, "a frame waits still");
}

#[test]
fn acks_that_each_look_different_are_not_compared_for_ever() {
    let mut connection = Connection::live();
    for number in 1..20 {
        let content = format!("{{'srcId':{}9}}", " ".repeat(number));
        let seen = connection.frame(&ack(1, &content));
        let tag = command(&seen, 0).0;
        assert!(connection.reply(tag, Ok(Reply::Done)).is_empty());
    }
    assert_eq!(connection.acknowledges(&ack(1, &format!("{{'srcId':{}9}}", " ".repeat(19)))), None);
}

#[test]
fn a_pong_waits_for_everything_before_its_ping() {
    let mut connection = Connection::live();
    assert_eq!(*only_frame(&connection.frame(r#"{"msgType":"Ping"}"#)), json!({"msgType": "Pong"}));
    let first = command(&connection.frame(HELLO), 0).0;
    let second = command(&connection.frame(HELLO), 0).0;
    assert!(connection.frame(r#"{"msgType":"Ping"}"#).is_empty());
    assert!(connection.frame(r#"{"msgType":"Ping"}"#).is_empty());
    let third = command(&connection.frame(HELLO), 0).0;
    let types = |seen: Vec<Seen>| -> Vec<Value> {
        seen.iter()
            .map(|seen| if let Seen::Frame(frame) = seen { frame["msgType"].clone() } else { Value::Null })
            .collect()
    };
    assert_eq!(types(connection.reply(second, Ok(sent(Some(5))))), ["Ack"]);
    assert_eq!(types(connection.reply(first, Ok(sent(Some(5))))), ["Ack", "Pong", "Pong"]);
    assert_eq!(types(connection.reply(third, Ok(sent(Some(5))))), ["Ack"]);
}

#[test]
fn a_ping_behind_an_auth_tells_that_it_was_taken() {
    let (mut connection, tag) = Connection::authenticating();
    assert!(connection.frame(r#"{"msgType":"Ping"}"#).is_empty());
    let seen = connection.reply(tag, Ok(authenticated(3)));
    let attach = command(&seen, 0).0;
    assert_eq!(seen.len(), 1);
    assert_eq!(only_frame(&connection.reply(attach, Ok(Reply::Attached)))["msgType"], "Pong");
}

#[test]
fn a_second_auth_is_verified_for_the_same_user_and_silent() {
    let mut connection = Connection::live();
    let seen = connection.frame(r#"{"msgType":"Auth","fromUserId":3,"content":"newer"}"#);
    let [Seen::Verified(tag, _)] = seen[..] else { panic!("{seen:?}") };
    assert!(connection.reply(tag, Ok(Reply::User(user(3)))).is_empty());

    let seen = connection.frame(r#"{"msgType":"Auth","fromUserId":4,"content":"newer"}"#);
    assert_eq!(only_frame(&seen)["code"], 403);

    let seen = connection.frame(r#"{"msgType":"Auth","fromUserId":3,"content":"bad"}"#);
    let seen = connection.reply(command(&seen, 0).0, Err(ErrorKind::Unauthenticated.into()));
    assert!(matches!(&seen[..], [Seen::Frame(frame), Seen::Close(4001)] if frame["code"] == 401));
}

#[test]
fn a_frame_the_driver_refuses_is_answered_with_its_reason() {
    let mut connection = Connection::live();
    let seen = connection.input(Input::Refused(Some(HELLO), ErrorKind::RateLimited.into()));
    assert_eq!((&only_frame(&seen)["code"], &only_frame(&seen)["srcId"]), (&json!(429), &json!(5)));
    let seen = connection.input(Input::Refused(None, Error::bad_request("binary")));
    assert_eq!(*only_frame(&seen), json!({"msgType": "Error", "chatType": "Single", "content": "binary", "code": 400}));
}

#[test]
fn an_attach_that_fails_ends_the_connection() {
    let (mut connection, tag) = Connection::authenticating();
    let attach = command(&connection.reply(tag, Ok(authenticated(3))), 0).0;
    let seen = connection.reply(attach, Err(Error::internal()));
    assert!(matches!(&seen[..], [Seen::Frame(frame), Seen::Close(1011)] if frame["code"] == 500));
}

#[test]
fn a_connection_that_the_server_ends_hears_the_close_code() {
    for (reason, code) in [(EndReason::Kicked, 1008), (EndReason::Disabled, 1008), (EndReason::Draining, 1001)] {
        let seen = Connection::live().input(Input::Ended(reason));
        assert!(matches!(seen[..], [Seen::Close(found)] if found == code), "{seen:?}");
    }
}
