//! Who a request comes from, as far as proxies can be believed.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::header::{FORWARDED, HeaderName, VIA};

use super::networks::Networks;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// The client's address: of the addresses in `X-Forwarded-For`, read from the right, the first that is
/// not a trusted proxy's own; the header counts only if the peer itself is trusted.
pub(super) fn address(peer: IpAddr, headers: &HeaderMap, trusted: &Networks) -> IpAddr {
    let mut nearest = peer.to_canonical();
    let values: Vec<&str> = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).collect();
    for hop in values.iter().rev().flat_map(|value| value.rsplit(',')) {
        if !trusted.contains(nearest) {
            break;
        }
        match parse_hop(hop.trim()) {
            Some(address) => nearest = address.to_canonical(),
            None => break,
        }
    }
    nearest
}

/// Whether the client came in over TLS: here, or at a trusted proxy that says so.
pub(super) fn is_secure(peer: IpAddr, tls: bool, headers: &HeaderMap, trusted: &Networks) -> bool {
    let forwarded = || headers.get(FORWARDED_PROTO)?.to_str().ok()?.rsplit(',').next().map(str::trim);
    tls || (trusted.contains(peer) && forwarded().is_some_and(|scheme| scheme.eq_ignore_ascii_case("https")))
}

/// Whether a request says that it was passed on for somebody else, whoever says so.
pub(super) fn is_forwarded(headers: &HeaderMap) -> bool {
    [FORWARDED, VIA, FORWARDED_FOR, FORWARDED_PROTO, FORWARDED_HOST, REAL_IP]
        .iter()
        .any(|name| headers.contains_key(name))
}

/// An address as proxies write it: bare, in brackets, or with a port.
fn parse_hop(text: &str) -> Option<IpAddr> {
    let bare = text.trim_matches('"');
    bare.parse()
        .ok()
        .or_else(|| bare.strip_prefix('[')?.strip_suffix(']')?.parse().ok())
        .or_else(|| bare.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, headers: &[(&'static str, &'static str)]) -> String {
        let trusted = Networks::parse(["10.0.0.0/8"]).expect("networks");
        address(peer.parse().expect("an address"), &map(headers), &trusted).to_string()
    }

    fn map(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().expect("a value"));
        }
        map
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(seen("192.0.2.1", &[("x-forwarded-for", "198.51.100.1")]), "192.0.2.1");
    }

    #[test]
    fn the_rightmost_address_that_is_no_proxy_is_the_client() {
        assert_eq!(seen("10.0.0.1", &[("x-forwarded-for", "1.1.1.1, 198.51.100.1, 10.0.0.2")]), "198.51.100.1");
        assert_eq!(
            seen("10.0.0.1", &[("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "198.51.100.1:4711")]),
            "198.51.100.1"
        );
        assert_eq!(seen("10.0.0.1", &[("x-forwarded-for", "[2001:db8::1]:80")]), "2001:db8::1");
    }

    #[test]
    fn an_unreadable_hop_ends_the_search_at_the_last_known_one() {
        assert_eq!(seen("10.0.0.1", &[("x-forwarded-for", "1.1.1.1, unknown")]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn the_scheme_is_believed_of_trusted_proxies_only() {
        let trusted = Networks::parse(["10.0.0.0/8"]).expect("networks");
        let headers = map(&[("x-forwarded-proto", "https")]);
        let secure = |peer: &str, tls| is_secure(peer.parse().expect("an address"), tls, &headers, &trusted);
        assert!(secure("10.0.0.1", false));
        assert!(!secure("192.0.2.1", false));
        assert!(secure("192.0.2.1", true));
    }

    #[test]
    fn any_forwarding_header_marks_a_request_as_forwarded() {
        assert!(!is_forwarded(&map(&[("host", "a")])));
        for name in ["forwarded", "via", "x-forwarded-for", "x-real-ip", "x-forwarded-host"] {
            assert!(is_forwarded(&map(&[(name, "a")])), "{name}");
        }
    }
}
