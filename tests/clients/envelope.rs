//! An envelope client: everything over one socket, a token in every request.

use anyhow::{Result, ensure};

use super::{Client, Line, Message, Person, object, text};
use crate::socket::gateway::Gateway;
use crate::transcript::Json;

pub(super) struct EnvelopeClient {
    line: Line,
    token: String,
    sent: u64,
}

impl EnvelopeClient {
    /// Connects and logs in.
    pub(super) fn connect(gateway: &Gateway, me: &Person) -> Result<Self> {
        let mut line = Line::open(gateway, "envelope", "/chat")?;
        let params = object([("token", Json::string(me.token.as_str()))]);
        line.send(&object([("url", Json::string("/chat/login")), ("params", params)]))?;
        let login = line.wait_for(|frame| text(frame, &["msgType"]) == "8")?;
        ensure!(text(&login, &["data", "code"]) == "200", "{login}");
        Ok(Self { line, token: me.token.clone(), sent: 0 })
    }

    fn say(&mut self, url: &str, target: (&str, String), said: &str) -> Result<()> {
        self.sent += 1;
        let number = format!("{}-{}", std::process::id(), self.sent);
        let params = object([
            ("token", Json::string(self.token.as_str())),
            ("uniqueNo", Json::string(number.as_str())),
            ("messageContent", Json::string(said)),
            (target.0, Json::string(target.1)),
        ]);
        self.line.send(&object([("url", Json::string(url)), ("params", params)]))?;
        let done = self.line.wait_for(|frame| text(frame, &["obj", "uniqueNo"]) == number)?;
        ensure!(text(&done, &["code"]) == "200", "{done}");
        Ok(())
    }
}

impl Client for EnvelopeClient {
    fn send(&mut self, to: &Person, said: &str) -> Result<()> {
        self.say("/chat/sendMessage", ("receiveUserId", to.handle.clone()), said)
    }

    fn send_to_group(&mut self, group: u64, said: &str) -> Result<()> {
        self.say("/chat/sendGroupMessage", ("groupId", group.to_string()), said)
    }

    fn next(&mut self) -> Result<Message> {
        let frame = self.line.wait_for(|frame| ["1", "2"].contains(&text(frame, &["msgType"]).as_str()))?;
        Ok(Message { from: text(&frame, &["data", "sendUserId"]), text: text(&frame, &["data", "messageContent"]) })
    }

    fn waiting(&mut self, count: usize) -> Result<Vec<Message>> {
        (0..count).map(|_| self.next()).collect()
    }
}
