//! A gateway for one test: in this process, on free ports, in a folder of its own.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use koine::config::Config;
use tempfile::TempDir;

/// A running gateway; dropping it ends it and removes its data.
pub(crate) struct Gateway {
    /// Where each dialect listens.
    addresses: BTreeMap<&'static str, SocketAddr>,
    management: SocketAddr,
    management_key: String,
    notification_key: String,
    _data: TempDir,
}

impl Gateway {
    /// Starts one with a configuration; addresses, data and keys are the test's own.
    pub(crate) fn start(config: Config, own_listeners: bool) -> Result<Self> {
        let _ = (config, own_listeners);
        anyhow::bail!("not yet")
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
    pub(crate) fn drain(&self) {}
}
