//! A client of the auth-ack dialect: it learns the numbers of its users, fetches what it missed, asks for an id
//! for every message, and acknowledges what it gets.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, bail};
use http::{Method, StatusCode};
use koine_auth_ack::wire::{
    AckFrame, AuthFrame, ChatType, ErrorFrame, Failure, FreshId, MessageFrame, MessageRow, RegisteredUser, SignalFrame,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::super::http::{Body, HttpClient};
use super::talk::{Heard, Line, Party, Peer, Step, Talk, nobody, reply};

/// The prefix of its HTTP paths, as the document has it.
const PREFIX: &str = "/im";
const UNAUTHENTICATED: u16 = 401;

pub(super) struct AuthAck {
    party: Party,
    http: HttpClient,
    /// The user's number, once it is known.
    number: u64,
    /// The peer's number, or the group's.
    target: Option<Target>,
    names: HashMap<u64, String>,
    /// Acknowledgements of what was fetched.
    fetched: Vec<String>,
    waiting: HashSet<u64>,
}

#[derive(Clone, Copy)]
enum Target {
    User(u64),
    Group(u64),
}

impl AuthAck {
    pub(super) fn new(party: Party, http: HttpClient) -> Self {
        Self {
            party,
            http,
            number: 0,
            target: None,
            names: HashMap::new(),
            fetched: Vec::new(),
            waiting: HashSet::new(),
        }
    }

    async fn post<T: DeserializeOwned>(&mut self, path: &str, body: Value) -> anyhow::Result<T> {
        let answer = self.http.send(Method::POST, &format!("{PREFIX}{path}"), Body::Json(body)).await?;
        if answer.status == StatusCode::OK {
            return reply(&answer.body);
        }
        match serde_json::from_slice::<Failure<'_>>(&answer.body) {
            Ok(failure) => bail!("the server refused: {} {}", failure.code, failure.msg),
            Err(_) => bail!("the server answers {}", answer.status),
        }
    }

    /// Registering a user who exists tells the number.
    async fn number_of(&mut self, user: &str) -> anyhow::Result<u64> {
        let body = json!({ "company": "", "app": "", "thirdUserId": user });
        let registered: RegisteredUser = self.post("/user/register", body).await?;
        self.names.insert(registered.user_id, user.to_owned());
        Ok(registered.user_id)
    }

    fn name(&self, number: u64) -> String {
        self.names.get(&number).cloned().unwrap_or_else(|| number.to_string())
    }

    fn message(&self, frame: &MessageFrame<'_>) -> anyhow::Result<Heard> {
        let mut heard = Heard::said(&self.name(frame.from_user_id), frame.content.to_string());
        if let Some(id) = frame.id {
            heard.replies.push(ack(frame.chat_type, id)?);
        }
        Ok(heard)
    }

    fn acknowledged(&mut self, frame: &AckFrame<'_>) {
        // `{"srcId": 5}`, or with single quotes: the digits are the same.
        let digits: String = frame.content.chars().filter(char::is_ascii_digit).collect();
        if let Ok(id) = digits.parse() {
            self.waiting.remove(&id);
        }
    }

    fn failed(&mut self, frame: &ErrorFrame<'_>) -> Heard {
        if let Some(id) = frame.src_id {
            self.waiting.remove(&id);
        }
        let text = format!("{}: {}", frame.code, frame.content);
        if frame.code == UNAUTHENTICATED { Heard::refused(text) } else { Heard::problem(text) }
    }
}

impl Talk for AuthAck {
    fn prepare(&mut self) -> Step<'_, Vec<Line>> {
        Box::pin(async {
            let user = self.party.user.clone();
            self.number = self.number_of(&user).await?;
            let peer = match &self.party.peer {
                Some(Peer::User(peer)) => Some(peer.clone()),
                Some(Peer::Group(group)) => {
                    self.target = Some(Target::Group(group.parse().context("the id of a group is a number")?));
                    None
                }
                None => None,
            };
            if let Some(peer) = peer {
                self.target = Some(Target::User(self.number_of(&peer).await?));
            }
            self.http.authorize(&format!("Bearer {}", self.party.token))?;
            let rows: Vec<Value> = self.post("/message/offline", json!({ "userId": self.number })).await?;
            let mut lines = Vec::new();
            for row in rows {
                let text = row.to_string();
                let row: MessageRow<'_> = serde_json::from_str(&text)?;
                self.fetched.push(ack(row.chat_type, row.id)?);
                lines.push(Line::Said { who: self.name(row.from_user_id), text: row.content.to_string() });
            }
            Ok(lines)
        })
    }

    fn path(&self) -> String {
        "/ws".to_owned()
    }

    fn opening(&mut self) -> anyhow::Result<Vec<String>> {
        let auth =
            AuthFrame { msg_type: "Auth".into(), from_user_id: self.number, content: self.party.token.as_str().into() };
        let mut frames = vec![serde_json::to_string(&auth)?];
        frames.append(&mut self.fetched);
        Ok(frames)
    }

    fn say<'a>(&'a mut self, text: &'a str) -> Step<'a, String> {
        Box::pin(async move {
            let (chat_type, to_user_id, team_id) = match self.target.ok_or_else(nobody)? {
                Target::User(number) => (ChatType::Single, Some(number), None),
                Target::Group(number) => (ChatType::Group, None, Some(number)),
            };
            let FreshId { id } = self.post("/message/get/id", json!({})).await?;
            let frame = MessageFrame {
                id: Some(id),
                from_user_id: self.number,
                to_user_id,
                team_id,
                chat_type,
                msg_type: "Text".into(),
                content: text.into(),
                timestamp: None,
            };
            let frame = serde_json::to_string(&frame)?;
            self.waiting.insert(id);
            Ok(frame)
        })
    }

    fn hear(&mut self, frame: &str) -> anyhow::Result<Heard> {
        match serde_json::from_str::<SignalFrame<'_>>(frame)?.msg_type.as_ref() {
            "Ack" => {
                self.acknowledged(&serde_json::from_str(frame)?);
                Ok(Heard::nothing())
            }
            "Error" => Ok(self.failed(&serde_json::from_str(frame)?)),
            "Heartbeat" | "Ping" | "Pong" | "Event" => Ok(Heard::nothing()),
            _ => self.message(&serde_json::from_str(frame)?),
        }
    }

    fn unanswered(&self) -> usize {
        self.waiting.len()
    }
}

fn ack(chat_type: ChatType, id: u64) -> anyhow::Result<String> {
    let content = json!({ "srcId": id }).to_string();
    let frame = AckFrame { id: None, chat_type, msg_type: "Ack".into(), content: content.into() };
    Ok(serde_json::to_string(&frame)?)
}
