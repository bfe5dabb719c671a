//! A status-code client: one connection is one chat.

use anyhow::{Result, bail, ensure};

use super::{Client, Line, Message, Person, object, text};
use crate::socket::gateway::Gateway;
use crate::socket::management::encoded;
use crate::transcript::Json;

pub(super) struct StatusCodeClient {
    line: Line,
    peer: String,
}

impl StatusCodeClient {
    /// Opens the chat with `peer`.
    pub(super) fn connect(gateway: &Gateway, me: &Person, peer: &Person) -> Result<Self> {
        let path = format!("/v1/chat/{}?token={}", encoded(&peer.handle), encoded(&me.token));
        Ok(Self { line: Line::open(gateway, "status-code", &path)?, peer: peer.handle.clone() })
    }
}

impl Client for StatusCodeClient {
    fn send(&mut self, to: &Person, said: &str) -> Result<()> {
        ensure!(to.handle == self.peer, "this client is facing {}", self.peer);
        self.line.send(&object([("msg", Json::string(said))]))
    }

    fn send_to_group(&mut self, _: u64, _: &str) -> Result<()> {
        bail!("status-code has no groups")
    }

    fn next(&mut self) -> Result<Message> {
        let frame = self.line.wait_for(|frame| text(frame, &["status"]) == "30001")?;
        Ok(Message { from: text(&frame, &["body", "from_user"]), text: text(&frame, &["body", "msg"]) })
    }

    fn waiting(&mut self, count: usize) -> Result<Vec<Message>> {
        (0..count).map(|_| self.next()).collect()
    }
}
