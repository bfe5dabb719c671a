use super::*;

#[tokio::test]
async fn an_accepted_request_makes_friends_of_both() {
    let world = World::start();
    world.users(["tom", "jack", "ann"]).await;
    world.befriended("tom", "jack").await;
    world.befriended("ann", "tom").await;
    let friends = world.get("/v1/users/tom/friends").await.ok();
    assert_eq!(handles(&friends), ["jack", "ann"]);
    assert_eq!(friends["items"][0]["number"], 2);
    assert_eq!(friends["next"], Value::Null);
    assert_eq!(handles(&world.get("/v1/users/jack/friends").await.ok()), ["tom"]);
    let page = world.get("/v1/users/tom/friends?limit=1").await.ok();
    let next = page["next"].as_str().unwrap();
    let rest = world.get(&format!("/v1/users/tom/friends?limit=1&after={next}")).await.ok();
    assert_eq!((handles(&page), handles(&rest), &rest["next"]), (vec!["jack"], vec!["ann"], &Value::Null));
}

#[tokio::test]
async fn a_request_is_decided_once() {
    let world = World::start();
    world.users(["tom", "jack"]).await;
    let request = json!({ "from": "tom", "to": "jack", "note": "hello" });
    let id = world.post("/v1/friend-requests", &request).await.created()["id"].as_u64().unwrap();
    assert_eq!(world.post("/v1/friend-requests", &request).await.created()["id"], id, "it is pending already");
    let path = format!("/v1/friend-requests/{id}/decision");
    world.post(&path, &json!({ "accept": "yes" })).await.problem(400, "bad-request");
    world.post(&path, &json!({})).await.problem(400, "bad-request");
    let decided = world.post(&path, &json!({ "accept": false })).await.ok();
    assert_eq!(decided, json!({ "id": id, "state": "refused" }));
    world.post(&path, &json!({ "accept": true })).await.problem(404, "request-not-found");
    assert_eq!(handles(&world.get("/v1/users/tom/friends").await.ok()), Vec::<&str>::new());
}

#[tokio::test]
async fn requests_that_cannot_be_are_problems() {
    let world = World::start();
    world.users(["tom", "jack"]).await;
    let ask = |from: &str, to: &str| json!({ "from": from, "to": to });
    world.post("/v1/friend-requests", &ask("tom", "eve")).await.problem(404, "user-not-found");
    world.post("/v1/friend-requests", &ask("eve", "tom")).await.problem(404, "user-not-found");
    world.post("/v1/friend-requests", &ask("tom", "tom")).await.problem(400, "bad-request");
    world.befriended("tom", "jack").await;
    world.post("/v1/friend-requests", &ask("tom", "jack")).await.problem(409, "already-member");
    for id in ["9", "0", "x"] {
        let path = format!("/v1/friend-requests/{id}/decision");
        world.post(&path, &json!({ "accept": true })).await.problem(404, "request-not-found");
    }
}

#[tokio::test]
async fn a_friendship_ends_for_both() {
    let world = World::start();
    world.users(["tom", "jack"]).await;
    world.befriended("tom", "jack").await;
    world.delete("/v1/users/jack/friends/tom").await.nothing();
    assert_eq!(handles(&world.get("/v1/users/tom/friends").await.ok()), Vec::<&str>::new());
    world.delete("/v1/users/jack/friends/tom").await.problem(404, "not-friends");
    world.delete("/v1/users/jack/friends/eve").await.problem(404, "user-not-found");
}

#[tokio::test]
async fn a_request_about_a_group_is_not_decided_as_a_friend_request() {
    let world = World::start();
    world.users(["tom", "jack", "ann"]).await;
    let group = world.group("tom", &[]).await;
    let join = world.post(&format!("/v1/groups/{group}/join-requests"), &json!({ "user": "jack" })).await.created();
    let friend = world.post("/v1/friend-requests", &json!({ "from": "tom", "to": "ann" })).await.created();
    let accept = json!({ "accept": true });
    let path = format!("/v1/friend-requests/{}/decision", join["id"]);
    world.post(&path, &accept).await.problem(404, "request-not-found");
    let path = format!("/v1/group-requests/{}/decision", friend["id"]);
    world.post(&path, &accept).await.problem(404, "request-not-found");
}
