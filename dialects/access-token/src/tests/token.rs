//! Where a token may lie.

use ::http::header::AUTHORIZATION;
use ::http::{HeaderMap, HeaderValue, Method};
use koine_core::{Access, Dialect, HttpRequest, Payload, SocketClaim, SocketRequest, Token};
use serde_json::json;

use super::{dialect, endpoint, pairs, request};

fn found(request: &HttpRequest) -> Option<Token> {
    match endpoint(&Method::GET, "/api/group").access() {
        Access::Token { find, .. } => find(request),
        _ => panic!("groups are for users"),
    }
}

fn bearer(value: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(value))])
}

#[test]
fn the_query_comes_before_the_body_and_the_body_before_the_header() {
    let mut seen = request(Method::GET, &[("access_token", "q")]);
    seen.payload = Payload::Form(pairs(&[("access_token", "f")]));
    seen.headers = bearer("Bearer h");
    assert_eq!(found(&seen), Some(Token::new("q")));
    seen.query.clear();
    assert_eq!(found(&seen), Some(Token::new("f")));
    seen.payload = Payload::Json(json!({"access_token": "j"}));
    assert_eq!(found(&seen), Some(Token::new("j")));
    seen.payload = Payload::Json(json!({"access_token": 17}));
    assert_eq!(found(&seen), Some(Token::new("17")));
    seen.payload = Payload::Json(json!({"access_token": null}));
    assert_eq!(found(&seen), Some(Token::new("h")));
    seen.headers.clear();
    assert_eq!(found(&seen), None);
}

#[test]
fn an_unreadable_body_does_not_hide_the_query_or_the_header() {
    let mut seen = request(Method::GET, &[("access_token", "q")]);
    seen.payload = Payload::Unreadable("broken");
    assert_eq!(found(&seen), Some(Token::new("q")));
    seen.query.clear();
    seen.headers = bearer("Bearer h");
    assert_eq!(found(&seen), Some(Token::new("h")));
}

#[test]
fn an_empty_token_is_none_and_no_later_place_makes_it_good() {
    let mut seen = request(Method::GET, &[("access_token", "")]);
    seen.headers = bearer("Bearer h");
    assert_eq!(found(&seen), None);
}

#[test]
fn an_upgrade_is_claimed_by_any_token_and_by_nothing_else() {
    let claim = |query: &[(&str, &str)], headers: HeaderMap| {
        dialect().claims(&SocketRequest { path: Vec::new(), query: pairs(query), headers })
    };
    assert_eq!(claim(&[("access_token", "t")], HeaderMap::new()), SocketClaim::Whole);
    assert_eq!(claim(&[("access_token", "")], HeaderMap::new()), SocketClaim::Whole);
    assert_eq!(claim(&[], bearer("bearer t")), SocketClaim::Whole);
    assert_eq!(claim(&[], bearer("Bearer")), SocketClaim::Whole);
    assert_eq!(claim(&[], bearer("Basic dTpw")), SocketClaim::None);
    assert_eq!(claim(&[("token", "t")], HeaderMap::new()), SocketClaim::None);
    assert_eq!(claim(&[], HeaderMap::new()), SocketClaim::None);
    assert!(!dialect().recognizes(r#"{"type": "unicast"}"#));
}

#[test]
fn a_notification_key_is_taken_from_the_header_only() {
    let Access::Service { find } = endpoint(&Method::POST, "/notification").access() else {
        panic!("notifications are for backends");
    };
    let mut seen = request(Method::POST, &[("access_token", "q")]);
    assert_eq!(find(&seen), None);
    seen.headers = bearer("Bearer key");
    assert_eq!(find(&seen), Some(Token::new("key")));
}
