//! The whole program: a data directory, a store, a hub and the network, put together.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Weak};
use std::time::Duration;

use anyhow::Context;
use http::Request;
use hyper::body::Incoming;
use koine_core::Dialect;
use tokio_util::sync::CancellationToken;

use crate::auth::{Auth, Secrets};
use crate::config::{Config, DialectName, EngineName};
use crate::descriptors;
use crate::dialects::Dialects;
use crate::gateway::{Body, Gateway, Handler, Handling, Options};
use crate::hub::{Clock, Hub};
use crate::management::Management;
use crate::store::Store;
use crate::store::embedded::{Embedded, Settings};
use crate::store::engine::{self, EngineKind};
use crate::store::lock::DataDirectory;

/// How often the disk is asked how much room it has.
const LOOK_AT_DISK: Duration = Duration::from_secs(1);
/// How long the store may take to close after everything else has stopped.
const CLOSE: Duration = Duration::from_secs(10);

/// A running server.
pub struct Server {
    gateway: Gateway,
    management: Arc<Management>,
    store: Weak<dyn Store>,
    watching: CancellationToken,
    // The last to go: as long as it is held no other process works in the data directory.
    directory: Arc<DataDirectory>,
}

impl Server {
    /// Opens the data directory and its store, and serves from then on. With `demo`, users come into
    /// being on first use and `demo-<handle>` is a token of each.
    ///
    /// # Errors
    /// The data directory is in use or damaged, a key cannot be made, an address is taken.
    pub async fn start(mut config: Config, demo: bool) -> anyhow::Result<Self> {
        config.validate(demo)?;
        descriptors::raise();
        let room = descriptors::for_connections();
        if room < config.limits.connections {
            tracing::info!(connections = room, "the limit on file descriptors leaves room for fewer connections");
            config.limits.connections = room;
        }
        let zone = config.zone().context("time_zone")?;
        let directory = Arc::new(DataDirectory::take(&config.data)?);
        let secrets = Secrets::open(&config)?;
        let (settings, cache) = (Settings::new(&config, demo), config.store.cache);
        let kind = match config.store.engine {
            EngineName::Fjall => EngineKind::Fjall,
            EngineName::Sled => EngineKind::Sled,
        };
        let opened = directory.clone();
        let store = tokio::task::spawn_blocking(move || -> anyhow::Result<Arc<dyn Store>> {
            let engine = engine::open(kind, opened.path(), cache)?;
            Ok(Arc::new(Embedded::open(engine, settings)?))
        })
        .await??;
        let dialects = Dialects::new(&config, &zone, demo);
        let speakers: Vec<Arc<dyn Dialect>> = dialects.iter().map(|mounted| mounted.dialect.clone()).collect();
        let in_use = Arc::downgrade(&store);
        let hub = Hub::start(&config, store, speakers, Clock::system())?;
        let watching = CancellationToken::new();
        note_free_space(&hub, &directory);
        tokio::spawn(watch_disk(hub.clone(), directory.clone(), watching.clone()));
        let auth = Auth::new(&config, &secrets, Arc::new(hub.clone()), demo, zone.clone());
        let management = Arc::new(Management::new(hub.clone(), auth.clone(), &config));
        let options = Options {
            hub: hub.clone(),
            auth,
            directory: Arc::new(hub.clone()),
            files: Arc::new(hub.clone()),
            dialects,
            zone,
            demo,
            management: Some(management.clone()),
        };
        let gateway = match Gateway::start(config, options).await {
            Ok(gateway) => gateway,
            Err(error) => {
                watching.cancel();
                hub.stop().await;
                drop((hub, management));
                closed(&in_use).await;
                return Err(error.into());
            }
        };
        management.ready();
        Ok(Self { gateway, management, store: in_use, watching, directory })
    }

    /// Where it listens for clients, and of which dialects, in the order configured.
    pub fn addresses(&self) -> &[(SocketAddr, Vec<DialectName>)] {
        self.gateway.addresses()
    }

    /// Where it listens for management, if it does.
    pub const fn management_address(&self) -> Option<SocketAddr> {
        self.gateway.management_address()
    }

    /// Stops within the configured drain time: clients are told and closed, what was handed over is
    /// finished, the store is closed.
    pub async fn stop(self) {
        let Self { gateway, management, store, watching, directory } = self;
        management.draining();
        gateway.stop().await;
        drop(management);
        watching.cancel();
        closed(&store).await;
        drop(directory);
    }
}

/// Waits until nothing uses the store any more. What still looks something up has its answer in a moment.
async fn closed(store: &Weak<dyn Store>) {
    let unused = async {
        while store.strong_count() > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    if tokio::time::timeout(CLOSE, unused).await.is_err() {
        tracing::warn!("the store is still in use; its data is safe");
    }
}

impl Handler for Management {
    fn handle(&self, request: Request<Incoming>, _: IpAddr) -> Handling<'_> {
        Box::pin(async move { self.answer(request).await.map(Body::full) })
    }
}

async fn watch_disk(hub: Hub, directory: Arc<DataDirectory>, watching: CancellationToken) {
    let mut ticks = tokio::time::interval(LOOK_AT_DISK);
    loop {
        tokio::select! {
            () = watching.cancelled() => return,
            _ = ticks.tick() => {
                let (hub, directory) = (hub.clone(), directory.clone());
                let looked = tokio::task::spawn_blocking(move || note_free_space(&hub, &directory)).await;
                if looked.is_err() {
                    return;
                }
            }
        }
    }
}

fn note_free_space(hub: &Hub, directory: &DataDirectory) {
    match directory.free_bytes() {
        Ok(bytes) => hub.note_free_space(bytes),
        Err(error) => tracing::warn!(%error, "the disk does not say how much room it has"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::config::ListenerConfig;

    #[tokio::test(flavor = "multi_thread")]
    async fn an_address_that_is_taken_is_told_at_once_and_leaves_the_data_free() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let config = |address| {
            let mut config = Config { data: folder.path().join("data"), ..Config::default() };
            config.listeners = vec![ListenerConfig { address, ..ListenerConfig::default() }];
            config.management.enabled = false;
            config
        };
        let begun = Instant::now();
        let refused = Server::start(config(taken.local_addr().unwrap()), true).await.err().unwrap();
        assert!(format!("{refused:#}").contains("choose another address"), "{refused:#}");
        assert!(begun.elapsed() < CLOSE, "it waited for a store that it held itself");
        let free = "127.0.0.1:0".parse().unwrap();
        Server::start(config(free), true).await.unwrap().stop().await;
    }
}
