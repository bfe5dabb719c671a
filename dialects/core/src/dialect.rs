//! A dialect: a table of endpoints, a kind of session, and a way to say events.

use http::HeaderMap;

use crate::{Endpoint, Error, Event, Frame, HttpResponse, Opening, Session, View};

/// One of the protocols that legacy clients speak, as pure functions.
pub trait Dialect: Send + Sync {
    /// Its name, as the configuration and the logs have it.
    fn name(&self) -> &'static str;

    /// Its HTTP endpoints.
    fn endpoints(&self) -> Vec<Box<dyn Endpoint>>;

    /// The first parts of the paths whose unknown continuations are answered in this dialect's error
    /// form (`/chat/`), below the configured prefix.
    fn prefixes(&self) -> &'static [&'static str];

    /// The form of an error that no endpoint of this dialect answers for (`RouteNotFound`).
    fn http_error(&self, error: &Error) -> HttpResponse;

    /// The paths its WebSockets are opened on, in `matchit`'s notation.
    fn sockets(&self) -> &'static [&'static str];

    /// Whether an upgrade request on one of its paths is its own. Asked of every dialect on the path;
    /// a whole claim wins over one by first frame. A dialect that is alone on its listener gets every
    /// upgrade on its paths.
    fn claims(&self, request: &SocketRequest) -> SocketClaim;

    /// Whether a first frame, on a path that several dialects claim by it, is this dialect's.
    fn recognizes(&self, first_frame: &str) -> bool;

    /// A session for an upgrade request that is its own.
    fn open(&self, request: &SocketRequest, opening: Opening) -> Box<dyn Session>;

    /// How it says an event to one side; `None` where it cannot say it (its README lists what).
    fn encode(&self, event: &Event, view: View) -> Option<Frame>;
}

/// Whether an upgrade request is a dialect's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketClaim {
    /// It is, by path or query.
    Whole,
    /// It may be: the first frame will tell.
    FirstFrame,
    /// It is not.
    None,
}

/// An upgrade request.
#[derive(Debug, Clone)]
pub struct SocketRequest {
    /// The captures of the path pattern, percent-decoded once.
    pub path: Vec<(String, String)>,
    /// The query, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Its headers.
    pub headers: HeaderMap,
}

impl SocketRequest {
    /// A capture of the path pattern.
    pub fn capture(&self, name: &str) -> Option<&str> {
        self.path.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first query parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}
