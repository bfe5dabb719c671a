//! A hub that knows everybody and refuses nothing.

use std::sync::Arc;

use koine_core::{
    Authenticated, Body, ChatId, Claim, Command, Content, Conversation, ConversationId, ConversationRow, Error,
    ErrorKind, Event, File, FileId, Group, GroupRef, Handle, IssuedToken, Kind, LogEntry, Message, MessageEvent,
    MessageId, MessageList, Opened, Place, Profile, Receipt, RemovalReason, Reply, Request, RequestId, RequestKind,
    RequestState, SendMessage, Sent, Shape, Target, Timestamp, Token, User, UserId, UserKey, View,
};
use serde_json::value::RawValue;

use crate::{json, paths};

/// When everything happens: 2026-01-02 03:04:05 UTC.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_767_323_045_000);

/// A hub whose every message, name and note holds the same text.
pub(crate) struct Hub {
    text: Arc<str>,
}

impl Hub {
    /// With this text everywhere.
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.into() }
    }

    /// The acting user.
    pub(crate) fn user(&self) -> Arc<User> {
        self.user_of(&UserKey::Id(UserId::new(1)))
    }

    /// How a command is answered.
    pub(crate) fn answer(&self, command: &Command) -> Reply {
        match command {
            Command::Authenticate(request) => {
                let user = match &request.claim {
                    Some(Claim::User(key)) => self.user_of(key),
                    Some(Claim::Chat(_)) | None => self.user(),
                };
                Reply::Authenticated(Authenticated { user, expires: None })
            }
            Command::ExchangeKey { .. } => Reply::Token(IssuedToken { token: Token::new(&self.text), expires: NOW }),
            Command::Attach(_) => Reply::Attached,
            Command::Register(register) => {
                let key = UserKey::Handle(register.handle.clone());
                let user = User { profile: register.profile.clone(), ..(*self.user_of(&key)).clone() };
                Reply::Registered { user: user.into(), new: true }
            }
            Command::FindUser(key) => Reply::User(self.user_of(key)),
            Command::UpdateUser(patch) => {
                let mut user = (*self.user()).clone();
                patch.apply(&mut user.profile);
                Reply::User(user.into())
            }
            Command::OpenDirect { with, name } => {
                let shape = Shape::Direct { name: name.clone(), users: [self.user(), self.user_of(with)] };
                Reply::Opened(Opened { row: self.row(shape), new: true })
            }
            Command::CreateGroup { name, .. } => {
                Reply::Opened(Opened { row: self.row(self.group_shape(name)), new: true })
            }
            Command::Group { group } => Reply::Group(self.group(*group).into()),
            Command::Groups { .. } => Reply::Groups(vec![self.group(ConversationId::new(3)).into()]),
            Command::Invite { group, note, .. } => {
                Reply::Requested(self.request(RequestKind::Invitation(self.group_ref(*group)), note.clone()))
            }
            Command::Join { group, note } => {
                Reply::Requested(self.request(RequestKind::Join(self.group_ref(*group)), note.clone()))
            }
            Command::Befriend { note, .. } => Reply::Requested(self.request(RequestKind::Friend, note.clone())),
            Command::Invitations => {
                let kind = RequestKind::Invitation(self.group_ref(ConversationId::new(3)));
                Reply::Requests(vec![self.request(kind, Some(Arc::clone(&self.text)))])
            }
            Command::Send(send) => Reply::Sent(Sent {
                id: MessageId::new(5),
                client_id: send.client_id,
                conversation: ConversationId::new(3),
                seq: 1,
                time: NOW,
                ack_id: MessageId::new(6),
            }),
            Command::History { .. } | Command::Timeline { .. } | Command::Pull(_) => Reply::Messages(self.messages()),
            Command::Conversations { .. } => {
                let direct = Shape::Direct { name: None, users: [self.user(), self.user_of(&second())] };
                let rows = vec![self.row(direct), self.row(self.group_shape(&self.text))];
                Reply::Conversations { total: 2, rows: rows.into() }
            }
            Command::MarkRead(_) => Reply::Marked(7),
            Command::ReserveMessageId => Reply::MessageId(MessageId::new(9)),
            Command::RenameGroup { .. }
            | Command::Leave { .. }
            | Command::RemoveMember { .. }
            | Command::Decide { .. }
            | Command::Unfriend { .. }
            | Command::Block { .. }
            | Command::Unblock { .. }
            | Command::Confirm(_)
            | Command::Acknowledge { .. }
            | Command::HideChat(_)
            | Command::Notify(_) => Reply::Done,
        }
    }

    /// An upload.
    pub(crate) fn file(&self) -> Reply {
        Reply::File(Arc::new(File {
            id: FileId::new(7),
            md5: "0".repeat(32),
            sha256: "0".repeat(64),
            name: self.text.to_string(),
            size: 5,
            media_type: "text/plain".to_owned(),
            created: NOW,
            owner: self.user().to_ref(),
            url: "/file/down/00000000000000000000000000000007".to_owned(),
        }))
    }

    /// Lets every dialect tell both sides of a message, and a backend's notification of the same body.
    pub(crate) fn tell(&self, send: &SendMessage) {
        let place = match &send.target {
            Target::User(key) => Place::Direct { receiver: self.user_of(key).to_ref() },
            Target::Group(group) | Target::Conversation(group) => Place::Group(self.group_ref(*group)),
        };
        let shape = match &place {
            Place::Direct { .. } => Shape::Direct { name: None, users: [self.user(), self.user_of(&second())] },
            Place::Group(group) => self.group_shape(&group.name),
        };
        let mut message = self.message(send.content.clone());
        message.client_id = send.client_id;
        message.place = place;
        let message = MessageEvent { message: message.into(), conversation: Arc::new(conversation(shape)) };
        self.encode(&Event::Message(message));
        self.encode(&Event::Notification {
            notification_type: Arc::clone(&self.text),
            content: send.content.as_json(),
        });
    }

    /// Lets every dialect tell whatever else can happen.
    pub(crate) fn tell_the_rest(&self) {
        let (by, group) = (self.user(), self.group_ref(ConversationId::new(3)));
        for kind in [RequestKind::Friend, RequestKind::Join(group.clone()), RequestKind::Invitation(group.clone())] {
            let request = self.request(kind, Some(Arc::clone(&self.text)));
            self.encode(&Event::Requested(Arc::clone(&request)));
            self.encode(&Event::Decided(request));
        }
        for reason in [RemovalReason::Removed, RemovalReason::Dissolved] {
            self.encode(&Event::Removed { group: group.clone(), by: Arc::clone(&by), time: NOW, reason });
        }
        self.encode(&Event::Unfriended { by: Arc::clone(&by), time: NOW });
        self.encode(&Event::Presence { user: by.to_ref(), reachable: true });
        let opened = Arc::new(conversation(self.group_shape(&self.text)));
        self.encode(&Event::Opened { conversation: opened, by: by.to_ref() });
    }

    fn encode(&self, event: &Event) {
        let receiver = Handle::new(&self.text).unwrap_or_else(|_| handle("jack"));
        for paths in paths::all() {
            for view in View::ALL {
                if let Some(frame) = paths.dialect().encode(event, view) {
                    json::assert_object(&frame.fill(&receiver, u64::MAX), paths.dialect().name());
                }
            }
        }
    }

    /// Anybody who is asked for.
    fn user_of(&self, key: &UserKey) -> Arc<User> {
        let (id, handle) = match key {
            UserKey::Id(id) => (*id, handle(&format!("u{id}"))),
            UserKey::Handle(handle) => (UserId::new(2), handle.clone()),
        };
        let profile = Profile { nickname: Some(Arc::clone(&self.text)), ..Profile::default() };
        Arc::new(User { id, handle, profile, disabled: false, created: NOW, login: None })
    }

    fn group_ref(&self, id: ConversationId) -> GroupRef {
        GroupRef { id, name: Arc::clone(&self.text) }
    }

    fn group_shape(&self, name: &Arc<str>) -> Shape {
        Shape::Group { name: Arc::clone(name), manager: self.user().to_ref(), member_count: 2 }
    }

    fn group(&self, id: ConversationId) -> Group {
        let manager = self.user().to_ref();
        let members = vec![manager.clone(), self.user_of(&second()).to_ref()];
        Group { id, name: Arc::clone(&self.text), manager, members, created: NOW }
    }

    fn request(&self, kind: RequestKind, note: Option<Arc<str>>) -> Arc<Request> {
        Arc::new(Request {
            id: RequestId::new(4),
            kind,
            from: self.user(),
            to: self.user_of(&second()).to_ref(),
            note,
            created: NOW,
            state: RequestState::Accepted,
            decided: Some(NOW),
        })
    }

    fn row(&self, shape: Shape) -> ConversationRow {
        ConversationRow {
            conversation: Arc::new(conversation(shape)),
            members: vec![self.user(), self.user_of(&second())],
            chat: ChatId::new(8),
            created: NOW,
            updated: NOW,
            unread: 1,
            last: Some(entry(self.message(Content::text(&self.text)))),
        }
    }

    /// One message of every kind of content.
    fn messages(&self) -> MessageList {
        let body = |text: &Arc<str>| Body::Text(Arc::clone(text));
        let mut contents = vec![Content::Erased];
        for kind in [Kind::Text, Kind::Image, Kind::File, Kind::Other(Arc::clone(&self.text))] {
            contents.push(Content::Present { kind, body: body(&self.text) });
        }
        if let Ok(raw) = serde_json::from_str::<Box<RawValue>>(&self.text) {
            contents.extend(Content::json(&raw));
        }
        let rows: Vec<_> = contents.into_iter().map(|content| entry(self.message(content))).collect();
        MessageList { total: rows.len() as u64, rows: rows.into(), receipt: Receipt::default() }
    }

    fn message(&self, content: Content) -> Message {
        Message {
            id: MessageId::new(5),
            client_id: None,
            conversation: ConversationId::new(3),
            seq: 1,
            sender: self.user().to_ref(),
            place: Place::Direct { receiver: self.user_of(&second()).to_ref() },
            time: NOW,
            content,
        }
    }
}

/// An error of some kind, picked by a number.
pub(crate) fn error(number: usize) -> Error {
    ErrorKind::ALL[number % ErrorKind::ALL.len()].into()
}

fn conversation(shape: Shape) -> Conversation {
    Conversation { id: ConversationId::new(3), created: NOW, shape }
}

fn entry(message: Message) -> LogEntry {
    LogEntry { message: message.into(), read_time: Some(NOW), read_by_others: true, read: false, delivered: false }
}

fn second() -> UserKey {
    UserKey::Id(UserId::new(2))
}

fn handle(text: &str) -> Handle {
    Handle::new(text).expect("a handle")
}
