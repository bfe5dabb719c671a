//! The network side: listeners, HTTP, and one driver for every WebSocket connection.
//!
//! ```text
//! socket ─► listener ─► connection ─► http ─┬─► endpoint ─► Command ─► hub
//!                                           └─► driver   ─► Session ─► Command ─► hub
//! ```

mod admission;
mod body;
mod client;
mod connection;
mod driver;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub(crate) mod gates;
mod handover;
mod http;
mod listener;
mod management;
mod networks;
mod proxy_protocol;
mod rate;
mod routes;
mod shared;
#[cfg(test)]
pub(crate) mod simulated;
#[cfg(test)]
mod tests;
mod tls;
mod transport;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use koine_core::Zone;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, info_span};

pub use body::Body;
pub use error::StartError;
pub use management::{Handler, Handling};
pub use networks::{InvalidNetwork, Networks};
pub use tls::TlsError;

use self::admission::Admission;
use self::gates::Gates;
use self::listener::Listener;
use self::management::Managing;
use self::rate::Registrations;
use self::shared::Shared;
use crate::auth::{Auth, Directory};
use crate::config::{Config, DialectName};
use crate::dialects::Dialects;
use crate::files::{FileIndex, FileStore};
use crate::hub::Hub;

/// What of the drain time is kept for what comes after the clients: the hub, the store, the last answers to operators.
const REST: Duration = Duration::from_millis(500);

/// A running gateway.
pub struct Gateway {
    shared: Arc<Shared>,
    addresses: Vec<(SocketAddr, Vec<DialectName>)>,
    management: Option<SocketAddr>,
    managing: Managing,
}

/// What a gateway stands on.
pub struct Options {
    /// Carries commands out. The gateway drains and stops it when it stops itself.
    pub hub: Hub,
    /// Judges tokens.
    pub auth: Auth,
    /// Knows users and chat list rows.
    pub directory: Arc<dyn Directory>,
    /// Keeps what is known of uploads.
    pub files: Arc<dyn FileIndex>,
    /// The dialects, the same ones the hub encodes events with.
    pub dialects: Dialects,
    /// The zone of dates shown as text.
    pub zone: Zone,
    /// Whether users come into being on first use.
    pub demo: bool,
    /// What the management listener serves, where there is one.
    pub management: Option<Arc<dyn Handler>>,
}

impl Gateway {
    /// Listens at every configured address and serves from then on. Port 0 takes a free one.
    ///
    /// # Errors
    /// Where an address is taken, or the configuration cannot be used; then nothing listens.
    pub async fn start(config: Config, options: Options) -> Result<Self, StartError> {
        let Options { hub, auth, directory, files, dialects, zone, demo, management } = options;
        let files = open_files(&config, files).await?;
        let shared = Arc::new(Shared {
            trusted: Networks::parse(config.proxy.trusted.iter().map(String::as_str))?,
            cors: http::Cors::new(&config.cors),
            admission: Admission::new(&config.limits),
            registrations: Registrations::new(&config.limits),
            pulls: Gates::default(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            config,
            hub,
            auth,
            directory,
            files,
            zone,
            demo,
        });
        let mut bound = Vec::new();
        for config in &shared.config.listeners {
            let listener = Listener::new(&shared, config, &dialects)?;
            bound.push((listener::bind(config.address)?, Arc::new(listener)));
        }
        let managed = &shared.config.management;
        let management = match management.filter(|_| managed.enabled) {
            Some(handler) => Some((listener::bind(managed.address)?, handler)),
            None => None,
        };
        let (addresses, managing) = Default::default();
        let mut gateway = Self { shared: Arc::clone(&shared), addresses, management: None, managing };
        for ((tcp, address), listener) in bound {
            gateway.addresses.push((address, listener.dialects.clone()));
            let span = info_span!("listener", %address);
            shared.tasks.spawn(listener::run(tcp, listener).instrument(span));
        }
        if let Some(((tcp, address), handler)) = management {
            gateway.management = Some(address);
            let span = info_span!("management", %address);
            gateway.managing.start(tcp, Arc::clone(&shared), handler, span);
        }
        Ok(gateway)
    }

    /// Where it listens for clients, and of which dialects, in the order configured.
    pub fn addresses(&self) -> &[(SocketAddr, Vec<DialectName>)] {
        &self.addresses
    }

    /// Where it listens for management, if it does.
    pub const fn management_address(&self) -> Option<SocketAddr> {
        self.management
    }

    /// Stops: no connections are accepted any more, clients are told in their dialect and closed with
    /// 1001, what was handed over is finished. The management listener goes on until then. Clients have the
    /// configured drain time, less what the rest needs of it.
    pub async fn stop(self) {
        let shared = &self.shared;
        let drain = shared.config.drain.saturating_sub(REST.min(shared.config.drain / 10));
        shared.stopping.cancel();
        shared.hub.drain();
        shared.tasks.close();
        if tokio::time::timeout(drain, shared.tasks.wait()).await.is_err() {
            tracing::warn!(left = shared.tasks.len(), "the drain time is over; the remaining connections are cut");
        }
        shared.hub.stop().await;
        self.managing.end().await;
    }
}

/// Starts a gateway and serves until `shutdown` is done, then stops.
pub async fn run(config: Config, options: Options, shutdown: impl Future<Output = ()>) -> Result<(), StartError> {
    let gateway = Gateway::start(config, options).await?;
    shutdown.await;
    gateway.stop().await;
    Ok(())
}

async fn open_files(config: &Config, index: Arc<dyn FileIndex>) -> Result<FileStore, StartError> {
    let data = config.data.clone();
    let (largest, min_free) = (config.limits.upload, config.store.min_free);
    let folder = data.clone();
    let opening = move || FileStore::open(&folder, index, largest, min_free);
    let opened = tokio::task::spawn_blocking(opening).await.unwrap_or_else(|panic| Err(std::io::Error::other(panic)));
    opened.map_err(|fault| StartError::Files { data, fault })
}
