use http::header::LOCATION;

use super::*;

#[tokio::test]
async fn a_group_is_made_shown_renamed_and_dissolved() {
    let world = World::start();
    world.users(["tom", "jack"]).await;
    let said = world.post("/v1/groups", &json!({ "name": "crew", "manager": "tom", "members": ["jack"] })).await;
    let location = said.headers[LOCATION].to_str().unwrap().to_owned();
    let id = said.created()["id"].as_u64().unwrap();
    assert_eq!(location, format!("/v1/groups/{id}"));
    let shown = world.get(&location).await.ok();
    assert_eq!(shown["id"], id);
    assert_eq!(shown["name"], "crew");
    assert_eq!(shown["manager"], "tom");
    assert_eq!(shown["members"], json!(["tom", "jack"]));
    assert!(shown["created_at"].is_string());
    assert_eq!(world.patch(&location, &json!({ "name": "band" })).await.ok()["name"], "band");
    world.patch(&location, &json!({ "name": "" })).await.problem(400, "bad-request");
    world.patch(&location, &json!({ "manager": "jack" })).await.problem(400, "bad-request");
    world.delete(&location).await.nothing();
    world.get(&location).await.problem(404, "group-not-found");
    world.delete(&location).await.problem(404, "group-not-found");
    world.patch(&location, &json!({ "name": "late" })).await.problem(404, "group-not-found");
}

#[tokio::test]
async fn a_chosen_id_is_kept_and_the_next_ones_are_above_it() {
    let world = World::start();
    world.users(["tom"]).await;
    let make = |id: Value| json!({ "name": "crew", "manager": "tom", "members": [], "id": id });
    assert_eq!(world.post("/v1/groups", &make(json!(900))).await.created()["id"], 900);
    assert_eq!(world.group("tom", &[]).await, 901);
    world.post("/v1/groups", &make(json!(900))).await.problem(409, "key-conflict");
    world.post("/v1/groups", &make(json!(0))).await.problem(400, "bad-request");
    world.post("/v1/groups", &make(json!(u64::MAX))).await.problem(400, "bad-request");
}

#[tokio::test]
async fn groups_that_cannot_be_are_problems() {
    let world = World::start();
    world.users(["tom"]).await;
    let make =
        |name: &str, manager: &str, member: &str| json!({ "name": name, "manager": manager, "members": [member] });
    world.post("/v1/groups", &make("", "tom", "tom")).await.problem(400, "bad-request");
    world.post("/v1/groups", &make("crew", "eve", "tom")).await.problem(404, "user-not-found");
    world.post("/v1/groups", &make("crew", "tom", "eve")).await.problem(404, "user-not-found");
    for id in ["9", "0", "x"] {
        world.get(&format!("/v1/groups/{id}")).await.problem(404, "group-not-found");
    }
}

#[tokio::test]
async fn who_applies_or_is_invited_is_in_once_that_is_accepted() {
    let world = World::start();
    world.users(["tom", "jack", "ann", "eve"]).await;
    let group = format!("/v1/groups/{}", world.group("tom", &[]).await);
    let join = world.post(&format!("{group}/join-requests"), &json!({ "user": "jack", "note": "me" })).await.created();
    let invitation = json!({ "by": "tom", "user": "ann" });
    let invited = world.post(&format!("{group}/invitations"), &invitation).await.created();
    let refused = world.post(&format!("{group}/join-requests"), &json!({ "user": "eve" })).await.created();
    for (request, accept) in [(join, true), (invited, true), (refused, false)] {
        let path = format!("/v1/group-requests/{}/decision", request["id"]);
        let decided = world.post(&path, &json!({ "accept": accept })).await.ok();
        assert_eq!(decided["state"], if accept { "accepted" } else { "refused" });
        world.post(&path, &json!({ "accept": accept })).await.problem(404, "request-not-found");
    }
    assert_eq!(world.get(&group).await.ok()["members"], json!(["tom", "jack", "ann"]));
    world.post(&format!("{group}/join-requests"), &json!({ "user": "jack" })).await.problem(409, "already-member");
    world.post(&format!("{group}/invitations"), &invitation).await.problem(409, "already-member");
    let by_a_stranger = json!({ "by": "eve", "user": "tom" });
    world.post(&format!("{group}/invitations"), &by_a_stranger).await.problem(403, "not-member");
    world.post("/v1/groups/99/join-requests", &json!({ "user": "eve" })).await.problem(404, "group-not-found");
}

#[tokio::test]
async fn a_removed_member_is_no_longer_in_it() {
    let world = World::start();
    world.users(["tom", "jack"]).await;
    let group = format!("/v1/groups/{}", world.group("tom", &["jack"]).await);
    world.delete(&format!("{group}/members/jack")).await.nothing();
    assert_eq!(world.get(&group).await.ok()["members"], json!(["tom"]));
    world.delete(&format!("{group}/members/jack")).await.problem(404, "not-member");
    world.delete(&format!("{group}/members/eve")).await.problem(404, "user-not-found");
    world.delete(&format!("{group}/members/tom")).await.nothing();
    world.get(&group).await.problem(404, "group-not-found");
}
