//! Why the gateway cannot start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::networks::InvalidNetwork;
use super::tls::TlsError;

/// Why the gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened at.
    #[error("cannot listen at {address}: {fault}{}", advice(fault))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        fault: io::Error,
    },
    /// A certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// `proxy.trusted` is not understood.
    #[error("proxy.trusted: {0}")]
    Trusted(#[from] InvalidNetwork),
    /// Two dialects' prefixes make their paths contradict each other.
    #[error("the configured prefixes put two dialects on one path: {0}")]
    Routes(#[from] matchit::InsertError),
    /// The folder for uploaded files cannot be prepared.
    #[error("the folder for files below {} cannot be used: {fault}", data.display())]
    Files {
        /// The data directory.
        data: PathBuf,
        /// Why not.
        fault: io::Error,
    },
}

/// What to do about an address that cannot be listened at.
fn advice(fault: &io::Error) -> &'static str {
    match fault.kind() {
        io::ErrorKind::AddrInUse => "; end what listens there, or choose another address",
        io::ErrorKind::AddrNotAvailable => "; choose an address of this machine's",
        io::ErrorKind::PermissionDenied => "; ports below 1024 need a right of their own, choose a higher one",
        _ => "",
    }
}
