use http::header::LOCATION;
use koine_core::EndReason;

use super::*;

#[tokio::test]
async fn an_added_user_is_shown_with_everything_that_is_known() {
    let world = World::start();
    let body = json!({ "handle": "tom", "profile": { "nickname": "Tom", "city": "Köln" } });
    let said = world.post("/v1/users", &body).await;
    assert_eq!(said.headers[LOCATION], "/v1/users/tom");
    let added = said.created();
    assert_eq!(added["handle"], "tom");
    assert_eq!(added["number"], 1);
    assert_eq!(added["profile"]["nickname"], "Tom");
    assert_eq!(added["profile"]["phone"], Value::Null);
    assert_eq!(added["disabled"], false);
    assert_eq!(added["login_at"], Value::Null);
    let created = added["created_at"].as_str().unwrap();
    assert!(created.ends_with('Z') && created.parse::<jiff::Timestamp>().is_ok(), "{created}");
    assert_eq!(world.get("/v1/users/tom").await.ok(), added);
}

#[tokio::test]
async fn a_handle_with_any_characters_has_an_address() {
    let world = World::start();
    for (handle, path) in
        [("a/b", "/v1/users/a%2Fb"), ("tom%2F", "/v1/users/tom%252F"), ("小 明?", "/v1/users/%E5%B0%8F%20%E6%98%8E%3F")]
    {
        let said = world.post("/v1/users", &json!({ "handle": handle })).await;
        assert_eq!(said.headers[LOCATION], path);
        said.created();
        assert_eq!(world.get(path).await.ok()["handle"], handle);
    }
    world.get("/v1/users/%FF").await.problem(400, "bad-request");
}

#[tokio::test]
async fn a_chosen_number_is_kept_and_the_next_ones_are_above_it() {
    let world = World::start();
    assert_eq!(world.post("/v1/users", &json!({ "handle": "tom", "number": 70 })).await.created()["number"], 70);
    assert_eq!(world.post("/v1/users", &json!({ "handle": "jack" })).await.created()["number"], 71);
    assert_eq!(world.post("/v1/users", &json!({ "handle": "ann", "number": 5 })).await.created()["number"], 5);
    world.post("/v1/users", &json!({ "handle": "eve", "number": 70 })).await.problem(409, "user-exists");
    for number in [json!(0), json!(u64::MAX), json!(-1), json!(1.5), json!("7")] {
        world.post("/v1/users", &json!({ "handle": "eve", "number": number })).await.problem(400, "bad-request");
    }
    world.get("/v1/users/eve").await.problem(404, "user-not-found");
}

#[tokio::test]
async fn a_handle_is_given_once() {
    let world = World::start();
    world.users(["tom"]).await;
    world.post("/v1/users", &json!({ "handle": "tom" })).await.problem(409, "user-exists");
}

#[tokio::test]
async fn registration_closed_to_clients_is_open_to_the_operator() {
    let world = World::with(|config| config.registration = crate::config::Registration::Managed);
    world.users(["tom"]).await;
}

#[tokio::test]
async fn an_unknown_user_is_not_found_whatever_is_asked() {
    let world = World::start();
    for path in ["/v1/users/tom", "/v1/users/tom/connections", "/v1/users/tom/friends", "/v1/users/%00"] {
        world.get(path).await.problem(404, "user-not-found");
    }
    for verb in ["disable", "enable", "kick", "tokens"] {
        world.post(&format!("/v1/users/tom/{verb}"), &json!({})).await.problem(404, "user-not-found");
    }
    world.patch("/v1/users/tom", &json!({ "profile": {} })).await.problem(404, "user-not-found");
}

#[tokio::test]
async fn a_patch_sets_clears_and_leaves_alone() {
    let world = World::start();
    let profile = json!({ "nickname": "Tom", "city": "Köln", "email": "t@example.com" });
    world.post("/v1/users", &json!({ "handle": "tom", "profile": profile })).await.created();
    let patch = json!({ "profile": { "nickname": "Tommy", "city": null } });
    let patched = world.patch("/v1/users/tom", &patch).await.ok();
    assert_eq!(patched["profile"]["nickname"], "Tommy");
    assert_eq!(patched["profile"]["city"], Value::Null);
    assert_eq!(patched["profile"]["email"], "t@example.com");
    assert_eq!(world.get("/v1/users/tom").await.ok(), patched);
    assert_eq!(world.patch("/v1/users/tom", &json!({})).await.ok(), patched);
}

