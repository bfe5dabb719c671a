//! The status-code dialect: one WebSocket is one chat with one user (一对一聊天模块 API 文档).
//!
//! The README beside this crate is the wire contract; [`wire`] has the frames themselves.

mod encode;
mod error;
mod session;
pub mod wire;

use koine_core::{
    Dialect, Endpoint, Error, Event, Frame, Handle, HttpResponse, Opening, Session, SocketClaim, SocketRequest, Token,
    View, Zone,
};

use crate::session::ChatSession;

/// The name of the path's capture: the user to chat with.
const PEER: &str = "dest_user";

/// The status-code dialect.
#[derive(Debug, Clone, Default)]
pub struct StatusCode {
    options: Options,
}

/// What can be set about the dialect.
#[derive(Debug, Clone)]
pub struct Options {
    /// The zone `send_time` is shown in; UTC by default.
    pub zone: Zone,
}

impl Default for Options {
    fn default() -> Self {
        Self { zone: Zone::utc() }
    }
}

impl StatusCode {
    /// The dialect with these options.
    pub const fn new(options: Options) -> Self {
        Self { options }
    }
}

impl Dialect for StatusCode {
    fn name(&self) -> &'static str {
        "status-code"
    }

    /// None: the dialect is its WebSocket.
    fn endpoints(&self) -> Vec<Box<dyn Endpoint>> {
        Vec::new()
    }

    fn prefixes(&self) -> &'static [&'static str] {
        &["/v1/chat/"]
    }

    fn http_error(&self, error: &Error) -> HttpResponse {
        error::response(error)
    }

    fn sockets(&self) -> &'static [&'static str] {
        // Nobody is no user, which is said after the handshake.
        &["/v1/chat/{dest_user}", "/v1/chat/"]
    }

    fn claims(&self, _request: &SocketRequest) -> SocketClaim {
        SocketClaim::Whole
    }

    /// Never asked: its path is its own.
    fn recognizes(&self, _first_frame: &str) -> bool {
        false
    }

    fn open(&self, request: &SocketRequest, _opening: Opening) -> Box<dyn Session> {
        let segment = request.capture(PEER).unwrap_or_default();
        let peer = Handle::new(segment).map_err(|_| segment.into());
        let token = request.parameter("token").filter(|token| !token.is_empty()).map(Token::new);
        Box::new(ChatSession::new(peer, token))
    }

    fn encode(&self, event: &Event, view: View) -> Option<Frame> {
        encode::event(event, view, &self.options.zone)
    }
}
