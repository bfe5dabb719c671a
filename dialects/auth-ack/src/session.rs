//! The connection's state machine. Every transition is in this file.
//!
//! ```text
//!             Opened: accept, wake after the handshake time
//!                               │
//!                               ▼                 Wake: close 4008
//!      other frames: 401 ┌─► Fresh ───────────────────────────────────────────┐
//!                        └──┘   │ Auth: Authenticate        unreadable Auth   │
//!                               ▼                                             │
//!    frames wait in order ┌─► Authenticating ──── refused: Error, close 4001 ─┤
//!                         └──┘  │ Authenticated: Attach (silence to the client)│
//!                               ▼                                             ▼
//!    send → Send → Ack    ┌─► Live ── Auth again that fails: close 4001 ──► Over
//!    Ack → Acknowledge    └──┘                                                ▲
//!    Ping → Pong, Heartbeat → silence                                         │
//!                          in any state, Ended: close ────────────────────────┘
//! ```
//!
//! Frames are dealt with in the order of their arrival. A `Pong` leaves when everything before its
//! `Ping` has been answered.

use std::collections::VecDeque;
use std::time::Duration;

use koine_core::{
    Attach, Authenticate, Claim, Command, ConfirmBy, Error, ErrorKind, Input, Outputs, Purpose, Reply, Scope, Session,
    Tag, Timestamp, Token, UserId, UserKey,
};

use crate::AckContent;
use crate::decode::{Incoming, Word};
use crate::encode;
use crate::error::{self, Origin};
use crate::shape::Shape;
use crate::wire::SignalFrame;

/// How many commands a connection has in flight before its further frames wait.
const MOST_IN_FLIGHT: usize = 64;

/// How many bytes of frames may wait; what comes above that is answered with 429.
const MOST_WAITING_BYTES: usize = 1 << 20;

/// After so many Acks that all look different, others are not compared with them any more.
const MOST_SHAPES: u8 = 8;

/// For how many commands in flight an idle connection keeps room.
const KEPT_IN_FLIGHT: usize = 8;

/// What a waiting frame costs besides its text, in bytes.
const WAITING_OVERHEAD: usize = 64;

/// One connection.
#[derive(Debug)]
pub(crate) struct AuthAckSession {
    ack_content: AckContent,
    handshake: Duration,
    phase: Phase,
    last_tag: u64,
    /// Commands without a reply yet, oldest first.
    in_flight: Vec<InFlight>,
    /// Frames that have to wait, oldest first.
    waiting: VecDeque<String>,
    waiting_bytes: usize,
    /// Pings that have to wait for the reply to a command, and to those before it: its tag, how many.
    pings: VecDeque<(u64, u32)>,
    /// What the client's last Ack looked like.
    shape: Option<Box<Shape>>,
    /// How many more may turn out to be the only Ack that looks so.
    shapes_left: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No `Auth` frame yet.
    Fresh,
    /// The token is being looked at.
    Authenticating,
    /// The user is known.
    Live(UserId),
    /// The connection is being closed.
    Over,
}

#[derive(Debug, Clone, Copy)]
struct InFlight {
    tag: u64,
    task: Task,
    origin: Origin,
}

#[derive(Debug, Clone, Copy)]
enum Task {
    Authenticate,
    AuthenticateAgain,
    Attach,
    Send,
    Acknowledge,
}

impl AuthAckSession {
    /// A connection that nothing has happened on.
    pub(crate) const fn new(ack_content: AckContent, handshake: Duration) -> Self {
        Self {
            ack_content,
            handshake,
            phase: Phase::Fresh,
            last_tag: 0,
            in_flight: Vec::new(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            pings: VecDeque::new(),
            shape: None,
            shapes_left: MOST_SHAPES,
        }
    }
}

impl Session for AuthAckSession {
    fn handle(&mut self, now: Timestamp, input: Input<'_>, out: &mut Outputs) {
        if self.phase == Phase::Over {
            return;
        }
        match input {
            Input::Opened => {
                out.accept();
                out.wake_at(now.plus(self.handshake));
            }
            Input::Frame(text) => self.frame(text, out),
            Input::Refused(text, error) => {
                let origin = text.and_then(|text| Incoming::read(text).ok()).map(|frame| frame.origin());
                out.send_json(&error::frame(&error, origin.unwrap_or_default()));
            }
            Input::Reply(tag, result) => self.reply(tag, result, out),
            Input::Wake if self.phase == Phase::Fresh => self.close(4008, "no Auth frame in time", out),
            Input::Wake | Input::Closing => {}
            // The dialect has no frame for it, and an `Error` would look like the answer to something.
            Input::Ended(reason) => self.close(reason.close_code(), reason.word(), out),
        }
    }

