//! The management API: what operators and backends ask for over HTTP and JSON, on a listener of its own.
//!
//! ```text
//! request ─► key ─► route ─► body ─► handler ─► hub
//! response ◄─ answer or problem ◄──────┘
//! ```
//!
//! Every handler is one call of the hub; this folder knows paths, JSON and status codes, and nothing
//! of how anything is done.

mod answer;
mod blocks;
mod call;
mod friends;
mod groups;
mod looking;
mod messages;
mod notifications;
mod paging;
mod problem;
mod readiness;
mod routes;
mod show;
#[cfg(test)]
mod tests;
mod tokens;
mod users;

use std::time::Duration;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response};
use koine_core::{ErrorKind, Token};

use self::answer::Answer;
use self::call::Call;
use self::problem::Problem;
use self::readiness::{Phase, Readiness};
use self::routes::Routes;
use crate::auth::Auth;
use crate::config::{AuthProvider, Config};
use crate::hub::Hub;
use crate::receive;

/// What is left of a request that is refused is thrown away until it pauses for this long: few connections share the
/// listener.
const DISCARDING_PAUSE: Duration = Duration::from_secs(1);

/// Answers the requests of the management listener.
pub struct Management {
    hub: Hub,
    auth: Auth,
    readiness: Readiness,
    routes: Routes,
    /// The largest body of a request, in bytes.
    body_limit: usize,
    /// The longest pause within one.
    body_pause: Duration,
    /// Whether stored tokens are accepted at all (`auth.providers`).
    opaque_tokens: bool,
}

impl Management {
    /// An API to a hub, for whoever has the management key. It says that it is starting until
    /// [`Management::ready`] is called.
    pub fn new(hub: Hub, auth: Auth, config: &Config) -> Self {
        Self {
            hub,
            auth,
            readiness: Readiness::new(),
            routes: Routes::new(),
            body_limit: config.limits.http_body,
            body_pause: config.limits.body_pause,
            opaque_tokens: config.auth.providers.contains(&AuthProvider::Opaque),
        }
    }

    /// From here on `/readyz` says what the store says.
    pub fn ready(&self) {
        self.readiness.enter(Phase::Serving);
    }

    /// From here on `/readyz` is 503.
    pub fn draining(&self) {
        self.readiness.enter(Phase::Draining);
    }

    /// Answers a request. What goes wrong is an answer too.
    pub async fn answer<B>(&self, request: Request<B>) -> Response<Bytes>
    where
        B: hyper::body::Body<Data = Bytes> + Unpin,
    {
        let (parts, mut body) = request.into_parts();
        let response = match self.dispatch(&parts, &mut body).await {
            Ok(answer) => answer.into_response(),
            Err(problem) => problem.into_response(),
        };
        receive::discard(&mut body, &parts.headers, self.body_pause.min(DISCARDING_PAUSE)).await;
        tracing::debug!(method = %parts.method, path = parts.uri.path(), status = response.status().as_u16(), "managed");
        response
    }

    async fn dispatch<B>(&self, parts: &Parts, body: &mut B) -> Result<Answer, Problem>
    where
        B: hyper::body::Body<Data = Bytes> + Unpin,
    {
        let found = self.routes.find(parts.uri.path());
        let is_open = found.as_ref().is_some_and(|found| found.resource.is_open());
        if !is_open && !self.is_authorized(&parts.headers) {
            tracing::info!(path = parts.uri.path(), "a management request without the key");
            return Err(Problem::from(ErrorKind::Unauthenticated));
        }
        let found = found.ok_or(ErrorKind::RouteNotFound)?;
        let run = found.resource.method(&parts.method)?;
        let body = match parts.method {
            Method::GET | Method::HEAD | Method::DELETE => Bytes::new(),
            _ => receive::whole(body, &parts.headers, self.body_limit, self.body_pause).await?,
        };
        let call = Call::new(&found.params, parts.uri.query(), body)?;
        run(self, &call).await
    }

    /// Whether a request has exactly one `Authorization`, and in it the key. Compared in constant time.
    fn is_authorized(&self, headers: &HeaderMap) -> bool {
        let mut all = headers.get_all(AUTHORIZATION).iter();
        let (Some(one), None) = (all.next(), all.next()) else { return false };
        let Some((scheme, key)) = one.to_str().ok().and_then(|text| text.split_once(' ')) else { return false };
        scheme.eq_ignore_ascii_case("bearer") && self.auth.management_key(&Token::new(key.trim()))
    }
}

impl std::fmt::Debug for Management {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Management").field("readiness", &self.readiness).finish_non_exhaustive()
    }
}
