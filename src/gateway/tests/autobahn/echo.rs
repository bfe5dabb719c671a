//! A dialect that says every text back.

use std::sync::Arc;

use http::StatusCode;
use koine_core::{
    Dialect, Endpoint, Error, Event, Frame, HttpResponse, Input, Opening, Outputs, Session, SocketClaim, SocketRequest,
    Timestamp, View,
};

/// Opened on one path, told from others as any dialect is: by the path, or by the first frame.
pub(super) struct Echo {
    paths: &'static [&'static str],
    claim: SocketClaim,
}

impl Echo {
    /// On these paths.
    pub(super) fn on(paths: &'static [&'static str], claim: SocketClaim) -> Arc<dyn Dialect> {
        Arc::new(Self { paths, claim })
    }
}

impl Dialect for Echo {
    fn name(&self) -> &'static str {
        "echo"
    }

    fn endpoints(&self) -> Vec<Box<dyn Endpoint>> {
        Vec::new()
    }

    fn prefixes(&self) -> &'static [&'static str] {
        &[]
    }

    fn http_error(&self, _: &Error) -> HttpResponse {
        HttpResponse::empty(StatusCode::NOT_FOUND)
    }

    fn sockets(&self) -> &'static [&'static str] {
        self.paths
    }

    fn claims(&self, _: &SocketRequest) -> SocketClaim {
        self.claim
    }

    fn recognizes(&self, _: &str) -> bool {
        true
    }

    fn open(&self, _: &SocketRequest, _: Opening) -> Box<dyn Session> {
        Box::new(Echoing)
    }

    fn encode(&self, _: &Event, _: View) -> Option<Frame> {
        None
    }
}

struct Echoing;

impl Session for Echoing {
    fn handle(&mut self, _: Timestamp, input: Input<'_>, out: &mut Outputs) {
        match input {
            Input::Opened => out.accept(),
            Input::Frame(text) => out.send(text.to_owned()),
            Input::Refused(..) | Input::Reply(..) | Input::Wake | Input::Ended(_) | Input::Closing => {}
        }
    }
}
