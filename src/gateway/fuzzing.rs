//! What reads what clients send, without sockets; for `fuzz/`.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, Method, Uri};
use koine_core::{Dialect, Endpoint, Error, HttpRequest, SocketRequest, Zone};

use super::http::{payload, upload};
use super::routes::{Found, Owner, Routes};
use crate::config::{Config, DialectName};
use crate::dialects::Dialects;

/// The paths of one dialect, as a listener of its own has them.
pub struct Paths {
    dialect: Arc<dyn Dialect>,
    routes: Routes,
}

impl Paths {
    /// The paths of a dialect as it is configured by default. `None` only where they contradict each other.
    pub fn new(name: DialectName) -> Option<Self> {
        let dialects = Dialects::new(&Config::default(), &Zone::utc(), false);
        let mounted = Arc::clone(dialects.get(name)?);
        let dialect = Arc::clone(&mounted.dialect);
        Some(Self { dialect, routes: Routes::new(&[mounted]).ok()? })
    }

    /// The dialect.
    pub fn dialect(&self) -> &dyn Dialect {
        &*self.dialect
    }

    /// An upgrade request, if the dialect opens WebSockets on its path.
    pub fn upgrade(&self, target: &Uri, headers: HeaderMap) -> Option<SocketRequest> {
        let mut request = SocketRequest { path: Vec::new(), query: query(target), headers };
        match self.routes.owner(target.path(), &mut request)? {
            Owner::One(_) => Some(request),
            Owner::FirstFrame(_) => None,
        }
    }

    /// A request that one of the dialect's endpoints is asked to answer.
    pub fn request(
        &self,
        method: Method,
        target: &Uri,
        headers: HeaderMap,
        body: Bytes,
    ) -> Option<(Arc<dyn Endpoint>, HttpRequest)> {
        let Found::Endpoint(route, Ok(path)) = self.routes.find(&method, target.path()) else { return None };
        let payload = payload::parse(&headers, body.clone()).now_or_never()?;
        let request = HttpRequest { method, path, query: query(target), headers, payload, body };
        Some((Arc::clone(&route.endpoint), request))
    }
}

/// The name and the bytes of a multipart body's file in the part `field`. `None` where reading waits for
/// something although all pieces are there.
pub fn upload(
    content_type: &str,
    field: &str,
    largest: u64,
    pieces: Vec<Bytes>,
) -> Option<Result<(String, Vec<u8>), Error>> {
    upload::read(content_type, field, largest, pieces).now_or_never()
}

/// A file's name as it is kept, its media type, and the `Content-Disposition` it is served with.
pub fn described(name: &str, first: &[u8]) -> (String, &'static str, String) {
    crate::files::described(name, first)
}

fn query(target: &Uri) -> Vec<(String, String)> {
    form_urlencoded::parse(target.query().unwrap_or_default().as_bytes()).into_owned().collect()
}
