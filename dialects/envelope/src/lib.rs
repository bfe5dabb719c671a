//! The envelope dialect: requests in a `{"url", "params"}` envelope over one WebSocket (用户聊天接口文档).
//!
//! The README beside this crate is the wire contract; [`wire`] has the frames themselves.

mod encode;
mod error;
mod send;
mod session;
pub mod wire;

use koine_core::{
    Dialect, Endpoint, Error, Event, Frame, HttpResponse, Opening, Session, SocketClaim, SocketRequest, View, Zone,
};

use crate::session::EnvelopeSession;

/// The envelope dialect.
#[derive(Debug, Clone, Default)]
pub struct Envelope {
    options: Options,
}

/// What can be set about the dialect.
#[derive(Debug, Clone)]
pub struct Options {
    /// Within what a `uniqueNo` is unique; [`UniqueNo::User`] by default.
    pub unique_no: UniqueNo,
    /// How dates are written; [`Dates::Millis`] by default.
    pub dates: Dates,
    /// The zone of dates written as text; UTC by default.
    pub zone: Zone,
}

/// Within what a `uniqueNo` (当前请求唯一标识) is unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum UniqueNo {
    /// All sends of a user, as the document says.
    #[default]
    User,
    /// The sends of one connection, for clients whose counter starts again with every connection.
    Connection,
    /// Nothing: it is echoed, and means nothing more.
    Ignore,
}

/// How dates are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Dates {
    /// Integer milliseconds since the Unix epoch.
    #[default]
    Millis,
    /// `YYYY-MM-DD HH:MM:SS`.
    Text,
}

impl Default for Options {
    fn default() -> Self {
        Self { unique_no: UniqueNo::default(), dates: Dates::default(), zone: Zone::utc() }
    }
}

impl Envelope {
    /// The dialect with these options.
    pub const fn new(options: Options) -> Self {
        Self { options }
    }
}

impl Dialect for Envelope {
    fn name(&self) -> &'static str {
        "envelope"
    }

    /// None: the dialect is its WebSocket.
    fn endpoints(&self) -> Vec<Box<dyn Endpoint>> {
        Vec::new()
    }

    fn prefixes(&self) -> &'static [&'static str] {
        &["/chat"]
    }

    fn http_error(&self, error: &Error) -> HttpResponse {
        error::response(error)
    }

    fn sockets(&self) -> &'static [&'static str] {
        &["/chat", "/ws", "/"]
    }

    /// By first frame on all its paths: nothing in an upgrade request is the dialect's own. On `/chat`
    /// no other dialect competes for it.
    fn claims(&self, _request: &SocketRequest) -> SocketClaim {
        SocketClaim::FirstFrame
    }

    fn recognizes(&self, first_frame: &str) -> bool {
        wire::is_request(first_frame)
    }

    fn open(&self, _request: &SocketRequest, opening: Opening) -> Box<dyn Session> {
        Box::new(EnvelopeSession::new(self.options.unique_no, opening.entropy))
    }

    fn encode(&self, event: &Event, view: View) -> Option<Frame> {
        encode::event(event, view, &self.options)
    }
}
