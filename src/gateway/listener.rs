//! Listening: addresses, the accept loop, and what a listener serves.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::connection;
use super::error::StartError;
use super::routes::Routes;
use super::shared::Shared;
use super::tls;
use crate::config::{DialectName, ListenerConfig};
use crate::dialects::Dialects;

/// Connections the system holds until they are accepted.
const BACKLOG: u32 = 4_096;
/// How long to wait after the system could not give a connection out (no descriptors left, say).
const BREATH: Duration = Duration::from_millis(50);
/// Refusals spoken at once, and what part of the connections they are at most, since they need descriptors
/// beyond those; more connections than that are refused without words.
const REFUSALS: usize = 256;
const PART_REFUSED: usize = 16;

/// What a listener serves.
pub(super) struct Listener {
    pub(super) shared: Arc<Shared>,
    pub(super) routes: Routes,
    pub(super) internal: bool,
    pub(super) proxy_protocol: bool,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) dialects: Vec<DialectName>,
}

impl Listener {
    /// Prepares a listener as configured.
    pub(super) fn new(shared: &Arc<Shared>, config: &ListenerConfig, dialects: &Dialects) -> Result<Self, StartError> {
        let served: Vec<_> = config.dialects.iter().filter_map(|name| dialects.get(*name)).cloned().collect();
        Ok(Self {
            shared: Arc::clone(shared),
            routes: Routes::new(&served)?,
            internal: config.internal,
            proxy_protocol: config.proxy_protocol,
            tls: config.tls.as_ref().map(tls::acceptor).transpose()?,
            dialects: config.dialects.clone(),
        })
    }
}

/// Listens at an address; says which one it became, as port 0 takes a free one.
pub(super) fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let listen = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    listen().map_err(|fault| StartError::Listen { address, fault })
}

/// Accepts clients until the gateway stops.
pub(super) async fn run(tcp: TcpListener, listener: Arc<Listener>) {
    let shared = Arc::clone(&listener.shared);
    let refusals = Arc::new(Semaphore::new((shared.config.limits.connections / PART_REFUSED).clamp(1, REFUSALS)));
    accept(&tcp, &shared.stopping, |stream, address| match shared.admission.enter() {
        Ok(permit) => {
            let serving = connection::serve(Arc::clone(&listener), stream, address, permit);
            shared.tasks.spawn(serving.in_current_span());
        }
        Err(refusal) => {
            tracing::warn!(client.addr = %address.ip(), "there are as many connections as are allowed");
            // Words in the clear mean nothing under TLS.
            if listener.tls.is_none()
                && let Ok(turn) = Arc::clone(&refusals).try_acquire_owned()
            {
                shared.tasks.spawn(async move {
                    connection::refuse(stream, refusal).await;
                    drop(turn);
                });
            }
        }
    })
    .await;
}

/// Accepts connections until it is told to stop. No error of the system's ends it.
pub(super) async fn accept(
    tcp: &TcpListener,
    stopping: &CancellationToken,
    mut serve: impl FnMut(TcpStream, SocketAddr),
) {
    loop {
        let accepted = tokio::select! {
            accepted = tcp.accept() => accepted,
            () = stopping.cancelled() => return,
        };
        match accepted {
            Ok((stream, address)) => {
                // Frames are small and gathered by us; waiting to fill packets would only delay them.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection was gone before it began");
                } else {
                    serve(stream, address);
                }
            }
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                tracing::error!(%error, "connections cannot be accepted at the moment");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

/// Errors of the one connection that was to be accepted.
fn is_the_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}
