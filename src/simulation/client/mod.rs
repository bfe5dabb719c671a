//! Clients: each speaks one dialect over one connection, and may be in trouble.

mod frames;
mod speech;

use std::collections::BTreeMap;

use koine_core::SocketRequest;
use tokio::io::DuplexStream;

use self::frames::{Frames, Incoming};
use super::model::{Model, Place};
use super::step::Mood;
use crate::config::DialectName;

/// A client that reads slowly looks at its socket for a while, ...
const A_WHILE: u64 = 8;
/// ... once in so many times.
const SELDOM: u64 = 40;

/// Something a client has sent under an id of its own, to be sent again until it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unanswered {
    pub(super) id: u64,
    pub(super) to: Receiver,
    pub(super) text: String,
}

/// To whom something goes, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Receiver {
    User(u64),
    Group(u64),
}

/// Who a client is.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) user: u64,
    pub(super) handle: String,
    pub(super) token: String,
}

/// What is broken on purpose, to see whether it is noticed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sabotage {
    /// A text in so many is lost between the server and the client.
    pub(super) loses: Option<u64>,
    /// A text in so many arrives twice.
    pub(super) repeats: Option<u64>,
}

/// A client and its connection.
pub(super) struct Client {
    pub(super) identity: Identity,
    pub(super) dialect: DialectName,
    /// Whom it faces (status-code).
    pub(super) peer: u64,
    pub(super) unanswered: Vec<Unanswered>,
    frames: Frames,
    mood: Mood,
    alive: bool,
    /// The last `seq` it was told, by conversation.
    last: BTreeMap<usize, u64>,
    sabotage: Sabotage,
    texts: u64,
    looks: u64,
}

impl Client {
    /// A client on a fresh connection; it says what its protocol begins with.
    pub(super) fn new(
        identity: Identity,
        dialect: DialectName,
        peer: u64,
        stream: DuplexStream,
        sabotage: Sabotage,
    ) -> Self {
        let mut frames = Frames::new(stream);
        if let Some(greeting) = speech::greeting(dialect, &identity) {
            frames.send_text(&greeting);
        }
        Self {
            identity,
            dialect,
            peer,
            unanswered: Vec::new(),
            frames,
            mood: Mood::Well,
            alive: true,
            last: BTreeMap::new(),
            sabotage,
            texts: 0,
            looks: A_WHILE,
        }
    }

    /// The upgrade request of such a client.
    pub(super) fn request(dialect: DialectName, identity: &Identity, peer: &str) -> SocketRequest {
        speech::request(dialect, identity, peer)
    }

    pub(super) const fn change(&mut self, mood: Mood) {
        // What is cut stays cut.
        if !matches!(self.mood, Mood::HalfOpen) {
            self.mood = mood;
        }
    }

    /// Whether the connection stands, as far as the client knows.
    pub(super) const fn is_alive(&self) -> bool {
        self.alive
    }

    /// Says something to somebody; under an id of its own, where the dialect has such.
    pub(super) fn say(&mut self, to: Receiver, to_name: &str, session: Option<u64>, id: u64, text: &str) {
        let Some(frame) = speech::say(self.dialect, &self.identity, to, to_name, session, id, text) else { return };
        if matches!(self.dialect, DialectName::Envelope | DialectName::AuthAck) {
            self.unanswered.push(Unanswered { id, to, text: text.to_owned() });
        }
        self.frames.send_text(&frame);
    }

    pub(super) fn say_goodbye(&mut self) {
        self.frames.send_close();
    }

    /// Takes in what has come and answers it; writes what waits. Whether anything had come.
    pub(super) fn pump(&mut self, model: &mut Model, transcript: &mut Vec<String>) -> bool {
        let mut busy = false;
        if self.mood == Mood::HalfOpen || !self.alive {
            return busy;
        }
        self.looks += 1;
        if self.mood != Mood::ReadsSlowly || self.looks % SELDOM < A_WHILE {
            let open = self.frames.read();
            while let Some(frame) = self.frames.next() {
                busy = true;
                self.take(frame, model, transcript);
            }
            self.alive &= open;
        }
        self.alive &= self.frames.write();
        busy
    }

    fn take(&mut self, frame: Incoming, model: &mut Model, transcript: &mut Vec<String>) {
        match frame {
            Incoming::Ping(_) if self.mood == Mood::LosesPongs => {}
            Incoming::Ping(payload) => self.frames.send_pong(&payload),
            Incoming::Close(code) => {
                if code == 1_013 {
                    model.count("too slow");
                }
                self.frames.send_close();
                self.alive = false;
            }
            Incoming::Text(text) => {
                self.texts += 1;
                if self.sabotage.loses.is_some_and(|many| self.texts.is_multiple_of(many)) {
                    return;
                }
                self.hear(&text, model, transcript);
                if self.sabotage.repeats.is_some_and(|many| self.texts.is_multiple_of(many)) {
                    self.hear(&text, model, transcript);
                }
            }
        }
    }

    fn hear(&mut self, text: &str, model: &mut Model, transcript: &mut Vec<String>) {
        let (user, dialect) = (self.identity.user, self.dialect);
        let beginning: String = text.chars().take(160).collect();
        transcript.push(format!("    user {user} on {dialect} hears {beginning}"));
        let heard = speech::hear(dialect, text);
        if let Some(id) = heard.answered {
            if heard.accepted
                && let Some(sent) = self.unanswered.iter().find(|sent| sent.id == id)
                && model.place_of(&sent.text).is_none()
            {
                model.object(|| format!("user {user} was told that {:?} is accepted, which it is not", sent.text));
            }
            self.unanswered.retain(|sent| sent.id != id);
        }
        let Some(said) = heard.said else { return };
        match model.receive(user, &said) {
            Ok(place) => self.received(place, &said, heard.unread, model),
            Err(problem) => model.object(|| problem),
        }
        if let Some(id) = heard.wire_id
            && self.mood != Mood::LosesAcks
        {
            self.frames.send_text(&speech::acknowledge(id));
        }
    }

    /// A message came: its place must be after all that came before on this connection.
    fn received(&mut self, (conversation, seq): Place, text: &str, unread: Option<u64>, model: &mut Model) {
        let user = self.identity.user;
        let last = self.last.insert(conversation, seq).unwrap_or(0);
        if seq <= last {
            model.object(|| format!("user {user} on {} was told {text:?} ({seq}) after {last}", self.dialect));
        }
        if model.said((conversation, seq)).by != user {
            model.count(self.dialect.as_str());
        }
        let expected = model.said((conversation, seq)).unread.get(&user).copied();
        if let Some(unread) = unread
            && Some(unread) != expected
        {
            model.object(|| format!("user {user} was told {text:?} with {unread} unread, not {expected:?}"));
        }
    }
}
