//! The management listener: the same machinery, another service.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tracing::Instrument;

use super::body::Body;
use super::connection;
use super::listener;
use super::shared::Shared;
use super::transport::{Transport, Watched};

/// Serves the requests of a listener that is not for clients.
pub trait Handler: Send + Sync {
    /// Answers a request from an address. What goes wrong is an answer too.
    fn handle(&self, request: Request<Incoming>, peer: IpAddr) -> Handling<'_>;
}

/// The answer of a [`Handler`].
pub type Handling<'a> = Pin<Box<dyn Future<Output = Response<Body>> + Send + 'a>>;

/// Serves until the gateway stops. Connections count for nobody's limits: whoever operates the
/// gateway must be able to look at it when it is full.
pub(super) async fn run(tcp: TcpListener, shared: Arc<Shared>, handler: Arc<dyn Handler>) {
    let serving = Arc::clone(&shared);
    listener::accept(&tcp, &shared, move |stream, address| {
        let (shared, handler) = (Arc::clone(&serving), Arc::clone(&handler));
        let peer = address.ip().to_canonical();
        let task = async move {
            let limits = &shared.config.limits;
            let io = Watched::new(Transport::Plain(stream), limits.body_pause, Arc::default());
            let service = move |request| {
                let handler = Arc::clone(&handler);
                async move { Ok(handler.handle(request, peer).await) }
            };
            connection::serve_http(io, service, limits, &shared.stopping, shared.config.drain).await;
        };
        serving.tasks.spawn(task.in_current_span());
    })
    .await;
}
