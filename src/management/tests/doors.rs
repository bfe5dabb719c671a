//! What holds for every endpoint: the key, paths, methods, bodies, the form of problems.

use std::sync::atomic::{AtomicUsize, Ordering};

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, WWW_AUTHENTICATE};
use koine_core::ErrorKind;

use super::super::problem::Problem;
use super::*;

#[tokio::test]
async fn everything_but_health_and_readiness_asks_for_the_key() {
    let world = World::start();
    for path in ["/v1/users", "/v1/users/tom", "/v1/stats", "/metrics", "/openapi.json", "/docs", "/", "/nowhere"] {
        let said = world.raw(Request::get(path).body(Full::default()).unwrap()).await;
        said.problem(401, "unauthenticated");
        assert_eq!(said.headers[WWW_AUTHENTICATE], "Bearer");
    }
    for path in ["/healthz", "/readyz"] {
        world.raw(Request::get(path).body(Full::default()).unwrap()).await.ok();
    }
}

#[tokio::test]
async fn only_the_whole_key_as_a_bearer_token_opens() {
    let world = World::start();
    let key = &world.key;
    let wrong = [format!("Basic {key}"), format!("Bearer {}", &key[1..]), format!("Bearer {key}x"), key.clone()];
    for header in wrong {
        let request = Request::get("/v1/stats").header(AUTHORIZATION, header).body(Full::default()).unwrap();
        world.raw(request).await.problem(401, "unauthenticated");
    }
    let right = format!("bearer {key}");
    let request = Request::get("/v1/stats").header(AUTHORIZATION, &right).body(Full::default()).unwrap();
    world.raw(request).await.ok();
    let twice = Request::get("/v1/stats").header(AUTHORIZATION, &right).header(AUTHORIZATION, &right);
    world.raw(twice.body(Full::default()).unwrap()).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn an_unknown_path_is_a_problem() {
    let world = World::start();
    for path in ["/", "/v1", "/v1/users/", "/v1/users//kick", "/v1/nowhere", "/v2/users"] {
        world.get(path).await.problem(404, "route-not-found");
    }
}

#[tokio::test]
async fn a_wrong_method_says_which_are_right() {
    let world = World::start();
    let said = world.delete("/v1/users").await;
    said.problem(405, "method-not-allowed");
    assert_eq!(said.headers[ALLOW], "POST, GET, HEAD");
    let said = world.get("/v1/messages").await;
    said.problem(405, "method-not-allowed");
    assert_eq!(said.headers[ALLOW], "POST");
}

#[tokio::test]
async fn a_head_is_answered_like_a_get() {
    let world = World::start();
    world.ask(Method::HEAD, "/v1/stats", "").await.ok();
    world.ask(Method::HEAD, "/v1/messages", "").await.problem(405, "method-not-allowed");
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_said() {
    let world = World::start();
    let wrong = [
        ("", "not a JSON object"),
        ("[\"tom\"]", "not a JSON object"),
        ("{\"handle\": ", "EOF"),
        ("{}", "missing field `handle`"),
        ("{\"handle\": \"tom\", \"age\": 5}", "unknown field `age`"),
        ("{\"handle\": \"tom\", \"handle\": \"tom\"}", "duplicate field `handle`"),
        ("{\"handle\": 5}", "expected a string"),
        ("{\"handle\": \"\"}", "empty"),
    ];
    for (body, why) in wrong {
        let said = world.ask(Method::POST, "/v1/users", body).await;
        let detail = said.problem(400, "bad-request");
        assert!(detail.contains(why), "{body}: {detail}");
    }
    world.ask(Method::POST, "/v1/users", &b"{\"handle\": \"\xff\"}"[..]).await.problem(400, "bad-request");
    assert_eq!(world.get("/v1/users").await.ok()["items"], json!([]));
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_declared_or_not() {
    let world = World::with(|config| config.limits.http_body = 20);
    world.ask(Method::POST, "/v1/users", r#"{"handle": "tomtomt"}"#).await.problem(413, "too-large");
    world.ask(Method::POST, "/v1/users", r#"{"handle": "tomtom"}"#).await.created();
    let declared = Request::post("/v1/users").header(AUTHORIZATION, format!("Bearer {}", world.key));
    let declared = declared.header(CONTENT_LENGTH, 21).body(Full::default()).unwrap();
    world.raw(declared).await.problem(413, "too-large");
}

#[tokio::test]
async fn a_body_that_stops_coming_is_given_up() {
    let world = World::with(|config| config.limits.body_pause = Duration::from_millis(10));
    let body = http_body_util::StreamBody::new(futures_util::stream::pending::<Result<_, std::io::Error>>());
    let request = Request::post("/v1/users").header(AUTHORIZATION, format!("Bearer {}", world.key));
    let asked = world.api.answer(request.body(body).unwrap());
    let response = tokio::time::timeout(DEADLINE, asked).await.expect("an answer in time");
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_refused_body_is_taken_in_so_that_the_answer_is_heard() {
    let world = World::with(|config| config.limits.http_body = 20);
    for key in [world.key.as_str(), "wrong"] {
        let taken = Arc::new(AtomicUsize::new(0));
        let counter = taken.clone();
        let pieces = (0..100).map(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
            Ok::<_, std::io::Error>(hyper::body::Frame::data(Bytes::from_static(b"0123456789")))
        });
        let body = http_body_util::StreamBody::new(futures_util::stream::iter(pieces));
        let request = Request::post("/v1/users").header(AUTHORIZATION, format!("Bearer {key}"));
        assert!(world.api.answer(request.body(body).unwrap()).await.status().is_client_error());
        assert_eq!(taken.load(Ordering::Relaxed), 100);
    }
}

#[tokio::test]
async fn nothing_is_to_be_cached() {
    let world = World::start();
    for path in ["/v1/stats", "/nowhere"] {
        assert_eq!(world.get(path).await.headers[CACHE_CONTROL], "no-store");
    }
}

#[test]
fn every_error_is_a_problem_with_its_own_word() {
    let mut words = std::collections::HashSet::new();
    for kind in ErrorKind::ALL {
        let response = Problem::from(*kind).into_response();
        let document: Value = serde_json::from_slice(response.body()).unwrap();
        assert!(response.status().is_client_error() || response.status().is_server_error());
        assert_eq!(document["status"], response.status().as_u16());
        assert_eq!(document["type"], kind.word());
        assert!(words.insert(kind.word()));
    }
}
