//! The gateway without listeners: WebSockets over streams in memory, endpoints called by name.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use koine_core::{Call, Context, Error, HttpRequest, Reply, SocketRequest, UserRef, Zone};
use tokio::io::DuplexStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::admission::Admission;
use super::connection::Connection;
use super::driver;
use super::gates::Gates;
use super::http::Cors;
use super::listener::Listener;
use super::networks::Networks;
use super::rate::Registrations;
use super::routes::Routes;
use super::shared::{Shared, now};
use crate::auth::Auth;
use crate::config::{Config, DialectName};
use crate::dialects::Dialects;
use crate::files::FileStore;
use crate::hub::{Actor, Hub, Origin};

/// A gateway that listens nowhere.
pub(crate) struct Network {
    listener: Arc<Listener>,
    dialects: Dialects,
}

impl Network {
    /// The gateway on a hub.
    pub(crate) fn new(config: &Config, hub: &Hub, auth: &Auth, dialects: &Dialects, files: &FileStore) -> Self {
        let shared = Shared {
            trusted: Networks::default(),
            cors: Cors::new(&config.cors),
            admission: Admission::new(&config.limits),
            registrations: Registrations::new(&config.limits),
            pulls: Gates::default(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            config: config.clone(),
            hub: hub.clone(),
            auth: auth.clone(),
            directory: Arc::new(hub.clone()),
            files: files.clone(),
            zone: Zone::utc(),
            demo: false,
        };
        let listener = Listener {
            shared: Arc::new(shared),
            routes: Routes::new(&[]).expect("no routes contradict each other"),
            internal: false,
            proxy_protocol: false,
            tls: None,
            dialects: DialectName::ALL.to_vec(),
        };
        Self { listener: Arc::new(listener), dialects: dialects.clone() }
    }

    /// Begins a stop, as the gateway does.
    pub(crate) fn begin_stop(&self) {
        self.listener.shared.stopping.cancel();
        self.listener.shared.hub.drain();
    }

    /// Serves a WebSocket of a dialect to its end.
    pub(crate) fn websocket(
        &self,
        dialect: DialectName,
        request: SocketRequest,
        stream: DuplexStream,
        random: u64,
    ) -> impl Future<Output = ()> + Send + 'static {
        let connection = Connection::simulated(&self.listener).expect("room for a connection");
        let mounted = Arc::clone(self.dialects.get(dialect).expect("all dialects are mounted"));
        driver::drive(Arc::new(connection), mounted, request, stream, random)
    }

    /// Calls an endpoint for a user. `taken` gets the response's body and says whether the client had all of
    /// it; then what follows a reply that was handed over is done.
    pub(crate) async fn call(
        &self,
        dialect: DialectName,
        path: &str,
        user: &UserRef,
        request: &HttpRequest,
        taken: impl FnOnce(&[u8]) -> bool,
    ) -> Result<(), Error> {
        let shared = &self.listener.shared;
        let mounted = self.dialects.get(dialect).expect("all dialects are mounted");
        let endpoints = mounted.dialect.endpoints();
        let endpoint = endpoints
            .iter()
            .find(|endpoint| endpoint.path() == path && endpoint.method() == request.method)
            .expect("an endpoint of the dialect's");
        let context = Context { user: Some(user), now: now(), zone: &shared.zone };
        let Call { command, after } = endpoint.request(&context, request)?;
        let _turn = shared.pulls.enter(user.id).await;
        let actor = Actor { user: Some(user.clone()), origin: Origin::Dialect(dialect) };
        let reply: Reply = shared.carry_out(&actor, IpAddr::V4(Ipv4Addr::LOCALHOST), command).await?;
        let after = after.and_then(|after| after(&reply));
        let body = endpoint.response(&context, request, Ok(reply)).into_bytes()?;
        if taken(&body)
            && let Some(command) = after
        {
            shared.hub.execute(&actor, command).await?;
        }
        Ok(())
    }
}
