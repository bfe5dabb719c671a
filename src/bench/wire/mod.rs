//! What the generator says and understands of each dialect: prepared frames out, and of what comes in only what it
//! needs. The tests hold it against the dialects' own types.

mod access_token;
mod auth_ack;
mod envelope;
mod relay;
mod status_code;
mod user_sig;

use crate::config::DialectName;

use super::frame::Template;
use super::text::{self, Stamp};

/// The relay that does the least a durable server must: it parses, appends to a file, synchronises it, forwards and
/// acknowledges.
pub static CEILING: &dyn Wire = &relay::CEILING;
/// The relay that only forwards.
pub static BARE: &dyn Wire = &relay::BARE;

/// A dialect from the client's side.
pub trait Wire: Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Where a person's WebSocket is opened; `peer` is whom the connection faces, where it faces somebody.
    fn path(&self, person: &Person, peer: &Target) -> String;

    /// What is said first.
    fn opening(&self, _person: &Person) -> Vec<String> {
        Vec::new()
    }

    /// Whether an open connection takes part at once; else [`Heard::Ready`] tells.
    fn is_ready_when_open(&self) -> bool {
        false
    }

    /// Whether the answer to a mistake made on purpose tells that the connection takes part.
    fn is_ready_when_refused(&self) -> bool {
        false
    }

    /// A message, with blanks for its text and its id.
    fn message(&self, person: &Person, to: &Target) -> String;

    /// Whether senders get an acknowledgement.
    fn acknowledges(&self) -> bool;

    /// Whether it has groups.
    fn has_groups(&self) -> bool {
        true
    }

    /// What a frame says.
    fn hear(&self, frame: &[u8]) -> Heard;

    /// What receivers answer to a message of this id.
    fn confirmation(&self, _id: u64) -> Option<String> {
        None
    }

    /// For a relay, one that has just the frames of a message which these two dialects have, if there is one.
    fn with_frames_of(&self, _from: &dyn Wire, _to: &dyn Wire) -> Option<&'static dyn Wire> {
        None
    }

    /// How a person asks for what is pending, where the dialect does not push it.
    fn catch_up(&self, _person: &Person, _from: &Target) -> Option<Vec<u8>> {
        None
    }
}

/// What a frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// The connection takes part.
    Ready,
    /// A message of this stream and place was accepted.
    Accepted(u32, u64),
    /// A message arrived, with its id where receivers confirm.
    Message(Stamp, Option<u64>),
    /// Something was not done.
    Refused,
    /// Nothing that matters here.
    Nothing,
}

/// A user of the generator's.
#[derive(Debug, Clone, Default)]
pub struct Person {
    /// The handle.
    pub handle: String,
    /// The number, on auth-ack; on a relay, the only name.
    pub number: u64,
    /// The token; for user-sig the `user_sig`.
    pub token: String,
}

/// Whom messages are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A user, and the session with that user where the sender speaks user-sig.
    User {
        /// The handle.
        handle: String,
        /// The number.
        number: u64,
        /// The session's number.
        session: u64,
    },
    /// A group; on a relay, everybody else.
    Group(u64),
}

impl Target {
    /// The handle of a user, the number of a group.
    pub fn name(&self) -> String {
        match self {
            Self::User { handle, .. } => handle.clone(),
            Self::Group(group) => group.to_string(),
        }
    }
}

/// How a dialect is spoken.
pub fn of(dialect: DialectName) -> &'static dyn Wire {
    match dialect {
        DialectName::UserSig => &user_sig::UserSig,
        DialectName::AccessToken => &access_token::AccessToken,
        DialectName::StatusCode => &status_code::StatusCode,
        DialectName::Envelope => &envelope::Envelope,
        DialectName::AuthAck => &auth_ack::AuthAck,
    }
}

/// Whether a frame has this near its start, where the field that tells its kind stands.
fn starts(frame: &[u8], word: &str) -> bool {
    let start = frame.get(..frame.len().min(64)).unwrap_or_default();
    memchr::memmem::find(start, word.as_bytes()).is_some()
}

/// The first number after a word.
fn number_after(frame: &[u8], word: &str) -> Option<u64> {
    let at = memchr::memmem::find(frame, word.as_bytes())?;
    text::first_number(frame.get(at + word.len()..)?)
}

/// The message that a frame has the text of.
fn message(frame: &[u8], id: Option<u64>) -> Heard {
    Stamp::find(frame).map_or(Heard::Nothing, |stamp| Heard::Message(stamp, id))
}

/// An acceptance that names the message by its id.
fn accepted(id: Option<u64>) -> Heard {
    id.and_then(text::of_id).map_or(Heard::Refused, |(stream, sequence)| Heard::Accepted(stream, sequence))
}

/// The id to be written over.
fn blank_id() -> String {
    Template::blank_id()
}

#[cfg(test)]
mod tests;
