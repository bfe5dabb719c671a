//! An auth-ack client: ids from the server, an Ack for every message received.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};

use super::{Client, Line, Message, Person, items, object, text};
use crate::socket::PATIENCE;
use crate::socket::gateway::Gateway;
use crate::socket::http::Outgoing;
use crate::transcript::Json;

pub(super) struct AuthAckClient {
    line: Line,
    address: SocketAddr,
    number: u64,
    token: String,
}

impl AuthAckClient {
    /// Connects, authenticates, and makes sure that it was taken.
    pub(super) fn connect(gateway: &Gateway, me: &Person) -> Result<Self> {
        let mut line = Line::open(gateway, "auth-ack", "/ws")?;
        line.send(&object([
            ("msgType", Json::string("Auth")),
            ("fromUserId", Json::number(me.number)),
            ("content", Json::string(format!("{{'{}'}}", me.token))),
        ]))?;
        line.send(&object([("msgType", Json::string("Ping"))]))?;
        let taken = line.wait_for(|frame| is(frame, "Pong") || is(frame, "Error"))?;
        ensure!(is(&taken, "Pong"), "{taken}");
        Ok(Self { line, address: gateway.address("auth-ack")?, number: me.number, token: me.token.clone() })
    }

    fn say(&mut self, chat: &str, target: (&str, u64), said: &str) -> Result<()> {
        let id =
            call(self.address, &self.token, "/im/message/get/id", &object([]))?.get("id").cloned().context("no id")?;
        self.line.send(&object([
            ("id", id.clone()),
            ("fromUserId", Json::number(self.number)),
            (target.0, Json::number(target.1)),
            ("chatType", Json::string(chat)),
            ("msgType", Json::string("Text")),
            ("content", Json::string(said)),
        ]))?;
        let done = self.line.wait_for(|frame| is(frame, "Ack") || is(frame, "Error"))?;
        let acknowledged = Json::parse(&text(&done, &["content"])).with_context(|| done.to_string())?;
        ensure!(acknowledged.get("srcId") == Some(&id), "{done}");
        Ok(())
    }

    /// Acknowledges a message and shows it.
    fn taken(&self, message: &Json) -> Result<Message> {
        let id = message.get("id").cloned().with_context(|| format!("no id in {message}"))?;
        self.line.send(&object([
            ("id", Json::number(1)),
            ("chatType", Json::string("Single")),
            ("msgType", Json::string("Ack")),
            ("content", Json::string(object([("srcId", id)]).to_string())),
        ]))?;
        Ok(shown(message))
    }
}

impl Client for AuthAckClient {
    fn send(&mut self, to: &Person, said: &str) -> Result<()> {
        self.say("Single", ("toUserId", to.number), said)
    }

    fn send_to_group(&mut self, group: u64, said: &str) -> Result<()> {
        self.say("Group", ("teamId", group), said)
    }

    fn next(&mut self) -> Result<Message> {
        let frame = self.line.wait_for(|frame| ["Text", "Image"].contains(&text(frame, &["msgType"]).as_str()))?;
        self.taken(&frame)
    }

    fn waiting(&mut self, _: usize) -> Result<Vec<Message>> {
        offline(self.address, self.number, &self.token)?.iter().map(|message| self.taken(message)).collect()
    }
}

/// What is pending for a user; asking changes nothing.
pub(super) fn offline(address: SocketAddr, number: u64, token: &str) -> Result<Vec<Json>> {
    items(&call(address, token, "/im/message/offline", &object([("userId", Json::number(number))]))?, &[])
}

fn call(address: SocketAddr, token: &str, path: &str, body: &Json) -> Result<Json> {
    let request = Outgoing::json("POST", path, &body.to_string()).header("Authorization", &format!("Bearer {token}"));
    let answer = request.send(address, PATIENCE)?;
    let status = answer.status;
    let answer = Json::parse(&String::from_utf8(answer.body)?)?;
    ensure!(status == 200, "{path} was answered with {status}: {answer}");
    Ok(answer)
}

fn shown(message: &Json) -> Message {
    Message { from: text(message, &["fromUserId"]), text: text(message, &["content"]) }
}

fn is(frame: &Json, kind: &str) -> bool {
    text(frame, &["msgType"]) == kind
}
