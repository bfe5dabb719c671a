//! The ceiling: the least that a chat server can do, to hold the gateway against.
//!
//! ```text
//! koine-ceiling FILE   parse, append to FILE, synchronise once per batch, forward, acknowledge
//! koine-ceiling        forward, and nothing else
//! ```
//!
//! Clients connect as `/?user=N&peer=M` and are greeted with `ready`; a peer of 0 is everybody else. A message is
//! `{"to":M,"id":K,"text":"..."}`; its receiver gets `{"from":N,"id":K,"text":"..."}`, its sender `{"ack":K}` unless it
//! connected with `&ack=no`. A receiver may answer `{"confirmed":K}`, which is read and nothing else.
//! The relay that only forwards sends what it got. Everything runs on one thread, but for the file's.

mod journal;
mod room;

use std::io::Write;
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use journal::{Entry, Journal};
use room::Room;

/// The room of a read and of a write, in bytes; tungstenite's own are far larger and cost time.
const BUFFER: usize = 4 * 1024;
/// Frames that are written together at most.
const TOGETHER: usize = 64;

#[derive(Deserialize)]
struct Sent<'a> {
    to: u64,
    id: u64,
    text: &'a str,
}

#[derive(Deserialize)]
struct Confirmed {
    #[expect(dead_code, reason = "that it can be read is all")]
    confirmed: u64,
}

#[derive(Serialize)]
struct Forwarded<'a> {
    from: u64,
    id: u64,
    text: &'a str,
}

fn main() -> anyhow::Result<()> {
    let file = std::env::args_os().nth(1);
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let room = Arc::new(Room::default());
        let journal = file.map(|file| Journal::open(file.as_ref(), room.clone())).transpose()?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut out = std::io::stdout();
        writeln!(out, "{}", listener.local_addr()?)?;
        out.flush()?;
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                let (room, journal) = (room.clone(), journal.clone());
                // What goes wrong on one connection concerns nobody else.
                tokio::spawn(async move { drop(serve(stream, &room, journal).await) });
            }
        }
    })
}

async fn serve(stream: TcpStream, room: &Room, journal: Option<Journal>) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(BUFFER).write_buffer_size(BUFFER);
    let (mut user, mut peer, mut acknowledged) = (0, 0, true);
    #[expect(clippy::result_large_err, reason = "the library's own type")]
    let note = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        let query = request.uri().query().unwrap_or_default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "user" => user = value.parse().unwrap_or(0),
                "peer" => peer = value.parse().unwrap_or(0),
                "ack" => acknowledged = value != "no",
                _ => {}
            }
        }
        Ok(response)
    };
    let mut socket = tokio_tungstenite::accept_hdr_async_with_config(stream, note, Some(config)).await?;
    let (sender, mut outgoing) = mpsc::unbounded_channel();
    room.join(user, sender);
    socket.send(Message::text("ready")).await?;
    loop {
        tokio::select! {
            frame = outgoing.recv() => {
                let Some(frame) = frame else { break };
                socket.feed(Message::Text(frame)).await?;
                for _ in 1..TOGETHER {
                    let Ok(frame) = outgoing.try_recv() else { break };
                    socket.feed(Message::Text(frame)).await?;
                }
                socket.flush().await?;
            }
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => match &journal {
                    Some(journal) => take(user, &text, acknowledged, journal)?,
                    None => room.send(user, peer, &text),
                },
                Some(Ok(_)) => {}
                Some(Err(_)) | None => break,
            },
        }
    }
    room.leave(user);
    Ok(())
}

/// Hands a message to the file's thread, which forwards it.
fn take(user: u64, text: &str, acknowledged: bool, journal: &Journal) -> anyhow::Result<()> {
    if text.starts_with(r#"{"confirmed""#) {
        let _: Confirmed = serde_json::from_str(text)?;
        return Ok(());
    }
    let sent: Sent<'_> = serde_json::from_str(text)?;
    let forwarded = Forwarded { from: user, id: sent.id, text: sent.text };
    let frame = Utf8Bytes::from(serde_json::to_string(&forwarded)?);
    let ack = acknowledged.then(|| Utf8Bytes::from(format!(r#"{{"ack":{}}}"#, sent.id)));
    journal.append(Entry { from: user, to: sent.to, frame, ack });
    Ok(())
}
