//! A client of the user-sig dialect: it exchanges its rule key for a `user_sig`, opens the session, and connects.

use std::borrow::Cow;

use anyhow::{bail, ensure};
use http::Method;
use koine_user_sig::wire::{
    ChatLogPage, EventName, MessageFrame, ReplyBody, SendRequest, ServerFrame, Session, SessionData, UserSigData,
};
use percent_encoding::utf8_percent_encode;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::to_raw_value;

use super::super::http::{Body, HttpAnswer, HttpClient, SEGMENT};
use super::talk::{Heard, Line, Party, Peer, Step, Talk, nobody, plain, reply};

const OK: u16 = 200;

pub(super) struct UserSig {
    party: Party,
    http: HttpClient,
    sig: String,
    /// The number of the session to write to, as the wire has it.
    session: Option<String>,
    ready: bool,
    waiting: usize,
}

impl UserSig {
    pub(super) const fn new(party: Party, http: HttpClient) -> Self {
        Self { party, http, sig: String::new(), session: None, ready: false, waiting: 0 }
    }

    async fn exchange(&mut self) -> anyhow::Result<String> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("user_id", &self.party.user)
            .append_pair("token", &self.party.token)
            .finish();
        let data: UserSigData<'static> =
            data(&self.http.send(Method::POST, "/chat/get-user-sig/", Body::Form(form)).await?)?;
        Ok(data.user_sig.into_owned())
    }

    async fn open_session(&mut self, peer: &str) -> anyhow::Result<Session<'static>> {
        let body = serde_json::json!({
            "name": format!("{}, {peer}", self.party.user),
            "type": Session::DIRECT,
            "chat_user_id_list": [&self.party.user, peer],
        });
        let data: SessionData<'static> =
            data(&self.http.send(Method::POST, "/chat/create-session/", Body::Json(body)).await?)?;
        Ok(data.session)
    }

    /// What was said since the user last read the session, the oldest first. Reading confirms it.
    async fn unread(&mut self, session: &Session<'_>) -> anyhow::Result<Vec<Line>> {
        if session.unread_count == 0 {
            return Ok(Vec::new());
        }
        let path = format!("/chat/chat-log-info/?session_id={}&page_size={}", session.session_id, session.unread_count);
        let page: ChatLogPage<'static> = data(&self.http.send(Method::GET, &path, Body::Empty).await?)?;
        let form = format!("session_id={}", session.session_id);
        let marked = self.http.send(Method::POST, "/chat/single-chat-mark-as-read/", Body::Form(form)).await?;
        data::<Value>(&marked)?;
        let others = page.chat_log_info_list.iter().rev().filter(|log| log.sender != self.party.user);
        Ok(others.map(|log| Line::Said { who: log.sender.to_string(), text: plain(&log.content) }).collect())
    }

    fn message(&mut self, frame: &MessageFrame<'_>) -> Heard {
        if frame.name == EventName::MessageSendSuccess {
            self.waiting = self.waiting.saturating_sub(1);
            return Heard::nothing();
        }
        Heard::said(&frame.sender, plain(&frame.content))
    }
}

impl Talk for UserSig {
    fn prepare(&mut self) -> Step<'_, Vec<Line>> {
        Box::pin(async {
            self.sig = self.exchange().await?;
            let sig = self.sig.clone();
            self.http.authorize(&sig)?;
            let peer = match &self.party.peer {
                Some(Peer::User(peer)) => peer.clone(),
                Some(Peer::Group(group)) => {
                    ensure!(group.parse::<u64>().is_ok(), "the id of a group is a number");
                    self.session = Some(group.clone());
                    return Ok(Vec::new());
                }
                None => return Ok(Vec::new()),
            };
            let session = self.open_session(&peer).await?;
            self.session = Some(session.session_id.to_string());
            self.unread(&session).await
        })
    }

    fn path(&self) -> String {
        let segment = |text| utf8_percent_encode(text, SEGMENT);
        format!("/ws/chat/{}/{}/", segment(self.party.user.as_str()), segment(self.sig.as_str()))
    }

    fn ready(&self) -> bool {
        self.ready
    }

    fn say<'a>(&'a mut self, text: &'a str) -> Step<'a, String> {
        Box::pin(async move {
            let session = self.session.as_deref().ok_or_else(nobody)?;
            let request = SendRequest {
                to_session: Some(Cow::Owned(to_raw_value(session)?)),
                content: Some(Cow::Owned(to_raw_value(text)?)),
            };
            self.waiting += 1;
            Ok(serde_json::to_string(&request)?)
        })
    }

    fn hear(&mut self, frame: &str) -> anyhow::Result<Heard> {
        Ok(match ServerFrame::read(frame)? {
            ServerFrame::Ready(_) => {
                self.ready = true;
                Heard::nothing()
            }
            ServerFrame::Message(message) => self.message(&message),
            ServerFrame::Created(created) => Heard::notice(format!("session {} was made", created.session.session_id)),
            ServerFrame::Error(error) => {
                self.waiting = self.waiting.saturating_sub(1);
                Heard::problem(format!("{}: {}", error.code, error.message))
            }
            ServerFrame::KickedOut(_) => Heard::notice("the server ends the connection"),
        })
    }

    fn unanswered(&self) -> usize {
        self.waiting
    }
}

/// The data of a reply whose code says that all is well.
fn data<T: DeserializeOwned>(answer: &HttpAnswer) -> anyhow::Result<T> {
    let body: ReplyBody<'static, Value> = reply(&answer.body)?;
    if body.code != OK {
        bail!("the server refused: {} {}", body.code, body.message);
    }
    Ok(serde_json::from_value(body.data)?)
}
