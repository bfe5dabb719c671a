use http::HeaderMap;
use koine_core::Zone;

use super::*;
use crate::config::{Config, DialectName};
use crate::dialects::Dialects;

fn routes(names: &[DialectName]) -> Routes {
    let dialects = Dialects::new(&Config::default(), &Zone::utc(), false);
    let mounted: Vec<_> = names.iter().map(|name| Arc::clone(dialects.get(*name).expect("mounted"))).collect();
    Routes::new(&mounted).expect("no contradictions")
}

fn owner(routes: &Routes, path: &str, query: &[(&str, &str)]) -> Option<String> {
    let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let mut request = SocketRequest { path: Vec::new(), query, headers: HeaderMap::new() };
    let name = |mounted: &Arc<Mounted>| mounted.name.to_string();
    Some(match routes.owner(path, &mut request)? {
        Owner::One(mounted) => name(&mounted),
        Owner::FirstFrame(candidates) => candidates.iter().map(name).collect::<Vec<_>>().join("|"),
    })
}

#[test]
fn upgrades_are_told_apart_by_path_and_query() {
    let routes = routes(&DialectName::ALL);
    for (path, query, expected) in [
        ("/ws/chat/tom/sig/", &[][..], "user-sig"),
        ("/ws/chat/tom/sig", &[], "user-sig"),
        ("/ws/chat/tom//", &[], "user-sig"),
        ("/ws/chat/tom", &[], "user-sig"),
        ("/ws/chat//sig/", &[], "user-sig"),
        ("/ws/chat/%FF/sig/", &[], "user-sig"),
        ("/v1/chat/", &[("token", "t")], "status-code"),
        ("/v1/chat/%FF", &[("token", "t")], "status-code"),
        ("/ws", &[("access_token", "t")], "access-token"),
        ("/ws", &[("access_token", "")], "access-token"),
        ("/", &[("access_token", "t")], "access-token"),
        ("/v1/chat/tom", &[("token", "t")], "status-code"),
        ("/chat", &[], "envelope"),
        ("/ws", &[], "envelope|auth-ack"),
        ("/", &[], "envelope|auth-ack"),
    ] {
        assert_eq!(owner(&routes, path, query).as_deref(), Some(expected), "{path} {query:?}");
    }
    assert_eq!(owner(&routes, "/nowhere", &[]), None);
}

#[test]
fn a_dialect_alone_on_its_listener_gets_every_upgrade_on_its_paths() {
    for (dialect, name) in [(DialectName::AccessToken, "access-token"), (DialectName::AuthAck, "auth-ack")] {
        let alone = routes(&[dialect]);
        for path in ["/ws", "/"] {
            assert_eq!(owner(&alone, path, &[]).as_deref(), Some(name), "{path}");
        }
    }
}

#[test]
fn a_path_is_served_with_and_without_its_last_slash_below_its_prefix() {
    let routes = routes(&DialectName::ALL);
    for (method, path) in [
        (Method::POST, "/chat/create-session/"),
        (Method::POST, "/chat/create-session"),
        (Method::GET, "/api/message"),
        (Method::GET, "/api/message/"),
        (Method::HEAD, "/api/message"),
        (Method::POST, "/im/user/register"),
    ] {
        assert!(matches!(routes.find(&method, path), Found::Endpoint(..)), "{method} {path}");
    }
    assert!(matches!(routes.find(&Method::POST, "/user/register"), Found::Nothing));
    assert!(matches!(routes.find(&Method::DELETE, "/api/message"), Found::Methods(_)));
}

#[test]
fn captures_are_decoded_once_and_bad_ones_are_errors() {
    let routes = routes(&[DialectName::AccessToken]);
    let captures = |path: &str| match routes.find(&Method::GET, path) {
        Found::Endpoint(_, captures) => captures.map(|captures| captures.into_iter().map(|(_, value)| value).collect()),
        _ => panic!("{path} is an endpoint"),
    };
    assert_eq!(captures("/api/group/%E7%8C%AB%2525%2F"), Ok(vec!["猫%25/".to_owned()]));
    for bad in ["/api/group/%", "/api/group/%2", "/api/group/%zz", "/api/group/%ff"] {
        assert!(captures(bad).is_err(), "{bad}");
    }
}

#[test]
fn an_unknown_path_belongs_to_the_longest_matching_prefix() {
    let all = routes(&DialectName::ALL);
    let nearest = |routes: &Routes, path: &str| routes.nearest(path).map(|mounted| mounted.name);
    assert_eq!(nearest(&all, "/chat/nowhere/"), Some(DialectName::UserSig));
    assert_eq!(nearest(&all, "/api/nowhere"), Some(DialectName::AccessToken));
    assert_eq!(nearest(&all, "/im/nowhere"), Some(DialectName::AuthAck));
    assert_eq!(nearest(&all, "/nowhere"), None);
    let alone = routes(&[DialectName::AccessToken]);
    assert_eq!(nearest(&alone, "/nowhere"), Some(DialectName::AccessToken));
}
