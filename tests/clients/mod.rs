//! A client of each dialect as its document has it, for tests that go over all of them: connect, send to a
//! user or a group, receive, fetch what waited.

mod access_token;
mod auth_ack;
mod envelope;
mod status_code;
mod user_sig;

use std::collections::VecDeque;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};

use crate::socket::PATIENCE;
use crate::socket::gateway::Gateway;
use crate::socket::management::Management;
use crate::socket::websocket::{Incoming, WebSocket};
use crate::transcript::{Fact, Json, Values};

/// Somebody with a client.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) handle: String,
    pub(crate) number: u64,
    pub(crate) token: String,
    /// user-sig's rule key.
    pub(crate) key: String,
}

/// A message as a client shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// Its sender's handle, or its number in auth-ack.
    pub(crate) from: String,
    /// Its text, or the JSON text of other content.
    pub(crate) text: String,
}

/// What a client of any dialect can do.
pub(crate) trait Client {
    /// Sends to a user, and waits for the dialect's receipt if it has one.
    fn send(&mut self, to: &Person, text: &str) -> Result<()>;

    /// The same to a group; status-code has none.
    fn send_to_group(&mut self, group: u64, text: &str) -> Result<()>;

    /// The next message of somebody else's.
    fn next(&mut self) -> Result<Message>;

    /// What waited, in the dialect's own way; `count` are expected, for dialects that push it.
    fn waiting(&mut self, count: usize) -> Result<Vec<Message>>;
}

/// Connects a person's client, authenticated. In status-code it faces `peer`.
pub(crate) fn connect(gateway: &Gateway, dialect: &str, me: &Person, peer: &Person) -> Result<Box<dyn Client>> {
    Ok(match dialect {
        "user-sig" => Box::new(user_sig::UserSigClient::connect(gateway, me)?),
        "access-token" => Box::new(access_token::AccessTokenClient::connect(gateway, me)?),
        "status-code" => Box::new(status_code::StatusCodeClient::connect(gateway, me, peer)?),
        "envelope" => Box::new(envelope::EnvelopeClient::connect(gateway, me)?),
        "auth-ack" => Box::new(auth_ack::AuthAckClient::connect(gateway, me)?),
        _ => bail!("there is no dialect {dialect}"),
    })
}

impl Person {
    /// A new user with credentials for every dialect.
    pub(crate) fn register(management: &mut Management, handle: &str) -> Result<Self> {
        let mut values = Values::default();
        let fact = Fact::User { name: handle.to_owned(), handle: handle.to_owned(), number: None, profile: Vec::new() };
        management.make_so(&fact, &mut values, "")?;
        Ok(Self {
            handle: handle.to_owned(),
            number: values.value(&format!("{handle}.id"), "")?.plain().parse()?,
            token: values.value(&format!("{handle}.token"), "")?.plain(),
            key: management.token(handle, Some("user-sig"))?,
        })
    }

    /// What the person is called where `dialect` names a sender.
    pub(crate) fn name_in(&self, dialect: &str) -> String {
        if dialect == "auth-ack" { self.number.to_string() } else { self.handle.clone() }
    }
}

/// A connection whose frames can be waited for out of order.
struct Line {
    socket: WebSocket,
    held: VecDeque<Json>,
}

impl Line {
    fn open(gateway: &Gateway, dialect: &str, path: &str) -> Result<Self> {
        match WebSocket::open(gateway.address(dialect)?, path, PATIENCE)? {
            Ok(socket) => Ok(Self { socket, held: VecDeque::new() }),
            Err(refusal) => bail!("{dialect} refused {path} with {}", refusal.status),
        }
    }

    fn send(&self, frame: &Json) -> Result<()> {
        self.socket.send(&frame.to_string())
    }

    /// The first frame of a kind; others are held for later, in order.
    fn wait_for(&mut self, mut fits: impl FnMut(&Json) -> bool) -> Result<Json> {
        if let Some(at) = self.held.iter().position(&mut fits) {
            return self.held.remove(at).context("a held frame");
        }
        loop {
            let frame = match self.socket.next(PATIENCE)? {
                Incoming::Text(text) => Json::parse(&text)?,
                other => bail!("a frame was expected, not {other:?}"),
            };
            if fits(&frame) {
                return Ok(frame);
            }
            self.held.push_back(frame);
        }
    }
}

/// Waits until so many messages are pending for a person: not every dialect tells its sender that a message
/// has been taken.
pub(crate) fn until_pending(gateway: &Gateway, person: &Person, count: usize) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let pending = auth_ack::offline(gateway.address("auth-ack")?, person.number, &person.token)?.len();
        if pending >= count {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{pending} of {count} messages are pending");
    }
}

/// A JSON object.
fn object<const N: usize>(entries: [(&str, Json); N]) -> Json {
    let entries = entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Json::Object { entries, open: false }
}

/// The text of a value under a path of keys; empty where there is none.
fn text(json: &Json, path: &[&str]) -> String {
    let value = path.iter().try_fold(json, |json, key| json.get(key));
    value.map(Json::plain).unwrap_or_default()
}

/// The items under a path of keys.
fn items(json: &Json, path: &[&str]) -> Result<Vec<Json>> {
    match path.iter().try_fold(json, |json, key| json.get(key)) {
        Some(Json::Array { items, .. }) => Ok(items.clone()),
        _ => bail!("no array at {path:?} of {json}"),
    }
}
