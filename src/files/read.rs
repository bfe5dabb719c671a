//! Reading a part of a file as it is sent.

use std::io::{self, SeekFrom};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncSeekExt, ReadBuf};

/// Bytes read at once.
const CHUNK: usize = 64 << 10;

/// A part of a file. The disk is read on blocking threads, and only when the next piece is asked for.
#[derive(Debug)]
pub(crate) struct FileReader {
    file: File,
    remaining: u64,
    buffer: BytesMut,
}

impl FileReader {
    /// Opens a file at a byte, to be read for so many.
    pub(super) async fn open(path: &Path, first: u64, length: u64) -> io::Result<Self> {
        let mut file = File::open(path).await?;
        file.set_max_buf_size(CHUNK);
        if first > 0 {
            file.seek(SeekFrom::Start(first)).await?;
        }
        Ok(Self { file, remaining: length, buffer: BytesMut::new() })
    }

    /// How many bytes are still to come.
    pub(crate) const fn remaining(&self) -> u64 {
        self.remaining
    }

    /// The next piece; an error where the file is shorter than it should be.
    pub(crate) fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.remaining == 0 {
            return Poll::Ready(None);
        }
        let wanted = usize::try_from(self.remaining).unwrap_or(CHUNK).min(CHUNK);
        self.buffer.resize(wanted, 0);
        let mut buffer = ReadBuf::new(&mut self.buffer);
        if let Err(error) = ready!(Pin::new(&mut self.file).poll_read(context, &mut buffer)) {
            return Poll::Ready(Some(Err(error)));
        }
        let read = buffer.filled().len();
        if read == 0 {
            return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
        }
        self.remaining -= read as u64;
        Poll::Ready(Some(Ok(self.buffer.split_to(read).freeze())))
    }
}
