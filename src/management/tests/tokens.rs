use http::header::LOCATION;
use koine_core::{ErrorKind, Timestamp};

use super::*;

#[tokio::test]
async fn an_issued_token_is_good_until_it_is_revoked() {
    let world = World::start();
    world.users(["tom"]).await;
    let said = world.ask(Method::POST, "/v1/users/tom/tokens", "").await;
    let location = said.headers[LOCATION].to_str().unwrap().to_owned();
    let issued = said.created();
    assert_eq!(location, format!("/v1/tokens/{}", issued["id"]));
    let token = issued["token"].as_str().unwrap();
    assert_eq!(token.len(), 43, "32 bytes, without padding");
    for dialect in [DialectName::AccessToken, DialectName::StatusCode, DialectName::Envelope, DialectName::AuthAck] {
        assert_eq!(world.authenticated(dialect, token).await.unwrap().user.handle.as_str(), "tom");
    }
    world.delete(&location).await.nothing();
    assert!(world.authenticated(DialectName::Envelope, token).await.is_err());
    world.delete(&location).await.problem(404, "token-not-found");
    world.delete("/v1/tokens/x").await.problem(404, "token-not-found");
}

#[tokio::test]
async fn no_two_tokens_are_the_same() {
    let world = World::start();
    world.users(["tom"]).await;
    let one = world.post("/v1/users/tom/tokens", &json!({})).await.created();
    let other = world.post("/v1/users/tom/tokens", &json!({})).await.created();
    assert!(one["token"] != other["token"] && one["id"] != other["id"]);
}

#[tokio::test]
async fn a_token_lives_as_long_as_is_said() {
    let world = World::with(|config| config.auth.token_ttl = Duration::from_hours(2));
    world.users(["tom"]).await;
    let before = world.hub.clock().now();
    for (body, seconds) in [(json!({ "ttl_s": 60 }), 60), (json!({}), 7_200)] {
        let issued = world.post("/v1/users/tom/tokens", &body).await.created();
        let expires: jiff::Timestamp = issued["expires_at"].as_str().unwrap().parse().unwrap();
        let left = expires.as_millisecond() - before.as_millis();
        assert!((seconds * 1_000..seconds * 1_000 + 60_000).contains(&left), "{left}");
        let token = issued["token"].as_str().unwrap();
        let at = |millis| {
            let (token, purpose) = (Token::new(token), Purpose::Access);
            let request = Authenticate { token, purpose, claim: None };
            let auth = world.auth.clone();
            async move { auth.authenticate_at(DialectName::Envelope, &request, Timestamp::from_millis(millis)).await }
        };
        assert!(at(expires.as_millisecond() - 1).await.is_ok());
        assert!(at(expires.as_millisecond()).await.is_err());
    }
    for ttl in [json!(0), json!(-5), json!(1.5), json!("60"), json!(u64::MAX)] {
        world.post("/v1/users/tom/tokens", &json!({ "ttl_s": ttl })).await.problem(400, "bad-request");
    }
}

#[tokio::test]
async fn a_token_for_one_dialect_is_good_there_only() {
    let world = World::start();
    world.users(["tom"]).await;
    let issued = world.post("/v1/users/tom/tokens", &json!({ "dialect": "auth-ack" })).await.created();
    let token = issued["token"].as_str().unwrap();
    assert!(world.authenticated(DialectName::AuthAck, token).await.is_ok());
    let refused = world.authenticated(DialectName::Envelope, token).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unauthenticated);
    let said = world.post("/v1/users/tom/tokens", &json!({ "dialect": "morse" })).await;
    assert!(said.problem(400, "bad-request").contains("morse"));
}

#[tokio::test]
async fn a_token_that_a_backend_minted_is_good_once_it_is_registered() {
    let world = World::start();
    world.users(["tom", "jack"]).await;
    assert!(world.authenticated(DialectName::StatusCode, "legacy-1").await.is_err());
    let registered = world.post("/v1/users/tom/tokens", &json!({ "token": "legacy-1", "ttl_s": 60 })).await.created();
    assert_eq!(registered["token"], "legacy-1");
    assert!(registered["id"].is_u64() && registered["expires_at"].is_string());
    assert!(world.authenticated(DialectName::StatusCode, "legacy-1").await.is_ok());
    world.post("/v1/users/jack/tokens", &json!({ "token": "legacy-1" })).await.problem(409, "key-conflict");
    for token in [String::new(), "a b".to_owned(), "a\n".to_owned(), "x".repeat(8 * 1024 + 1)] {
        world.post("/v1/users/tom/tokens", &json!({ "token": token })).await.problem(400, "bad-request");
    }
}

#[tokio::test]
async fn for_user_sig_the_token_is_the_rule_key() {
    let world = World::start();
    world.users(["tom"]).await;
    let issued = world.post("/v1/users/tom/tokens", &json!({ "dialect": "user-sig", "ttl_s": 60 })).await.created();
    assert_eq!((&issued["id"], &issued["expires_at"]), (&Value::Null, &Value::Null));
    let key = Token::new(issued["token"].as_str().unwrap());
    let now = world.hub.clock().now();
    assert!(world.auth.exchange(&Handle::new("tom").unwrap(), &key, now).await.is_ok());
    let given = json!({ "dialect": "user-sig", "token": "legacy" });
    world.post("/v1/users/tom/tokens", &given).await.problem(400, "bad-request");
}

#[tokio::test]
async fn a_token_that_nobody_would_accept_is_not_issued() {
    let world = World::with(|config| config.auth.providers = vec![crate::config::AuthProvider::Signed]);
    world.users(["tom"]).await;
    world.post("/v1/users/tom/tokens", &json!({})).await.problem(409, "provider-disabled");
    world.post("/v1/users/tom/tokens", &json!({ "dialect": "user-sig" })).await.created();
}