#[tokio::test]
async fn an_unknown_field_of_a_profile_is_named() {
    let world = World::start();
    world.users(["tom"]).await;
    let wrong = [
        (json!({ "profile": { "age": "5" } }), "profile.age"),
        (json!({ "profile": { "city": 5 } }), "profile.city"),
        (json!({ "nickname": "Tom" }), "nickname"),
        (json!({ "profile": ["Tom"] }), "expected a map"),
    ];
    for (patch, name) in wrong {
        let said = world.patch("/v1/users/tom", &patch).await;
        assert!(said.problem(400, "bad-request").contains(name), "{}", said.json);
    }
    let said = world.post("/v1/users", &json!({ "handle": "jack", "profile": { "age": "5" } })).await;
    assert!(said.problem(400, "bad-request").contains("profile.age"));
}

#[tokio::test]
async fn pages_show_everybody_once_and_end() {
    let world = World::start();
    world.users(["a", "b", "c", "d", "e"]).await;
    let (mut seen, mut sizes) = (Vec::new(), Vec::new());
    let mut path = "/v1/users?limit=2".to_owned();
    loop {
        let page = world.get(&path).await.ok();
        sizes.push(handles(&page).len());
        seen.extend(handles(&page).into_iter().map(str::to_owned));
        let Some(next) = page["next"].as_str() else {
            assert_eq!(page["next"], Value::Null);
            break;
        };
        path = format!("/v1/users?limit=2&after={next}");
    }
    assert_eq!((seen.concat(), sizes), ("abcde".to_owned(), vec![2, 2, 1]));
    assert_eq!(world.get("/v1/users?limit=5").await.ok()["next"], Value::Null);
}

#[tokio::test]
async fn a_page_that_cannot_be_is_refused() {
    let world = World::start();
    for query in ["limit=0", "limit=1001", "limit=x", "limit=", "after=x", "limit=1&limit=2", "offset=3"] {
        world.get(&format!("/v1/users?{query}")).await.problem(400, "bad-request");
    }
    world.get("/v1/users?limit=1000").await.ok();
}

#[tokio::test]
async fn disabling_ends_connections_and_tokens_until_enabled() {
    let world = World::start();
    world.users(["tom"]).await;
    let token = world.post("/v1/users/tom/tokens", &json!({})).await.created();
    let token = token["token"].as_str().unwrap();
    let mut connection = world.connected("tom", DialectName::Envelope).await;
    assert_eq!(world.post("/v1/users/tom/disable", &json!({})).await.ok()["disabled"], true);
    let end = tokio::time::timeout(DEADLINE, connection.next()).await.unwrap();
    assert!(matches!(end, Delivery::End(EndReason::Disabled)), "{end:?}");
    assert!(world.authenticated(DialectName::Envelope, token).await.is_err());
    assert_eq!(world.ask(Method::POST, "/v1/users/tom/enable", "").await.ok()["disabled"], false);
    assert!(world.authenticated(DialectName::Envelope, token).await.is_ok());
}

#[tokio::test]
async fn connections_are_listed_until_they_are_kicked() {
    let world = World::start();
    world.users(["tom"]).await;
    assert_eq!(world.get("/v1/users/tom/connections").await.ok(), json!({ "items": [], "next": null }));
    let mut one = world.connected("tom", DialectName::Envelope).await;
    let mut two = world.connected("tom", DialectName::AccessToken).await;
    let listed = world.get("/v1/users/tom/connections").await.ok();
    assert_eq!(listed["items"][0]["dialect"], "envelope");
    assert_eq!(listed["items"][1]["dialect"], "access-token");
    assert_eq!(listed["items"][1]["address"], "127.0.0.1");
    assert_eq!(listed["items"][1]["faces"], Value::Null);
    assert!(listed["items"][1]["since"].is_string());
    let first = world.get("/v1/users/tom/connections?limit=1").await.ok();
    let next = first["next"].as_str().unwrap();
    let second = world.get(&format!("/v1/users/tom/connections?limit=1&after={next}")).await.ok();
    assert_eq!(second, json!({ "items": [listed["items"][1]], "next": null }));
    assert_eq!(world.post("/v1/users/tom/kick", &json!({})).await.ok(), json!({ "closed": 2 }));
    for connection in [&mut one, &mut two] {
        let end = tokio::time::timeout(DEADLINE, connection.next()).await.unwrap();
        assert!(matches!(end, Delivery::End(EndReason::Kicked)), "{end:?}");
    }
}

#[tokio::test]
async fn a_login_is_shown() {
    let world = World::start();
    world.users(["tom"]).await;
    let _connection = world.connected("tom", DialectName::Envelope).await;
    assert!(world.get("/v1/users/tom").await.ok()["login_at"].is_string());
}
