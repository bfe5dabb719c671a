//! What the tests share: a session on a table, and things to happen to it.

use std::sync::Arc;

use http::HeaderMap;
use koine_core::{
    Authenticated, Body, Command, ConnectionId, Content, Conversation, ConversationId, Dialect, Error, Event, GroupRef,
    Handle, Input, Message, MessageEvent, MessageId, Opening, Output, Outputs, Place, Profile, RemovalReason, Reply,
    Request, RequestId, RequestKind, RequestState, SendMessage, Sent, Session, Shape, SocketRequest, Tag, Timestamp,
    User, UserId, UserRef, View, Zone,
};
use koine_envelope::{Envelope, Options};
use serde_json::{Value, json};

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_546_428_221_000);

/// A session and what it wants done.
pub(crate) struct Table {
    session: Box<dyn Session>,
    out: Outputs,
}

/// An output, as far as it can be compared.
#[derive(Debug)]
pub(crate) enum Done {
    Accept,
    Authenticate(Tag, String),
    Attach(Tag),
    Send(Tag, String, SendMessage),
    Frame(Value),
    Close(u16),
}

impl Table {
    /// A connection that has been opened.
    pub(crate) fn new(options: Options) -> Self {
        let request = SocketRequest { path: Vec::new(), query: Vec::new(), headers: HeaderMap::new() };
        let opening = Opening { connection: ConnectionId::new(1), entropy: [0xa7; 16], zone: Zone::utc() };
        let mut table = Self { session: Envelope::new(options).open(&request, opening), out: Outputs::new() };
        assert!(matches!(table.input(Input::Opened).as_slice(), [Done::Accept]));
        table
    }

