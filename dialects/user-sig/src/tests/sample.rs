//! Things to test with.

use std::sync::Arc;

use http::{HeaderMap, Method};
use koine_core::{
    ChatId, ConnectionId, Content, Conversation, ConversationId, ConversationRow, Dialect, Endpoint, Event, GroupRef,
    Handle, HttpRequest, HttpResponse, LogEntry, Message, MessageEvent, MessageId, Opening, Payload, Place, Profile,
    Session, Shape, SocketRequest, Timestamp, User, UserId, UserRef, Zone,
};
use serde_json::Value;

use crate::{Options, UserSig};

/// 2026-01-02 03:04:05.678 UTC.
pub(super) const NOON: Timestamp = Timestamp::from_millis(1_767_323_045_678);
/// The same as text.
pub(super) const NOON_TEXT: &str = "2026-01-02 03:04:05";

pub(super) fn handle(text: &str) -> Handle {
    Handle::new(text).unwrap()
}

pub(super) fn user(id: u64, name: &str) -> Arc<User> {
    let text = |value: &str| Some(Arc::from(value));
    Arc::new(User {
        id: UserId::new(id),
        handle: handle(name),
        profile: Profile {
            nickname: text("nick"),
            birthday: text("1990-01-31"),
            id_card_num: text("4401"),
            phone: text("139"),
            email: text("a@b"),
            ..Profile::default()
        },
        disabled: false,
        created: NOON,
        login: None,
    })
}

pub(super) fn tom() -> Arc<User> {
    user(1, "tom")
}

pub(super) fn jack() -> Arc<User> {
    user(2, "jack")
}

pub(super) fn direct(id: u64, name: Option<&str>, users: [Arc<User>; 2]) -> Arc<Conversation> {
    Arc::new(Conversation {
        id: ConversationId::new(id),
        created: NOON,
        shape: Shape::Direct { name: name.map(Arc::from), users },
    })
}

pub(super) fn group(id: u64) -> Arc<Conversation> {
    Arc::new(Conversation {
        id: ConversationId::new(id),
        created: NOON,
        shape: Shape::Group { name: "friends".into(), manager: tom().to_ref(), member_count: 3 },
    })
}

pub(super) fn group_ref(id: u64) -> GroupRef {
    GroupRef { id: ConversationId::new(id), name: "friends".into() }
}

pub(super) fn message(conversation: &Conversation, sender: &UserRef, content: Content) -> Arc<Message> {
    let place = match conversation.peer_of(sender.id) {
        Some(peer) => Place::Direct { receiver: peer.to_ref() },
        None => Place::Group(group_ref(conversation.id.get())),
    };
    Arc::new(Message {
        id: MessageId::new(77),
        client_id: None,
        conversation: conversation.id,
        seq: 1,
        sender: sender.clone(),
        place,
        time: NOON,
        content,
    })
}

/// A message of tom's.
pub(super) fn said(conversation: Arc<Conversation>, content: Content) -> Event {
    Event::Message(MessageEvent { message: message(&conversation, &tom().to_ref(), content), conversation })
}

pub(super) fn entry(message: Arc<Message>) -> LogEntry {
    LogEntry { message, read_time: None, read_by_others: false, read: true, delivered: true }
}

pub(super) fn row(conversation: Arc<Conversation>, members: Vec<Arc<User>>, last: Option<LogEntry>) -> ConversationRow {
    ConversationRow { conversation, members, chat: ChatId::new(5), created: NOON, updated: NOON, unread: 4, last }
}

pub(super) fn socket(user_id: &str, user_sig: &str) -> SocketRequest {
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    SocketRequest {
        path: vec![pair("user_id", user_id), pair("user_sig", user_sig)],
        query: Vec::new(),
        headers: HeaderMap::new(),
    }
}

pub(super) fn session(user_id: &str, user_sig: &str) -> Box<dyn Session> {
    let opening = Opening { connection: ConnectionId::new(1), entropy: [0xA5; 16], zone: Zone::utc() };
    dialect().open(&socket(user_id, user_sig), opening)
}

pub(super) fn dialect() -> UserSig {
    UserSig::new(Options::default())
}

pub(super) fn endpoint(path: &str) -> Box<dyn Endpoint> {
    dialect().endpoints().into_iter().find(|endpoint| endpoint.path() == path).unwrap()
}

pub(super) fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

pub(super) fn request(query: &[(&str, &str)], payload: Payload) -> HttpRequest {
    HttpRequest { query: pairs(query), payload, ..HttpRequest::new(Method::GET) }
}

/// The body of a response whose status is 200, as all of them are.
pub(super) fn body(response: HttpResponse) -> Value {
    assert_eq!(response.status, http::StatusCode::OK);
    serde_json::from_slice(&response.into_bytes().unwrap()).unwrap()
}
