use super::*;

async fn open(world: &World, path: &str) -> Said {
    world.raw(Request::get(path).body(Full::default()).unwrap()).await
}

#[tokio::test]
async fn readiness_follows_the_server_s_life() {
    let world = World::start();
    let api = Management::new(world.hub.clone(), world.auth.clone(), &Config::default());
    let world = World { api, ..world };
    let said = open(&world, "/readyz").await;
    said.problem(503, "not-ready");
    assert_eq!(said.json["reasons"], json!(["the server is starting"]));
    world.api.ready();
    open(&world, "/readyz").await.ok();
    world.api.draining();
    world.api.ready();
    let said = open(&world, "/readyz").await;
    said.problem(503, "not-ready");
    assert_eq!(said.json["reasons"], json!(["the server is stopping"]));
    open(&world, "/healthz").await.ok();
}

#[tokio::test]
async fn a_nearly_full_disk_is_a_reason_not_to_be_ready() {
    let world = World::start();
    world.hub.note_free_space(0);
    let said = open(&world, "/readyz").await;
    assert!(said.problem(503, "not-ready").contains("disk"));
    world.hub.note_free_space(u64::MAX);
    open(&world, "/readyz").await.ok();
}

#[tokio::test]
async fn statistics_count_what_there_is() {
    let world = World::start();
    world.users(["tom", "jack"]).await;
    let _one = world.connected("tom", DialectName::Envelope).await;
    let _two = world.connected("tom", DialectName::AuthAck).await;
    world.post("/v1/messages", &json!({ "from": "jack", "to": "jack", "content": "note" })).await.created();
    let stats = world.get("/v1/stats").await.ok();
    assert_eq!((&stats["users"], &stats["conversations"], &stats["messages"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!((&stats["connections"], &stats["online"]), (&json!(2), &json!(1)));
    assert_eq!(stats["ignored_acks"], 0);
    assert!(stats["outbound_bytes"].is_u64());
}

#[tokio::test]
async fn what_there_is_not_yet_says_so() {
    let world = World::start();
    for path in ["/metrics", "/openapi.json", "/docs"] {
        world.get(path).await.problem(501, "not-available");
    }
}
