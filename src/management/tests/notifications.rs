use super::*;

#[tokio::test]
async fn a_notification_reaches_one_user_a_group_or_friends() {
    let world = World::start();
    world.users(["tom", "jack", "ann"]).await;
    let group = world.group("tom", &["ann"]).await;
    world.befriended("jack", "tom").await;
    let mut tom = world.connected("tom", DialectName::AccessToken).await;
    let targets = [
        ("to", json!("tom"), json!({ "a": 1 })),
        ("group", json!(group), json!("b")),
        ("friends_of", json!("jack"), json!(3)),
    ];
    for (field, target, content) in targets {
        let mut body = json!({ "type": "ORDER", "content": content });
        body[field] = target;
        world.post("/v1/notifications", &body).await.created();
        let frame = frame(&mut tom).await;
        assert_eq!((&frame["notificationType"], &frame["content"]), (&json!("ORDER"), &content));
    }
}

#[tokio::test]
async fn a_notification_from_a_blocked_user_does_not_come() {
    let world = World::start();
    world.users(["tom", "jack"]).await;
    world.put("/v1/users/tom/blocks/jack").await.nothing();
    let mut tom = world.connected("tom", DialectName::AccessToken).await;
    let notify = |from: Value, content: &str| json!({ "to": "tom", "from": from, "type": "T", "content": content });
    world.post("/v1/notifications", &notify(json!("jack"), "unheard")).await.created();
    world.post("/v1/notifications", &notify(Value::Null, "heard")).await.created();
    assert_eq!(frame(&mut tom).await["content"], "heard");
}

#[tokio::test]
async fn notifications_that_cannot_be_are_problems() {
    let world = World::start();
    world.users(["tom"]).await;
    let wrong = [
        json!({ "type": "T", "content": 1 }),
        json!({ "to": "tom", "friends_of": "tom", "type": "T", "content": 1 }),
        json!({ "to": "tom", "type": "", "content": 1 }),
        json!({ "to": "tom", "content": 1 }),
        json!({ "to": "tom", "type": "T" }),
        json!({ "to": "tom", "type": "T", "content": 1, "extra": 1 }),
    ];
    for body in wrong {
        world.post("/v1/notifications", &body).await.problem(400, "bad-request");
    }
    let unknown = |field: &str, target: Value| json!({ field: target, "type": "T", "content": 1 });
    world.post("/v1/notifications", &unknown("to", json!("eve"))).await.problem(404, "user-not-found");
    world.post("/v1/notifications", &unknown("friends_of", json!("eve"))).await.problem(404, "user-not-found");
    world.post("/v1/notifications", &unknown("group", json!(9))).await.problem(404, "group-not-found");
}
