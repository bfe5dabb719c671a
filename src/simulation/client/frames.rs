//! A client's WebSocket frames over a stream in memory, with nothing done behind its back.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

/// A frame from the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    Text(String),
    Ping(Vec<u8>),
    Close(u16),
}

/// One end of a WebSocket.
pub(super) struct Frames {
    stream: DuplexStream,
    read: VecDeque<u8>,
    unwritten: VecDeque<u8>,
}

impl Frames {
    pub(super) const fn new(stream: DuplexStream) -> Self {
        Self { stream, read: VecDeque::new(), unwritten: VecDeque::new() }
    }

    pub(super) fn send_text(&mut self, text: &str) {
        self.put(0x1, text.as_bytes());
    }

    pub(super) fn send_pong(&mut self, payload: &[u8]) {
        self.put(0xA, payload);
    }

    pub(super) fn send_close(&mut self) {
        self.put(0x8, &1_000_u16.to_be_bytes());
    }

    fn put(&mut self, opcode: u8, payload: &[u8]) {
        self.unwritten.push_back(0x80 | opcode);
        match u16::try_from(payload.len()) {
            Ok(short) if short < 126 => self.unwritten.push_back(0x80 | payload.len().to_le_bytes()[0]),
            long => {
                self.unwritten.push_back(0xFE);
                self.unwritten.extend(long.expect("no client says that much").to_be_bytes());
            }
        }
        // A mask of zeros leaves the payload as it is.
        self.unwritten.extend([0; 4]);
        self.unwritten.extend(payload);
    }

    /// Writes what waits, as far as the stream takes it; whether the connection still stands.
    pub(super) fn write(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        while !self.unwritten.is_empty() {
            let bytes = self.unwritten.make_contiguous();
            match Pin::new(&mut self.stream).poll_write(&mut context, bytes) {
                Poll::Ready(Ok(written)) if written > 0 => drop(self.unwritten.drain(..written)),
                Poll::Ready(_) => return false,
                Poll::Pending => break,
            }
        }
        true
    }

    /// Takes in what has arrived; whether there may be more.
    pub(super) fn read(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        let mut bytes = [0; 2_048];
        loop {
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.stream).poll_read(&mut context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => self.read.extend(buffer.filled()),
                Poll::Ready(_) => return false,
                Poll::Pending => return true,
            }
        }
    }

    /// The next whole frame.
    pub(super) fn next(&mut self) -> Option<Incoming> {
        let bytes = self.read.make_contiguous();
        let (first, second) = (*bytes.first()?, *bytes.get(1)?);
        let (head, length) = match second {
            126 => (4, usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]))),
            127 => panic!("no frame of the simulation is that long"),
            short => (2, usize::from(short)),
        };
        let payload = bytes.get(head..head + length)?.to_vec();
        self.read.drain(..head + length);
        assert_eq!(first & 0xF0, 0x80, "the server's frames are whole");
        Some(match first & 0xF {
            0x1 => Incoming::Text(String::from_utf8(payload).expect("text is UTF-8")),
            0x8 => Incoming::Close(u16::from_be_bytes([payload[0], payload[1]])),
            0x9 => Incoming::Ping(payload),
            other => panic!("a frame of opcode {other}"),
        })
    }
}
