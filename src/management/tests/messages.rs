use super::*;

#[tokio::test]
async fn a_message_reaches_its_receiver_and_the_log() {
    let world = World::start();
    world.users(["tom", "jack"]).await;
    let mut jack = world.connected("jack", DialectName::Envelope).await;
    let sent = world.post("/v1/messages", &json!({ "from": "tom", "to": "jack", "content": "hi" })).await.created();
    assert_eq!(sent["seq"], 1);
    assert!(sent["id"].as_u64().unwrap() < 1 << 53);
    assert_eq!(frame(&mut jack).await["data"]["messageContent"], "hi");
    let log = world.get(&format!("/v1/conversations/{}/messages", sent["conversation"])).await.ok();
    assert_eq!(log["next"], Value::Null);
    let message = &log["items"][0];
    assert_eq!(message["id"], sent["id"]);
    assert_eq!(message["conversation"], sent["conversation"]);
    assert_eq!((&message["from"], &message["to"]), (&json!("tom"), &json!("jack")));
    assert_eq!((&message["group"], &message["seq"]), (&Value::Null, &json!(1)));
    assert_eq!((&message["kind"], &message["content"]), (&json!("text"), &json!("hi")));
    assert!(message["sent_at"].is_string());
}

#[tokio::test]
async fn a_group_s_messages_stay_readable_when_it_is_dissolved() {
    let world = World::start();
    world.users(["tom", "jack", "eve"]).await;
    let group = world.group("tom", &["jack"]).await;
    let send = |from: &str| json!({ "from": from, "group": group, "content": "hi" });
    let sent = world.post("/v1/messages", &send("jack")).await.created();
    assert_eq!(sent["conversation"], group);
    world.post("/v1/messages", &send("eve")).await.problem(403, "not-member");
    world.delete(&format!("/v1/groups/{group}")).await.nothing();
    world.post("/v1/messages", &send("jack")).await.problem(404, "group-not-found");
    let log = world.get(&format!("/v1/conversations/{group}/messages")).await.ok();
    assert_eq!((&log["items"][0]["group"], &log["items"][0]["to"]), (&json!(group), &Value::Null));
}

#[tokio::test]
async fn any_content_comes_back_as_it_was_sent() {
    let world = World::start();
    world.users(["tom", "jack"]).await;
    let contents = [
        (json!({ "a": [1, null, 1.5e300] }), None, "text"),
        (json!(12_345_678_901_234_567_890_u64), None, "text"),
        (Value::Null, Some("text"), "text"),
        (json!("http://example.com/a.png"), Some("image"), "image"),
        (json!("http://example.com/a.pdf"), Some("file"), "file"),
        (json!("x"), Some("Location"), "Location"),
    ];
    for (content, kind, shown) in contents {
        let mut body = json!({ "from": "tom", "to": "jack", "content": content });
        if let Some(kind) = kind {
            body["kind"] = json!(kind);
        }
        let sent = world.post("/v1/messages", &body).await.created();
        let log = world.get(&format!("/v1/conversations/{}/messages?limit=1", sent["conversation"])).await.ok();
        let message = &log["items"][0];
        assert_eq!((&message["content"], &message["kind"]), (&content, &json!(shown)));
    }
}

