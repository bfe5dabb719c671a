//! The management listener: the same machinery, another service.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tracing::Instrument;

use super::body::Body;
use super::connection;
use super::listener;
use super::shared::Shared;
use super::transport::{Transport, Watched};
use crate::complaint::Complaint;
use crate::descriptors;

/// Serves the requests of a listener that is not for clients.
pub trait Handler: Send + Sync {
    /// Answers a request from an address. What goes wrong is an answer too.
    fn handle(&self, request: Request<Incoming>, peer: IpAddr) -> Handling<'_>;
}

/// The answer of a [`Handler`].
pub type Handling<'a> = Pin<Box<dyn Future<Output = Response<Body>> + Send + 'a>>;

/// Serves until the gateway stops. Connections count for nobody's limits: whoever operates the
/// gateway must be able to look at it when it is full. They have descriptors of their own; more than those are
/// closed at once, so that they take none that clients or the store need.
pub(super) async fn run(tcp: TcpListener, shared: Arc<Shared>, handler: Arc<dyn Handler>) {
    let serving = Arc::clone(&shared);
    let room = Arc::new(Semaphore::new(descriptors::for_management()));
    let complaint = Complaint::new();
    listener::accept(&tcp, &shared, move |stream, address| {
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
            if let Some(unlogged) = complaint.due() {
                tracing::warn!(client.addr = %address.ip(), unlogged, "there are too many management connections");
            }
            return;
        };
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
            drop(place);
        };
        serving.tasks.spawn(task.in_current_span());
    })
    .await;
}
