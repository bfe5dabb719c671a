//! The management listener: the same machinery, another service.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span};

use super::body::Body;
use super::connection;
use super::listener;
use super::shared::Shared;
use super::transport::{Transport, Watched};
use crate::complaint::Complaint;
use crate::descriptors;

/// How long requests that are under way may take once everything else has stopped.
const LAST_ANSWERS: Duration = Duration::from_millis(500);

/// Serves the requests of a listener that is not for clients.
pub trait Handler: Send + Sync {
    /// Answers a request from an address. What goes wrong is an answer too.
    fn handle(&self, request: Request<Incoming>, peer: IpAddr) -> Handling<'_>;
}

/// The answer of a [`Handler`].
pub type Handling<'a> = Pin<Box<dyn Future<Output = Response<Body>> + Send + 'a>>;

/// The management listener's tasks, which outlive the clients': operators and their probes see how a stop goes.
#[derive(Default)]
pub(super) struct Managing {
    stopping: CancellationToken,
    tasks: TaskTracker,
}

impl Managing {
    /// Serves until [`Managing::end`].
    pub(super) fn start(&self, tcp: TcpListener, shared: Arc<Shared>, handler: Arc<dyn Handler>, span: Span) {
        let serving = run(tcp, shared, handler, self.stopping.clone(), self.tasks.clone());
        self.tasks.spawn(serving.instrument(span));
    }

    /// Answers what has been asked, and ends.
    pub(super) async fn end(&self) {
        self.stopping.cancel();
        self.tasks.close();
        if timeout(LAST_ANSWERS, self.tasks.wait()).await.is_err() {
            tracing::debug!(left = self.tasks.len(), "management connections are cut");
        }
    }
}

/// Serves until it is told to stop. Connections count for nobody's limits: whoever operates the
/// gateway must be able to look at it when it is full. They have descriptors of their own; more than those are
/// closed at once, so that they take none that clients or the store need.
async fn run(
    tcp: TcpListener,
    shared: Arc<Shared>,
    handler: Arc<dyn Handler>,
    stopping: CancellationToken,
    tasks: TaskTracker,
) {
    let ending = stopping.clone();
    let room = Arc::new(Semaphore::new(descriptors::for_management()));
    let complaint = Complaint::new();
    listener::accept(&tcp, &ending, move |stream, address| {
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
            if let Some(unlogged) = complaint.due() {
                tracing::warn!(client.addr = %address.ip(), unlogged, "there are too many management connections");
            }
            return;
        };
        let (shared, handler, stopping) = (Arc::clone(&shared), Arc::clone(&handler), stopping.clone());
        let peer = address.ip().to_canonical();
        let task = async move {
            let limits = &shared.config.limits;
            let io = Watched::new(Transport::Plain(stream), limits.body_pause, Arc::default());
            let service = move |request| {
                let handler = Arc::clone(&handler);
                async move { Ok(handler.handle(request, peer).await) }
            };
            connection::serve_http(io, service, limits, &stopping, LAST_ANSWERS).await;
            drop(place);
        };
        tasks.spawn(task.in_current_span());
    })
    .await;
}
