//! One WebSocket connection.
//!
//! ```text
//!               no token: 401
//!   Fresh ───────────────────────────────────► Over
//!     │ a token: Authenticate                   ▲
//!     ▼                                         │
//!   Authenticating ── refused: 401 ─────────────┤
//!     │ good: Attach                            │
//!     ▼                                         │
//!   Attaching ─────── failed: its status ───────┤
//!     │ attached: accept                        │
//!     ▼                                         │
//!   Live ──────────── the server ends it ───────┘
//!     frame ► Send     refused ► ERROR, or nothing where silence is promised
//! ```
//!
//! The handshake is answered only once the token is known to be good, so that a bad one fails it
//! (连接失败回调函数), and once events come: whatever is said after a client's `onopen` reaches it.

use koine_core::{
    Attach, Authenticate, Command, ConfirmBy, EndReason, Error, ErrorKind, Input, Outputs, Purpose, Reply, Scope,
    Session, Tag, Timestamp, Token,
};

use crate::{decode, error};

/// The wire state of one connection.
pub(crate) struct Connection {
    state: State,
    next_tag: u64,
}

enum State {
    /// Nothing has happened; the token the upgrade request named.
    Fresh(Option<Token>),
    /// The token is being looked at; the handshake waits.
    Authenticating(Tag),
    /// The token is good, events are being subscribed to; the handshake waits.
    Attaching(Tag),
    /// Messages go both ways.
    Live,
    /// Rejected or closed.
    Over,
}

impl Connection {
    /// A connection whose upgrade request named this token.
    pub(crate) const fn new(token: Option<Token>) -> Self {
        Self { state: State::Fresh(token), next_tag: 0 }
    }

    fn opened(&mut self, out: &mut Outputs) {
        let State::Fresh(token) = &mut self.state else { return };
        let Some(token) = token.take() else {
            return self.reject(&Error::with_detail(ErrorKind::Unauthenticated, "access_token is missing"), out);
        };
        let command = Command::Authenticate(Authenticate { token, purpose: Purpose::Access, claim: None });
        self.state = State::Authenticating(self.ask(command, out));
    }

    fn replied(&mut self, tag: Tag, result: Result<Reply, Error>, out: &mut Outputs) {
        match (&self.state, result) {
            (State::Authenticating(asked), Ok(Reply::Authenticated(_))) if *asked == tag => {
                let attach =
                    Attach { scope: Scope::All, catch_up: false, confirm: ConfirmBy::Pong, confirmed_is_read: false };
                self.state = State::Attaching(self.ask(Command::Attach(attach), out));
            }
            (State::Authenticating(asked), Ok(_)) if *asked == tag => self.reject(&Error::internal(), out),
            (State::Authenticating(asked), Err(why)) if *asked == tag => self.reject(&why, out),
            (State::Attaching(asked), Ok(_)) if *asked == tag => {
                out.accept();
                self.state = State::Live;
            }
            (State::Attaching(asked), Err(why)) if *asked == tag => self.reject(&why, out),
            (State::Live, Err(why)) => tell(&why, out),
            (State::Live, Ok(_))
            | (State::Fresh(_) | State::Authenticating(_) | State::Attaching(_) | State::Over, _) => {}
        }
    }

    fn frame(&mut self, text: &str, out: &mut Outputs) {
        if !self.is_open() {
            return;
        }
        match decode::message(text) {
            Ok(message) => {
                self.ask(Command::Send(message), out);
            }
            Err(why) => tell(&why, out),
        }
    }

    fn refused(&self, why: &Error, out: &mut Outputs) {
        if self.is_open() {
            tell(why, out);
        }
    }

    /// The document has no frame for a server that ends a connection: the close frame alone tells.
    fn ended(&mut self, reason: EndReason, out: &mut Outputs) {
        match self.state {
            State::Fresh(_) | State::Authenticating(_) | State::Attaching(_) => {
                let kind = match reason {
                    EndReason::Draining => ErrorKind::Unavailable,
                    EndReason::Disabled => ErrorKind::UserDisabled,
                    EndReason::Kicked => ErrorKind::Unauthenticated,
                };
                self.reject(&kind.into(), out);
            }
            State::Live => self.close(reason.close_code(), reason.word(), out),
            State::Over => {}
        }
    }

    const fn is_open(&self) -> bool {
        matches!(self.state, State::Live)
    }

    fn ask(&mut self, command: Command, out: &mut Outputs) -> Tag {
        let tag = Tag(self.next_tag);
        self.next_tag = self.next_tag.wrapping_add(1);
        out.command(tag, command);
        tag
    }

    fn reject(&mut self, why: &Error, out: &mut Outputs) {
        self.state = State::Over;
        out.reject(error::handshake_response(why));
    }

    fn close(&mut self, code: u16, reason: &'static str, out: &mut Outputs) {
        self.state = State::Over;
        out.close(code, reason);
    }
}

impl Session for Connection {
    fn handle(&mut self, _: Timestamp, input: Input<'_>, out: &mut Outputs) {
        match input {
            Input::Opened => self.opened(out),
            Input::Frame(text) => self.frame(text, out),
            Input::Refused(_, why) => self.refused(&why, out),
            Input::Reply(tag, result) => self.replied(tag, result, out),
            Input::Ended(reason) => self.ended(reason, out),
            // Nothing is waited for, and there is nothing to say to a client that leaves.
            Input::Wake | Input::Closing => {}
        }
    }
}

fn tell(why: &Error, out: &mut Outputs) {
    if let Some(frame) = error::frame(why) {
        out.send_json(&frame);
    }
}
