//! Telling by the first frame which dialect a connection speaks.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_util::sync::CancellationToken;

use super::closing::Parting;
use super::drive::Stream;
use super::socket::Received;
use crate::config::Limits;
use crate::dialects::Mounted;

/// What a client is told whose first frame belongs to no dialect.
const UNKNOWN: &str = r#"{"error":"the first frame must be an object that one of the served protocols begins with"}"#;

/// Reads the first frame and finds the dialect it belongs to.
///
/// # Errors
/// How the connection parts: 4008 without a frame in time, 4000 where nobody knows it.
pub(super) async fn detect(
    socket: &mut Stream,
    candidates: &[Arc<Mounted>],
    limits: &Limits,
    stopping: &CancellationToken,
) -> Result<(Arc<Mounted>, Utf8Bytes), Parting> {
    let first = tokio::select! {
        first = timeout(limits.handshake, first_frame(socket)) => first,
        () = stopping.cancelled() => return Err(Parting::Close(1001, "going away")),
    };
    let Ok(first) = first else { return Err(Parting::Close(4008, "no first frame")) };
    let text = match first {
        Received::Text(text) => text,
        Received::TooLarge => return Err(Parting::Fault(1009, "too large")),
        Received::NotText => return Err(Parting::Fault(1007, "text that is not UTF-8")),
        Received::Broken => return Err(Parting::Fault(1002, "not a WebSocket frame")),
        Received::Close => return Err(Parting::ByClient),
        Received::End => return Err(Parting::Gone),
        Received::Binary(_) | Received::Ping | Received::Pong(_) => return Err(unknown(socket)),
    };
    match candidates.iter().find(|mounted| mounted.dialect.recognizes(&text)) {
        Some(mounted) => Ok((Arc::clone(mounted), text)),
        None => Err(unknown(socket)),
    }
}

fn unknown(socket: &mut Stream) -> Parting {
    socket.send(Utf8Bytes::from_static(UNKNOWN));
    Parting::Close(4000, "unknown protocol")
}

async fn first_frame(socket: &mut Stream) -> Received {
    loop {
        let received = poll_fn(|context| {
            // A Pong may wait to be written.
            if matches!(socket.poll_write(context), Poll::Ready(Err(_))) {
                return Poll::Ready(Received::End);
            }
            socket.poll_read(context)
        })
        .await;
        if !matches!(received, Received::Ping | Received::Pong(_)) {
            return received;
        }
    }
}
