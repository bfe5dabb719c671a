//! One authenticated connection of a client.

use std::net::{SocketAddr, TcpStream as BlockingStream};

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use socket2::{Domain, SockRef, Socket, Type};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::dialect::{Dialect, Heard, Mark, Person, Target, acknowledgement};
use crate::http;
use crate::process::{PATIENCE, Place};

/// A connection.
pub(crate) struct Line {
    pub(crate) speaking: Speaking,
    pub(crate) hearing: Hearing,
}

/// Its way to the server.
pub(crate) struct Speaking {
    me: Person,
    sink: SplitSink<WebSocketStream<TcpStream>, Message>,
}

/// Its way from the server.
pub(crate) struct Hearing {
    dialect: Dialect,
    stream: SplitStream<WebSocketStream<TcpStream>>,
}

/// What comes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Incoming {
    Frame(Heard),
    /// A Ping, which is answered before anything else is read.
    Pinged,
    /// The server has closed the connection with a code.
    Closed(u16),
    /// The connection has broken.
    Lost,
}

/// How much a client's system takes in for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    /// As much as usual.
    Usual,
    /// Next to nothing, in small packets, so that a client that stops reading is felt at once.
    Narrow,
}

impl Line {
    /// Connects and authenticates; `facing` is whom a status-code client faces.
    pub(crate) async fn open(place: &Place, me: &Person, facing: Option<&str>) -> Result<Self> {
        Self::open_wide(place, me, facing, Width::Usual).await
    }

    /// The same over a connection of some width.
    pub(crate) async fn open_wide(place: &Place, me: &Person, facing: Option<&str>, width: Width) -> Result<Self> {
        timeout(PATIENCE, connect(place, me, facing, width))
            .await
            .context("no connection in time")?
            .with_context(|| format!("{} does not connect", me.handle))
    }

    /// What it speaks.
    pub(crate) const fn dialect(&self) -> Dialect {
        self.hearing.dialect
    }

    /// Breaks it off: what is unread is thrown away, and no closing handshake takes place.
    pub(crate) fn reset(self) -> Result<()> {
        let socket = self.speaking.sink.reunite(self.hearing.stream).context("two halves of one connection")?;
        SockRef::from(socket.get_ref()).set_linger(Some(std::time::Duration::ZERO))?;
        Ok(())
    }

    /// Sends a message.
    pub(crate) async fn say(&mut self, to: &Target, mark: Mark, size: usize) -> Result<()> {
        self.speaking.say(to, mark, size).await
    }

    /// What comes next; it is an error if nothing does in time.
    pub(crate) async fn next(&mut self) -> Result<Incoming> {
        timeout(PATIENCE, self.hearing.next()).await.context("nothing has come in time")
    }

    /// The next message of somebody else's, acknowledged where clients do that.
    pub(crate) async fn message(&mut self) -> Result<Mark> {
        loop {
            match self.next().await? {
                Incoming::Frame(Heard::Message(mark, id)) => {
                    self.speaking.acknowledge(id).await?;
                    return Ok(mark);
                }
                Incoming::Frame(Heard::Refused(mark)) => bail!("{mark:?} was refused"),
                Incoming::Frame(_) | Incoming::Pinged => {}
                other => bail!("a message was expected, not {other:?}"),
            }
        }
    }

    /// Sends a message and waits for its receipt, where the dialect has one.
    pub(crate) async fn say_durably(&mut self, to: &Target, mark: Mark, size: usize) -> Result<()> {
        self.say(to, mark, size).await?;
        while self.hearing.dialect.acknowledges() {
            match self.next().await? {
                Incoming::Frame(Heard::Accepted(accepted)) if accepted == mark => break,
                Incoming::Frame(Heard::Refused(_)) => bail!("{mark} was refused"),
                Incoming::Frame(_) | Incoming::Pinged => {}
                other => bail!("a receipt was expected, not {other:?}"),
            }
        }
        Ok(())
    }
}

impl Speaking {
    pub(crate) async fn say(&mut self, to: &Target, mark: Mark, size: usize) -> Result<()> {
        let frame = self.me.dialect.say(&self.me, to, mark, size);
        self.send(&frame).await
    }

