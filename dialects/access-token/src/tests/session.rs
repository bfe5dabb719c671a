//! The transitions of a connection.

use ::http::{HeaderMap, StatusCode};
use koine_core::{
    Authenticated, Command, ConfirmBy, ConnectionId, Content, ConversationId, Dialect, EndReason, ErrorKind, Handle,
    Input, MessageId, Opening, Output, Outputs, Purpose, Reply, Scope, SendMessage, Sent, Session, SocketRequest, Tag,
    Target, Timestamp, UserKey, Zone,
};
use serde_json::{Value, json};

use super::{dialect, full_user, json as parse, pairs, shown};

struct Client {
    session: Box<dyn Session>,
}

impl Client {
    fn new(query: &[(&str, &str)]) -> Self {
        let request = SocketRequest { path: Vec::new(), query: pairs(query), headers: HeaderMap::new() };
        let opening = Opening { connection: ConnectionId::new(1), entropy: [0; 16], zone: Zone::utc() };
        Self { session: dialect().open(&request, opening) }
    }

    fn live() -> Self {
        let mut client = Self::new(&[("access_token", "t")]);
        let tag = tag_of(&client.give(Input::Opened));
        let tag = tag_of(&client.give(Input::Reply(tag, Ok(authenticated()))));
        let out = client.give(Input::Reply(tag, Ok(Reply::Attached)));
        assert!(matches!(out.as_slice(), [Output::Accept]), "{out:?}");
        client
    }

    fn give(&mut self, input: Input<'_>) -> Vec<Output> {
        let mut out = Outputs::new();
        self.session.handle(Timestamp::from_millis(1), input, &mut out);
        out.drain().collect()
    }

    /// The message a frame stands for.
    fn said(&mut self, frame: &str) -> SendMessage {
        match self.give(Input::Frame(frame)).pop() {
            Some(Output::Command { command: Command::Send(message), token: None, .. }) => message,
            other => panic!("{frame} gave {other:?}"),
        }
    }

    /// The code of the ERROR frame that answers a frame.
    fn code(&mut self, frame: &str) -> Value {
        only_frame(&self.give(Input::Frame(frame)))["code"].clone()
    }
}

fn authenticated() -> Reply {
    Reply::Authenticated(Authenticated { user: full_user(1, "tom"), expires: None })
}

fn sent() -> Reply {
    Reply::Sent(Sent {
        id: MessageId::new(1),
        client_id: None,
        conversation: ConversationId::new(1),
        seq: 1,
        time: Timestamp::from_millis(1),
        ack_id: MessageId::new(2),
    })
}

fn tag_of(outputs: &[Output]) -> Tag {
    match outputs.last() {
        Some(Output::Command { tag, .. }) => *tag,
        other => panic!("no command: {other:?}"),
    }
}

fn only_frame(outputs: &[Output]) -> Value {
    match outputs {
        [Output::Send(text)] => parse(text),
        other => panic!("not one frame: {other:?}"),
    }
}

fn rejection(mut outputs: Vec<Output>) -> (StatusCode, Value) {
    match (outputs.pop(), outputs.is_empty()) {
        (Some(Output::Reject(response)), true) => {
            let (status, body) = shown(response);
            (status, parse(&body))
        }
        other => panic!("not a rejection alone: {other:?}"),
    }
}

#[test]
fn the_handshake_is_answered_only_after_the_token_was_found_good() {
    let mut client = Client::new(&[("access_token", "t")]);
    let out = client.give(Input::Opened);
    let [Output::Command { tag, command: Command::Authenticate(asked), .. }] = out.as_slice() else {
        panic!("{out:?}")
    };
    assert_eq!((asked.token.expose(), asked.purpose, &asked.claim), ("t", Purpose::Access, &None));
    let out = client.give(Input::Reply(*tag, Ok(authenticated())));
    let [Output::Command { command: Command::Attach(attach), .. }] = out.as_slice() else { panic!("{out:?}") };
    assert_eq!((&attach.scope, attach.catch_up, attach.confirm), (&Scope::All, false, ConfirmBy::Pong));
    assert!(!attach.confirmed_is_read);
}

#[test]
fn a_missing_or_empty_token_is_401_without_asking_anybody() {
    for query in [&[][..], &[("access_token", "")], &[("token", "t")]] {
        let (status, body) = rejection(Client::new(query).give(Input::Opened));
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert!(body["error"].is_string());
    }
}

