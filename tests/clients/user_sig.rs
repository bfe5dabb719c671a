//! A user-sig client: one socket, sessions over HTTP.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};

use super::{Client, Line, Message, Person, items, object, text};
use crate::socket::PATIENCE;
use crate::socket::gateway::Gateway;
use crate::socket::http::Outgoing;
use crate::socket::management::encoded;
use crate::socket::user_sig;
use crate::transcript::Json;

pub(super) struct UserSigClient {
    line: Line,
    address: SocketAddr,
    handle: String,
    sig: String,
}

impl UserSigClient {
    /// Gets a `user_sig`, connects and waits for `SDK_READY`.
    pub(super) fn connect(gateway: &Gateway, me: &Person) -> Result<Self> {
        let sig = user_sig(gateway, &me.handle, &me.key)?;
        let path = format!("/ws/chat/{}/{}/", encoded(&me.handle), encoded(&sig));
        let mut line = Line::open(gateway, "user-sig", &path)?;
        line.wait_for(|frame| is(frame, "SDK_READY"))?;
        Ok(Self { line, address: gateway.address("user-sig")?, handle: me.handle.clone(), sig })
    }

    fn call(&self, request: Outgoing) -> Result<Json> {
        let answer = request.header("Authorization", &self.sig).send(self.address, PATIENCE)?;
        let answer = Json::parse(&String::from_utf8(answer.body)?)?;
        ensure!(text(&answer, &["code"]) == "200", "user-sig answered {answer}");
        answer.get("data").cloned().context("no data")
    }

    fn say(&mut self, session: u64, said: &str) -> Result<()> {
        self.line.send(&object([("to_session", Json::number(session)), ("content", Json::string(said))]))?;
        let done = self.line.wait_for(|frame| is(frame, "MESSAGE_SEND_SUCCESS") || is(frame, "ERROR"))?;
        ensure!(text(&done, &["content"]) == said && is(&done, "MESSAGE_SEND_SUCCESS"), "{done}");
        Ok(())
    }
}

impl Client for UserSigClient {
    fn send(&mut self, to: &Person, said: &str) -> Result<()> {
        let both = [Json::string(self.handle.as_str()), Json::string(to.handle.as_str())];
        let body = object([
            ("name", Json::string("chat")),
            ("type", Json::number(1)),
            ("chat_user_id_list", Json::Array { items: both.into(), open: false }),
        ]);
        let opened = self.call(Outgoing::json("POST", "/chat/create-session/", &body.to_string()))?;
        self.say(text(&opened, &["session", "session_id"]).parse().context("a session id")?, said)
    }

    fn send_to_group(&mut self, group: u64, said: &str) -> Result<()> {
        self.say(group, said)
    }

    fn next(&mut self) -> Result<Message> {
        let frame = self.line.wait_for(|frame| is(frame, "MESSAGE_RECEIVED"))?;
        Ok(Message { from: text(&frame, &["sender"]), text: text(&frame, &["content"]) })
    }

    fn waiting(&mut self, _: usize) -> Result<Vec<Message>> {
        let sessions = self.call(Outgoing::json("GET", "/chat/session-info/?total=1", ""))?;
        let mut waiting = Vec::new();
        for session in items(&sessions, &["session_info_list"])? {
            let unread: usize = text(&session, &["unread_count"]).parse().context("an unread count")?;
            let path = format!("/chat/chat-log-info/?total=1&session_id={}", text(&session, &["session_id"]));
            let logs = items(&self.call(Outgoing::json("GET", &path, ""))?, &["chat_log_info_list"])?;
            let others = logs.iter().filter(|log| text(log, &["sender"]) != self.handle).take(unread);
            let others = others.map(|log| Message { from: text(log, &["sender"]), text: text(log, &["content"]) });
            waiting.extend(others.collect::<Vec<_>>().into_iter().rev());
        }
        Ok(waiting)
    }
}

fn is(frame: &Json, kind: &str) -> bool {
    text(frame, &["type"]) == kind
}