    /// Says that a message has arrived, where it was named by an id.
    pub(crate) async fn acknowledge(&mut self, id: Option<u64>) -> Result<()> {
        match id {
            Some(id) => self.send(&acknowledgement(id)).await,
            None => Ok(()),
        }
    }

    async fn send(&mut self, frame: &Value) -> Result<()> {
        Ok(self.sink.send(Message::text(frame.to_string())).await?)
    }
}

impl Hearing {
    /// What comes next; waits as long as it takes.
    pub(crate) async fn next(&mut self) -> Incoming {
        loop {
            return match self.stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    let frame = serde_json::from_str(&text).unwrap_or_default();
                    Incoming::Frame(self.dialect.hear(&frame))
                }
                Some(Ok(Message::Close(frame))) => Incoming::Closed(frame.map_or(1005, |frame| frame.code.into())),
                Some(Ok(Message::Ping(_))) => Incoming::Pinged,
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => Incoming::Lost,
            };
        }
    }
}

async fn connect(place: &Place, me: &Person, facing: Option<&str>, width: Width) -> Result<Line> {
    let path = match me.dialect {
        Dialect::UserSig => format!("/ws/chat/{}/{}/", me.handle, user_sig(place, me).await?),
        Dialect::AccessToken => format!("/ws?access_token={}", me.token),
        Dialect::StatusCode => format!("/v1/chat/{}?token={}", facing.context("whom it faces")?, me.token),
        Dialect::Envelope => "/chat".to_owned(),
        Dialect::AuthAck => "/ws".to_owned(),
    };
    let stream = stream(place.clients, width).await?;
    let url = format!("ws://{}{path}", place.clients);
    let (socket, _) = tokio_tungstenite::client_async(url, stream).await?;
    let (sink, stream) = socket.split();
    let speaking = Speaking { me: me.clone(), sink };
    let mut line = Line { speaking, hearing: Hearing { dialect: me.dialect, stream } };
    // What tells that the connection counts from here on.
    let (question, answer) = match me.dialect {
        Dialect::UserSig => (None, ("/type", "SDK_READY")),
        Dialect::AccessToken | Dialect::StatusCode => return Ok(line),
        Dialect::Envelope => {
            (Some(vec![json!({"url": "/chat/login", "params": {"token": me.token}})]), ("/msgType", "8"))
        }
        Dialect::AuthAck => {
            let greeting = json!({"msgType": "Auth", "fromUserId": me.number, "content": me.token});
            (Some(vec![greeting, json!({"msgType": "Ping"})]), ("/msgType", "Pong"))
        }
    };
    for frame in question.into_iter().flatten() {
        line.speaking.send(&frame).await?;
    }
    loop {
        match line.hearing.stream.next().await.context("the connection ended")?? {
            Message::Text(text) => {
                let frame: Value = serde_json::from_str(&text)?;
                let said = frame.pointer(answer.0).and_then(Value::as_str);
                ensure!(said == Some(answer.1), "{text}");
                return Ok(line);
            }
            Message::Close(frame) => bail!("closed: {frame:?}"),
            _ => {}
        }
    }
}

/// What lets a user-sig client connect.
pub(crate) async fn user_sig(place: &Place, me: &Person) -> Result<String> {
    let body = json!({"user_id": me.handle, "token": me.token});
    let answer = http::call(place.clients, "POST", "/chat/get-user-sig/", &[], Some(&body)).await?;
    let sig = answer.body.pointer("/data/user_sig").and_then(Value::as_str);
    Ok(sig.with_context(|| format!("no user_sig: {}", answer.body))?.to_owned())
}

/// A TCP connection.
pub(crate) async fn stream(address: SocketAddr, width: Width) -> Result<TcpStream> {
    if width == Width::Usual {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        return Ok(stream);
    }
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_recv_buffer_size(16 << 10)?;
    socket.set_tcp_mss(1_400)?;
    socket.set_tcp_nodelay(true)?;
    // On this machine the system answers at once.
    socket.connect(&address.into())?;
    socket.set_nonblocking(true)?;
    Ok(TcpStream::from_std(BlockingStream::from(socket))?)
}
