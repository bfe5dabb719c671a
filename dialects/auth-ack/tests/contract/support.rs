//! Users, messages and connections to test with.

use std::sync::Arc;

use http::{HeaderMap, Method};
use koine_auth_ack::{AuthAck, Options};
use koine_core::{
    Authenticated, Body, Command, ConnectionId, Content, Conversation, ConversationId, Dialect, Endpoint, Error,
    GroupRef, Handle, HttpRequest, Input, Kind, LogEntry, Message, MessageEvent, MessageId, Opening, Output, Outputs,
    Payload, Place, Profile, Reply, Sent, Session, Shape, SocketRequest, Tag, Timestamp, User, UserId, Zone,
};
use serde_json::Value;

pub(crate) const NOON: Timestamp = Timestamp::from_millis(1_722_492_806_373);

pub(crate) fn user(number: u64) -> Arc<User> {
    Arc::new(User {
        id: UserId::new(number),
        handle: Handle::new(&format!("user-{number}")).expect("a handle"),
        profile: Profile::default(),
        disabled: false,
        created: NOON,
        login: None,
    })
}

pub(crate) fn content(word: &str, text: &str) -> Content {
    let kind = match word {
        "Text" => Kind::Text,
        "Image" => Kind::Image,
        "File" => Kind::File,
        other => Kind::Other(other.into()),
    };
    Content::Present { kind, body: Body::Text(text.into()) }
}

pub(crate) fn direct(from: u64, to: u64, content: Content) -> Message {
    Message {
        id: MessageId::new(77),
        client_id: Some(1_268_242_042_090_295_296),
        conversation: ConversationId::new(9),
        seq: 1,
        sender: user(from).to_ref(),
        place: Place::Direct { receiver: user(to).to_ref() },
        time: NOON,
        content,
    }
}

pub(crate) fn crew() -> GroupRef {
    GroupRef { id: ConversationId::new(12), name: "Crew".into() }
}

pub(crate) fn in_group(from: u64, content: Content) -> Message {
    Message { client_id: None, place: Place::Group(crew()), ..direct(from, from, content) }
}

pub(crate) fn conversation_of(message: &Message) -> Arc<Conversation> {
    let shape = match &message.place {
        Place::Direct { receiver } => Shape::Direct {
            name: None,
            users: [
                user(message.sender.id.get().min(receiver.id.get())),
                user(message.sender.id.get().max(receiver.id.get())),
            ],
        },
        Place::Group(group) => {
            Shape::Group { name: group.name.clone(), manager: message.sender.clone(), member_count: 3 }
        }
    };
    Arc::new(Conversation { id: message.conversation, created: NOON, shape })
}

pub(crate) fn event(message: Message) -> koine_core::Event {
    let conversation = conversation_of(&message);
    koine_core::Event::Message(MessageEvent { message: Arc::new(message), conversation })
}

pub(crate) fn entry(message: Message, read: bool, delivered: bool) -> LogEntry {
    LogEntry { message: Arc::new(message), read_time: None, read_by_others: false, read, delivered }
}

pub(crate) fn sent(client_id: Option<u64>) -> Reply {
    Reply::Sent(Sent {
        id: MessageId::new(77),
        client_id,
        conversation: ConversationId::new(9),
        seq: 1,
        time: NOON,
        ack_id: MessageId::new(78),
    })
}

pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// A connection with what it has put out.
pub(crate) struct Connection {
    session: Box<dyn Session>,
    now: Timestamp,
}

/// What a test looks at of an output.
#[derive(Debug)]
pub(crate) enum Seen {
    Accept,
    Frame(Value),
    Command(Tag, Command),
    Verified(Tag, Command),
    WakeAt(Timestamp),
    NoWake,
    Close(u16),
}

