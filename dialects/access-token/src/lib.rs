//! The access-token dialect: unicast and multicast over one WebSocket per device, and an HTTP API for
//! pulling what was missed and for groups.
//!
//! The wire contract, in full, is this crate's `README.md`. Everything here is a pure function or a
//! state machine that is handed its inputs: no clock, no socket, no randomness.

mod decode;
mod encode;
mod error;
mod http;
mod session;
#[cfg(test)]
mod tests;
mod token;
pub mod wire;

use koine_core::{
    Dialect, Endpoint, Error, Event, Frame, HttpResponse, Opening, Session, SocketClaim, SocketRequest, View,
};

use crate::session::Connection;

/// How the dialect is set up. Nothing in the documented profile can be chosen: how many messages one
/// pull returns and who may notify are decided by the gateway, which holds the messages and the keys.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {}

/// The access-token dialect.
#[derive(Debug, Clone, Copy, Default)]
pub struct AccessToken {}

impl AccessToken {
    /// The dialect's name in configuration and logs.
    pub const NAME: &'static str = "access-token";

    /// Sets the dialect up.
    pub const fn new(_: Options) -> Self {
        Self {}
    }
}

impl Dialect for AccessToken {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn endpoints(&self) -> Vec<Box<dyn Endpoint>> {
        http::endpoints()
    }

    fn prefixes(&self) -> &'static [&'static str] {
        &["/api/", "/notification/"]
    }

    fn http_error(&self, error: &Error) -> HttpResponse {
        error::response(error)
    }

    fn sockets(&self) -> &'static [&'static str] {
        &["/ws", "/"]
    }

    fn claims(&self, request: &SocketRequest) -> SocketClaim {
        if token::is_presented(request) { SocketClaim::Whole } else { SocketClaim::None }
    }

    fn recognizes(&self, _: &str) -> bool {
        false
    }

    fn open(&self, request: &SocketRequest, _: Opening) -> Box<dyn Session> {
        Box::new(Connection::new(token::of_socket(request)))
    }

    fn encode(&self, event: &Event, view: View) -> Option<Frame> {
        encode::event(event, view)
    }
}