    /// An Ack that looks like the one before.
    fn acknowledges(&mut self, frame: &str) -> Option<u64> {
        let Phase::Live(_) = self.phase else { return None };
        if self.has_to_wait() || !self.waiting.is_empty() {
            return None;
        }
        let wire_id = self.shape.as_ref()?.read(frame)?;
        self.shapes_left = MOST_SHAPES;
        Some(wire_id)
    }
}

// What clients send.
impl AuthAckSession {
    fn frame(&mut self, text: &str, out: &mut Outputs) {
        if self.has_to_wait() || !self.waiting.is_empty() {
            self.wait(text, out);
        } else {
            self.take(text, out);
        }
    }

    fn has_to_wait(&self) -> bool {
        self.phase == Phase::Authenticating || self.in_flight.len() >= MOST_IN_FLIGHT
    }

    fn wait(&mut self, text: &str, out: &mut Outputs) {
        let cost = text.len() + WAITING_OVERHEAD;
        if self.waiting_bytes + cost > MOST_WAITING_BYTES {
            let origin = Incoming::read(text).map(|frame| frame.origin()).unwrap_or_default();
            out.send_json(&error::frame(&ErrorKind::RateLimited.into(), origin));
        } else {
            self.waiting_bytes += cost;
            self.waiting.push_back(text.to_owned());
        }
    }

    /// Takes waiting frames as far as that is possible now.
    fn resume(&mut self, out: &mut Outputs) {
        while self.phase != Phase::Over && !self.has_to_wait() {
            let Some(text) = self.waiting.pop_front() else {
                self.waiting = VecDeque::new();
                return;
            };
            self.waiting_bytes -= text.len() + WAITING_OVERHEAD;
            self.take(&text, out);
        }
    }

    fn take(&mut self, text: &str, out: &mut Outputs) {
        let frame = match Incoming::read(text) {
            Ok(frame) => frame,
            Err(error) => return out.send_json(&error::frame(&error, Origin::default())),
        };
        if let Err(error) = self.act(&frame, text, out) {
            out.send_json(&error::frame(&error, frame.origin()));
        }
    }

    fn act(&mut self, frame: &Incoming<'_>, text: &str, out: &mut Outputs) -> Result<(), Error> {
        match (frame.word()?, self.phase) {
            (Word::Heartbeat, _) => Ok(()),
            (Word::Auth, Phase::Live(user)) => self.authenticate_again(user, frame, out),
            (Word::Auth, _) => {
                self.authenticate(frame, out);
                Ok(())
            }
            (Word::Ping, Phase::Live(_)) => {
                self.ping(out);
                Ok(())
            }
            (Word::Ack, Phase::Live(_)) => {
                let wire_id = frame.acknowledged()?;
                self.note_shape(frame, text, wire_id);
                let tag = self.command(Task::Acknowledge, frame.origin());
                out.command(tag, Command::Acknowledge { wire_id });
                Ok(())
            }
            (Word::Message(word), Phase::Live(user)) => {
                let send = frame.message(user, &word)?;
                let tag = self.command(Task::Send, frame.origin());
                out.command(tag, Command::Send(send));
                Ok(())
            }
            (_, Phase::Fresh | Phase::Authenticating | Phase::Over) => {
                Err(Error::with_detail(ErrorKind::Unauthenticated, "no Auth frame yet"))
            }
        }
    }

    /// Notes what the client's Acks look like, unless each looks different.
    fn note_shape(&mut self, frame: &Incoming<'_>, text: &str, wire_id: u64) {
        self.shape = None;
        if let Some(left) = self.shapes_left.checked_sub(1) {
            self.shapes_left = left;
            self.shape = frame.shape(text, wire_id).map(Box::new);
        }
    }

    fn authenticate(&mut self, frame: &Incoming<'_>, out: &mut Outputs) {
        out.no_wake();
        match frame.credentials() {
            Ok((user, token)) => {
                let claim = Some(Claim::User(UserKey::Id(user)));
                let tag = self.command(Task::Authenticate, frame.origin());
                self.phase = Phase::Authenticating;
                out.command(tag, Command::Authenticate(Authenticate { token, purpose: Purpose::Access, claim }));
            }
            Err(error) => self.refuse(&error, frame.origin(), out),
        }
    }

