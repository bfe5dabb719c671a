//! Where commands meet the gateway's parts: the only file here that starts or opens anything.

use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;

use anyhow::bail;

use super::admin::UserAdmin;
use crate::config::{Config, DialectName};

/// A running gateway.
pub(super) trait Running {
    /// The addresses of its listeners and the dialects they serve, in the order of the configuration.
    fn addresses(&self) -> Vec<(SocketAddr, Vec<DialectName>)>;

    /// The address of its management API, if it has one.
    fn management_address(&self) -> Option<SocketAddr>;

    /// Stops it within the configured time.
    fn stop(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// A data directory at rest, or who works in it.
pub(super) enum DataDirectory {
    /// Nobody did; now this process does.
    AtRest(Box<dyn UserAdmin>),
    /// Another process does; the text names it.
    InUse(String),
}

/// Starts the gateway.
pub(super) async fn start(_config: Config, _demo: bool) -> anyhow::Result<Box<dyn Running>> {
    bail!("not assembled")
}

/// Opens a data directory.
pub(super) async fn open(_config: &Config) -> anyhow::Result<DataDirectory> {
    bail!("not assembled")
}

/// Whether a folder is a data directory.
pub(super) fn exists(data: &Path) -> bool {
    data.is_dir()
}