#[test]
fn whatever_is_wrong_with_a_token_is_401_and_other_troubles_are_named() {
    for (kind, expected) in [
        (ErrorKind::Unauthenticated, 401),
        (ErrorKind::UserDisabled, 401),
        (ErrorKind::UserNotFound, 401),
        (ErrorKind::BadRequest, 401),
        (ErrorKind::RateLimited, 429),
        (ErrorKind::Unavailable, 503),
        (ErrorKind::Internal, 500),
    ] {
        let mut client = Client::new(&[("access_token", "t")]);
        let tag = tag_of(&client.give(Input::Opened));
        let (status, body) = rejection(client.give(Input::Reply(tag, Err(kind.into()))));
        assert_eq!((status.as_u16(), &body), (expected, &json!({"error": kind.sentence()})), "{kind:?}");
        assert!(client.give(Input::Frame("{}")).is_empty());
    }
}

#[test]
fn a_failed_subscription_fails_the_handshake() {
    for (kind, expected) in [(ErrorKind::Internal, 500), (ErrorKind::Unavailable, 503), (ErrorKind::UserDisabled, 401)]
    {
        let mut client = Client::new(&[("access_token", "t")]);
        let tag = tag_of(&client.give(Input::Opened));
        let tag = tag_of(&client.give(Input::Reply(tag, Ok(authenticated()))));
        let (status, _) = rejection(client.give(Input::Reply(tag, Err(kind.into()))));
        assert_eq!(status.as_u16(), expected, "{kind:?}");
    }
}

