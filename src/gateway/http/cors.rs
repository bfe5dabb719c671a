//! Letting browser clients of other origins in.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, ORIGIN, VARY,
};
use http::{HeaderMap, Method, Response, StatusCode};

use super::plain;
use crate::config::CorsConfig;
use crate::gateway::body::Body;

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE, OPTIONS");
/// What a page may read besides the few headers that are always readable.
const EXPOSED: HeaderValue = HeaderValue::from_static("Content-Disposition, Content-Range, ETag");
/// How long a browser may remember a preflight, in seconds.
const REMEMBERED: HeaderValue = HeaderValue::from_static("600");
const ANY: HeaderValue = HeaderValue::from_static("*");

/// Which origins may read replies. Credentials of the browser's own (cookies) are never allowed.
#[derive(Debug)]
pub(in crate::gateway) struct Cors {
    origins: Option<Origins>,
    headers: HeaderValue,
}

#[derive(Debug)]
enum Origins {
    Any,
    These(Vec<String>),
}

impl Cors {
    /// As configured. A configured header name that no header can have is left out.
    pub(in crate::gateway) fn new(config: &CorsConfig) -> Self {
        let origins = if config.origins.iter().any(|origin| origin == "*") {
            Origins::Any
        } else {
            Origins::These(config.origins.clone())
        };
        let names = config.headers.iter().filter(|name| HeaderValue::from_str(name).is_ok());
        let names = names.map(String::as_str).collect::<Vec<_>>().join(", ");
        Self {
            origins: config.enabled.then_some(origins),
            headers: HeaderValue::from_str(&names).unwrap_or(HeaderValue::from_static("")),
        }
    }

    /// The answer to a browser that asks first.
    pub(super) fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response<Body>> {
        let asks = method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        let origin = headers.get(ORIGIN).filter(|_| asks && self.origins.is_some())?;
        let mut response = plain(StatusCode::NO_CONTENT);
        let headers = response.headers_mut();
        self.allow(Some(origin), headers);
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.headers.clone());
        headers.insert(ACCESS_CONTROL_MAX_AGE, REMEMBERED);
        Some(response)
    }

    /// Marks a reply, of whatever kind, as readable for the origin that asked.
    pub(super) fn allow(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        match &self.origins {
            None => return,
            Some(Origins::Any) => {
                headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
            }
            Some(Origins::These(origins)) => {
                headers.append(VARY, HeaderValue::from_static("Origin"));
                let Some(origin) = origin.filter(|origin| origins.iter().any(|known| known == *origin)) else { return };
                headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            }
        }
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(cors: &Cors, origin: &'static str) -> Option<HeaderMap> {
        let headers = HeaderMap::from_iter([
            (ORIGIN, HeaderValue::from_static(origin)),
            (ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("PUT")),
        ]);
        cors.preflight(&Method::OPTIONS, &headers).map(|response| {
            assert_eq!(response.status(), StatusCode::NO_CONTENT);
            response.headers().clone()
        })
    }

    #[test]
    fn by_default_any_origin_may_ask_with_the_headers_tokens_travel_in() {
        let allowed = asked(&Cors::new(&CorsConfig::default()), "https://a.example").expect("an answer");
        assert_eq!(allowed[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        let names = allowed[ACCESS_CONTROL_ALLOW_HEADERS].to_str().expect("ASCII");
        assert!(names.contains("Authorization") && names.contains("token"), "{names}");
        assert!(allowed[ACCESS_CONTROL_ALLOW_METHODS].to_str().expect("ASCII").contains("PUT"));
        assert!(!allowed.contains_key("access-control-allow-credentials"));
    }

    #[test]
    fn configured_origins_are_echoed_and_others_are_not() {
        let config = CorsConfig { origins: vec!["https://a.example".to_owned()], ..CorsConfig::default() };
        let cors = Cors::new(&config);
        assert_eq!(
            asked(&cors, "https://a.example").expect("an answer")[ACCESS_CONTROL_ALLOW_ORIGIN],
            "https://a.example"
        );
        let other = asked(&cors, "https://b.example").expect("an answer");
        assert!(!other.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
        assert_eq!(other[VARY], "Origin");
    }

    #[test]
    fn it_can_be_switched_off() {
        let cors = Cors::new(&CorsConfig { enabled: false, ..CorsConfig::default() });
        assert!(asked(&cors, "https://a.example").is_none());
        let mut headers = HeaderMap::new();
        cors.allow(None, &mut headers);
        assert!(headers.is_empty());
    }

    #[test]
    fn an_options_request_that_is_no_preflight_is_left_alone() {
        let cors = Cors::new(&CorsConfig::default());
        assert!(cors.preflight(&Method::OPTIONS, &HeaderMap::new()).is_none());
    }
}
