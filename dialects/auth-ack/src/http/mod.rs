//! The HTTP endpoints, one file per verb. All are `POST` with a JSON body.

mod conversations;
mod hide_chat;
mod mark_read;
mod pull;
mod register;
mod reserve_message_id;
mod timeline;

use koine_core::{Access, ChatId, Claim, Endpoint, Error, Fields, HttpRequest, LogEntry, Token, UserId, UserKey};
use serde::{Serialize, Serializer};

use crate::encode;
use crate::wire::State;

/// Every endpoint.
pub(crate) fn endpoints() -> Vec<Box<dyn Endpoint>> {
    vec![
        Box::new(register::Register),
        Box::new(timeline::Timeline),
        Box::new(pull::Pull),
        Box::new(reserve_message_id::ReserveMessageId),
        Box::new(mark_read::MarkRead),
        Box::new(hide_chat::HideChat),
        Box::new(conversations::Conversations),
    ]
}

/// Whoever the body's `userId` names.
const BY_USER: Access = Access::Claimed { find: token, claim: user_claim };

/// Whoever owns the chat list row that the body's `id` names.
const BY_CHAT: Access = Access::Claimed { find: token, claim: chat_claim };

/// A token: `Authorization` (bare or `Bearer`), the header `token`, or the parameter `token`.
fn token(request: &HttpRequest) -> Option<Token> {
    let header = || request.headers.get("token")?.to_str().ok().map(str::trim).filter(|text| !text.is_empty());
    let parameter = || request.fields().ok()?.string("token").ok();
    request
        .authorization(true)
        .or_else(|| header().map(Token::new))
        .or_else(|| parameter().map(|text| Token::new(&text)))
}

fn user_claim(request: &HttpRequest) -> Result<Claim, Error> {
    Ok(Claim::User(user(&request.fields()?, "userId")?))
}

fn chat_claim(request: &HttpRequest) -> Result<Claim, Error> {
    chat(request).map(Claim::Chat)
}

/// The chat list row that the body's `id` names.
fn chat(request: &HttpRequest) -> Result<ChatId, Error> {
    positive(&request.fields()?, "id").map(ChatId::new)
}

/// The user a parameter names by number.
fn user(fields: &Fields<'_>, name: &str) -> Result<UserKey, Error> {
    Ok(UserKey::Id(UserId::new(positive(fields, name)?)))
}

fn positive(fields: &Fields<'_>, name: &str) -> Result<u64, Error> {
    match fields.u64(name)? {
        0 => Err(Error::bad_request(format!("{name} is not a positive integer"))),
        number => Ok(number),
    }
}

/// A message of a list, which borrows nothing and is written as [`crate::wire::MessageRow`].
struct Listed {
    entry: LogEntry,
    state: State,
}

impl Serialize for Listed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        encode::message_row(&self.entry, self.state).serialize(serializer)
    }
}
