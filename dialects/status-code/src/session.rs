//! A connection: one chat with one user.

use std::collections::VecDeque;

use koine_core::{
    Attach, Authenticate, Command, ConfirmBy, Content, Error, ErrorKind, Handle, Input, Outputs, Purpose, Reply, Scope,
    SendMessage, Session, Tag, Target, Timestamp, Token, UserKey,
};

use crate::error::failure;
use crate::wire::ClientFrame;

const AUTHENTICATE: Tag = Tag(0);
const ATTACH: Tag = Tag(1);
const FIRST_SEND: u64 = 2;

/// The state machine of one connection. All its transitions are in this file.
///
/// ```text
///   Opening ── no token ──────────────────────► 30002, close 1008 ─┐
///      │ accept, Authenticate                                      │
///      ▼                                                           │
///   Authenticating ── bad token ──────────────► 30002, close 1008 ─┤
///      │ Attach          └─ path is no user id ─► 30003, close 1008 ─┤
///      ▼                                                           ▼
///   Attaching ── no such user ────────────────► 30003, close 1008 ─► Over
///      │ what came early is sent, in order                         ▲
///      ▼                                                           │
///   Chatting ── too large ────────────────────► 30413, close 1009 ─┘
///      └─◄ a message is sent, silently; a bad one is answered ┘
/// ```
///
/// The handshake always succeeds, so that a browser client sees why it was turned away. Frames that
/// arrive before the chat is attached wait (at most [`Early::MAX_FRAMES`] and [`Early::MAX_BYTES`]).
/// [`Input::Ended`] closes from any state.
pub(crate) struct ChatSession {
    /// The user to chat with, or what the path says instead.
    peer: Result<Handle, Box<str>>,
    state: State,
    next_send: u64,
}

enum State {
    Opening { token: Option<Token> },
    Authenticating { early: Early },
    Attaching { early: Early },
    Chatting,
    Over,
}

/// What arrived before the chat was attached, in order.
#[derive(Default)]
struct Early {
    frames: VecDeque<Result<Content, Error>>,
    bytes: usize,
}

impl ChatSession {
    pub(crate) const fn new(peer: Result<Handle, Box<str>>, token: Option<Token>) -> Self {
        Self { peer, state: State::Opening { token }, next_send: FIRST_SEND }
    }
}

impl Session for ChatSession {
    fn handle(&mut self, _now: Timestamp, input: Input<'_>, out: &mut Outputs) {
        match input {
            Input::Opened => self.opened(out),
            Input::Frame(frame) => self.received(content(frame), out),
            Input::Refused(_, error) => self.received(Err(error), out),
            Input::Reply(tag, result) => self.answered(tag, result, out),
            Input::Ended(reason) => {
                self.state = State::Over;
                out.close(reason.close_code(), reason.word());
            }
            Input::Wake | Input::Closing => {}
        }
    }
}

impl ChatSession {
    fn opened(&mut self, out: &mut Outputs) {
        let State::Opening { token } = &mut self.state else { return };
        out.accept();
        match token.take() {
            Some(token) => {
                self.state = State::Authenticating { early: Early::default() };
                let authenticate = Authenticate { token, purpose: Purpose::Access, claim: None };
                out.command(AUTHENTICATE, Command::Authenticate(authenticate));
            }
            None => self.turn_away(&ErrorKind::Unauthenticated.into(), out),
        }
    }

    fn received(&mut self, content: Result<Content, Error>, out: &mut Outputs) {
        match &mut self.state {
            State::Chatting => self.serve(content, out),
            State::Authenticating { early } | State::Attaching { early } => {
                if let Err(error) = early.push(content) {
                    self.complain(&error, out);
                }
            }
            State::Opening { .. } | State::Over => {}
        }
    }

    fn answered(&mut self, tag: Tag, result: Result<Reply, Error>, out: &mut Outputs) {
        match (std::mem::replace(&mut self.state, State::Over), result) {
            (State::Authenticating { early }, Ok(Reply::Authenticated(_))) if tag == AUTHENTICATE => {
                self.attach(early, out);
            }
            (State::Attaching { early }, Ok(Reply::Attached)) if tag == ATTACH => {
                self.state = State::Chatting;
                self.serve_early(early, out);
            }
            (State::Authenticating { .. } | State::Attaching { .. }, result) => {
                self.turn_away(&result.err().unwrap_or(Error::internal()), out);
            }
            (state, result) => {
                self.state = state;
                if let (State::Chatting, Err(error)) = (&self.state, result) {
                    self.complain(&error, out);
                }
            }
        }
    }

    fn attach(&mut self, early: Early, out: &mut Outputs) {
        let Ok(peer) = &self.peer else {
            return self.turn_away(&ErrorKind::UserNotFound.into(), out);
        };
        let attach = Attach {
            scope: Scope::Peer(UserKey::Handle(peer.clone())),
            catch_up: true,
            confirm: ConfirmBy::Pong,
            confirmed_is_read: true,
        };
        self.state = State::Attaching { early };
        out.command(ATTACH, Command::Attach(attach));
    }

    fn serve_early(&mut self, early: Early, out: &mut Outputs) {
        for content in early.frames {
            self.received(content, out);
        }
    }

    /// Sends a message, or says why it cannot be sent. Success is silent (发送数据格式 knows no reply).
    fn serve(&mut self, content: Result<Content, Error>, out: &mut Outputs) {
        match (content, &self.peer) {
            (Ok(content), Ok(peer)) => {
                let target = Target::User(UserKey::Handle(peer.clone()));
                let tag = Tag(self.next_send);
                self.next_send += 1;
                let send = SendMessage { target, content, client_id: None, key: None, reads: false };
                out.command(tag, Command::Send(send));
            }
            (Ok(_), Err(_)) => self.complain(&ErrorKind::UserNotFound.into(), out),
            (Err(error), _) => self.complain(&error, out),
        }
    }

    /// Says an error; most leave the chat open.
    fn complain(&mut self, error: &Error, out: &mut Outputs) {
        let failure = failure(error, self.peer_name());
        out.send_json(&failure.frame());
        if failure.fatal {
            out.close(failure.close, error.kind().word());
            self.state = State::Over;
        }
    }

    /// Says an error that leaves no chat to stay open.
    fn turn_away(&mut self, error: &Error, out: &mut Outputs) {
        let failure = failure(error, self.peer_name());
        out.send_json(&failure.frame());
        out.close(failure.close, error.kind().word());
        self.state = State::Over;
    }

    /// The user to chat with, as the path names it.
    fn peer_name(&self) -> &str {
        match &self.peer {
            Ok(peer) => peer.as_str(),
            Err(text) => text,
        }
    }
}

impl Early {
    /// Frames that may wait.
    const MAX_FRAMES: usize = 256;
    /// Content that may wait, in bytes.
    const MAX_BYTES: usize = 128 * 1024;

    /// Lets a frame wait; `RateLimited` if too much waits already.
    fn push(&mut self, frame: Result<Content, Error>) -> Result<(), Error> {
        let size = frame.as_ref().map_or(0, Content::size);
        if self.frames.len() >= Self::MAX_FRAMES || self.bytes + size > Self::MAX_BYTES {
            return Err(ErrorKind::RateLimited.into());
        }
        self.bytes += size;
        self.frames.push_back(frame);
        Ok(())
    }
}

fn content(frame: &str) -> Result<Content, Error> {
    ClientFrame::read(frame).map(|frame| Content::text(&frame.msg))
}
