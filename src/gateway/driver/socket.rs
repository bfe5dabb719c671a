//! Frames to bytes and back, without ever waiting in the middle of the one for the other.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, FrameHeader};
use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocketConfig, WebSocketContext};
use tokio_tungstenite::tungstenite::{Error, Utf8Bytes};

/// Read at once, in bytes; every connection holds a buffer of this size.
const READ_BUFFER: usize = 4 << 10;
/// Gathered before it is written, in bytes; a longer frame is written as a whole. A client that has stopped reading
/// holds so much, beside frames that it shares with others.
const WRITTEN_TOGETHER: usize = 16 << 10;
/// As much of the room of a write is kept for the next one, in bytes.
const KEPT: usize = 1 << 10;
/// The longest header of a frame, in bytes.
const LONGEST_HEADER: usize = 10;
/// As many frames wait for the socket before no more are taken.
const WAITING_FRAMES: usize = 64;
/// As many bytes wait for the socket before no more are taken.
const WAITING_BYTES: usize = 64 << 10;

/// A WebSocket connection over a stream of bytes.
#[derive(Debug)]
pub(super) struct Socket<T> {
    io: T,
    context: WebSocketContext,
    waiting: VecDeque<Message>,
    waiting_bytes: usize,
    /// Frames as bytes, on their way to the stream.
    out: Vec<u8>,
    /// How many of them it has taken.
    taken: usize,
    /// The stream takes no more at the moment.
    blocked: bool,
    /// The codec has an answer of its own to give.
    answering: bool,
    /// Something was written and not flushed.
    unflushed: bool,
}

/// What came in.
#[derive(Debug)]
pub(super) enum Received {
    /// A text frame.
    Text(Utf8Bytes),
    /// A binary frame.
    Binary(tokio_tungstenite::tungstenite::Bytes),
    /// A Ping, whose Pong is on its way.
    Ping,
    /// A Pong.
    Pong(tokio_tungstenite::tungstenite::Bytes),
    /// The client closes.
    Close,
    /// Text that is not UTF-8.
    NotText,
    /// A frame or message above the limit. What follows it cannot be read.
    TooLarge,
    /// Bytes that are no WebSocket frames.
    Broken,
    /// The connection is gone.
    End,
}

/// The stream takes nothing any more.
#[derive(Debug)]
pub(super) struct Gone;

impl<T: AsyncRead + AsyncWrite + Unpin> Socket<T> {
    /// The server's side of a connection whose handshake is done. `read` is what came after the
    /// handshake, `largest` the largest frame and message in bytes.
    pub(super) fn new(io: T, read: &[u8], largest: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            // It writes its own frames only, and into memory.
            .write_buffer_size(0)
            .max_write_buffer_size(usize::MAX)
            .max_message_size(Some(largest))
            .max_frame_size(Some(largest));
        let context = WebSocketContext::from_partially_read(read.to_vec(), Role::Server, Some(config));
        Self {
            io,
            context,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            out: Vec::new(),
            taken: 0,
            blocked: false,
            answering: false,
            unflushed: false,
        }
    }

    /// Puts a text frame behind those that wait to be written.
    pub(super) fn send(&mut self, text: Utf8Bytes) {
        self.waiting_bytes += text.len();
        self.waiting.push_back(Message::Text(text));
    }

    /// Puts a Ping behind them.
    pub(super) fn ping(&mut self, payload: tokio_tungstenite::tungstenite::Bytes) {
        self.waiting.push_back(Message::Ping(payload));
    }

    /// Puts a binary frame behind them, which no dialect has a use for.
    #[cfg(test)]
    pub(super) fn send_binary(&mut self, payload: tokio_tungstenite::tungstenite::Bytes) {
        self.waiting.push_back(Message::Binary(payload));
    }

    /// Whether more frames may be put there.
    pub(super) fn has_room(&self) -> bool {
        !self.blocked && self.waiting.len() < WAITING_FRAMES && self.waiting_bytes < WAITING_BYTES
    }

    /// Whether the stream takes nothing at the moment.
    pub(super) const fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// Whether everything has been written.
    pub(super) fn is_idle(&self) -> bool {
        self.out.is_empty() && !self.answering && !self.unflushed && self.waiting.is_empty()
    }

    /// Gives back what a burst has taken.
    pub(super) fn shrink(&mut self) {
        if self.waiting.is_empty() {
            self.waiting = VecDeque::new();
        }
    }

