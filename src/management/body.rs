//! Reading the body of a request, within limits of size and time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, EXPECT};
use http_body_util::BodyExt;
use koine_core::{Error, ErrorKind};

/// Of a body that is refused, this much more is read and thrown away, in bytes.
const DISCARDED: usize = 32 << 20;
/// And for no longer than this.
const DISCARDING: Duration = Duration::from_secs(20);
/// A pause of this length ends it sooner.
const DISCARDING_PAUSE: Duration = Duration::from_secs(1);

/// Reads a body whole: at most `limit` bytes, and no pause longer than `pause`.
///
/// # Errors
/// `TooLarge` above the limit, declared or sent; `BadRequest` where it does not come.
pub(super) async fn read<B>(body: &mut B, headers: &HeaderMap, limit: usize, pause: Duration) -> Result<Bytes, Error>
where
    B: hyper::body::Body<Data = Bytes> + Unpin,
{
    if declared(headers).is_some_and(|length| length > limit as u64) {
        return Err(ErrorKind::TooLarge.into());
    }
    let mut all = BytesMut::new();
    loop {
        let frame = match tokio::time::timeout(pause, body.frame()).await {
            Ok(None) => return Ok(all.freeze()),
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => return Err(Error::bad_request("the body ended too early")),
            Err(_) => return Err(Error::bad_request("the body came too slowly")),
        };
        // Trailers say nothing to us.
        let Ok(data) = frame.into_data() else { continue };
        if all.len() + data.len() > limit {
            return Err(ErrorKind::TooLarge.into());
        }
        all.extend_from_slice(&data);
    }
}

/// Throws away what is left of a body, as far as is reasonable, so that a client that sends all of it before
/// it listens gets its answer. One that waits to be told to go on is not told.
pub(super) async fn discard<B>(body: &mut B, headers: &HeaderMap)
where
    B: hyper::body::Body<Data = Bytes> + Unpin,
{
    let hopeless = declared(headers).is_some_and(|length| length > DISCARDED as u64);
    if body.is_end_stream() || headers.contains_key(EXPECT) || hopeless {
        return;
    }
    let discarding = async {
        let mut discarded = 0;
        while let Ok(Some(Ok(frame))) = tokio::time::timeout(DISCARDING_PAUSE, body.frame()).await {
            discarded += frame.data_ref().map_or(0, Bytes::len);
            if discarded > DISCARDED {
                break;
            }
        }
    };
    // Too slow: then the answer goes out unheard.
    let _ = tokio::time::timeout(DISCARDING, discarding).await;
}

fn declared(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
