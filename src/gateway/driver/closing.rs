//! How a connection ends.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;

use super::link::Link;
use super::socket::{Gone, Received, Socket};

/// How long the client may take to answer our Close.
const FAREWELL: Duration = Duration::from_secs(2);

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parting {
    /// The server closes it.
    Close(u16, &'static str),
    /// The client has sent what cannot be read on from.
    Fault(u16, &'static str),
    /// The client has closed it.
    ByClient,
    /// The other side is gone.
    Gone,
}

/// Ends a connection. A client that takes nothing any more holds it up for `patience` at most.
pub(super) async fn part<T>(link: Option<Link>, mut socket: Socket<T>, parting: Parting, patience: Duration)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    // Commands under way are carried out without us.
    let last_words = link.map(|mut link| std::mem::take(&mut link.frames)).unwrap_or_default();
    let farewell = async {
        match parting {
            Parting::Gone => Ok(()),
            Parting::ByClient => {
                say(&mut socket, last_words);
                poll_fn(|context| socket.poll_answer(context)).await;
                socket.io().shutdown().await.map_err(|_| Gone)
            }
            Parting::Close(code, reason) => {
                say(&mut socket, last_words);
                close(&mut socket, code, reason).await?;
                // Who read too slowly has much to read before the Close, and is given time to.
                let within = if code == 1013 { patience } else { FAREWELL };
                let _ = timeout(within, answered(&mut socket)).await;
                socket.io().shutdown().await.map_err(|_| Gone)
            }
            Parting::Fault(code, reason) => {
                say(&mut socket, last_words);
                close(&mut socket, code, reason).await?;
                socket.io().shutdown().await.map_err(|_| Gone)?;
                // Closing with bytes unread would be a reset, which can overtake the Close.
                let _ = timeout(FAREWELL, discard(socket.io())).await;
                Ok(())
            }
        }
    };
    let ended = timeout(patience, farewell).await;
    tracing::debug!(?parting, whole = matches!(ended, Ok(Ok(()))), "the connection has ended");
}

fn say<T: AsyncRead + AsyncWrite + Unpin>(socket: &mut Socket<T>, words: VecDeque<String>) {
    for text in words {
        socket.send(text.into());
    }
}

/// Writes what waits, then a Close frame.
async fn close<T>(socket: &mut Socket<T>, code: u16, reason: &'static str) -> Result<(), Gone>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    poll_fn(|context| socket.poll_write(context)).await?;
    let mut frame = Some(CloseFrame { code: code.into(), reason: reason.into() });
    poll_fn(|context| socket.poll_close(context, &mut frame)).await
}

/// Until the client has answered our Close, or is gone.
async fn answered<T>(socket: &mut Socket<T>)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut reading = async || poll_fn(|context| socket.poll_read(context)).await;
    while matches!(reading().await, Received::Text(_) | Received::Binary(_) | Received::Ping | Received::Pong(_)) {}
}

async fn discard(io: &mut (impl AsyncRead + Unpin)) {
    let mut bytes = [0; 1_024];
    while matches!(io.read(&mut bytes).await, Ok(read) if read > 0) {}
}
