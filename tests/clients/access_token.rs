//! An access-token client: no receipts, offline messages by pull.

use std::net::SocketAddr;

use anyhow::{Result, ensure};

use super::{Client, Line, Message, Person, items, object, text};
use crate::socket::PATIENCE;
use crate::socket::gateway::Gateway;
use crate::socket::http::Outgoing;
use crate::socket::management::encoded;
use crate::transcript::Json;

pub(super) struct AccessTokenClient {
    line: Line,
    address: SocketAddr,
    token: String,
}

impl AccessTokenClient {
    /// Connects with the token in the query.
    pub(super) fn connect(gateway: &Gateway, me: &Person) -> Result<Self> {
        let line = Line::open(gateway, "access-token", &format!("/ws?access_token={}", encoded(&me.token)))?;
        Ok(Self { line, address: gateway.address("access-token")?, token: me.token.clone() })
    }
}

impl Client for AccessTokenClient {
    fn send(&mut self, to: &Person, said: &str) -> Result<()> {
        self.line.send(&object([
            ("type", Json::string("unicast")),
            ("receiverId", Json::string(to.handle.as_str())),
            ("content", Json::string(said)),
        ]))
    }

    fn send_to_group(&mut self, group: u64, said: &str) -> Result<()> {
        self.line.send(&object([
            ("type", Json::string("multicast")),
            ("groupId", Json::string(group.to_string())),
            ("content", Json::string(said)),
        ]))
    }

    fn next(&mut self) -> Result<Message> {
        let frame = self.line.wait_for(|frame| ["unicast", "multicast"].contains(&text(frame, &["type"]).as_str()))?;
        Ok(shown(&frame))
    }

    fn waiting(&mut self, _: usize) -> Result<Vec<Message>> {
        let path = format!("/api/message?access_token={}", encoded(&self.token));
        let answer = Outgoing { method: "GET".to_owned(), target: path, ..Outgoing::default() };
        let answer = answer.send(self.address, PATIENCE)?;
        ensure!(answer.status == 200, "the pull was answered with {}", answer.status);
        let answer = Json::parse(&String::from_utf8(answer.body)?)?;
        let mut waiting = Vec::new();
        for sender in items(&answer, &[])? {
            waiting.extend(items(&sender, &["messages"])?.iter().map(shown));
        }
        Ok(waiting)
    }
}

fn shown(message: &Json) -> Message {
    Message { from: text(message, &["senderId"]), text: text(message, &["content"]) }
}
