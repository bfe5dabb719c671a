//! A gateway for one test: in this process, on free ports, in a folder of its own.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context as _, Result, anyhow};
use koine::Server;
use koine::config::{Config, DialectName, ListenerConfig, Secret};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

/// A running gateway; dropping it stops it and removes its data.
pub(crate) struct Gateway {
    /// Where each dialect listens.
    addresses: BTreeMap<&'static str, SocketAddr>,
    management: SocketAddr,
    management_key: String,
    notification_key: String,
    life: Mutex<Life>,
    _data: TempDir,
}

/// How far a gateway is.
enum Life {
    Running(Box<Server>),
    Stopping(JoinHandle<()>),
    Over,
}

impl Gateway {
    /// Starts one with a configuration; addresses, data and keys are the test's own.
    pub(crate) fn start(mut config: Config, own_listeners: bool) -> Result<Self> {
        let data = folder()?;
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener =
            |dialects: Vec<DialectName>| ListenerConfig { address: free, dialects, ..ListenerConfig::default() };
        config.listeners = if own_listeners {
            DialectName::ALL.into_iter().map(|name| listener(vec![name])).collect()
        } else {
            vec![listener(DialectName::ALL.to_vec())]
        };
        config.management.address = free;
        data.path().join("data").clone_into(&mut config.data);
        // What the machine has free is not what is tested, and a small cache is quickly made.
        config.store.min_free = 0;
        config.store.cache = 4 << 20;
        let keys = &mut config.dialects.access_token;
        let notification_key = keys.notification_key.expose().unwrap_or("notification-key-of-a-test").to_owned();
        keys.notification_key = Secret::new(&notification_key);
        let key_file = config.data.join(&config.management.key_file);
        let server = runtime()?.block_on(Server::start(config, false))?;
        let mut addresses = BTreeMap::new();
        for (address, dialects) in server.addresses() {
            addresses.extend(dialects.iter().map(|name| (name.as_str(), *address)));
        }
        let management = server.management_address().context("no management API")?;
        let management_key = std::fs::read_to_string(&key_file).with_context(|| key_file.display().to_string())?;
        Ok(Self {
            addresses,
            management,
            management_key: management_key.trim().to_owned(),
            notification_key,
            life: Mutex::new(Life::Running(Box::new(server))),
            _data: data,
        })
    }

    /// Where a dialect listens.
    pub(crate) fn address(&self, dialect: &str) -> Result<SocketAddr> {
        self.addresses.get(dialect).copied().with_context(|| format!("nobody listens for {dialect}"))
    }

    /// Where the management API listens.
    pub(crate) const fn management(&self) -> SocketAddr {
        self.management
    }

    /// The management key.
    pub(crate) fn management_key(&self) -> &str {
        &self.management_key
    }

    /// The key of access-token's notification endpoint.
    pub(crate) fn notification_key(&self) -> &str {
        &self.notification_key
    }

    /// Begins a graceful stop, without waiting for its end.
    pub(crate) fn drain(&self) {
        let mut life = self.life.lock().unwrap_or_else(PoisonError::into_inner);
        *life = match (std::mem::replace(&mut *life, Life::Over), runtime()) {
            (Life::Running(server), Ok(runtime)) => Life::Stopping(runtime.spawn(server.stop())),
            (life, _) => life,
        };
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.drain();
        let life = self.life.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let (Life::Stopping(stopping), Ok(runtime)) = (std::mem::replace(life, Life::Over), runtime()) {
            // A stop that panicked has said so on the error stream.
            let _ = runtime.block_on(stopping);
        }
    }
}

/// A folder in memory where there is such a place: what these tests show does not depend on a disk, and
/// hundreds of gateways start in it in the time that a disk takes for ten.
fn folder() -> Result<TempDir> {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.context("no temporary folder")
}

/// The runtime that all gateways of this process run on.
fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();
    let make = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().ok();
    RUNTIME.get_or_init(make).as_ref().ok_or_else(|| anyhow!("no runtime"))
}
