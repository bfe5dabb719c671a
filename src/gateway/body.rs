//! The bodies of replies.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use koine_core::{Error, Rows};

use super::handover::Handing;
use crate::files::FileReader;
use crate::hub::Readers;

/// Rows are gathered until they are this long together, in bytes.
const CHUNK: usize = 64 << 10;

/// The body of a reply.
#[derive(Debug)]
pub struct Body {
    source: Source,
    handing: Option<Handing>,
}

#[derive(Debug)]
enum Source {
    Full(Bytes),
    Rows(RowsSource),
    File(Box<FileReader>),
}

/// Rows on their way from the store; nothing is read before it is asked for.
enum RowsSource {
    /// A piece that is ready, and what follows.
    Ready(Piece),
    /// The next piece is being read.
    Reading(Pin<Box<dyn Future<Output = Result<Piece, Error>> + Send>>),
    /// Nothing follows.
    End,
}

/// Some rows, and where the next ones come from, if there are any.
#[derive(Debug)]
pub(super) struct Piece {
    bytes: Bytes,
    rest: Option<(Rows<Bytes>, Readers)>,
}

impl Body {
    /// A body that is known whole.
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        Self::of(Source::Full(bytes.into()))
    }

    /// No body.
    pub fn empty() -> Self {
        Self::full(Bytes::new())
    }

    /// Part of a file, read as it is sent.
    pub(crate) fn file(reader: FileReader) -> Self {
        Self::of(Source::File(Box::new(reader)))
    }

    /// Rows, of which the first piece was read already. Short lists are known whole by then.
    pub(super) fn rows(first: Piece) -> Self {
        match first.rest {
            None => Self::full(first.bytes),
            Some(_) => Self::of(Source::Rows(RowsSource::Ready(first))),
        }
    }

    /// The same, telling when it has been handed to the socket.
    pub(super) fn handing(mut self, mut handing: Handing) -> Self {
        if http_body::Body::is_end_stream(&self) {
            // An empty body is never asked for; the head alone is the reply.
            handing.arm();
        }
        self.handing = Some(handing);
        self
    }

    const fn of(source: Source) -> Self {
        Self { source, handing: None }
    }
}

impl Piece {
    /// Reads rows until there is enough to be worth sending. Blocks where they have to be read.
    pub(super) fn gather(mut rows: Rows<Bytes>, readers: Readers) -> Result<Self, Error> {
        let mut bytes = Vec::new();
        while bytes.len() < CHUNK {
            match rows.next() {
                Some(row) => bytes.extend_from_slice(&row?),
                None => return Ok(Self { bytes: bytes.into(), rest: None }),
            }
        }
        Ok(Self { bytes: bytes.into(), rest: Some((rows, readers)) })
    }
}

async fn read_on((rows, readers): (Rows<Bytes>, Readers)) -> Result<Piece, Error> {
    let others = readers.clone();
    readers.run(move || Piece::gather(rows, others)).await
}

impl std::fmt::Debug for RowsSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ready(_) => "Ready",
            Self::Reading(_) => "Reading",
            Self::End => "End",
        })
    }
}

impl RowsSource {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            match self {
                Self::End => return Poll::Ready(None),
                Self::Ready(piece) => {
                    let bytes = std::mem::take(&mut piece.bytes);
                    *self = piece.rest.take().map_or(Self::End, |rest| Self::Reading(Box::pin(read_on(rest))));
                    return Poll::Ready(Some(Ok(bytes)));
                }
                Self::Reading(reading) => match ready!(reading.as_mut().poll(context)) {
                    // The list ended exactly where the last piece did.
                    Ok(piece) if piece.bytes.is_empty() && piece.rest.is_none() => *self = Self::End,
                    Ok(piece) => *self = Self::Ready(piece),
                    // The connection ends here, so that half a list is never taken for a whole one.
                    Err(error) => return self.fail(error),
                },
            }
        }
    }

    fn fail(&mut self, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Poll<Option<io::Result<Bytes>>> {
        *self = Self::End;
        Poll::Ready(Some(Err(io::Error::other(error))))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let polled = match &mut self.source {
            Source::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            Source::Full(bytes) => Poll::Ready(Some(Ok(std::mem::take(bytes)))),
            Source::Rows(rows) => rows.poll(context),
            Source::File(reader) => reader.poll_chunk(context),
        };
        let frame = ready!(polled);
        let ended = !matches!(frame, Some(Err(_))) && http_body::Body::is_end_stream(&*self);
        if ended && let Some(handing) = &mut self.handing {
            handing.arm();
        }
        Poll::Ready(frame.map(|frame| frame.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Full(bytes) => bytes.is_empty(),
            Source::Rows(rows) => matches!(rows, RowsSource::End),
            Source::File(reader) => reader.remaining() == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Source::Rows(_) => SizeHint::new(),
            Source::File(reader) => SizeHint::with_exact(reader.remaining()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http_body_util::BodyExt;

    use super::*;
    use crate::gateway::handover::Handover;

    fn gather(rows: Rows<Bytes>) -> Result<Piece, Error> {
        Piece::gather(rows, Readers::for_tests())
    }

    fn rows(count: usize, fault: bool) -> Rows<Bytes> {
        let rows = (0..count).map(|_| Ok(Bytes::from(vec![b'x'; 1_000])));
        Rows::new(rows.chain(fault.then(|| Err(Error::internal()))))
    }

    #[tokio::test]
    async fn a_short_list_is_known_whole() {
        let body = Body::rows(gather(rows(3, false)).expect("rows"));
        assert_eq!(http_body::Body::size_hint(&body).exact(), Some(3_000));
    }

    #[tokio::test]
    async fn a_long_list_comes_in_pieces_and_loses_nothing() {
        for count in [65, 66, 67, 132, 400] {
            let mut body = Body::rows(gather(rows(count, false)).expect("rows"));
            let mut total = 0;
            while let Some(frame) = body.frame().await {
                let data = frame.expect("a piece").into_data().expect("data");
                assert!(data.len() <= CHUNK + 1_000);
                total += data.len();
            }
            assert_eq!(total, count * 1_000);
        }
    }

    #[tokio::test]
    async fn a_fault_within_a_list_ends_the_body_with_an_error() {
        let body = Body::rows(gather(rows(100, true)).expect("the first rows are good"));
        assert!(body.collect().await.is_err());
        assert!(gather(rows(2, true)).is_err(), "a fault in the first piece can still be answered");
    }

    #[tokio::test]
    async fn only_the_last_piece_arms_the_handing_over() {
        let handover = Arc::new(Handover::default());
        let (handing, handed) = handover.prepare();
        let mut body = Body::rows(gather(rows(100, false)).expect("rows")).handing(handing);
        body.frame().await.expect("a piece").expect("data");
        handover.flushed();
        drop(body);
        handover.flushed();
        assert!(!handed.wait().await, "the list was cut");

        let (handing, handed) = handover.prepare();
        let body = Body::rows(gather(rows(100, false)).expect("rows")).handing(handing);
        body.collect().await.expect("the whole list");
        handover.flushed();
        assert!(handed.wait().await);
    }
}
