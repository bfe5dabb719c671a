//! Frames to bytes and back, without ever waiting in the middle of the one for the other.

use std::cell::Cell;
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
/// Written at once, in bytes.
const WRITTEN_TOGETHER: usize = 64 << 10;
/// As many frames wait for the socket before no more are taken.
const WAITING_FRAMES: usize = 64;
/// As many bytes wait for the socket before no more are taken.
const WAITING_BYTES: usize = 64 << 10;

thread_local! {
    /// Where frames become bytes. One for all connections of a thread, since whatever the stream does not take is
    /// made once more: a client that has stopped reading holds nothing but its frames, which it shares with others.
    static BYTES: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A WebSocket connection over a stream of bytes.
#[derive(Debug)]
pub(super) struct Socket<T> {
    io: T,
    context: WebSocketContext,
    /// Frames that the stream has not taken as a whole.
    waiting: VecDeque<Message>,
    waiting_bytes: usize,
    /// How many bytes of the first of them it has taken.
    taken: usize,
    /// What the codec has to say, as bytes: it goes before the next frame.
    own: Vec<u8>,
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
            taken: 0,
            own: Vec::new(),
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
        self.own.is_empty() && !self.answering && !self.unflushed && self.waiting.is_empty()
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
            self.answer(context)?;
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
        match self.context.flush(&mut Adapter { io: &mut self.io, own: &mut self.own, context }) {
            // With its last frame it is done.
            Ok(()) | Err(Error::ConnectionClosed) => Ok(()),
            Err(_) => Err(Gone),
        }
    }

    /// Writes frames and the codec's words until there are none, and flushes them.
    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        if !self.own.is_empty() || !self.waiting.is_empty() {
            let mut bytes = BYTES.take();
            let written = self.poll_write_all(&mut bytes, context);
            BYTES.set(bytes);
            ready!(written)?;
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

    fn poll_write_all(&mut self, bytes: &mut Vec<u8>, context: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        loop {
            bytes.clear();
            self.encode(bytes);
            let mut rest = bytes.as_slice();
            if rest.is_empty() {
                return Poll::Ready(Ok(()));
            }
            while !rest.is_empty() {
                match Pin::new(&mut self.io).poll_write(context, rest) {
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Err(Gone)),
                    Poll::Ready(Ok(written)) => {
                        self.written(written);
                        rest = rest.get(written..).unwrap_or_default();
                    }
                    Poll::Pending => {
                        self.blocked = true;
                        return Poll::Pending;
                    }
                }
                self.blocked = false;
                self.unflushed = true;
            }
        }
    }

    /// The bytes that the stream is to take next: the rest of a frame it has begun to take, the codec's words, frames.
    fn encode(&self, bytes: &mut Vec<u8>) {
        let mut waiting = self.waiting.iter();
        if self.taken > 0
            && let Some(begun) = waiting.next()
        {
            encode(begun, self.taken, bytes);
        }
        if bytes.len() < WRITTEN_TOGETHER {
            bytes.extend_from_slice(&self.own);
        }
        for message in waiting {
            if bytes.len() >= WRITTEN_TOGETHER {
                return;
            }
            encode(message, 0, bytes);
        }
    }

    /// The stream has taken so many of these bytes.
    fn written(&mut self, mut bytes: usize) {
        if self.taken > 0 {
            bytes = self.frame_written(bytes);
        }
        let own = bytes.min(self.own.len());
        if own == self.own.len() {
            self.own = Vec::new();
        } else {
            self.own.drain(..own);
        }
        bytes -= own;
        while bytes > 0 {
            bytes = self.frame_written(bytes);
        }
    }

    /// So many bytes, of which the first are of the first frame; how many are not.
    fn frame_written(&mut self, bytes: usize) -> usize {
        let Some(first) = self.waiting.front() else { return 0 };
        let payload = payload_of(first).len();
        let rest = header_of(first).len(as_u64(payload)) + payload - self.taken;
        if bytes < rest {
            self.taken += bytes;
            return 0;
        }
        self.taken = 0;
        if matches!(first, Message::Text(_)) {
            self.waiting_bytes -= payload;
        }
        self.waiting.pop_front();
        bytes - rest
    }

    /// The next frame. Must not be called after `Close`, `NotText`, `TooLarge`, `Broken` or `End`.
    pub(super) fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Received> {
        let received = match self.context.read(&mut Adapter { io: &mut self.io, own: &mut self.own, context }) {
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
            let mut adapter = Adapter { io: &mut self.io, own: &mut self.own, context };
            self.context.write(&mut adapter, Message::Close(Some(frame))).map_err(|_| Gone)?;
            self.answering = true;
        }
        self.poll_write(context)
    }

    /// Writes what waits, then the answer to the client's Close; ready when it is written or cannot be.
    pub(super) fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if ready!(self.poll_drain(context)).is_err() || self.answer(context).is_err() {
            return Poll::Ready(());
        }
        self.poll_drain(context).map(drop)
    }

    /// The stream itself.
    pub(super) const fn io(&mut self) -> &mut T {
        &mut self.io
    }
}

