//! Frames to bytes and back, without ever waiting in the middle of the one for the other.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};
use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocketConfig, WebSocketContext};
use tokio_tungstenite::tungstenite::{Error, Utf8Bytes};

/// Read at once, in bytes; every connection holds a buffer of this size.
const READ_BUFFER: usize = 4 << 10;
/// Gathered before it is written, in bytes.
const WRITE_BUFFER: usize = 4 << 10;
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
    /// The stream takes no more at the moment.
    blocked: bool,
    /// Something was given to the codec and not flushed.
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
            .write_buffer_size(WRITE_BUFFER)
            // Bounded by taking nothing more while the stream is blocked, whatever one frame's size.
            .max_write_buffer_size(usize::MAX)
            .max_message_size(Some(largest))
            .max_frame_size(Some(largest));
        let context = WebSocketContext::from_partially_read(read.to_vec(), Role::Server, Some(config));
        Self { io, context, waiting: VecDeque::new(), waiting_bytes: 0, blocked: false, unflushed: false }
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
        !self.blocked && !self.unflushed && self.waiting.is_empty()
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
            let written = if self.blocked {
                self.flush(context)
            } else if let Some(message) = self.waiting.pop_front() {
                if let Message::Text(text) = &message {
                    self.waiting_bytes -= text.len();
                }
                self.unflushed = true;
                // A frame that could not be written at once has been taken all the same.
                self.context.write(&mut Adapter { io: &mut self.io, context }, message)
            } else if self.unflushed {
                self.flush(context)
            } else {
                return Poll::Ready(Ok(()));
            };
            match written {
                Ok(()) => {}
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.blocked = true;
                    return Poll::Pending;
                }
                Err(_) => return Poll::Ready(Err(Gone)),
            }
        }
    }

    fn flush(&mut self, context: &mut Context<'_>) -> Result<(), Error> {
        self.context.flush(&mut Adapter { io: &mut self.io, context })?;
        self.blocked = false;
        self.unflushed = false;
        Ok(())
    }

    /// The next frame. Must not be called after `Close`, `NotText`, `TooLarge`, `Broken` or `End`.
    pub(super) fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Received> {
        let received = match self.context.read(&mut Adapter { io: &mut self.io, context }) {
            Ok(Message::Text(text)) => Received::Text(text),
            Ok(Message::Binary(payload)) => Received::Binary(payload),
            Ok(Message::Ping(_)) => {
                // Its Pong waits within the codec.
                self.unflushed = true;
                Received::Ping
            }
            Ok(Message::Pong(payload)) => Received::Pong(payload),
            Ok(Message::Close(_)) => Received::Close,
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
            self.unflushed = true;
            let message = Message::Close(Some(frame));
            match self.context.write(&mut Adapter { io: &mut self.io, context }, message) {
                Ok(()) => {}
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => self.blocked = true,
                Err(_) => return Poll::Ready(Err(Gone)),
            }
        }
        self.poll_write(context)
    }

    /// What waits, and the last words after it, as bytes: after the client's Close the codec takes no
    /// more frames, but it has not answered yet. `None` where the codec itself holds bytes that would
    /// have to go first; such a client had stopped reading anyway.
    pub(super) fn raw(&mut self, last_words: impl Iterator<Item = Utf8Bytes>) -> Option<Vec<u8>> {
        if self.blocked || self.unflushed {
            return None;
        }
        let waiting = self.waiting.drain(..).filter_map(|message| match message {
            Message::Text(text) => Some(text),
            _ => None,
        });
        let mut bytes = Vec::new();
        for text in waiting.chain(last_words) {
            // Writing to memory does not fail.
            let _ = Frame::message(text, OpCode::Data(Data::Text), true).format(&mut bytes);
        }
        Some(bytes)
    }

    /// Answers the client's Close; ready when the answer is written or cannot be.
    pub(super) fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self.flush(context) {
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            _ => Poll::Ready(()),
        }
    }

    /// The stream itself.
    pub(super) const fn io(&mut self) -> &mut T {
        &mut self.io
    }
}

/// Lends a stream to the codec for one poll.
struct Adapter<'a, 'b, T> {
    io: &'a mut T,
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

impl<T: AsyncWrite + Unpin> Write for Adapter<'_, '_, T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        or_would_block(Pin::new(&mut *self.io).poll_write(self.context, bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        or_would_block(Pin::new(&mut *self.io).poll_flush(self.context))
    }
}

fn or_would_block<R>(polled: Poll<io::Result<R>>) -> io::Result<R> {
    match polled {
        Poll::Ready(result) => result,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}