#[tokio::test]
async fn messages_that_cannot_be_are_problems() {
    let world = World::with(|config| config.limits.message = 100);
    world.users(["tom", "jack"]).await;
    let wrong = [
        json!({ "from": "tom", "content": "hi" }),
        json!({ "from": "tom", "to": "jack", "group": 1, "content": "hi" }),
        json!({ "from": "tom", "to": "jack" }),
        json!({ "from": "tom", "to": "jack", "content": "hi", "kind": "" }),
        json!({ "from": "tom", "to": "jack", "content": "hi", "kind": "x".repeat(65) }),
        json!({ "from": "tom", "to": "jack", "content": "hi", "key": "" }),
        json!({ "from": "tom", "to": "jack", "content": "hi", "key": "x".repeat(129) }),
        json!({ "from": "tom", "to": "jack", "content": "hi", "reads": true }),
    ];
    for body in wrong {
        world.post("/v1/messages", &body).await.problem(400, "bad-request");
    }
    let half = r#"{"from": "tom", "to": "jack", "content": "\ud800"}"#;
    world.ask(Method::POST, "/v1/messages", half).await.problem(400, "bad-request");
    let send = |from: &str, to: &str, content: &str| json!({ "from": from, "to": to, "content": content });
    world.post("/v1/messages", &send("eve", "jack", "hi")).await.problem(404, "user-not-found");
    world.post("/v1/messages", &send("tom", "eve", "hi")).await.problem(404, "user-not-found");
    world.post("/v1/messages", &send("tom", "jack", &"x".repeat(101))).await.problem(413, "too-large");
    world.post("/v1/users/tom/disable", &json!({})).await.ok();
    world.post("/v1/messages", &send("tom", "jack", "hi")).await.problem(403, "user-disabled");
    for id in ["9", "0", "x"] {
        world.get(&format!("/v1/conversations/{id}/messages")).await.problem(404, "conversation-not-found");
    }
}

#[tokio::test]
async fn operators_bring_nobody_into_being_in_demo_mode_either() {
    let world = World::of(true, |_| {});
    world.users(["tom"]).await;
    let send = json!({ "from": "tom", "to": "nobody", "content": "hi" });
    world.post("/v1/messages", &send).await.problem(404, "user-not-found");
    world.get("/v1/users/nobody").await.problem(404, "user-not-found");
}

#[tokio::test]
async fn where_only_friends_may_write_others_may_not() {
    let world = World::with(|config| config.policy.direct = crate::config::DirectPolicy::Friends);
    world.users(["tom", "jack"]).await;
    let send = json!({ "from": "tom", "to": "jack", "content": "hi" });
    world.post("/v1/messages", &send).await.problem(403, "not-friends");
    world.befriended("jack", "tom").await;
    world.post("/v1/messages", &send).await.created();
}

#[tokio::test]
async fn a_key_makes_a_repeat_the_same_message() {
    let world = World::start();
    world.users(["tom", "jack"]).await;
    let send = |text: &str| json!({ "from": "tom", "to": "jack", "content": text, "key": "k-1" });
    let first = world.post("/v1/messages", &send("hi")).await.created();
    assert_eq!(world.post("/v1/messages", &send("hi")).await.created(), first);
    world.post("/v1/messages", &send("something else")).await.problem(409, "key-conflict");
    let log = world.get(&format!("/v1/conversations/{}/messages", first["conversation"])).await.ok();
    assert_eq!(log["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_log_is_paged_from_the_newest_to_the_first() {
    let world = World::start();
    world.users(["tom", "jack"]).await;
    let mut conversation = Value::Null;
    for number in 1..=5 {
        let send = json!({ "from": "tom", "to": "jack", "content": number });
        conversation = world.post("/v1/messages", &send).await.created()["conversation"].clone();
    }
    let path = format!("/v1/conversations/{conversation}/messages");
    for parameter in ["before", "after"] {
        let mut pages = Vec::new();
        let mut next = String::new();
        loop {
            let page = world.get(&format!("{path}?limit=2{next}")).await.ok();
            let items = page["items"].as_array().unwrap();
            pages.push(items.iter().map(|message| message["seq"].as_u64().unwrap()).collect::<Vec<_>>());
            let Some(cursor) = page["next"].as_str() else { break };
            next = format!("&{parameter}={cursor}");
        }
        assert_eq!(pages, [vec![5, 4], vec![3, 2], vec![1]]);
    }
    assert_eq!(world.get(&format!("{path}?before=3")).await.ok()["items"][0]["seq"], 2);
    assert_eq!(world.get(&format!("{path}?before=1")).await.ok(), json!({ "items": [], "next": null }));
    assert_eq!(world.get(&format!("{path}?limit=5")).await.ok()["next"], Value::Null);
    for query in ["before=x", "before=1&after=1", "limit=0", "page=2"] {
        world.get(&format!("{path}?{query}")).await.problem(400, "bad-request");
    }
}
