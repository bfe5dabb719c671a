//! Many connections on one thread: sockets without blocking, read and written by hand, so that the generator costs
//! the machine little beside what it measures.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use memchr::memmem;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Registry, Token};

use super::frame::{self, Part};
use super::http::{self, Response};

/// Room that a read finds at least, in bytes.
const ROOM: usize = 64 * 1024;
/// Events taken at once.
const EVENTS: usize = 1_024;

/// A connection, by its place among all.
pub type LinkId = usize;

/// What is done about what happens on connections.
pub trait Handler {
    /// A WebSocket is open.
    fn opened(&mut self, link: LinkId, links: &mut Links);
    /// A text has arrived on a WebSocket.
    fn heard(&mut self, link: LinkId, text: &[u8], links: &mut Links);
    /// A request was answered; the connection is closed.
    fn answered(&mut self, link: LinkId, response: &Response, links: &mut Links);
    /// A connection ended that was not closed from here.
    fn ended(&mut self, link: LinkId, why: &str, links: &mut Links);
}

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The upgrade has been asked for.
    Upgrading,
    /// Frames go both ways.
    Open,
    /// An answer to a plain request is awaited.
    Asking,
}

struct Link {
    stream: TcpStream,
    stage: Stage,
    connected: bool,
    dirty: bool,
    /// What has arrived of something that has not arrived whole.
    inbox: Vec<u8>,
    /// What is to be written, and how much of it has been.
    outbox: Vec<u8>,
    written: usize,
}

/// The connections there are.
pub struct Links {
    registry: Registry,
    slots: Vec<Option<Link>>,
    dirty: Vec<LinkId>,
    /// Places to be used again once no event can mean what was there.
    freed: Vec<LinkId>,
    free: Vec<LinkId>,
    /// How many Pings have arrived and were answered.
    pub pings: u64,
}

impl Links {
    /// Opens a WebSocket.
    pub fn open(&mut self, address: SocketAddr, path: &str) -> io::Result<LinkId> {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        self.connect(address, Stage::Upgrading, request.into_bytes())
    }

    /// Sends a plain request over a connection of its own.
    pub fn ask(&mut self, address: SocketAddr, request: Vec<u8>) -> io::Result<LinkId> {
        self.connect(address, Stage::Asking, request)
    }

    fn connect(&mut self, address: SocketAddr, stage: Stage, outbox: Vec<u8>) -> io::Result<LinkId> {
        let mut stream = TcpStream::connect(address)?;
        // Small frames must not wait for one another.
        stream.set_nodelay(true)?;
        let id = self.free.pop().unwrap_or(self.slots.len());
        self.registry.register(&mut stream, Token(id), Interest::READABLE | Interest::WRITABLE)?;
        let link = Link { stream, stage, connected: false, dirty: false, inbox: Vec::new(), outbox, written: 0 };
        match self.slots.get_mut(id) {
            Some(slot) => *slot = Some(link),
            None => self.slots.push(Some(link)),
        }
        Ok(id)
    }

    /// Writes bytes soon, together with what else is to be written on this connection.
    pub fn send(&mut self, id: LinkId, bytes: &[u8]) {
        let Some(Some(link)) = self.slots.get_mut(id) else { return };
        link.outbox.extend_from_slice(bytes);
        if !link.dirty {
            link.dirty = true;
            self.dirty.push(id);
        }
    }

    /// Closes a connection; nothing more is heard of it.
    pub fn close(&mut self, id: LinkId) {
        if let Some(mut link) = self.slots.get_mut(id).and_then(Option::take) {
            let _ = self.registry.deregister(&mut link.stream);
            // A WebSocket is left with a close frame, whose answer nobody waits for.
            if link.stage == Stage::Open {
                let _ = link.stream.write(&frame::close());
            }
            self.freed.push(id);
        }
    }