    /// The same, logged in as tom with the token `t`; tags 1 and 2 are spent.
    pub(crate) fn logged_in(options: Options) -> Self {
        let mut table = Self::new(options);
        table.frame(r#"{"url": "/chat/login", "params": {"token": "t"}}"#);
        table.reply(1, Ok(authenticated()));
        table.reply(2, Ok(Reply::Attached));
        table
    }

    pub(crate) fn frame(&mut self, text: &str) -> Vec<Done> {
        self.input(Input::Frame(text))
    }

    /// A frame that is to have one frame for an answer.
    pub(crate) fn answer(&mut self, text: &str) -> Value {
        one_frame(self.frame(text))
    }

    /// A request that is to become one send.
    pub(crate) fn sends(&mut self, url: &str, params: &Value) -> (Tag, String, SendMessage) {
        let mut done = self.frame(&json!({"url": url, "params": params}).to_string());
        match (done.pop(), done.pop()) {
            (Some(Done::Send(tag, token, send)), None) => (tag, token, send),
            other => panic!("{params} became {other:?}"),
        }
    }

    pub(crate) fn reply(&mut self, tag: u64, reply: Result<Reply, Error>) -> Vec<Done> {
        self.input(Input::Reply(Tag(tag), reply))
    }

    pub(crate) fn input(&mut self, input: Input<'_>) -> Vec<Done> {
        self.session.handle(NOW, input, &mut self.out);
        self.out.drain().map(done).collect()
    }
}

fn done(output: Output) -> Done {
    match output {
        Output::Accept => Done::Accept,
        Output::Command { tag, token: None, command: Command::Authenticate(authenticate) } => {
            assert_eq!(authenticate.claim, None);
            Done::Authenticate(tag, authenticate.token.expose().to_owned())
        }
        Output::Command { tag, token: None, command: Command::Attach(attach) } => {
            assert_eq!(attach.scope, koine_core::Scope::All);
            assert!(attach.catch_up, "the dialect has no pull endpoint");
            assert!(!attach.confirmed_is_read, "a push says nothing about reading");
            assert_eq!(attach.confirm, koine_core::ConfirmBy::Pong);
            Done::Attach(tag)
        }
        Output::Command { tag, token: Some(token), command: Command::Send(send) } => {
            Done::Send(tag, token.expose().to_owned(), send)
        }
        Output::Send(text) => Done::Frame(serde_json::from_str(&text).expect("frames are JSON")),
        Output::Close(code, _) => Done::Close(code),
        other => panic!("not of this dialect: {other:?}"),
    }
}

/// The only frame among the outputs, which must be all there is.
pub(crate) fn one_frame(mut done: Vec<Done>) -> Value {
    match (done.pop(), done.pop()) {
        (Some(Done::Frame(frame)), None) => frame,
        other => panic!("not one frame: {other:?}"),
    }
}

pub(crate) fn login_result(code: &str, msg: &str) -> Value {
    json!({"msgType": "8", "data": {"code": code, "msg": msg}})
}

pub(crate) fn user(number: u64, handle: &str, nickname: Option<&str>) -> Arc<User> {
    Arc::new(User {
        id: UserId::new(number),
        handle: Handle::new(handle).expect("a handle"),
        profile: Profile { nickname: nickname.map(Into::into), ..Profile::default() },
        disabled: false,
        created: NOW,
        login: None,
    })
}

pub(crate) fn authenticated() -> Reply {
    Reply::Authenticated(Authenticated { user: user(1, "tom", None), expires: None })
}

pub(crate) fn sent() -> Reply {
    let id = MessageId::new(1);
    Reply::Sent(Sent { id, client_id: None, conversation: ConversationId::new(1), seq: 1, time: NOW, ack_id: id })
}

pub(crate) fn group(number: u64) -> GroupRef {
    GroupRef { id: ConversationId::new(number), name: "猫".into() }
}

/// A message of tom's to `receiver`.
pub(crate) fn direct(receiver: &UserRef, content: Content) -> Event {
    message(Place::Direct { receiver: receiver.clone() }, content)
}

/// A message of tom's to a group.
pub(crate) fn to_group(number: u64, content: Content) -> Event {
    message(Place::Group(group(number)), content)
}

fn message(place: Place, content: Content) -> Event {
    let message = Message {
        id: MessageId::new(3),
        client_id: None,
        conversation: ConversationId::new(9),
        seq: 1,
        sender: user(1, "tom", None).to_ref(),
        place,
        time: NOW,
        content,
    };
    Event::Message(MessageEvent { message: Arc::new(message), conversation: conversation() })
}

fn conversation() -> Arc<Conversation> {
    let users = [user(1, "tom", None), user(2, "jack", None)];
    Arc::new(Conversation { id: ConversationId::new(9), created: NOW, shape: Shape::Direct { name: None, users } })
}

/// A request of tom's to jack.
pub(crate) fn request(id: u64, kind: RequestKind, state: RequestState, note: Option<&str>) -> Arc<Request> {
    Arc::new(Request {
        id: RequestId::new(id),
        kind,
        from: user(1, "tom", Some("Tommy")),
        to: user(2, "jack", None).to_ref(),
        note: note.map(Into::into),
        created: NOW,
        state,
        decided: (state != RequestState::Pending).then_some(Timestamp::from_millis(1_546_428_222_000)),
    })
}

/// One of every event, and for which of [`View::ALL`] the dialect has a frame.
pub(crate) fn every_event() -> Vec<(Event, [bool; 2])> {
    let tom = user(1, "tom", None);
    let pending = |kind| Event::Requested(request(1, kind, RequestState::Pending, None));
    let accepted = |kind| Event::Decided(request(1, kind, RequestState::Accepted, None));
    let notification = Event::Notification { notification_type: "x".into(), content: Body::Text("y".into()) };
    vec![
        (direct(&user(2, "jack", None).to_ref(), Content::text("x")), [false, true]),
        (direct(&tom.to_ref(), Content::text("x")), [true, true]),
        (to_group(5, Content::text("x")), [false, true]),
        (pending(RequestKind::Friend), [false, true]),
        (pending(RequestKind::Join(group(5))), [false, true]),
        (pending(RequestKind::Invitation(group(5))), [false, true]),
        (accepted(RequestKind::Friend), [false, true]),
        (accepted(RequestKind::Join(group(5))), [false, true]),
        (accepted(RequestKind::Invitation(group(5))), [false, true]),
        (Event::Unfriended { by: Arc::clone(&tom), time: NOW }, [false, true]),
        (removed(RemovalReason::Removed), [true, true]),
        (removed(RemovalReason::Dissolved), [true, true]),
        (Event::Opened { conversation: conversation(), by: tom.to_ref() }, [false, false]),
        (Event::Presence { user: tom.to_ref(), reachable: true }, [false, false]),
        (notification, [false, false]),
    ]
}

pub(crate) fn removed(reason: RemovalReason) -> Event {
    Event::Removed { group: group(5), by: user(1, "tom", None), time: NOW, reason }
}

/// What the dialect says to jack, as JSON.
pub(crate) fn said(event: &Event, view: View, options: Options) -> Option<Value> {
    let frame = Envelope::new(options).encode(event, view)?;
    let jack = Handle::new("jack").expect("a handle");
    Some(serde_json::from_str(&frame.fill(&jack, 0)).expect("frames are JSON"))
}
