//! A WebSocket client of our own, so that the gateway is met by more than the library it is built on, and
//! so that a client can misbehave.

use std::io::{BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::http::{read_answer, read_head};
use crate::transcript::received::Received;

/// An open connection. A thread reads it and answers Pings; dropping it ends both.
pub(crate) struct WebSocket {
    writer: Arc<Mutex<TcpStream>>,
    incoming: Receiver<Incoming>,
    /// Read while a Pong was waited for.
    held: std::collections::VecDeque<Incoming>,
    mute: Arc<AtomicBool>,
    pings: AtomicU64,
}

/// What has come from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// A text frame.
    Text(String),
    /// A close frame; 1005 without a code.
    Close(u16, String),
    /// The end of the stream without a close frame.
    Lost,
    /// Something no client should ever get.
    Violation(String),
    /// The answer to a Ping of ours.
    Pong(Vec<u8>),
}

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

impl WebSocket {
    /// Asks for an upgrade; the inner error is the server's refusal.
    pub(crate) fn open(address: SocketAddr, path: &str, patience: Duration) -> Result<Result<Self, Received>> {
        let mut stream = TcpStream::connect_timeout(&address, patience).context("no connection")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        let key = "dGhlIHNhbXBsZSBub25jZQ==";
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        );
        stream.write_all(request.as_bytes())?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let head = read_head(&mut reader).context("the handshake was not answered")?;
        if head.status != 101 {
            return Ok(Err(read_answer(&mut reader, head, false)?));
        }
        let accept = head.headers.get("sec-websocket-accept").and_then(|value| value.to_str().ok());
        ensure!(accept == Some(&derive_accept_key(key.as_bytes())), "a wrong Sec-WebSocket-Accept: {accept:?}");
        stream.set_read_timeout(None)?;
        let writer = Arc::new(Mutex::new(stream));
        let mute = Arc::new(AtomicBool::new(false));
        let (sender, incoming) = channel();
        let (replies, silent) = (writer.clone(), mute.clone());
        std::thread::Builder::new()
            .name("websocket client".to_owned())
            .spawn(move || read(&mut reader, &replies, &silent, &sender))?;
        Ok(Ok(Self { writer, incoming, held: std::collections::VecDeque::new(), mute, pings: AtomicU64::new(0) }))
    }

    /// Sends a text frame.
    pub(crate) fn send(&self, text: &str) -> Result<()> {
        self.frame(TEXT, text.as_bytes())
    }

    /// Sends a text frame of any bytes.
    pub(crate) fn send_as_text(&self, bytes: &[u8]) -> Result<()> {
        self.frame(TEXT, bytes)
    }

    /// Sends a binary frame.
    pub(crate) fn send_binary(&self, bytes: &[u8]) -> Result<()> {
        self.frame(BINARY, bytes)
    }

    /// Sends a close frame.
    pub(crate) fn close(&self, code: u16) -> Result<()> {
        self.frame(CLOSE, &code.to_be_bytes())
    }

    /// Vanishes without a close frame.
    pub(crate) fn vanish(&self) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writer.shutdown(Shutdown::Both);
    }

    /// Answers no Pings from here on.
    pub(crate) fn mute(&self) {
        self.mute.store(true, Ordering::Relaxed);
    }

    /// The next thing from the server within a time.
    pub(crate) fn next(&mut self, patience: Duration) -> Result<Incoming> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(held) = self.held.pop_front() {
                return Ok(held);
            }
            match self.wait(deadline)? {
                Incoming::Pong(_) => {}
                other => return Ok(other),
            }
        }
    }

    /// Everything that has come by the time the server answers a Ping of ours.
    pub(crate) fn surplus(&mut self, patience: Duration) -> Result<Vec<Incoming>> {
        let number = self.pings.fetch_add(1, Ordering::Relaxed);
        let payload = format!("surplus-{number}").into_bytes();
        let deadline = Instant::now() + patience;
        let mut surplus: Vec<Incoming> = self.held.drain(..).collect();
        if self.frame(PING, &payload).is_err() {
            surplus.push(Incoming::Lost);
            return Ok(surplus);
        }
        loop {
            match self.wait(deadline)? {
                Incoming::Pong(echo) if echo == payload => return Ok(surplus),
                Incoming::Pong(_) => {}
                Incoming::Lost => {
                    surplus.push(Incoming::Lost);
                    return Ok(surplus);
                }
                other => surplus.push(other),
            }
        }
    }

    fn wait(&self, deadline: Instant) -> Result<Incoming> {
        match self.incoming.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(incoming) => Ok(incoming),
            Err(RecvTimeoutError::Timeout) => bail!("nothing has arrived in time"),
            Err(RecvTimeoutError::Disconnected) => Ok(Incoming::Lost),
        }
    }

    fn frame(&self, opcode: u8, payload: &[u8]) -> Result<()> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.write_all(&masked(opcode, payload)).context("the connection is gone")
    }
}