/// Appends a frame without its first `taken` bytes, and of a long one not all.
fn encode(message: &Message, taken: usize, bytes: &mut Vec<u8>) {
    let (header, payload) = (header_of(message), payload_of(message));
    let start = bytes.len();
    // Writing to memory does not fail.
    let _ = header.format(as_u64(payload.len()), bytes);
    let length = bytes.len() - start;
    if taken > 0 {
        bytes.drain(start..start + taken.min(length));
    }
    let rest = payload.get(taken.saturating_sub(length)..).unwrap_or_default();
    bytes.extend_from_slice(rest.get(..WRITTEN_TOGETHER).unwrap_or(rest));
}

/// The header of a server's frame.
fn header_of(message: &Message) -> FrameHeader {
    let opcode = match message {
        Message::Binary(_) => OpCode::Data(Data::Binary),
        Message::Ping(_) => OpCode::Control(Control::Ping),
        _ => OpCode::Data(Data::Text),
    };
    FrameHeader { opcode, ..FrameHeader::default() }
}

fn as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn payload_of(message: &Message) -> &[u8] {
    match message {
        Message::Text(text) => text.as_bytes(),
        Message::Binary(payload) | Message::Ping(payload) => payload.as_ref(),
        // The codec's own.
        Message::Pong(_) | Message::Close(_) | Message::Frame(_) => &[],
    }
}

/// Lends a stream to the codec for one poll: it reads from it, and writes into memory.
struct Adapter<'a, 'b, T> {
    io: &'a mut T,
    own: &'a mut Vec<u8>,
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
        self.own.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio_tungstenite::tungstenite::Bytes;

    use super::*;

    /// Takes as many bytes at a time as it is told, and nothing in between.
    #[derive(Debug)]
    struct Narrow {
        takes: Vec<usize>,
        taken: Vec<u8>,
        incoming: VecDeque<u8>,
    }

    impl AsyncWrite for Narrow {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            let takes = self.takes.pop().unwrap_or(usize::MAX).min(bytes.len());
            if takes == 0 {
                return Poll::Pending;
            }
            self.taken.extend_from_slice(&bytes[..takes]);
            Poll::Ready(Ok(takes))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncRead for Narrow {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            if self.incoming.is_empty() {
                return Poll::Pending;
            }
            let bytes: Vec<u8> = self.incoming.drain(..).collect();
            into.put_slice(&bytes);
            Poll::Ready(Ok(()))
        }
    }

    /// What a server's frames say.
    fn read(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let mut frames = Vec::new();
        while let [first, second, rest @ ..] = bytes {
            let (length, rest) = match second {
                126 => (usize::from(u16::from_be_bytes(rest[..2].try_into().unwrap())), &rest[2..]),
                127 => (usize::try_from(u64::from_be_bytes(rest[..8].try_into().unwrap())).unwrap(), &rest[8..]),
                short => (usize::from(*short), rest),
            };
            frames.push((first & 0xf, rest[..length].to_vec()));
            bytes = &rest[length..];
        }
        frames
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn whatever_the_stream_takes_at_a_time_frames_arrive_whole_and_in_order(
            sizes in proptest::collection::vec(prop_oneof![0_usize..130, 60_000_usize..70_000, Just(200_000)], 1..12),
            takes in proptest::collection::vec(prop_oneof![Just(0_usize), 1_usize..12, 1_usize..90_000], 0..60),
            pings in proptest::collection::vec(any::<bool>(), 12),
        ) {
            let io = Narrow { takes, taken: Vec::new(), incoming: VecDeque::new() };
            let mut socket = Socket::new(io, &[], 1 << 20);
            let mut context = Context::from_waker(std::task::Waker::noop());
            let mut expected = Vec::new();
            let mut asked = 0_u8;
            for (number, size) in sizes.iter().enumerate() {
                let text = char::from(b'a' + u8::try_from(number).unwrap()).to_string().repeat(*size);
                expected.push((1, text.clone().into_bytes()));
                socket.send(text.into());
                socket.ping(Bytes::from_static(b"ping"));
                expected.push((9, b"ping".to_vec()));
                if pings[number] {
                    // A client's Ping, masked with zeros: its Pong goes between frames.
                    asked += 1;
                    socket.io().incoming.extend([0x89, 0x81, 0, 0, 0, 0, asked]);
                    prop_assert!(matches!(socket.poll_read(&mut context), Poll::Ready(Received::Ping)));
                }
                let _ = socket.poll_write(&mut context).map(Result::unwrap);
            }
            for _ in 0..100 {
                if socket.poll_write(&mut context).map(Result::unwrap).is_ready() {
                    break;
                }
            }
            prop_assert!(socket.is_idle() && !socket.is_blocked() && socket.waiting_bytes == 0);
            let frames = read(&socket.io().taken);
            let (pongs, frames): (Vec<_>, Vec<_>) = frames.into_iter().partition(|(opcode, _)| *opcode == 10);
            prop_assert_eq!(frames, expected);
            let answered: Vec<u8> = pongs.iter().flat_map(|(_, payload)| payload.clone()).collect();
            // A client may be answered its latest Ping only.
            prop_assert!(answered.is_sorted() && answered.last().copied().unwrap_or(0) == asked, "{:?}", answered);
        }
    }
}
