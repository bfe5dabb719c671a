//! A small HTTP and WebSocket client's way to a server: addresses, connections, requests.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// How long a server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a path segment cannot hold as it is.
pub(super) const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What bytes go over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A server.
#[derive(Clone)]
pub(super) struct Server {
    host: String,
    port: u16,
    tls: Option<TlsConnector>,
}

impl Server {
    /// The server of a `ws`, `wss`, `http` or `https` address, or of a bare `host:port`. The secure ones need
    /// the certificates to trust, in a PEM file.
    pub(super) fn of(address: &str, trusted: Option<&Path>) -> anyhow::Result<Self> {
        let wrong = || anyhow!("`{address}` is not an address such as ws://127.0.0.1:8093");
        let whole = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
        let uri: Uri = whole.parse().map_err(|_| wrong())?;
        let secure = match uri.scheme_str() {
            Some("ws" | "http") => false,
            Some("wss" | "https") => true,
            _ => return Err(wrong()),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(wrong)?;
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let tls = match (secure, trusted) {
            (false, _) => None,
            (true, Some(file)) => Some(connector(file)?),
            (true, None) => bail!("{address} needs a certificate to trust; name its PEM file with --ca"),
        };
        Ok(Self { host: host.trim_matches(['[', ']']).to_owned(), port, tls })
    }

    /// `host:port`, as in a `Host` header.
    pub(super) fn authority(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// Opens a connection.
    pub(super) async fn connect(&self) -> anyhow::Result<Box<dyn Stream>> {
        let tcp = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .with_context(|| format!("cannot reach {}; is `koine serve` running there?", self.authority()))?;
        // Without it, small frames wait for one another; where it is not to be had, they just wait.
        let _ = tcp.set_nodelay(true);
        let Some(connector) = &self.tls else {
            return Ok(Box::new(tcp));
        };
        let name = ServerName::try_from(self.host.clone())?;
        let stream = connector.connect(name, tcp).await;
        Ok(Box::new(stream.with_context(|| format!("no secure connection to {}", self.authority()))?))
    }
}

fn connector(trusted: &Path) -> anyhow::Result<TlsConnector> {
    let unreadable = || format!("the certificates in {} cannot be read", trusted.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(trusted).with_context(unreadable)? {
        roots.add(certificate.with_context(unreadable)?).with_context(unreadable)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// A body to send.
pub(super) enum Body {
    /// None.
    Empty,
    /// JSON.
    Json(serde_json::Value),
    /// A urlencoded form.
    Form(String),
}

/// An answer.
pub(super) struct HttpAnswer {
    /// Its status.
    pub(super) status: StatusCode,
    /// Its body.
    pub(super) body: Bytes,
}

/// Sends requests to one server, over one connection as long as it lasts.
pub(super) struct HttpClient {
    server: Server,
    authorization: Option<HeaderValue>,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl HttpClient {
    /// A client of a server.
    pub(super) const fn new(server: Server) -> Self {
        Self { server, authorization: None, connection: None }
    }

    /// Sends this `Authorization` from now on.
    pub(super) fn authorize(&mut self, value: &str) -> anyhow::Result<()> {
        let mut value =
            HeaderValue::from_str(value).map_err(|_| anyhow!("the key or token cannot be sent in a header"))?;
        value.set_sensitive(true);
        self.authorization = Some(value);
        Ok(())
    }

    /// Sends a request and reads the whole answer.
    pub(super) async fn send(&mut self, method: Method, path: &str, body: Body) -> anyhow::Result<HttpAnswer> {
        let answer = tokio::time::timeout(PATIENCE, self.exchange(method, path, body)).await;
        answer.unwrap_or_else(|_| Err(anyhow!("{} does not answer", self.server.authority())))
    }

    async fn exchange(&mut self, method: Method, path: &str, body: Body) -> anyhow::Result<HttpAnswer> {
        let request = self.request(method, path, body)?;
        let connection = self.connection().await?;
        let answer = connection.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        Ok(HttpAnswer { status, body })
    }

    fn request(&self, method: Method, path: &str, body: Body) -> anyhow::Result<Request<Full<Bytes>>> {
        let (media_type, bytes) = match body {
            Body::Empty => (None, Bytes::new()),
            Body::Json(value) => (Some("application/json"), value.to_string().into()),
            Body::Form(form) => (Some("application/x-www-form-urlencoded"), form.into()),
        };
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, self.server.authority());
        if let Some(media_type) = media_type {
            request = request.header(header::CONTENT_TYPE, media_type);
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        Ok(request.body(Full::new(bytes))?)
    }

    async fn connection(&mut self) -> anyhow::Result<&mut SendRequest<Full<Bytes>>> {
        let usable = match &mut self.connection {
            Some(connection) => connection.ready().await.is_ok(),
            None => false,
        };
        if !usable {
            let (sender, connection) = handshake(TokioIo::new(self.server.connect().await?)).await?;
            tokio::spawn(connection);
            self.connection = Some(sender);
        }
        self.connection.as_mut().context("there is no connection")
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::pki_types::PrivateKeyDer;

    use super::*;

    #[test]
    fn addresses_are_taken_with_and_without_a_scheme() {
        for (address, authority) in [
            ("127.0.0.1:8094", "127.0.0.1:8094"),
            ("ws://localhost:8093", "localhost:8093"),
            ("http://[::1]:5/path", "[::1]:5"),
            ("ws://example.org", "example.org:80"),
        ] {
            assert_eq!(Server::of(address, None).unwrap().authority(), authority);
        }
        for address in ["", "ftp://example.org", "ws://", "a b"] {
            assert!(Server::of(address, None).is_err(), "{address}");
        }
    }

    #[test]
    fn a_secure_address_needs_a_certificate_to_trust() {
        let error = Server::of("wss://127.0.0.1:1", None).err().unwrap().to_string();
        assert!(error.contains("--ca"), "{error}");
    }

    /// A secure server of one request on `localhost`, with a certificate that is written to a file.
    async fn secure(folder: &Path) -> (TcpListener, TlsAcceptor, std::path::PathBuf) {
        let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let file = folder.join("ca.pem");
        std::fs::write(&file, certified.cert.pem()).unwrap();
        let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)
            .unwrap();
        (TcpListener::bind("127.0.0.1:0").await.unwrap(), TlsAcceptor::from(Arc::new(config)), file)
    }

    #[tokio::test]
    async fn a_server_with_a_trusted_certificate_is_talked_to_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let (listener, acceptor, trusted) = secure(folder.path()).await;
        let address = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let serving = async {
            let mut stream = acceptor.accept(listener.accept().await.unwrap().0).await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await.unwrap();
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            stream.flush().await.unwrap();
            acceptor.accept(listener.accept().await.unwrap().0).await.is_err()
        };
        let asking = async {
            let mut client = HttpClient::new(Server::of(&address, Some(&trusted)).unwrap());
            let answer = client.send(Method::GET, "/", Body::Empty).await.unwrap();
            assert_eq!(answer.status, StatusCode::NO_CONTENT);
            let stranger = tempfile::tempdir().unwrap();
            let (_, _, other) = secure(stranger.path()).await;
            let error = Server::of(&address, Some(&other)).unwrap().connect().await.err().unwrap();
            assert!(error.to_string().contains("no secure connection"), "{error:#}");
        };
        let (refused, ()) = tokio::join!(serving, asking);
        assert!(refused);
    }
}
