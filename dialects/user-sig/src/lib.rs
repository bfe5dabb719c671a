//! The user-sig dialect as a pure codec: sessions addressed by number, and a short-lived `user_sig` that a
//! WebSocket carries in its path and an HTTP request in `Authorization`.
//!
//! The wire contract, what the dialect cannot say and what was decided where the document is silent are in the
//! crate's README. [`wire`] has the types of the wire for both ends.

mod encode;
mod error;
mod http;
mod params;
mod session;
mod show;
#[cfg(test)]
mod tests;
pub mod wire;
mod write;

use koine_core::{
    Dialect, Endpoint, Error, Event, Frame, HttpResponse, Opening, Session, SocketClaim, SocketRequest, View, Zone,
};

/// The user-sig dialect.
#[derive(Debug, Clone)]
pub struct UserSig {
    options: Options,
}

/// What an operator can choose about the dialect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Whether the members of a new session are told with `CONVERSATION_CREATED`. Default: true.
    pub announce_sessions: bool,
    /// Whether everyone sees everyone's birthday, identity card number, phone and email; else only the user
    /// sees them. Default: false.
    pub full_profiles: bool,
    /// The zone of the dates in frames; HTTP replies use the zone of their request's context, and the gateway
    /// gives both the same. Default: UTC.
    pub zone: Zone,
}

impl Default for Options {
    fn default() -> Self {
        Self { announce_sessions: true, full_profiles: false, zone: Zone::utc() }
    }
}

impl UserSig {
    /// The dialect with an operator's choices.
    pub const fn new(options: Options) -> Self {
        Self { options }
    }
}

impl Dialect for UserSig {
    fn name(&self) -> &'static str {
        "user-sig"
    }

    fn endpoints(&self) -> Vec<Box<dyn Endpoint>> {
        http::endpoints(self.options.full_profiles)
    }

    fn prefixes(&self) -> &'static [&'static str] {
        &["/chat/", "/file/", "/ws/chat/"]
    }

    fn http_error(&self, error: &Error) -> HttpResponse {
        http::failure(error)
    }

    /// `WebSocket接口` - 聊天.
    fn sockets(&self) -> &'static [&'static str] {
        // Who has no user_sig, or no user_id, has a bad one.
        &["/ws/chat/{user_id}/{user_sig}/", "/ws/chat/{user_id}/", "/ws/chat//{user_sig}/"]
    }

    fn claims(&self, _: &SocketRequest) -> SocketClaim {
        SocketClaim::Whole
    }

    fn recognizes(&self, _: &str) -> bool {
        false
    }

    fn open(&self, request: &SocketRequest, opening: Opening) -> Box<dyn Session> {
        Box::new(session::UserSigSession::new(request, &opening))
    }

    fn encode(&self, event: &Event, view: View) -> Option<Frame> {
        encode::encode(&self.options, event, view)
    }
}