impl Connection {
    pub(crate) fn open(options: Options) -> (Self, Vec<Seen>) {
        let dialect = AuthAck::new(options);
        let request = SocketRequest { path: Vec::new(), query: Vec::new(), headers: HeaderMap::new() };
        let opening = Opening { connection: ConnectionId::new(1), entropy: [7; 16], zone: Zone::utc() };
        let mut connection = Self { session: dialect.open(&request, opening), now: NOON };
        let seen = connection.input(Input::Opened);
        (connection, seen)
    }

    /// A connection that has said it is user 3, and whose token is being looked at.
    pub(crate) fn authenticating() -> (Self, Tag) {
        let (mut connection, _) = Self::open(Options::default());
        let seen = connection.frame(r#"{"msgType":"Auth","fromUserId":3,"content":"{'secret'}"}"#);
        let tag = command(&seen, 1).0;
        (connection, tag)
    }

    /// A connection of user 3.
    pub(crate) fn live() -> Self {
        Self::live_with(Options::default())
    }

    pub(crate) fn live_with(options: Options) -> Self {
        let (mut connection, _) = Self::open(options);
        let seen = connection.frame(r#"{"msgType":"Auth","fromUserId":3,"content":"secret"}"#);
        let attach = connection.reply(command(&seen, 1).0, Ok(authenticated(3)));
        let silence = connection.reply(command(&attach, 0).0, Ok(Reply::Attached));
        assert!(silence.is_empty(), "a successful Auth is silent: {silence:?}");
        connection
    }

    pub(crate) fn frame(&mut self, text: &str) -> Vec<Seen> {
        self.input(Input::Frame(text))
    }

    pub(crate) fn acknowledges(&mut self, frame: &str) -> Option<u64> {
        self.session.acknowledges(frame)
    }

    pub(crate) fn reply(&mut self, tag: Tag, result: Result<Reply, Error>) -> Vec<Seen> {
        self.input(Input::Reply(tag, result))
    }

    pub(crate) fn input(&mut self, input: Input<'_>) -> Vec<Seen> {
        self.outputs(|session, now, out| session.handle(now, input, out))
    }

    fn outputs(&mut self, input: impl FnOnce(&mut dyn Session, Timestamp, &mut Outputs)) -> Vec<Seen> {
        let mut out = Outputs::new();
        input(self.session.as_mut(), self.now, &mut out);
        out.drain()
            .map(|output| match output {
                Output::Accept => Seen::Accept,
                Output::Send(text) => Seen::Frame(json(&text)),
                Output::Command { tag, token: None, command } => Seen::Command(tag, command),
                Output::Command { tag, command, .. } => Seen::Verified(tag, command),
                Output::WakeAt(moment) => Seen::WakeAt(moment),
                Output::NoWake => Seen::NoWake,
                Output::Close(code, _) => Seen::Close(code),
                Output::Reject(response) => panic!("rejected: {response:?}"),
            })
            .collect()
    }
}

pub(crate) fn authenticated(number: u64) -> Reply {
    Reply::Authenticated(Authenticated { user: user(number), expires: None })
}

/// The command at a place.
pub(crate) fn command(seen: &[Seen], place: usize) -> (Tag, &Command) {
    match seen.get(place) {
        Some(Seen::Command(tag, command) | Seen::Verified(tag, command)) => (*tag, command),
        _ => panic!("no command at {place}: {seen:?}"),
    }
}

/// The frame that is the only output.
pub(crate) fn only_frame(seen: &[Seen]) -> &Value {
    match seen {
        [Seen::Frame(frame)] => frame,
        other => panic!("not one frame: {other:?}"),
    }
}

pub(crate) fn endpoint(path: &str) -> Box<dyn Endpoint> {
    let endpoints = AuthAck::default().endpoints();
    endpoints.into_iter().find(|endpoint| endpoint.path() == path).expect("an endpoint")
}

pub(crate) fn post(body: &str) -> HttpRequest {
    HttpRequest { payload: Payload::Json(json(body)), ..HttpRequest::new(Method::POST) }
}
