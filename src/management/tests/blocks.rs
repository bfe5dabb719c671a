use super::*;

#[tokio::test]
async fn a_block_keeps_messages_away_until_it_is_lifted() {
    let world = World::start();
    world.users(["tom", "jack"]).await;
    world.put("/v1/users/jack/blocks/tom").await.nothing();
    world.put("/v1/users/jack/blocks/tom").await.nothing();
    let mut jack = world.connected("jack", DialectName::Envelope).await;
    let send = |text: &str| json!({ "from": "tom", "to": "jack", "content": text });
    world.post("/v1/messages", &send("unheard")).await.created();
    world.delete("/v1/users/jack/blocks/tom").await.nothing();
    world.delete("/v1/users/jack/blocks/tom").await.nothing();
    world.post("/v1/messages", &send("heard")).await.created();
    assert_eq!(frame(&mut jack).await["data"]["messageContent"], "heard");
}

#[tokio::test]
async fn blocks_that_cannot_be_are_problems() {
    let world = World::start();
    world.users(["tom"]).await;
    world.put("/v1/users/tom/blocks/eve").await.problem(404, "user-not-found");
    world.put("/v1/users/eve/blocks/tom").await.problem(404, "user-not-found");
    world.put("/v1/users/tom/blocks/tom").await.problem(400, "bad-request");
    world.get("/v1/users/tom/blocks/eve").await.problem(405, "method-not-allowed");
}
