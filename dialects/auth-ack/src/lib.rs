//! The auth-ack dialect: a client opens a bare WebSocket, proves itself with an `Auth` frame, sends
//! messages under ids of its own, gets an `Ack` for each, and answers each message it receives with
//! an `Ack`. Users are numbers. The wire contract is in this crate's README.

mod decode;
mod encode;
mod error;
mod http;
mod loose;
mod session;
mod shape;
pub mod wire;

use std::time::Duration;

use koine_core::{
    Dialect, Endpoint, Error, Event, Frame, HttpResponse, Opening, Session, SocketClaim, SocketRequest, View, Zone,
};

use crate::session::AuthAckSession;

/// The dialect.
#[derive(Debug, Clone, Default)]
pub struct AuthAck {
    options: Options,
}

/// What of the dialect is configurable.
#[derive(Debug, Clone)]
pub struct Options {
    /// How the `content` of the server's `Ack` frames is written; [`AckContent::Json`] by default.
    pub ack_content: AckContent,
    /// How long a connection may take until its `Auth` frame, in real time; 10 s by default. Then it
    /// is closed with 4008.
    pub handshake: Duration,
    /// The zone the server's dates are in; UTC by default. Frames hold milliseconds only, and HTTP
    /// replies take the zone from the request's [`koine_core::Context`], which the gateway fills with
    /// the same one.
    pub zone: Zone,
}

/// How the `content` of the server's `Ack` frames is written (服务器返回ack消息).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AckContent {
    /// `{"srcId": 5}`, which is what clients that hand it to a JSON parser need.
    #[default]
    Json,
    /// `{'srcId': 5}`, as the document prints it.
    Documented,
}

impl Default for Options {
    fn default() -> Self {
        Self { ack_content: AckContent::default(), handshake: Duration::from_secs(10), zone: Zone::utc() }
    }
}

impl AuthAck {
    /// The dialect with these options.
    pub const fn new(options: Options) -> Self {
        Self { options }
    }
}

impl Dialect for AuthAck {
    fn name(&self) -> &'static str {
        "auth-ack"
    }

    fn endpoints(&self) -> Vec<Box<dyn Endpoint>> {
        http::endpoints()
    }

    fn prefixes(&self) -> &'static [&'static str] {
        &["/"]
    }

    fn http_error(&self, error: &Error) -> HttpResponse {
        error::response(error)
    }

    fn sockets(&self) -> &'static [&'static str] {
        &["/ws", "/"]
    }

    fn claims(&self, _request: &SocketRequest) -> SocketClaim {
        SocketClaim::FirstFrame
    }

    fn recognizes(&self, first_frame: &str) -> bool {
        decode::names_a_message_type(first_frame)
    }

    fn open(&self, _request: &SocketRequest, _opening: Opening) -> Box<dyn Session> {
        Box::new(AuthAckSession::new(self.options.ack_content, self.options.handshake))
    }

    fn encode(&self, event: &Event, view: View) -> Option<Frame> {
        encode::event(event, view)
    }
}
