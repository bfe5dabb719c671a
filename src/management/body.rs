//! Reading the body of a request, within limits of size and time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt;
use koine_core::{Error, ErrorKind};

/// Reads a body whole: at most `limit` bytes, and no pause longer than `pause`.
///
/// # Errors
/// `TooLarge` above the limit, declared or sent; `BadRequest` where it does not come.
pub(super) async fn read<B>(body: &mut B, headers: &HeaderMap, limit: usize, pause: Duration) -> Result<Bytes, Error>
where
    B: hyper::body::Body<Data = Bytes> + Unpin,
{
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit as u64) {
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
