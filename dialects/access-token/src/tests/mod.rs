//! Tests through the traits, as the gateway sees the dialect.

mod errors;
mod http;
mod losses;
mod notify;
mod properties;
mod pull;
mod session;
mod token;

use std::sync::Arc;

use ::http::{Method, StatusCode};
use koine_core::{
    Call, Content, Context, Conversation, ConversationId, Dialect, Endpoint, Error, Group, GroupRef, Handle,
    HttpRequest, HttpResponse, Message, MessageId, Place, Profile, Reply, Shape, Timestamp, User, UserId, UserRef,
    Zone,
};
use serde_json::Value;

use crate::{AccessToken, Options};

fn dialect() -> AccessToken {
    AccessToken::new(Options::default())
}

fn endpoint(method: &Method, path: &str) -> Box<dyn Endpoint> {
    dialect()
        .endpoints()
        .into_iter()
        .find(|endpoint| endpoint.method() == *method && endpoint.path() == path)
        .expect("an endpoint of the document")
}

fn request(method: Method, query: &[(&str, &str)]) -> HttpRequest {
    HttpRequest { query: pairs(query), ..HttpRequest::new(method) }
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// What an endpoint makes of a request.
fn call(path: &str, request: &HttpRequest) -> Result<Call, Error> {
    let zone = Zone::utc();
    endpoint(&request.method, path).request(&context(&zone), request)
}

/// The command an endpoint makes of a request, as its debug text.
fn command(path: &str, request: &HttpRequest) -> String {
    format!("{:?}", call(path, request).expect("a command").command)
}

/// What an endpoint answers.
fn respond(method: &Method, path: &str, result: Result<Reply, Error>) -> (StatusCode, String) {
    let zone = Zone::utc();
    shown(endpoint(method, path).response(&context(&zone), &koine_core::HttpRequest::new(::http::Method::GET), result))
}

fn shown(response: HttpResponse) -> (StatusCode, String) {
    let status = response.status;
    let body = response.into_bytes().expect("a body without a fault");
    (status, String::from_utf8(body.to_vec()).expect("text"))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn context(zone: &Zone) -> Context<'_> {
    Context { user: None, now: Timestamp::from_millis(0), zone }
}

fn user(id: u64, handle: &str) -> UserRef {
    UserRef { id: UserId::new(id), handle: Handle::new(handle).expect("a handle") }
}

fn full_user(id: u64, handle: &str) -> Arc<User> {
    Arc::new(User {
        id: UserId::new(id),
        handle: Handle::new(handle).expect("a handle"),
        profile: Profile::default(),
        disabled: false,
        created: Timestamp::from_millis(0),
        login: None,
    })
}

fn group(id: u64, members: &[UserRef]) -> Arc<Group> {
    Arc::new(Group {
        id: ConversationId::new(id),
        name: "Hiking".into(),
        manager: user(1, "tom"),
        members: members.to_vec(),
        created: Timestamp::from_millis(0),
    })
}

fn conversation(id: u64) -> Arc<Conversation> {
    Arc::new(Conversation {
        id: ConversationId::new(id),
        created: Timestamp::from_millis(0),
        shape: Shape::Group { name: "Hiking".into(), manager: user(1, "tom"), member_count: 1 },
    })
}

/// A message `id` from `sender`, sent `id` milliseconds after the epoch.
fn message(id: u64, sender: UserRef, place: Place, content: Content) -> Arc<Message> {
    Arc::new(Message {
        id: MessageId::new(id),
        client_id: None,
        conversation: ConversationId::new(9),
        seq: id,
        sender,
        place,
        time: Timestamp::from_millis(i64::try_from(id).expect("a small number")),
        content,
    })
}

fn to(receiver: UserRef) -> Place {
    Place::Direct { receiver }
}

fn to_group(id: u64) -> Place {
    Place::Group(GroupRef { id: ConversationId::new(id), name: "Hiking".into() })
}
