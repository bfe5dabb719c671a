//! A client of the access-token dialect: it pulls what it missed, then connects.

use anyhow::bail;
use http::{Method, StatusCode};
use koine_access_token::wire::{ErrorBody, FromSender, Message, MessageType, Send, ServerFrame};
use serde_json::value::RawValue;

use super::super::http::{Body, HttpClient};
use super::talk::{Heard, Line, Party, Peer, Step, Talk, nobody, plain, reply};

pub(super) struct AccessToken {
    party: Party,
    http: HttpClient,
}

impl AccessToken {
    pub(super) const fn new(party: Party, http: HttpClient) -> Self {
        Self { party, http }
    }

    fn query(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).append_pair("access_token", &self.party.token).finish()
    }
}

impl Talk for AccessToken {
    fn prepare(&mut self) -> Step<'_, Vec<Line>> {
        Box::pin(async {
            let path = format!("/api/message?{}", self.query());
            let answer = self.http.send(Method::GET, &path, Body::Empty).await?;
            if answer.status != StatusCode::OK {
                let why = serde_json::from_slice::<ErrorBody<'_>>(&answer.body).map(|body| body.error.into_owned());
                bail!("the server refused: {}", why.unwrap_or_else(|_| answer.status.to_string()));
            }
            let pending: Vec<FromSender<'static>> = reply(&answer.body)?;
            let mut messages: Vec<_> = pending.into_iter().flat_map(|sender| sender.messages).collect();
            messages.sort_by_key(|message| message.timestamp);
            Ok(messages.iter().flat_map(|message| said(message).lines).collect())
        })
    }

    fn path(&self) -> String {
        format!("/ws?{}", self.query())
    }

    fn say<'a>(&'a mut self, text: &'a str) -> Step<'a, String> {
        Box::pin(async move {
            let (kind, receiver_id, group_id) = match &self.party.peer {
                Some(Peer::User(user)) => (MessageType::Unicast, Some(user.into()), None),
                Some(Peer::Group(group)) => (MessageType::Multicast, None, Some(group.into())),
                None => return Err(nobody()),
            };
            Ok(serde_json::to_string(&Send { kind, receiver_id, group_id, content: text })?)
        })
    }

    fn hear(&mut self, frame: &str) -> anyhow::Result<Heard> {
        Ok(match ServerFrame::read(frame)? {
            ServerFrame::Message(message) => said(&message),
            ServerFrame::Notification(notification) => {
                Heard::notice(format!("{}: {}", notification.notification_type, plain(&notification.content)))
            }
            ServerFrame::Failure(failure) => Heard::problem(format!("{}: {}", failure.code, failure.content)),
            ServerFrame::Unknown => Heard::nothing(),
        })
    }
}

fn said(message: &Message<'_, Box<RawValue>>) -> Heard {
    Heard::said(&message.sender_id, plain(&message.content))
}
