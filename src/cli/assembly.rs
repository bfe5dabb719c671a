//! Where `koine serve` meets the gateway.

use std::net::SocketAddr;
use std::pin::Pin;

use anyhow::bail;

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

/// Starts the gateway.
pub(super) async fn start(_config: Config, _demo: bool) -> anyhow::Result<Box<dyn Running>> {
    bail!("not assembled")
}