#[test]
fn a_unicast_goes_to_a_user_and_reads_what_came_before() {
    let said = Client::live().said(r#"{"type": "unicast", "receiverId": "jack", "content": "Hello"}"#);
    assert_eq!(said.target, Target::User(UserKey::Handle(Handle::new("jack").unwrap())));
    assert_eq!(said.content, Content::text("Hello"));
    assert!(said.reads && said.client_id.is_none() && said.key.is_none());
}

#[test]
fn a_multicast_goes_to_a_group() {
    let said = Client::live().said(r#"{"type": "multicast", "groupId": "18446744073709551615", "content": 1}"#);
    assert_eq!(said.target, Target::Group(ConversationId::new(u64::MAX)));
}

#[test]
fn type_takes_any_case_and_ids_may_be_numbers() {
    let said = Client::live().said(r#"{"type": "UniCast", "receiverId": 42, "groupId": true, "content": ""}"#);
    assert_eq!(said.target, Target::User(UserKey::Handle(Handle::new("42").unwrap())));
    let said = Client::live().said(r#"{"type": "MULTICAST", "groupId": 42, "content": ""}"#);
    assert_eq!(said.target, Target::Group(ConversationId::new(42)));
}

#[test]
fn of_a_field_that_comes_twice_the_last_counts() {
    let said = Client::live().said(
        r#"{"type": "x", "type": "unicast", "receiverId": "a", "receiverId": "b", "content": 1, "content": "c"}"#,
    );
    assert_eq!(said.target, Target::User(UserKey::Handle(Handle::new("b").unwrap())));
    assert_eq!(said.content, Content::text("c"));
}

#[test]
fn escaped_names_and_ids_are_what_they_stand_for() {
    let said =
        Client::live().said(r#"{"t\u0079pe": "uni\u0063ast", "receiverId": "\u6c64", "content": "\ud83d\ude00"}"#);
    assert_eq!(said.target, Target::User(UserKey::Handle(Handle::new("汤").unwrap())));
    assert_eq!(said.content, Content::text("😀"));
}

#[test]
fn content_is_any_json_value_and_keeps_every_digit() {
    for content in ["123456789012345678901234567890.10", r#"{"a":[1,null,"x"]}"#, "null", "false", "[]"] {
        let frame = format!(r#"{{"type": "unicast", "receiverId": "jack", "content": {content}}}"#);
        assert_eq!(Client::live().said(&frame).content.as_text(), content);
    }
}

#[test]
fn what_nobody_can_serve_is_answered_and_the_connection_stays() {
    let mut client = Client::live();
    for (frame, code) in [
        ("", 400),
        ("hello", 400),
        ("{", 400),
        ("[]", 400),
        ("null", 400),
        ("{}", 400),
        (r#"{"type": 1, "receiverId": "jack", "content": "x"}"#, 400),
        (r#"{"type": "broadcast", "content": "x"}"#, 400),
        (r#"{"type": "SIGNAL", "receiverId": "jack", "content": "x"}"#, 400),
        (r#"{"type": "unicast", "content": "x"}"#, 400),
        (r#"{"type": "unicast", "receiverId": null, "content": "x"}"#, 400),
        (r#"{"type": "unicast", "receiverId": "", "content": "x"}"#, 400),
        (r#"{"type": "unicast", "receiverId": {}, "content": "x"}"#, 400),
        (r#"{"type": "unicast", "receiverId": "jack"}"#, 400),
        (r#"{"type": "unicast", "receiverId": "jack", "content": "\ud800"}"#, 400),
        (r#"{"type": "unicast", "receiverId": "jack", "content": "x"} more"#, 400),
        (r#"{"type": "unicast", "receiverId": "a\u0000b", "content": "x"}"#, 404),
        (r#"{"type": "multicast", "content": "x"}"#, 400),
        (r#"{"type": "multicast", "groupId": "nobody", "content": "x"}"#, 404),
        (r#"{"type": "multicast", "groupId": "-1", "content": "x"}"#, 404),
        (r#"{"type": "multicast", "groupId": 1.5, "content": "x"}"#, 404),
        (r#"{"type": "multicast", "groupId": "18446744073709551616", "content": "x"}"#, 404),
    ] {
        assert_eq!(client.code(frame), code, "{frame}");
    }
    client.said(r#"{"type": "unicast", "receiverId": "jack", "content": "still here"}"#);
}

#[test]
fn a_refused_frame_is_answered_and_the_connection_stays() {
    let mut client = Client::live();
    for (text, kind, code) in [
        (None, ErrorKind::TooLarge, 413),
        (None, ErrorKind::BadRequest, 400),
        (Some("{}"), ErrorKind::RateLimited, 429),
    ] {
        let frame = only_frame(&client.give(Input::Refused(text, kind.into())));
        assert_eq!(frame, json!({"type": "ERROR", "code": code, "content": kind.sentence()}));
    }
    client.said(r#"{"type": "unicast", "receiverId": "jack", "content": "still here"}"#);
}

#[test]
fn success_and_a_receiver_who_is_no_friend_are_both_silent() {
    let mut client = Client::live();
    let frame = r#"{"type": "unicast", "receiverId": "jack", "content": "x"}"#;
    let tag = tag_of(&client.give(Input::Frame(frame)));
    assert!(client.give(Input::Reply(tag, Ok(sent()))).is_empty());
    let tag = tag_of(&client.give(Input::Frame(frame)));
    assert!(client.give(Input::Reply(tag, Err(ErrorKind::NotFriends.into()))).is_empty());
    let tag = tag_of(&client.give(Input::Frame(frame)));
    let told = only_frame(&client.give(Input::Reply(tag, Err(ErrorKind::UserNotFound.into()))));
    assert_eq!(told, json!({"type": "ERROR", "code": 404, "content": "no such user"}));
}

#[test]
fn pipelined_commands_have_tags_of_their_own() {
    let mut client = Client::live();
    let frame = r#"{"type": "unicast", "receiverId": "jack", "content": "x"}"#;
    let first = tag_of(&client.give(Input::Frame(frame)));
    assert_ne!(first, tag_of(&client.give(Input::Frame(frame))));
}

#[test]
fn a_connection_that_the_server_ends_gets_a_close_frame_and_nothing_else() {
    for (reason, code) in [(EndReason::Draining, 1001), (EndReason::Kicked, 1008), (EndReason::Disabled, 1008)] {
        let out = Client::live().give(Input::Ended(reason));
        assert!(matches!(out.as_slice(), [Output::Close(given, _)] if *given == code), "{out:?}");
    }
}

#[test]
fn a_handshake_that_the_server_ends_is_a_plain_response() {
    for (reason, status) in [(EndReason::Draining, 503), (EndReason::Kicked, 401), (EndReason::Disabled, 401)] {
        let mut client = Client::new(&[("access_token", "t")]);
        client.give(Input::Opened);
        assert_eq!(rejection(client.give(Input::Ended(reason))).0.as_u16(), status);
    }
}

#[test]
fn a_client_that_leaves_is_told_nothing() {
    assert!(Client::live().give(Input::Closing).is_empty());
}

#[test]
fn an_idle_connection_is_small() {
    assert!(size_of::<crate::session::Connection>() <= 64);
}