impl Drop for WebSocket {
    fn drop(&mut self) {
        self.vanish();
    }
}

/// A whole frame under a mask; clients must mask.
fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = vec![0x80 | opcode];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length), _) if length < 126 => frame.push(0x80 | length),
        (_, Ok(length)) => {
            frame.push(0xfe);
            frame.extend(length.to_be_bytes());
        }
        _ => {
            frame.push(0xff);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Reads frames until the end and passes them on.
fn read(reader: &mut impl Read, writer: &Mutex<TcpStream>, mute: &AtomicBool, sender: &Sender<Incoming>) {
    let reply = |opcode: u8, payload: &[u8]| {
        let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writer.write_all(&masked(opcode, payload));
    };
    loop {
        let incoming = match next_frame(reader) {
            Ok((TEXT, payload)) => match String::from_utf8(payload) {
                Ok(text) => Incoming::Text(text),
                Err(_) => Incoming::Violation("a text frame that is not UTF-8".to_owned()),
            },
            Ok((PING, payload)) => {
                if !mute.load(Ordering::Relaxed) {
                    reply(PONG, &payload);
                }
                continue;
            }
            Ok((PONG, payload)) => Incoming::Pong(payload),
            Ok((CLOSE, payload)) => {
                reply(CLOSE, &payload);
                let code = payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code));
                Incoming::Close(code, String::from_utf8_lossy(payload.get(2..).unwrap_or_default()).into_owned())
            }
            Ok((opcode, _)) => Incoming::Violation(format!("a frame of kind {opcode}")),
            Err(error) if error.kind() == ErrorKind::InvalidData => Incoming::Violation(error.to_string()),
            Err(_) => Incoming::Lost,
        };
        let over = matches!(incoming, Incoming::Close(..) | Incoming::Lost | Incoming::Violation(_));
        if sender.send(incoming).is_err() || over {
            return;
        }
    }
}

/// One message: its opcode and payload. Servers send whole, unmasked frames without extensions here.
fn next_frame(reader: &mut impl Read) -> std::io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 2];
    reader.read_exact(&mut head)?;
    let [first, second] = head;
    if first & 0xf0 != 0x80 || second & 0x80 != 0 {
        let what = format!("a frame that begins with {first:02x} {second:02x}");
        return Err(std::io::Error::new(ErrorKind::InvalidData, what));
    }
    let length = match second {
        126 => {
            let mut length = [0; 2];
            reader.read_exact(&mut length)?;
            u64::from(u16::from_be_bytes(length))
        }
        127 => {
            let mut length = [0; 8];
            reader.read_exact(&mut length)?;
            u64::from_be_bytes(length)
        }
        short => u64::from(short),
    };
    let mut payload = Vec::new();
    reader.take(length).read_to_end(&mut payload)?;
    if payload.len() as u64 != length {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok((first & 0x0f, payload))
}
