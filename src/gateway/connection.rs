//! One TCP connection: from its first byte to HTTP.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::admission::{Permit, Refusal};
use super::body::Body;
use super::handover::Handover;
use super::http;
use super::listener::Listener;
use super::proxy_protocol;
use super::rate::Pace;
use super::transport::{Transport, Watched};
use crate::config::Limits;

/// The longest head of a request, in bytes.
const HEAD: usize = 64 << 10;

/// What is known of a TCP connection.
pub(super) struct Connection {
    /// Where it came in.
    pub(super) listener: Arc<Listener>,
    /// Who connected, or for whom a trusted proxy said in a PROXY header that it connected.
    pub(super) peer: IpAddr,
    /// Who connected.
    pub(super) direct_peer: IpAddr,
    /// How often it may ask.
    pub(super) pace: Pace,
    /// Tells when a reply has been handed to the socket.
    pub(super) handover: Arc<Handover>,
    _permits: (Permit, Option<Permit>),
}

#[cfg(test)]
impl Connection {
    /// A connection from this machine, of which nothing more is known.
    pub(super) fn simulated(listener: &Arc<Listener>) -> Result<Self, Refusal> {
        let (shared, here) = (&listener.shared, std::net::Ipv4Addr::LOCALHOST.into());
        Ok(Self {
            listener: Arc::clone(listener),
            peer: here,
            direct_peer: here,
            pace: Pace::new(&shared.config.limits),
            handover: Arc::default(),
            _permits: (shared.admission.enter()?, None),
        })
    }
}

/// Serves a connection until it ends or has become a WebSocket.
pub(super) async fn serve(listener: Arc<Listener>, mut stream: TcpStream, address: SocketAddr, permit: Permit) {
    let shared = Arc::clone(&listener.shared);
    let limits = &shared.config.limits;
    let direct_peer = address.ip().to_canonical();
    let greeting = async {
        let peer = peer(&listener, &mut stream, direct_peer).await?;
        // Behind a trusted proxy everybody has its address; they are counted by their own later.
        let counted = (!shared.trusted.contains(peer)).then(|| shared.admission.enter_from(peer)).transpose();
        let counted = match counted {
            Ok(counted) => counted,
            Err(refusal) => {
                if listener.tls.is_none() {
                    refuse(stream, refusal).await;
                }
                return Ok(None);
            }
        };
        let transport = match &listener.tls {
            None => Transport::Plain(stream),
            Some(tls) => Transport::Tls(Box::new(tls.accept(stream).await?)),
        };
        io::Result::Ok(Some((peer, counted, transport)))
    };
    let (peer, counted, transport) = match timeout(limits.handshake, greeting).await {
        Ok(Ok(Some(greeted))) => greeted,
        Ok(Ok(None)) => return,
        Ok(Err(error)) => return tracing::debug!(%error, client.addr = %direct_peer, "no connection came about"),
        Err(_) => return tracing::debug!(client.addr = %direct_peer, "the handshake took too long"),
    };
    let handover = Arc::<Handover>::default();
    let io = Watched::new(transport, limits.body_pause, Arc::clone(&handover));
    let pace = Pace::new(limits);
    let connection = Arc::new(Connection { listener, peer, direct_peer, pace, handover, _permits: (permit, counted) });
    let service = move |request| http::serve(Arc::clone(&connection), request);
    serve_http(io, service, limits, &shared.stopping, shared.config.drain).await;
}

/// Who is on the other side: a trusted proxy's word counts where the listener expects one.
async fn peer(listener: &Listener, stream: &mut TcpStream, direct: IpAddr) -> io::Result<IpAddr> {
    if !listener.proxy_protocol || !listener.shared.trusted.contains(direct) {
        return Ok(direct);
    }
    let said = proxy_protocol::read(stream).await?;
    Ok(said.map_or(direct, |address| address.ip().to_canonical()))
}

/// Speaks HTTP/1.1 until the connection ends or is upgraded; once the gateway stops, until the
/// request under way is answered, at most for the drain time.
pub(super) async fn serve_http<S, F>(
    io: Watched<Transport>,
    service: S,
    limits: &Limits,
    stopping: &CancellationToken,
    drain: Duration,
) where
    S: Fn(Request<Incoming>) -> F,
    F: Future<Output = Result<Response<Body>, Infallible>>,
{
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(io), service_fn(service))
        .with_upgrades();
    let mut serving = pin!(serving.in_current_span());
    let result = tokio::select! {
        result = serving.as_mut() => result,
        () = stopping.cancelled() => {
            serving.as_mut().inner_pin_mut().graceful_shutdown();
            timeout(drain, serving).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection broke");
    }
}

/// Says why a connection is not served, as far as it listens, and ends it.
pub(super) async fn refuse(mut stream: TcpStream, refusal: Refusal) {
    const PATIENCE: Duration = Duration::from_secs(1);
    let status = match refusal {
        Refusal::Full => "503 Service Unavailable",
        Refusal::Address => "429 Too Many Requests",
    };
    let reply = format!("HTTP/1.1 {status}\r\nConnection: close\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n");
    let refusing = async {
        stream.write_all(reply.as_bytes()).await?;
        stream.shutdown().await?;
        // Until the client has read it and left; unread bytes would turn the end into a reset.
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await
    };
    let _ = timeout(PATIENCE, refusing).await;
}
