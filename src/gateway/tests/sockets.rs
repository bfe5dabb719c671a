//! WebSockets as clients see them.

use futures_util::SinkExt;
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::Message;

use super::world::{Client, World, envelope_send, soon};

#[tokio::test]
async fn a_message_crosses_from_one_dialect_to_others() {
    let world = World::start(|_| {}).await;
    let mut status = world.open("/v1/chat/tom?token=demo-jack").await;
    let mut token = world.open("/ws?access_token=demo-jack").await;
    let mut tom = world.envelope("tom").await;
    assert_eq!(status.hear().await["status"], 30098, "tom has come");
    tom.tell("tom", "jack", "1", "hello").await;
    assert_eq!(status.hear().await["body"]["msg"], "hello");
    assert_eq!(token.hear().await["content"], "hello");
}

#[tokio::test]
async fn a_dialect_is_told_by_its_first_frame() {
    let world = World::start(|_| {}).await;
    for path in ["/ws", "/"] {
        let mut envelope = world.open(path).await;
        envelope.log_in("tom").await;
        let mut ack = world.open(path).await;
        ack.say(r#"{"msgType":"Ping"}"#).await;
        let reply = ack.hear().await;
        assert!(reply["msgType"] == "Pong" || reply["msgType"] == "Error", "{reply}");
    }
}

#[tokio::test]
async fn a_first_frame_that_nobody_knows_is_answered_and_closed() {
    let world = World::start(|_| {}).await;
    for frame in [Message::text("hello"), Message::text("{}"), Message::binary(b"x".to_vec())] {
        let mut client = world.open("/ws").await;
        client.socket.send(frame).await.expect("sent");
        assert!(client.hear().await["error"].is_string());
        assert_eq!(client.closed().await, 4000);
    }
}

#[tokio::test]
async fn a_handshake_with_a_bad_token_fails_where_the_dialect_says_so() {
    let world = World::start(|_| {}).await;
    for path in ["/ws?access_token=bad", "/ws?access_token="] {
        let stream = TcpStream::connect(world.address).await.expect("a connection");
        assert_eq!(Client::try_open(stream, path, &[]).await.err(), Some(401), "{path}");
    }
    assert_eq!(world.open("/ws/chat/tom/bad/").await.closed().await, 4003);
    let stream = TcpStream::connect(world.address).await.expect("a connection");
    assert_eq!(Client::try_open(stream, "/nowhere", &[]).await.err(), Some(404));
    assert_eq!(world.ask("GET", "/ws", &[], b"").await.status, 426);
}

#[tokio::test]
async fn a_pong_confirms_delivery_and_silence_does_not() {
    let world = World::start(|_| {}).await;
    let mut tom = world.envelope("tom").await;
    tom.tell("tom", "jack", "1", "first").await;

    // Hears the message and leaves without having answered the Ping after it.
    let mut jack = world.envelope("jack").await;
    assert_eq!(jack.hear().await["data"]["messageContent"], "first");
    drop(jack);

    let mut jack = world.envelope("jack").await;
    assert_eq!(jack.hear().await["data"]["messageContent"], "first", "it was not confirmed");
    assert!(matches!(jack.next().await, Some(Message::Ping(payload)) if payload.len() == 16));
    // The library answers while it reads on; the reply to a send shows that the answer was taken in.
    jack.tell("jack", "ann", "1", "hello").await;
    drop(jack);

    let mut jack = world.envelope("jack").await;
    tom.tell("tom", "jack", "2", "second").await;
    assert_eq!(jack.hear().await["data"]["messageContent"], "second");
}

#[tokio::test]
async fn a_pong_of_the_clients_own_confirms_nothing() {
    let world = World::start(|_| {}).await;
    let mut tom = world.envelope("tom").await;
    tom.tell("tom", "jack", "1", "first").await;
    let mut jack = world.envelope("jack").await;
    assert_eq!(jack.hear().await["data"]["messageContent"], "first");
    jack.socket.send(Message::Pong(vec![0; 16].into())).await.expect("sent");
    jack.say(&envelope_send("jack", "ann", "1", "hi")).await;
    drop(jack);
    let mut jack = world.envelope("jack").await;
    assert_eq!(jack.hear().await["data"]["messageContent"], "first");
}

#[tokio::test]
async fn pipelined_sends_are_answered_in_order() {
    let world = World::start(|_| {}).await;
    let mut tom = world.envelope("tom").await;
    for number in 0..300 {
        tom.socket.feed(Message::text(envelope_send("tom", "jack", &number.to_string(), "x"))).await.expect("fed");
    }
    soon(tom.socket.flush()).await.expect("sent");
    for number in 0..300 {
        let reply = tom.hear().await;
        assert_eq!((&reply["code"], &reply["obj"]["uniqueNo"]), (&json!(200), &json!(number.to_string())));
    }
}

/// More than a connection has waiting for its socket (64 KiB) comes at once, and nothing else that would wake it: a
/// client that acknowledges by its own words is not pinged.
#[tokio::test]
async fn a_burst_of_long_messages_arrives_whole_however_much_waits_for_the_socket() {
    const BURST: usize = 32;
    let world = World::start(|_| {}).await;
    let mut tom = world.envelope("tom").await;
    let (_, mut jack) = world.auth_ack("jack").await;
    for round in 0..8 {
        for number in 0..BURST {
            let unique = format!("{round}.{number}");
            let send = envelope_send("tom", "jack", &unique, &format!("{unique}:{}", "x".repeat(6_000)));
            tom.socket.feed(Message::text(send)).await.expect("fed");
        }
        soon(tom.socket.flush()).await.expect("sent");
        for number in 0..BURST {
            let heard = jack.hear().await;
            let content = heard["content"].as_str().expect("a text");
            assert_eq!(content.split(':').next(), Some(format!("{round}.{number}").as_str()));
        }
        for _ in 0..BURST {
            assert_eq!(tom.hear().await["code"], 200);
        }
    }
}

#[tokio::test]
async fn logging_in_again_hears_as_the_new_user_only() {
    let world = World::start(|_| {}).await;
    let mut tom = world.envelope("tom").await;
    let mut other = world.envelope("jack").await;
    other.log_in("ann").await;
    tom.tell("tom", "jack", "1", "for jack").await;
    tom.tell("tom", "ann", "2", "for ann").await;
    assert_eq!(other.hear().await["data"]["messageContent"], "for ann");
}

#[tokio::test]
async fn a_token_of_another_user_is_refused_on_a_bound_connection() {
    let world = World::start(|_| {}).await;
    let mut tom = world.envelope("tom").await;
    tom.say(&envelope_send("jack", "ann", "1", "forged")).await;
    let reply = tom.hear().await;
    assert_eq!((&reply["code"], &reply["obj"]["reason"]), (&json!(400), &json!("invalid-token")));
}

#[tokio::test]
async fn frames_above_the_rate_are_refused_by_name() {
    let world = World::start(|config| {
        config.limits.requests = 1;
        config.limits.requests_burst = 3;
    })
    .await;
    // The login counts too.
    let mut tom = world.envelope("tom").await;
    for number in 0..4 {
        tom.say(&envelope_send("tom", "jack", &number.to_string(), "x")).await;
    }
    let mut reasons = Vec::new();
    for _ in 0..4 {
        let reply = tom.hear().await;
        reasons.push((reply["obj"]["uniqueNo"].clone(), reply["obj"]["reason"].clone()));
    }
    assert!(reasons.contains(&(json!("3"), json!("rate-limited"))), "{reasons:?}");
}
