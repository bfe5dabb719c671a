//! Clients of a gateway whose store takes its time.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio_tungstenite::tungstenite::protocol::Message;

use super::gate::Gate;
use super::world::{World, envelope_send, soon};

/// More than a session carries out at once, and more than 1 MiB, which is what it lets wait (auth-ack).
const ACKS: u64 = 80;
const SENDS: u64 = 200;
const LENGTH: usize = 16 << 10;

/// How long nothing may be answered while the store waits: a gateway that reads on has read everything by then, and
/// refused some of it.
const PAUSE: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_with_many_acks_and_more_sends_than_may_wait_is_read_from_slowly_and_not_refused() {
    let gate = Gate::default();
    let world = World::start_with(true, |_| {}, |dialects| dialects, |engine| gate.before(engine)).await;
    let (jack, _) = world.auth_ack("jack").await;
    let (tom, mut client) = world.auth_ack("tom").await;
    let mut other = world.envelope("jack").await;
    let mut pushed = Vec::new();
    for number in 0..ACKS {
        other.tell("jack", "tom", &number.to_string(), "x").await;
        pushed.push(client.hear().await["id"].clone());
    }

    // Receipts are not written at once, so that something else has to be in their way.
    gate.shut();
    other.say(&envelope_send("jack", "ann", "last", "x")).await;
    soon(gate.reached()).await;
    for id in &pushed {
        let ack = json!({"chatType": "Single", "msgType": "Ack", "content": format!("{{'srcId': {id}}}")});
        client.socket.feed(Message::text(ack.to_string())).await.expect("fed");
    }
    let (mut sink, mut stream) = client.socket.split();
    let talking = tokio::spawn(async move {
        for id in 1..=SENDS {
            let content = "x".repeat(LENGTH);
            let send = json!({"id": id, "fromUserId": tom, "toUserId": jack, "chatType": "Single", "msgType": "Text",
                "content": content});
            sink.send(Message::text(send.to_string())).await.expect("sent");
        }
        sink
    });
    let early = tokio::time::timeout(PAUSE, stream.next()).await;
    assert!(early.is_err(), "told before the store was: {early:?}");
    gate.open();
    for id in 1..=SENDS {
        let next = soon(stream.next()).await.expect("an answer").expect("a frame");
        let answer: serde_json::Value = serde_json::from_str(next.to_text().expect("text")).expect("JSON");
        assert_eq!(answer["msgType"], "Ack", "{answer}");
        assert_eq!(answer["content"], format!(r#"{{"srcId": {id}}}"#));
    }
    drop(soon(talking).await.expect("all was said"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_are_answered_while_the_store_waits_even_behind_an_ack() {
    let gate = Gate::default();
    let world = World::start_with(true, |_| {}, |dialects| dialects, |engine| gate.before(engine)).await;
    let (tom, mut client) = world.auth_ack("tom").await;
    let mut other = world.envelope("jack").await;
    other.tell("jack", "tom", "1", "x").await;
    let pushed = client.hear().await["id"].clone();

    gate.shut();
    other.say(&envelope_send("jack", "ann", "2", "x")).await;
    soon(gate.reached()).await;
    let ack = json!({"chatType": "Single", "msgType": "Ack", "content": format!("{{'srcId': {pushed}}}")});
    client.say(&ack.to_string()).await;
    client.say(r#"{"msgType":"Ping"}"#).await;
    assert_eq!(client.hear().await["msgType"], "Pong", "the Ack has been read");
    let question = json!({"userId": tom, "msgIds": []}).to_string();
    let answer = world.ask("POST", "/im/message/offline", &["Authorization: demo-tom"], question.as_bytes()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    gate.open();
}
