//! Which dialect a path belongs to, on one listener.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Method;
use koine_core::{Endpoint, Error, SocketClaim, SocketRequest};
use matchit::{InsertError, Match, Params, Router};
use percent_encoding::percent_decode_str;

use crate::dialects::Mounted;

/// The paths of the dialects that one listener serves.
pub(super) struct Routes {
    endpoints: Router<Vec<Route>>,
    sockets: Router<Vec<Arc<Mounted>>>,
    /// Longest first.
    prefixes: Vec<(String, Arc<Mounted>)>,
    only: Option<Arc<Mounted>>,
}

/// An endpoint of a dialect.
#[derive(Clone)]
pub(super) struct Route {
    /// Whose it is.
    pub(super) mounted: Arc<Mounted>,
    /// The endpoint.
    pub(super) endpoint: Arc<dyn Endpoint>,
    /// The pattern its path matched, which unlike the path can be logged.
    pub(super) pattern: Arc<str>,
}

/// The captures of a path, percent-decoded.
pub(super) type Captures = Vec<(String, String)>;

/// What stands at a path.
pub(super) enum Found<'a> {
    /// An endpoint, and the captures, unless they cannot be decoded.
    Endpoint(&'a Route, Result<Captures, Error>),
    /// Endpoints for other methods.
    Methods(&'a [Route]),
    /// Nothing.
    Nothing,
}

/// Whose an upgrade request is.
#[derive(Clone)]
pub(super) enum Owner {
    /// This dialect's.
    One(Arc<Mounted>),
    /// One of these dialects'; the first frame will tell.
    FirstFrame(Vec<Arc<Mounted>>),
}

impl Routes {
    /// Lays the dialects' paths out; of two dialects with one endpoint the first one named wins.
    ///
    /// # Errors
    /// Where patterns contradict each other, which only configured prefixes can bring about.
    pub(super) fn new(dialects: &[Arc<Mounted>]) -> Result<Self, InsertError> {
        let mut endpoints = BTreeMap::<String, Vec<Route>>::new();
        let mut sockets = BTreeMap::<String, Vec<Arc<Mounted>>>::new();
        let mut prefixes = Vec::new();
        for mounted in dialects {
            for endpoint in mounted.dialect.endpoints() {
                let pattern: Arc<str> = format!("{}{}", mounted.prefix, endpoint.path()).into();
                let route = Route { mounted: Arc::clone(mounted), endpoint: endpoint.into(), pattern };
                for spelling in spellings(&route.pattern) {
                    endpoints.entry(spelling).or_default().push(route.clone());
                }
            }
            for path in mounted.dialect.sockets() {
                for spelling in spellings(&format!("{}{path}", mounted.socket_prefix)) {
                    sockets.entry(spelling).or_default().push(Arc::clone(mounted));
                }
            }
            let own = mounted.dialect.prefixes().iter();
            prefixes.extend(own.map(|prefix| (format!("{}{prefix}", mounted.prefix), Arc::clone(mounted))));
        }
        prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        let only = match dialects {
            [only] => Some(Arc::clone(only)),
            _ => None,
        };
        Ok(Self { endpoints: router(endpoints)?, sockets: router(sockets)?, prefixes, only })
    }

    /// What stands at a path for a method. HEAD is served by what serves GET.
    pub(super) fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let Ok(matched) = self.endpoints.at(path) else { return Found::Nothing };
        let method = if method == Method::HEAD { &Method::GET } else { method };
        match matched.value.iter().find(|route| route.endpoint.method() == method) {
            Some(route) => Found::Endpoint(route, decode(&matched.params)),
            None => Found::Methods(matched.value),
        }
    }

    /// Whether WebSockets are opened at a path.
    pub(super) fn is_socket(&self, path: &str) -> bool {
        self.socket(path).is_some()
    }

    /// Slashes at the end may be missing or too many, as where something is empty that a client puts there.
    fn socket<'a>(&'a self, path: &'a str) -> Option<Match<'a, 'a, &'a Vec<Arc<Mounted>>>> {
        self.sockets.at(path).or_else(|_| self.sockets.at(path.trim_end_matches('/'))).ok()
    }

    /// Whose an upgrade request on a path is; fills the request's captures in, but for those that cannot be decoded.
    /// `None` where no dialect opens WebSockets there.
    pub(super) fn owner(&self, path: &str, request: &mut SocketRequest) -> Option<Owner> {
        let matched = self.socket(path)?;
        let decoded = matched.params.iter().map(|(name, raw)| Some((name.to_owned(), decode_segment(raw).ok()?)));
        request.path = decoded.flatten().collect();
        let here = matched.value.as_slice();
        if self.only.is_some()
            && let [only] = here
        {
            return Some(Owner::One(Arc::clone(only)));
        }
        let request = &*request;
        let claims = |claim| here.iter().filter(move |mounted| mounted.dialect.claims(request) == claim);
        if let Some(whole) = claims(SocketClaim::Whole).next() {
            return Some(Owner::One(Arc::clone(whole)));
        }
        let candidates: Vec<_> = claims(SocketClaim::FirstFrame).cloned().collect();
        Some(match (candidates.as_slice(), here) {
            // Nobody else could open it: its own refusal says most.
            ([one], _) | ([], [one]) => Owner::One(Arc::clone(one)),
            _ => Owner::FirstFrame(candidates),
        })
    }

    /// The dialect whose error form an unknown path is answered in.
    pub(super) fn nearest(&self, path: &str) -> Option<&Arc<Mounted>> {
        let longest = self.prefixes.iter().find(|(prefix, _)| path.starts_with(prefix.as_str()));
        longest.map(|(_, mounted)| mounted).or(self.only.as_ref())
    }
}

/// A path with and without a slash at its end.
fn spellings(path: &str) -> Vec<String> {
    match path.trim_end_matches('/') {
        "" => vec!["/".to_owned()],
        bare => vec![bare.to_owned(), format!("{bare}/")],
    }
}

fn router<T>(patterns: BTreeMap<String, T>) -> Result<Router<T>, InsertError> {
    let mut router = Router::new();
    for (pattern, value) in patterns {
        router.insert(pattern, value)?;
    }
    Ok(router)
}

fn decode(params: &Params<'_, '_>) -> Result<Captures, Error> {
    params.iter().map(|(name, raw)| Ok((name.to_owned(), decode_segment(raw)?))).collect()
}

/// Percent-decodes once; what is left of a bad escape, or is not UTF-8, is an error.
fn decode_segment(raw: &str) -> Result<String, Error> {
    let escapes_hold = raw
        .split('%')
        .skip(1)
        .all(|after| after.as_bytes().first_chunk::<2>().is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit)));
    let decoded = percent_decode_str(raw).decode_utf8();
    match decoded {
        Ok(text) if escapes_hold => Ok(text.into_owned()),
        _ => Err(Error::bad_request("the path is not valid percent-encoded UTF-8")),
    }
}

#[cfg(test)]
mod tests;
