//! What waited, in each dialect's own way of catching up, and what the log says.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::dialect::{Dialect, Heard, Mark, Person};
use crate::http;
use crate::line::user_sig;
use crate::process::Place;

/// One message of a conversation's log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Logged {
    pub(crate) seq: u64,
    pub(crate) id: u64,
    /// The time shown.
    pub(crate) time: jiff::Timestamp,
    /// `None` for one that is not of the test.
    pub(crate) mark: Option<Mark>,
}

/// What a person has to ask for, oldest first; `conversations` are the person's.
///
/// access-token and auth-ack take it off the server, user-sig reads its history. The others are pushed what
/// waits, and ask for nothing.
pub(crate) async fn ask(place: &Place, me: &Person, conversations: &[u64]) -> Result<Vec<Mark>> {
    match me.dialect {
        Dialect::UserSig => histories(place, me, conversations).await,
        Dialect::AccessToken => pull(place, me).await,
        Dialect::AuthAck => offline(place, me).await,
        Dialect::StatusCode | Dialect::Envelope => Ok(Vec::new()),
    }
}

async fn pull(place: &Place, me: &Person) -> Result<Vec<Mark>> {
    let path = format!("/api/message?access_token={}", me.token);
    let mut all = Vec::new();
    loop {
        let answer = http::call(place.clients, "GET", &path, &[], None).await?;
        ensure!(answer.status == 200, "the pull was answered with {}", answer.status);
        let senders = answer.body.as_array().context("no array")?;
        if senders.is_empty() {
            return Ok(all);
        }
        let messages = senders.iter().filter_map(|sender| sender.pointer("/messages")?.as_array()).flatten();
        all.extend(heard(me.dialect, messages));
    }
}

async fn offline(place: &Place, me: &Person) -> Result<Vec<Mark>> {
    let bearer = format!("Bearer {}", me.token);
    let (mut all, mut taken) = (Vec::new(), Vec::<Value>::new());
    loop {
        let body = json!({"userId": me.number, "ack": taken});
        let headers = [("authorization", bearer.as_str())];
        let answer = http::call(place.clients, "POST", "/im/message/offline", &headers, Some(&body)).await?;
        ensure!(answer.status == 200, "offline messages: {}: {}", answer.status, answer.body);
        let messages = answer.body.as_array().context("no array")?;
        if messages.is_empty() {
            return Ok(all);
        }
        all.extend(heard(me.dialect, messages.iter()));
        taken = messages.iter().filter_map(|message| message.pointer("/id").cloned()).collect();
    }
}

async fn histories(place: &Place, me: &Person, conversations: &[u64]) -> Result<Vec<Mark>> {
    let sig = user_sig(place, me).await?;
    let mut all = Vec::new();
    for conversation in conversations {
        let path = format!("/chat/chat-log-info/?total=1&session_id={conversation}");
        let answer = http::call(place.clients, "GET", &path, &[("authorization", &sig)], None).await?;
        let logs = answer.body.pointer("/data/chat_log_info_list").and_then(Value::as_array);
        let logs = logs.with_context(|| format!("no history: {}", answer.body))?;
        let others = logs.iter().rev().filter(|log| log.pointer("/sender").and_then(Value::as_str) != Some(&me.handle));
        all.extend(others.filter_map(|log| Mark::of(log.pointer("/content")?.as_str()?)));
    }
    Ok(all)
}

fn heard<'a>(dialect: Dialect, frames: impl Iterator<Item = &'a Value>) -> impl Iterator<Item = Mark> {
    frames.filter_map(move |frame| match dialect.hear(frame) {
        Heard::Message(mark, _) => Some(mark),
        _ => None,
    })
}

/// The whole log of a conversation, as the operator sees it, oldest first.
pub(crate) async fn log(place: &Place, conversation: u64) -> Result<Vec<Logged>> {
    let (mut log, mut before) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/conversations/{conversation}/messages?limit=1000{before}");
        let page = place.manage("GET", &path, None).await?;
        for item in page.pointer("/items").and_then(Value::as_array).context("no items")? {
            let number = |at| item.pointer(at).and_then(Value::as_u64).context("no number");
            let mark = item.pointer("/content").and_then(Value::as_str).and_then(Mark::of);
            let time = item.pointer("/sent_at").and_then(Value::as_str).context("no time")?.parse()?;
            log.push(Logged { seq: number("/seq")?, id: number("/id")?, time, mark });
        }
        match page.pointer("/next") {
            Some(Value::Number(next)) => before = format!("&before={next}"),
            Some(Value::String(next)) => before = format!("&before={next}"),
            _ => break,
        }
    }
    log.reverse();
    Ok(log)
}