    /// An `Auth` on a connection whose user is known has to be good for that very user, and changes nothing.
    fn authenticate_again(&mut self, user: UserId, frame: &Incoming<'_>, out: &mut Outputs) -> Result<(), Error> {
        let (claimed, token): (UserId, Token) = match frame.credentials() {
            Ok(credentials) => credentials,
            Err(error) => {
                self.refuse(&error, frame.origin(), out);
                return Ok(());
            }
        };
        if claimed != user {
            return Err(Error::with_detail(ErrorKind::Forbidden, "the connection is another user's"));
        }
        let tag = self.command(Task::AuthenticateAgain, frame.origin());
        out.command_with_token(tag, token, Command::FindUser(UserKey::Id(user)));
        Ok(())
    }

    fn ping(&mut self, out: &mut Outputs) {
        let Some(newest) = self.in_flight.last().map(|command| command.tag) else {
            return out.send_json(&SignalFrame::new("Pong"));
        };
        match self.pings.back_mut() {
            Some((tag, count)) if *tag == newest => *count = count.saturating_add(1),
            _ => self.pings.push_back((newest, 1)),
        }
    }

    fn command(&mut self, task: Task, origin: Origin) -> Tag {
        self.last_tag += 1;
        self.in_flight.push(InFlight { tag: self.last_tag, task, origin });
        Tag(self.last_tag)
    }
}

// What the hub answers.
impl AuthAckSession {
    fn reply(&mut self, tag: Tag, result: Result<Reply, Error>, out: &mut Outputs) {
        let Some(place) = self.in_flight.iter().position(|command| command.tag == tag.0) else { return };
        let InFlight { task, origin, .. } = self.in_flight.remove(place);
        match (task, result) {
            (Task::Authenticate, Ok(Reply::Authenticated(authenticated))) => {
                self.phase = Phase::Live(authenticated.user.id);
                let tag = self.command(Task::Attach, Origin::default());
                out.command(tag, Command::Attach(ATTACH));
            }
            (Task::Authenticate | Task::AuthenticateAgain, Err(error)) => self.refuse(&error, origin, out),
            (Task::Send, Ok(Reply::Sent(sent))) => {
                out.send(encode::ack(&sent, origin.chat_type, self.ack_content));
            }
            (Task::AuthenticateAgain | Task::Attach | Task::Acknowledge, Ok(_)) => {}
            (Task::Attach, Err(error)) => {
                out.send_json(&error::frame(&error, origin));
                self.close(1011, "cannot attach", out);
            }
            (Task::Send | Task::Acknowledge, Err(error)) => out.send_json(&error::frame(&error, origin)),
            (Task::Authenticate, Ok(_)) => self.refuse(&Error::internal(), origin, out),
            (Task::Send, Ok(_)) => out.send_json(&error::frame(&Error::internal(), origin)),
        }
        self.answered(out);
    }

    /// Does what waited for commands that have been answered.
    fn answered(&mut self, out: &mut Outputs) {
        if self.in_flight.is_empty() {
            self.in_flight.shrink_to(KEPT_IN_FLIGHT);
        }
        self.pong(out);
        self.resume(out);
    }

    /// Answers the pings that nothing stands before any more.
    fn pong(&mut self, out: &mut Outputs) {
        if self.phase == Phase::Over {
            return;
        }
        let oldest = self.in_flight.first().map_or(u64::MAX, |command| command.tag);
        while let Some((_, count)) = self.pings.pop_front_if(|(tag, _)| *tag < oldest) {
            for _ in 0..count {
                out.send_json(&SignalFrame::new("Pong"));
            }
        }
    }
}

/// All of the user's messages as they happen; what is older is asked for (`/message/offline`), and only
/// the client's own `Ack` confirms (G4).
const ATTACH: Attach =
    Attach { scope: Scope::All, catch_up: false, confirm: ConfirmBy::Command, confirmed_is_read: false };

// How it ends.
impl AuthAckSession {
    fn refuse(&mut self, error: &Error, origin: Origin, out: &mut Outputs) {
        let (frame, code) = error::authentication(error, origin);
        out.send_json(&frame);
        self.close(code, "not authenticated", out);
    }

    fn close(&mut self, code: u16, reason: &'static str, out: &mut Outputs) {
        self.phase = Phase::Over;
        self.waiting = VecDeque::new();
        self.pings = VecDeque::new();
        out.close(code, reason);
    }
}