    /// Writes what can be written; an error ends the connection.
    fn write(&mut self, id: LinkId) -> io::Result<()> {
        let Some(Some(link)) = self.slots.get_mut(id) else { return Ok(()) };
        link.dirty = false;
        if !link.connected {
            return Ok(());
        }
        while let Some(rest) = link.outbox.get(link.written..).filter(|rest| !rest.is_empty()) {
            match link.stream.write(rest) {
                Ok(count) => link.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        link.outbox.clear();
        link.written = 0;
        Ok(())
    }

    fn recycle(&mut self) {
        self.free.append(&mut self.freed);
    }
}

/// Waits for what happens on connections, and lets a [`Handler`] deal with it.
pub struct Reactor {
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    /// The connections.
    pub links: Links,
}

impl Reactor {
    /// Without any connections.
    pub fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let links = Links {
            registry: poll.registry().try_clone()?,
            slots: Vec::new(),
            dirty: Vec::new(),
            freed: Vec::new(),
            free: Vec::new(),
            pings: 0,
        };
        Ok(Self { poll, events: Events::with_capacity(EVENTS), buffer: Vec::new(), links })
    }

    /// Writes what is to be written, waits at most so long, and deals with what has happened.
    pub fn turn(&mut self, handler: &mut impl Handler, timeout: Duration) -> io::Result<()> {
        self.write_all(handler);
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for event in &self.events {
            let id = event.token().0;
            if event.is_writable() && !Self::writable(&mut self.links, id, handler) {
                continue;
            }
            if event.is_readable() || event.is_read_closed() || event.is_error() {
                Self::read(&mut self.links, &mut self.buffer, id, handler);
            }
        }
        self.write_all(handler);
        self.links.recycle();
        Ok(())
    }

    fn write_all(&mut self, handler: &mut impl Handler) {
        while let Some(id) = self.links.dirty.pop() {
            if let Err(error) = self.links.write(id) {
                end(&mut self.links, id, &error.to_string(), handler);
            }
        }
    }

    /// `false` if the connection ended.
    fn writable(links: &mut Links, id: LinkId, handler: &mut impl Handler) -> bool {
        let Some(Some(link)) = links.slots.get_mut(id) else { return false };
        if !link.connected {
            if let Ok(Some(error)) | Err(error) = link.stream.take_error() {
                end(links, id, &error.to_string(), handler);
                return false;
            }
            link.connected = true;
        } else if link.outbox.is_empty() {
            return true;
        }
        match links.write(id) {
            Ok(()) => true,
            Err(error) => {
                end(links, id, &error.to_string(), handler);
                false
            }
        }
    }

    fn read(links: &mut Links, buffer: &mut Vec<u8>, id: LinkId, handler: &mut impl Handler) {
        loop {
            let Some(Some(link)) = links.slots.get_mut(id) else { return };
            let held = link.inbox.len();
            if buffer.len() < held + ROOM {
                buffer.resize(held + 4 * ROOM, 0);
            }
            let room = buffer.get_mut(held..).unwrap_or_default();
            let count = match link.stream.read(room) {
                Ok(0) => return end(links, id, "the server ended the connection", handler),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return end(links, id, &error.to_string(), handler),
            };
            // A read that does not fill its room has emptied the socket: the next arrival is a new event.
            let emptied = count < room.len();
            if let Some(start) = buffer.get_mut(..held) {
                start.copy_from_slice(&link.inbox);
            }
            link.inbox.clear();
            let arrived = buffer.get(..held + count).unwrap_or_default();
            match take(links, id, arrived, handler) {
                Ok(rest) => {
                    if let Some(Some(link)) = links.slots.get_mut(id) {
                        link.inbox.extend_from_slice(rest);
                    }
                }
                Err(why) => return end(links, id, &why, handler),
            }
            if emptied {
                return;
            }
        }
    }
}

/// Deals with what has arrived, and gives back what is not whole.
fn take<'a>(
    links: &mut Links,
    id: LinkId,
    mut bytes: &'a [u8],
    handler: &mut impl Handler,
) -> Result<&'a [u8], String> {
    loop {
        let Some(Some(link)) = links.slots.get_mut(id) else { return Ok(&[]) };
        match link.stage {
            Stage::Open => match frame::next(bytes) {
                Ok(None) => return Ok(bytes),
                Ok(Some((part, rest))) => {
                    bytes = rest;
                    match part {
                        Part::Text(text) => handler.heard(id, text, links),
                        Part::Ping(payload) => {
                            links.pings += 1;
                            links.send(id, &frame::pong(payload));
                        }
                        Part::Other => {}
                        Part::Close(code) => return Err(format!("the server closed the connection with {code}")),
                    }
                }
                Err(frame::Broken) => return Err("the server sent a frame that no server may send".to_owned()),
            },
            Stage::Upgrading => {
                let Some(end) = memmem::find(bytes, b"\r\n\r\n") else { return Ok(bytes) };
                let (head, rest) = bytes.split_at_checked(end + 4).unwrap_or_default();
                if !head.starts_with(b"HTTP/1.1 101") {
                    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
                    return Err(format!("the upgrade was answered with {}", String::from_utf8_lossy(line)));
                }
                bytes = rest;
                link.stage = Stage::Open;
                handler.opened(id, links);
            }
            Stage::Asking => match http::response(bytes) {
                Ok(None) => return Ok(bytes),
                Ok(Some(response)) => {
                    links.close(id);
                    handler.answered(id, &response, links);
                    return Ok(&[]);
                }
                Err(error) => return Err(error.to_string()),
            },
        }
    }
}

fn end(links: &mut Links, id: LinkId, why: &str, handler: &mut impl Handler) {
    let Some(slot) = links.slots.get_mut(id) else { return };
    if let Some(mut link) = slot.take() {
        let _ = links.registry.deregister(&mut link.stream);
        links.freed.push(id);
        handler.ended(id, why, links);
    }
}