    /// Writes what waits and flushes it; ready when nothing is left.
    pub(super) fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        loop {
            if self.out.is_empty() {
                self.answer(context)?;
                self.encode_waiting();
            }
            ready!(self.poll_drain(context))?;
            if self.is_idle() {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Has the codec say what it has to: a Pong, an answer to a Close.
    fn answer(&mut self, context: &mut Context<'_>) -> Result<(), Gone> {
        if !std::mem::take(&mut self.answering) {
            return Ok(());
        }
        match self.context.flush(&mut Adapter { io: &mut self.io, out: &mut self.out, context }) {
            // With its last frame it is done.
            Ok(()) | Err(Error::ConnectionClosed) => Ok(()),
            Err(_) => Err(Gone),
        }
    }

    /// Turns frames that wait into bytes.
    fn encode_waiting(&mut self) {
        while self.out.len() < WRITTEN_TOGETHER
            && let Some(message) = self.waiting.pop_front()
        {
            let (opcode, payload) = match &message {
                Message::Text(text) => {
                    self.waiting_bytes -= text.len();
                    (OpCode::Data(Data::Text), text.as_bytes())
                }
                Message::Binary(payload) => (OpCode::Data(Data::Binary), payload.as_ref()),
                Message::Ping(payload) => (OpCode::Control(Control::Ping), payload.as_ref()),
                // The codec's own.
                Message::Pong(_) | Message::Close(_) | Message::Frame(_) => continue,
            };
            let header = FrameHeader { opcode, ..FrameHeader::default() };
            self.out.reserve(payload.len() + LONGEST_HEADER);
            // Writing to memory does not fail.
            let _ = header.format(u64::try_from(payload.len()).unwrap_or(u64::MAX), &mut self.out);
            self.out.extend_from_slice(payload);
        }
    }

    /// Writes the bytes there are and flushes them.
    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        while let Some(rest) = self.out.get(self.taken..).filter(|rest| !rest.is_empty()) {
            match Pin::new(&mut self.io).poll_write(context, rest) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Err(Gone)),
                Poll::Ready(Ok(written)) => self.taken += written,
                Poll::Pending => {
                    self.blocked = true;
                    return Poll::Pending;
                }
            }
            self.blocked = false;
            self.unflushed = true;
        }
        self.taken = 0;
        self.out.clear();
        if self.out.capacity() > KEPT {
            self.out = Vec::new();
        }
        if self.unflushed {
            match Pin::new(&mut self.io).poll_flush(context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(Err(Gone)),
                Poll::Pending => {
                    self.blocked = true;
                    return Poll::Pending;
                }
            }
        }
        self.blocked = false;
        self.unflushed = false;
        Poll::Ready(Ok(()))
    }

    /// The next frame. Must not be called after `Close`, `NotText`, `TooLarge`, `Broken` or `End`.
    pub(super) fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Received> {
        let received = match self.context.read(&mut Adapter { io: &mut self.io, out: &mut self.out, context }) {
            Ok(Message::Text(text)) => Received::Text(text),
            Ok(Message::Binary(payload)) => Received::Binary(payload),
            Ok(Message::Ping(_)) => {
                // Its Pong waits within the codec.
                self.answering = true;
                Received::Ping
            }
            Ok(Message::Pong(payload)) => Received::Pong(payload),
            Ok(Message::Close(_)) => {
                self.answering = true;
                Received::Close
            }
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
            Err(Error::Utf8(_)) => Received::NotText,
            Err(Error::Capacity(_)) => Received::TooLarge,
            Err(Error::Protocol(
                tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
            )) => Received::End,
            // A bare frame is only ever written.
            Err(Error::Protocol(_)) | Ok(Message::Frame(_)) => Received::Broken,
            Err(_) => Received::End,
        };
        Poll::Ready(received)
    }

    /// Begins the closing handshake; what waited before it should have been written.
    pub(super) fn poll_close(
        &mut self,
        context: &mut Context<'_>,
        frame: &mut Option<CloseFrame>,
    ) -> Poll<Result<(), Gone>> {
        if let Some(frame) = frame.take() {
            let mut adapter = Adapter { io: &mut self.io, out: &mut self.out, context };
            self.context.write(&mut adapter, Message::Close(Some(frame))).map_err(|_| Gone)?;
            self.answering = true;
        }
        self.poll_write(context)
    }

    /// Writes what waits, then the answer to the client's Close; ready when it is written or cannot be.
    pub(super) fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while !self.waiting.is_empty() {
            if ready!(self.poll_drain(context)).is_err() {
                return Poll::Ready(());
            }
            self.encode_waiting();
        }
        if self.answer(context).is_err() {
            return Poll::Ready(());
        }
        self.poll_drain(context).map(drop)
    }

    /// The stream itself.
    pub(super) const fn io(&mut self) -> &mut T {
        &mut self.io
    }
}

/// Lends a stream to the codec for one poll: it reads from it, and writes into memory.
struct Adapter<'a, 'b, T> {
    io: &'a mut T,
    out: &'a mut Vec<u8>,
    context: &'a mut Context<'b>,
}

impl<T: AsyncRead + Unpin> Read for Adapter<'_, '_, T> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(bytes);
        match Pin::new(&mut *self.io).poll_read(self.context, &mut buffer) {
            Poll::Ready(result) => result.map(|()| buffer.filled().len()),
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl<T> Write for Adapter<'_, '_, T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
