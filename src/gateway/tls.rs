//! TLS for listeners that have a certificate.

use std::path::PathBuf;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::TlsConfig;

/// Why a listener's certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read as PEM.
    #[error("{} cannot be read as PEM: {fault}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: rustls::pki_types::pem::Error,
    },
    /// A file without a certificate.
    #[error("{} holds no certificate", .0.display())]
    NoCertificate(PathBuf),
    /// Certificate and key do not fit, or are not supported.
    #[error("certificate and key cannot be used together: {0}")]
    Unusable(#[from] rustls::Error),
}

/// Reads a listener's certificate chain and key. HTTP/1.1 is the only protocol offered.
pub(super) fn acceptor(config: &TlsConfig) -> Result<TlsAcceptor, TlsError> {
    let unreadable = |path: &PathBuf| {
        let path = path.clone();
        move |fault| TlsError::Pem { path, fault }
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&config.certificate)
        .and_then(Iterator::collect)
        .map_err(unreadable(&config.certificate))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate(config.certificate.clone()));
    }
    let key = PrivateKeyDer::from_pem_file(&config.key).map_err(unreadable(&config.key))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(server)))
}
