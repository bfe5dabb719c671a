//! One conversation: lines of the terminal and frames of the socket, until either ends.

use std::io::BufRead;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::super::http::{Server, Stream};
use super::talk::{Line, Talk};

/// How long the server may take to open a connection.
const OPENING: Duration = Duration::from_secs(30);
/// How long the server may take to acknowledge what was sent, and to close.
const ENDING: Duration = Duration::from_secs(10);
/// Messages that may wait for their acknowledgement before the next line is read.
const UNANSWERED: usize = 64;

type Socket = WebSocketStream<Box<dyn Stream>>;

/// Connects, says the lines, and closes when there are no more.
pub(super) async fn hold(
    talk: &mut dyn Talk,
    server: &Server,
    lines: mpsc::Receiver<String>,
    screen: Screen,
) -> anyhow::Result<()> {
    for line in talk.prepare().await? {
        screen.show(&line);
    }
    let mut socket = tokio::time::timeout(OPENING, open(server, &talk.path()))
        .await
        .map_err(|_| anyhow!("{} does not answer", server.authority()))??;
    for frame in talk.opening()? {
        send(&mut socket, &screen, frame).await?;
    }
    screen.show(&Line::Notice(format!("connected to {}", server.authority())));
    let mut conversation = Conversation { talk, socket, screen, lines: Some(lines), deadline: None };
    while conversation.step().await? {}
    Ok(())
}

/// The lines of standard input, read on a thread of their own: reading cannot be given up.
pub(super) fn typed() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(UNANSWERED);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

async fn open(server: &Server, path: &str) -> anyhow::Result<Socket> {
    let stream = server.connect().await?;
    let request = format!("ws://{}{path}", server.authority()).into_client_request()?;
    match client_async(request, stream).await {
        Ok((socket, _)) => Ok(socket),
        Err(WsError::Http(response)) => {
            let body = response.body().as_deref().map(String::from_utf8_lossy).unwrap_or_default();
            bail!("the server refused the connection: {} {}", response.status(), body.trim())
        }
        Err(error) => Err(error).with_context(|| format!("no WebSocket connection to {}", server.authority())),
    }
}

async fn send(socket: &mut Socket, screen: &Screen, frame: String) -> anyhow::Result<()> {
    screen.frame('>', &frame);
    socket.send(Message::text(frame)).await.context("the connection broke")
}

struct Conversation<'a> {
    talk: &'a mut dyn Talk,
    socket: Socket,
    screen: Screen,
    /// What the user types; `None` once that has come to an end.
    lines: Option<mpsc::Receiver<String>>,
    /// When to give up, once there is nothing more to say.
    deadline: Option<Instant>,
}

impl Conversation<'_> {
    /// Takes the next line or frame; says whether there is more to come.
    async fn step(&mut self) -> anyhow::Result<bool> {
        let may_say = self.talk.ready() && self.talk.unanswered() < UNANSWERED;
        let deadline = self.deadline;
        tokio::select! {
            frame = self.socket.next() => self.received(frame).await,
            line = next_line(self.lines.as_mut()), if may_say && self.lines.is_some() => {
                if let Some(line) = line {
                    self.say(&line).await?;
                } else {
                    self.lines = None;
                    self.end_if_answered().await?;
                }
                Ok(true)
            }
            () = sleep_until(deadline) => match self.talk.unanswered() {
                0 => bail!("the server does not close the connection"),
                count => bail!("the server did not acknowledge {count} of the messages"),
            },
        }
    }

    async fn say(&mut self, line: &str) -> anyhow::Result<()> {
        if line.is_empty() {
            return Ok(());
        }
        let frame = self.talk.say(line).await?;
        send(&mut self.socket, &self.screen, frame).await
    }

    async fn received(&mut self, message: Option<Result<Message, WsError>>) -> anyhow::Result<bool> {
        match message {
            Some(Ok(Message::Text(text))) => {
                self.screen.frame('<', &text);
                self.heard(&text).await?;
                Ok(true)
            }
            Some(Ok(Message::Close(frame))) => self.closed(frame.as_ref()),
            Some(Ok(_)) => Ok(true),
            Some(Err(WsError::ConnectionClosed)) | None => self.closed(None),
            Some(Err(error)) => Err(error).context("the connection broke"),
        }
    }

    async fn heard(&mut self, text: &str) -> anyhow::Result<()> {
        let heard = match self.talk.hear(text) {
            Ok(heard) => heard,
            Err(error) => {
                self.screen.show(&Line::Problem(format!("a frame cannot be understood: {error:#}")));
                return Ok(());
            }
        };
        for line in &heard.lines {
            self.screen.show(line);
        }
        if let Some(why) = heard.refused {
            bail!("the server refused: {why}");
        }
        for reply in heard.replies {
            send(&mut self.socket, &self.screen, reply).await?;
        }
        self.end_if_answered().await
    }

    /// Closes once there is nothing more to say and all that was said has been answered.
    async fn end_if_answered(&mut self) -> anyhow::Result<()> {
        if self.lines.is_some() {
            return Ok(());
        }
        let first = self.deadline.is_none();
        let deadline = self.deadline.get_or_insert_with(|| Instant::now() + ENDING);
        if self.talk.unanswered() == 0 {
            *deadline = Instant::now() + ENDING;
            let normal = CloseFrame { code: CloseCode::Normal, reason: "".into() };
            match self.socket.close(Some(normal)).await {
                Ok(()) | Err(WsError::ConnectionClosed) => {}
                // Closing again, with frames still coming in, changes nothing.
                Err(WsError::Protocol(_)) if !first => {}
                Err(error) => return Err(error).context("the connection broke"),
            }
        }
        Ok(())
    }

    /// The end is as it should be if this side asked for it.
    fn closed(&self, frame: Option<&CloseFrame>) -> anyhow::Result<bool> {
        if self.lines.is_none() && self.talk.unanswered() == 0 {
            return Ok(false);
        }
        match frame {
            Some(frame) => bail!("the server closed the connection: {} {}", u16::from(frame.code), frame.reason),
            None => bail!("the server closed the connection"),
        }
    }
}

async fn next_line(lines: Option<&mut mpsc::Receiver<String>>) -> Option<String> {
    lines?.recv().await
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// What the user sees: the frames or the talk on standard output, the rest on standard error.
pub(super) struct Screen {
    /// The frames, not the talk.
    pub(super) frames: bool,
    /// Somebody looks on: also what nobody asked about.
    pub(super) terminal: bool,
}

impl Screen {
    fn frame(&self, direction: char, text: &str) {
        if self.frames {
            crate::cli::say(&format!("{direction} {text}"));
        }
    }

    fn show(&self, line: &Line) {
        match line {
            Line::Said { .. } if self.frames => {}
            Line::Said { who, text } => crate::cli::say(&format!("{who}: {text}")),
            Line::Notice(text) if self.terminal => eprintln!("({text})"),
            Line::Notice(_) => {}
            Line::Problem(text) => eprintln!("koine: {text}"),
        }
    }
}

#[cfg(test)]
mod tests;
