//! A client of the status-code dialect: one connection, one peer.

use koine_status_code::wire::{Body, ClientFrame, ServerFrame, status};
use percent_encoding::utf8_percent_encode;

use super::super::http::SEGMENT;
use super::talk::{Heard, Step, Talk};

pub(super) struct StatusCode {
    peer: String,
    token: String,
}

impl StatusCode {
    pub(super) const fn new(peer: String, token: String) -> Self {
        Self { peer, token }
    }
}

impl Talk for StatusCode {
    fn path(&self) -> String {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("token", &self.token).finish();
        format!("/v1/chat/{}?{query}", utf8_percent_encode(&self.peer, SEGMENT))
    }

    fn say<'a>(&'a mut self, text: &'a str) -> Step<'a, String> {
        Box::pin(async move { Ok(serde_json::to_string(&ClientFrame { msg: text.into() })?) })
    }

    fn hear(&mut self, frame: &str) -> anyhow::Result<Heard> {
        let frame: ServerFrame<'_> = serde_json::from_str(frame)?;
        Ok(match (frame.status, frame.body) {
            (status::MESSAGE, Body::Chat(chat)) => Heard::said(&chat.from_user, chat.msg.into_owned()),
            (status::LOGIN | status::LOGOUT, _) => Heard::notice(frame.msg),
            (status::BAD_TOKEN | status::NO_SUCH_USER, _) => Heard::refused(frame.msg),
            (other, _) => Heard::problem(format!("{other}: {}", frame.msg)),
        })
    }
}
