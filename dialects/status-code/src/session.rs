//! A connection: one chat with one user.

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
///      │ Authenticate                                              │
///      ▼                                                           │
///   Authenticating ── bad token ──────────────► 30002, close 1008 ─┤
///      │ Attach          └─ path is no user id ─► 30003, close 1008 ─┤
///      ▼                                                           ▼
///   Attaching ── no such user ────────────────► 30003, close 1008 ─► Over
///      │ accept                                                    ▲
///      ▼                                                           │
///   Chatting ── too large ────────────────────► 30413, close 1009 ─┘
///      └─◄ a message is sent, silently; a bad one is answered ┘
/// ```
///
/// The handshake always succeeds, so that a browser client sees why it was turned away; it is answered
/// once the chat is attached, so that whatever is said after a client's `onopen` reaches it.
/// [`Input::Ended`] closes from any state.
pub(crate) struct ChatSession {
    /// The user to chat with, or what the path says instead.
    peer: Result<Handle, Box<str>>,
    state: State,
    next_send: u64,
}

#[derive(PartialEq, Eq)]
enum State {
    Opening { token: Option<Token> },
    Authenticating,
    Attaching,
    Chatting,
    Over,
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
                self.accept(out);
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
        match token.take() {
            Some(token) => {
                self.state = State::Authenticating;
                let authenticate = Authenticate { token, purpose: Purpose::Access, claim: None };
                out.command(AUTHENTICATE, Command::Authenticate(authenticate));
            }
            None => self.turn_away(&ErrorKind::Unauthenticated.into(), out),
        }
    }

    fn received(&mut self, content: Result<Content, Error>, out: &mut Outputs) {
        if self.state == State::Chatting {
            self.serve(content, out);
        }
    }

    fn answered(&mut self, tag: Tag, result: Result<Reply, Error>, out: &mut Outputs) {
        match (&self.state, result) {
            (State::Authenticating, Ok(Reply::Authenticated(_))) if tag == AUTHENTICATE => self.attach(out),
            (State::Attaching, Ok(Reply::Attached)) if tag == ATTACH => {
                self.accept(out);
                self.state = State::Chatting;
            }
            (State::Authenticating | State::Attaching, result) => {
                self.turn_away(&result.err().unwrap_or(Error::internal()), out);
            }
            (State::Chatting, Err(error)) => self.complain(&error, out),
            (State::Opening { .. } | State::Chatting | State::Over, _) => {}
        }
    }

    fn attach(&mut self, out: &mut Outputs) {
        let Ok(peer) = &self.peer else {
            return self.turn_away(&ErrorKind::UserNotFound.into(), out);
        };
        let attach = Attach {
            scope: Scope::Peer(UserKey::Handle(peer.clone())),
            catch_up: true,
            confirm: ConfirmBy::Pong,
            confirmed_is_read: true,
        };
        self.state = State::Attaching;
        out.command(ATTACH, Command::Attach(attach));
    }

    /// Completes the handshake, unless that is done.
    fn accept(&self, out: &mut Outputs) {
        if matches!(self.state, State::Opening { .. } | State::Authenticating | State::Attaching) {
            out.accept();
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
        self.accept(out);
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

fn content(frame: &str) -> Result<Content, Error> {
    ClientFrame::read(frame).map(|frame| Content::text(&frame.msg))
}
