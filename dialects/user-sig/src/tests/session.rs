use koine_core::{
    Attach, Authenticated, Claim, Command, ConfirmBy, EndReason, Error, ErrorKind, Input, Output, Outputs, Purpose,
    Reply, Scope, Session, Tag, Target, UserKey,
};
use serde_json::{Value, json};

use super::sample::{NOON, session, tom};

/// The frames put out, nothing else being put out.
pub(super) fn frames(out: &mut Outputs) -> Vec<Value> {
    out.drain()
        .map(|output| match output {
            Output::Send(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("not a frame: {other:?}"),
        })
        .collect()
}

/// The session when it is ready.
pub(super) fn ready(mut session: Box<dyn Session>) -> Box<dyn Session> {
    let mut out = Outputs::new();
    session.handle(NOON, Input::Opened, &mut out);
    session.handle(NOON, Input::Reply(Tag(0), Ok(authenticated())), &mut out);
    session.handle(NOON, Input::Reply(Tag(1), Ok(Reply::Attached)), &mut out);
    session
}

fn authenticated() -> Reply {
    Reply::Authenticated(Authenticated { user: tom(), expires: None })
}

fn step(session: &mut dyn Session, input: Input<'_>) -> Vec<Output> {
    let mut out = Outputs::new();
    session.handle(NOON, input, &mut out);
    out.drain().collect()
}

#[test]
fn a_good_sig_of_that_user_makes_the_connection_ready() {
    let mut session = session("tom", "sig");
    let asked = step(&mut *session, Input::Opened);
    let [Output::Command { tag, token: None, command: Command::Authenticate(authenticate) }] = asked.as_slice() else {
        panic!("{asked:?}");
    };
    assert_eq!(authenticate.token.expose(), "sig");
    assert_eq!(authenticate.purpose, Purpose::UserSig);
    assert_eq!(authenticate.claim, Some(Claim::User(UserKey::Handle(tom().handle.clone()))));

    let accepted = step(&mut *session, Input::Reply(*tag, Ok(authenticated())));
    let [Output::Accept, Output::Command { tag, token: None, command: Command::Attach(attach) }] = accepted.as_slice()
    else {
        panic!("{accepted:?}");
    };
    let Attach { scope: Scope::All, catch_up: false, confirm: ConfirmBy::Pong, confirmed_is_read: false } = attach
    else {
        panic!("{attach:?}");
    };

    let mut out = Outputs::new();
    session.handle(NOON, Input::Reply(*tag, Ok(Reply::Attached)), &mut out);
    let sent = frames(&mut out);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["type"], "SDK_READY");
    let device = sent[0]["device_id"].as_str().unwrap();
    assert!(device.len() == 8 && device.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{device}");
}

#[test]
fn a_bad_sig_closes_with_4003_a_gone_user_with_4004_and_no_frame_is_sent_before() {
    for (kind, code) in [
        (ErrorKind::Unauthenticated, 4003),
        (ErrorKind::UserDisabled, 4003),
        (ErrorKind::UserNotFound, 4004),
        (ErrorKind::Unavailable, 1013),
        (ErrorKind::Internal, 1011),
    ] {
        let mut session = session("tom", "sig");
        step(&mut *session, Input::Opened);
        let done = step(&mut *session, Input::Reply(Tag(0), Err(kind.into())));
        assert!(matches!(done.as_slice(), [Output::Accept, Output::Close(closed, _)] if *closed == code), "{done:?}");
        assert!(step(&mut *session, Input::Frame("{}")).is_empty());
    }
}

#[test]
fn a_path_that_names_nobody_closes_with_4003() {
    for (user_id, user_sig) in [("", "sig"), ("tom", ""), ("t\u{7}m", "sig"), (&*"x".repeat(129), "sig")] {
        let done = step(&mut *session(user_id, user_sig), Input::Opened);
        assert!(matches!(done.as_slice(), [Output::Accept, Output::Close(4003, _)]), "{done:?}");
    }
}

#[test]
fn a_frame_is_sent_to_its_session_with_any_json_as_content() {
    for (frame, id, content) in [
        (r#"{"to_session": 12, "content": "hi"}"#, 12, "hi"),
        (r#"{"to_session": "18446744073709551615", "content": {"a": 1.0}}"#, u64::MAX, r#"{"a":1.0}"#),
        (r#"{"content": [1, 2], "to_session": 1, "other": {"to_session": 9}}"#, 1, "[1,2]"),
        (r#"{"to_session": 12}"#, 12, "null"),
        (r#"{"to_session": 12, "content": null}"#, 12, "null"),
        (r#"{"to_session": 3, "to_session": 12, "content": "a", "content": "b"}"#, 12, "b"),
    ] {
        let done = step(&mut *ready(session("tom", "sig")), Input::Frame(frame));
        let [Output::Command { token: None, command: Command::Send(message), .. }] = done.as_slice() else {
            panic!("{frame}: {done:?}");
        };
        assert!(matches!(message.target, Target::Conversation(target) if target.get() == id), "{frame}");
        assert_eq!(message.content.as_text(), content, "{frame}");
        assert!(message.client_id.is_none() && message.key.is_none() && !message.reads);
    }
}

#[test]
fn commands_in_flight_have_tags_of_their_own() {
    let mut session = ready(session("tom", "sig"));
    let mut tag = || match step(&mut *session, Input::Frame(r#"{"to_session":1}"#)).as_slice() {
        [Output::Command { tag, .. }] => *tag,
        other => panic!("{other:?}"),
    };
    let tags = [Tag(0), Tag(1), tag(), tag(), tag()];
    assert!(tags.is_sorted_by(|a, b| a < b), "{tags:?}");
}

#[test]
fn what_is_wrong_with_a_frame_is_said_and_the_connection_stays() {
    let mut session = ready(session("tom", "sig"));
    for (frame, code) in [
        ("", 400),
        ("hello", 400),
        ("[]", 400),
        ("12", 400),
        ("null", 400),
        ("{", 400),
        ("{}", 400),
        (r#"{"content": "hi"}"#, 400),
        (r#"{"to_session": null, "content": "hi"}"#, 400),
        (r#"{"to_session": "", "content": "hi"}"#, 400),
        (r#"{"to_session": {}, "content": "hi"}"#, 400),
        (r#"{"to_session": 1.5, "content": "hi"}"#, 400),
        (r#"{"to_session": 1, "content": "\ud800"}"#, 400),
        (r#"{"to_session": "abc", "content": "hi"}"#, 404),
        (r#"{"to_session": 0, "content": "hi"}"#, 404),
    ] {
        let mut out = Outputs::new();
        session.handle(NOON, Input::Frame(frame), &mut out);
        let sent = frames(&mut out);
        assert_eq!((&sent[0]["type"], &sent[0]["code"]), (&json!("ERROR"), &json!(code)), "{frame}");
        assert!(sent[0]["message"].is_string());
    }
    assert!(matches!(step(&mut *session, Input::Frame(r#"{"to_session":1}"#)).as_slice(), [Output::Command { .. }]));
}

#[test]
fn a_refused_send_is_an_error_frame_and_a_committed_one_is_told_by_its_event() {
    let mut session = ready(session("tom", "sig"));
    for (kind, code) in [
        (ErrorKind::NotMember, 403),
        (ErrorKind::NotFriends, 403),
        (ErrorKind::ConversationNotFound, 404),
        (ErrorKind::TooLarge, 413),
        (ErrorKind::RateLimited, 429),
        (ErrorKind::Unavailable, 500),
    ] {
        let mut out = Outputs::new();
        session.handle(NOON, Input::Reply(Tag(2), Err(kind.into())), &mut out);
        assert_eq!(frames(&mut out)[0]["code"], code);
    }
    assert!(step(&mut *session, Input::Reply(Tag(3), Ok(Reply::Done))).is_empty());
}

#[test]
fn a_connection_that_the_server_ends_hears_kicked_out_and_then_the_close() {
    for (reason, code) in [(EndReason::Kicked, 1008), (EndReason::Disabled, 1008), (EndReason::Draining, 1001)] {
        let mut session = ready(session("tom", "sig"));
        let done = step(&mut *session, Input::Ended(reason));
        let [Output::Send(text), Output::Close(closed, _)] = done.as_slice() else { panic!("{done:?}") };
        assert_eq!((text.as_str(), *closed), (r#"{"type":"KICKED_OUT"}"#, code));
        assert!(step(&mut *session, Input::Reply(Tag(9), Err(Error::internal()))).is_empty());
    }
}

#[test]
fn a_client_that_closes_hears_kicked_out_before_the_close_is_answered() {
    let mut session = ready(session("tom", "sig"));
    let done = step(&mut *session, Input::Closing);
    assert!(matches!(done.as_slice(), [Output::Send(text)] if text == r#"{"type":"KICKED_OUT"}"#), "{done:?}");
    assert!(step(&mut *session, Input::Frame(r#"{"to_session":1}"#)).is_empty());
}

#[test]
fn a_server_that_stops_before_the_sig_is_checked_closes_without_a_frame() {
    let mut session = session("tom", "sig");
    step(&mut *session, Input::Opened);
    let done = step(&mut *session, Input::Ended(EndReason::Draining));
    assert!(matches!(done.as_slice(), [Output::Accept, Output::Close(1001, _)]), "{done:?}");
}

#[test]
fn a_subscription_that_fails_closes_the_connection() {
    let mut session = session("tom", "sig");
    step(&mut *session, Input::Opened);
    step(&mut *session, Input::Reply(Tag(0), Ok(authenticated())));
    let done = step(&mut *session, Input::Reply(Tag(1), Err(ErrorKind::Unavailable.into())));
    assert!(matches!(done.as_slice(), [Output::Close(1013, _)]), "{done:?}");
}
