//! What the tests share: a session on a table, and things to happen to it.

use std::sync::Arc;

use http::HeaderMap;
use koine_core::{
    Authenticated, Command, ConnectionId, Content, Conversation, ConversationId, Dialect, EndReason, Error, Event,
    GroupRef, Handle, Input, MessageEvent, MessageId, Opening, Output, Outputs, Place, Profile, RemovalReason, Reply,
    Request, RequestId, RequestKind, RequestState, Sent, Session, Shape, SocketRequest, Tag, Timestamp, User, UserId,
    UserRef, View, Zone,
};
use koine_status_code::StatusCode;
use serde_json::Value;

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_546_428_221_000);

/// A session and what it wants done.
pub(crate) struct Table {
    session: Box<dyn Session>,
    out: Outputs,
}

/// An output, as far as it can be compared.
#[derive(Debug, PartialEq)]
pub(crate) enum Done {
    Accept,
    Authenticate(Tag, String),
    Attach(Tag, koine_core::Scope),
    Send(Tag, koine_core::Target, String),
    Frame(Value),
    Close(u16),
}

impl Table {
    /// A connection to `/v1/chat/<peer>?token=<token>`.
    pub(crate) fn new(peer: &str, token: Option<&str>) -> Self {
        let request = SocketRequest {
            path: vec![("dest_user".to_owned(), peer.to_owned())],
            query: token.map(|token| ("token".to_owned(), token.to_owned())).into_iter().collect(),
            headers: HeaderMap::new(),
        };
        let opening = Opening { connection: ConnectionId::new(1), entropy: [7; 16], zone: Zone::utc() };
        Self { session: StatusCode::default().open(&request, opening), out: Outputs::new() }
    }

    /// The same, attached.
    pub(crate) fn chatting(peer: &str) -> Self {
        let mut table = Self::new(peer, Some("good"));
        table.open();
        table.reply(Tag(0), Ok(authenticated("tom")));
        table.reply(Tag(1), Ok(Reply::Attached));
        table
    }

    pub(crate) fn open(&mut self) -> Vec<Done> {
        self.input(Input::Opened)
    }

    pub(crate) fn frame(&mut self, text: &str) -> Vec<Done> {
        self.input(Input::Frame(text))
    }

    pub(crate) fn reply(&mut self, tag: Tag, reply: Result<Reply, Error>) -> Vec<Done> {
        self.input(Input::Reply(tag, reply))
    }

    pub(crate) fn end(&mut self, reason: EndReason) -> Vec<Done> {
        self.input(Input::Ended(reason))
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
            Done::Authenticate(tag, authenticate.token.expose().to_owned())
        }
        Output::Command { tag, token: None, command: Command::Attach(attach) } => {
            assert!(attach.catch_up, "the dialect has no pull endpoint");
            assert!(attach.confirmed_is_read, "the chat is open");
            assert_eq!(attach.confirm, koine_core::ConfirmBy::Pong);
            Done::Attach(tag, attach.scope)
        }
        Output::Command { tag, token: None, command: Command::Send(send) } => {
            Done::Send(tag, send.target, send.content.as_text().to_owned())
        }
        Output::Send(text) => Done::Frame(serde_json::from_str(&text).expect("frames are JSON")),
        Output::Close(code, _) => Done::Close(code),
        other => panic!("not of this dialect: {other:?}"),
    }
}

pub(crate) fn user(number: u64, handle: &str) -> Arc<User> {
    Arc::new(User {
        id: UserId::new(number),
        handle: Handle::new(handle).expect("a handle"),
        profile: Profile::default(),
        disabled: false,
        created: NOW,
        login: None,
    })
}

pub(crate) fn authenticated(handle: &str) -> Reply {
    Reply::Authenticated(Authenticated { user: user(1, handle), expires: None })
}

pub(crate) fn sent() -> Reply {
    let id = MessageId::new(1);
    Reply::Sent(Sent { id, client_id: None, conversation: ConversationId::new(1), seq: 1, time: NOW, ack_id: id })
}

/// A message of tom's (number 1) to `receiver`.
pub(crate) fn direct(receiver: &UserRef, content: Content) -> Event {
    message(Place::Direct { receiver: receiver.clone() }, content)
}

pub(crate) fn group_message() -> Event {
    message(Place::Group(group()), Content::text("all"))
}

fn group() -> GroupRef {
    GroupRef { id: ConversationId::new(5), name: "g".into() }
}

fn conversation() -> Arc<Conversation> {
    let users = [user(1, "tom"), user(2, "jack")];
    Arc::new(Conversation { id: ConversationId::new(9), created: NOW, shape: Shape::Direct { name: None, users } })
}

fn message(place: Place, content: Content) -> Event {
    Event::Message(MessageEvent {
        message: Arc::new(koine_core::Message {
            id: MessageId::new(3),
            client_id: None,
            conversation: ConversationId::new(9),
            seq: 1,
            sender: user(1, "tom").to_ref(),
            place,
            time: NOW,
            content,
        }),
        conversation: conversation(),
    })
}

/// One of every event that the dialect has no frame for.
pub(crate) fn unspeakable() -> Vec<Event> {
    let request = |kind| {
        Arc::new(Request {
            id: RequestId::new(1),
            kind,
            from: user(1, "tom"),
            to: user(2, "jack").to_ref(),
            note: None,
            created: NOW,
            state: RequestState::Accepted,
            decided: Some(NOW),
        })
    };
    vec![
        group_message(),
        Event::Opened { conversation: conversation(), by: user(1, "tom").to_ref() },
        Event::Requested(request(RequestKind::Friend)),
        Event::Decided(request(RequestKind::Join(group()))),
        Event::Unfriended { by: user(1, "tom"), time: NOW },
        Event::Removed { group: group(), by: user(1, "tom"), time: NOW, reason: RemovalReason::Removed },
        Event::Notification { notification_type: "x".into(), content: koine_core::Body::Text("y".into()) },
    ]
}

/// What the dialect says, as JSON.
pub(crate) fn said(event: &Event, view: View) -> Option<Value> {
    let frame = StatusCode::default().encode(event, view)?;
    let text = frame.into_shared().expect("every receiver gets the same");
    Some(serde_json::from_str(&text).expect("frames are JSON"))
}
