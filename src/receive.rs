//! Reading the bodies of requests, within limits of size and time.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, EXPECT};
use http_body::Body as _;
use koine_core::{Error, ErrorKind};
use tokio::time::{Instant, Sleep};

/// Of a body that is refused, this much more is read and thrown away, in bytes, so that a client that
/// sends all of it before it listens gets its answer.
const DISCARDED: u64 = 32 << 20;
/// And for no longer than this.
const DISCARDING: Duration = Duration::from_secs(20);

/// Why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// It paused for longer than `limits.body_pause`.
    #[error("the body came too slowly")]
    Slow,
    /// The connection broke, or the framing did.
    #[error("the body ended too early")]
    Broken,
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::bad_request(match fault {
            Fault::Slow => "the body came too slowly",
            Fault::Broken => "the body ended too early",
        })
    }
}

/// A body as its pieces, each of which must come within the pause.
pub(crate) struct Pieces<'a, B> {
    body: &'a mut B,
    pause: Duration,
    timer: Pin<Box<Sleep>>,
}

impl<'a, B> Pieces<'a, B> {
    pub(crate) fn new(body: &'a mut B, pause: Duration) -> Self {
        Self { body, pause, timer: Box::pin(tokio::time::sleep(pause)) }
    }
}

impl<B: http_body::Body<Data = Bytes> + Unpin> Stream for Pieces<'_, B> {
    type Item = Result<Bytes, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let Poll::Ready(frame) = Pin::new(&mut *self.body).poll_frame(context) else {
                ready!(self.timer.as_mut().poll(context));
                return Poll::Ready(Some(Err(Fault::Slow)));
            };
            let next = Instant::now() + self.pause;
            self.timer.as_mut().reset(next);
            match frame {
                None => return Poll::Ready(None),
                Some(Err(_)) => return Poll::Ready(Some(Err(Fault::Broken))),
                // Trailers say nothing to us.
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
            }
        }
    }
}

/// Reads a body whole, at most `limit` bytes.
///
/// # Errors
/// `TooLarge` above the limit, declared or sent; `BadRequest` where it does not come.
pub(crate) async fn whole<B>(body: &mut B, headers: &HeaderMap, limit: usize, pause: Duration) -> Result<Bytes, Error>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    if declared(headers).is_some_and(|length| length > limit as u64) {
        return Err(ErrorKind::TooLarge.into());
    }
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let mut pieces = Pieces::new(body, pause);
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        if first.len() + rest.len() + piece.len() > limit {
            return Err(ErrorKind::TooLarge.into());
        }
        if first.is_empty() {
            first = piece;
        } else {
            rest.extend_from_slice(&piece);
        }
    }
    if rest.is_empty() {
        return Ok(first);
    }
    let mut all = BytesMut::with_capacity(first.len() + rest.len());
    all.extend_from_slice(&first);
    all.extend_from_slice(&rest);
    Ok(all.freeze())
}

/// Throws away what is left of a body, as far as is reasonable. A client that waits to be told to go
/// on is not told.
pub(crate) async fn discard<B>(body: &mut B, headers: &HeaderMap, pause: Duration)
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let hopeless = declared(headers).is_some_and(|length| length > DISCARDED);
    if body.is_end_stream() || headers.contains_key(EXPECT) || hopeless {
        return;
    }
    let mut pieces = Pieces::new(body, pause);
    let discarding = async {
        let mut discarded = 0;
        while let Some(Ok(piece)) = pieces.next().await {
            discarded += piece.len() as u64;
            if discarded > DISCARDED {
                break;
            }
        }
    };
    // Too slow: then the answer goes out unheard.
    let _ = tokio::time::timeout(DISCARDING, discarding).await;
}

/// How long a body says it is.
pub(crate) fn declared(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use http_body_util::{Full, StreamBody};

    use super::*;

    const PAUSE: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn a_body_within_the_limit_is_read_whole() {
        let frames = [b"ab".as_slice(), b"cd", b"e"].map(|piece| Ok::<_, Fault>(http_body::Frame::data(piece.into())));
        let mut body = StreamBody::new(futures_util::stream::iter(frames));
        assert_eq!(whole(&mut body, &HeaderMap::new(), 5, PAUSE).await.as_deref(), Ok(b"abcde".as_slice()));
    }

    #[tokio::test]
    async fn a_body_above_the_limit_is_refused_declared_or_not() {
        let mut body = Full::new(Bytes::from_static(b"abcdef"));
        let error = whole(&mut body, &HeaderMap::new(), 5, PAUSE).await.expect_err("too large");
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        let headers = HeaderMap::from_iter([(CONTENT_LENGTH, 6.into())]);
        let mut unread = Full::new(Bytes::from_static(b"abcdef"));
        let error = whole(&mut unread, &headers, 5, PAUSE).await.expect_err("too large");
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert!(!unread.is_end_stream(), "what is declared too large is not read at all");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_coming_is_given_up() {
        let first = futures_util::stream::iter([Ok::<_, Fault>(http_body::Frame::data(Bytes::from_static(b"a")))]);
        let mut body = StreamBody::new(first.chain(futures_util::stream::pending()));
        let error = whole(&mut body, &HeaderMap::new(), 5, PAUSE).await.expect_err("too slow");
        assert_eq!(error, Fault::Slow.into());
    }
}
