//! How connections end.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::SinkExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::Message;

use super::world::{World, envelope_send, soon};

#[tokio::test]
async fn a_connection_that_never_authenticates_is_closed() {
    let world = World::start(|config| {
        config.limits.unauthenticated = Duration::from_millis(50);
        config.limits.handshake = Duration::from_millis(50);
    })
    .await;
    assert_eq!(world.open("/chat").await.closed().await, 4008);
    assert_eq!(world.open("/ws").await.closed().await, 4008, "no first frame");
}

#[tokio::test]
async fn a_binary_frame_is_answered_and_the_connection_stays() {
    let world = World::start(|_| {}).await;
    let mut tom = world.envelope("tom").await;
    tom.socket.send(Message::binary(b"x".to_vec())).await.expect("sent");
    assert_eq!(tom.hear().await["code"], 400);
    tom.tell("tom", "jack", "1", "still here").await;
}

#[tokio::test]
async fn a_frame_above_the_limit_is_answered_before_the_close() {
    let world = World::start(|_| {}).await;
    let mut tom = world.envelope("tom").await;
    tom.say(&"x".repeat(200_000)).await;
    assert_eq!(tom.hear().await["code"], 400);
    assert_eq!(tom.closed().await, 1009);
}

#[tokio::test]
async fn bytes_that_are_no_text_or_no_frames_close_with_their_code() {
    let world = World::start(|_| {}).await;
    // Masked with zeros: a text frame that is not UTF-8, an unmasked one, one with a reserved bit.
    for (bytes, code) in [
        (&[0x81, 0x81, 0, 0, 0, 0, 0xff][..], 1007),
        (&[0x81, 0x01, b'x'], 1002),
        (&[0xc1, 0x81, 0, 0, 0, 0, b'x'], 1002),
    ] {
        let mut client = world.open("/chat").await;
        client.socket.get_mut().write_all(bytes).await.expect("written");
        assert_eq!(client.closed().await, code);
    }
}

#[tokio::test]
async fn the_last_words_come_before_the_answer_to_the_clients_close() {
    let world = World::start(|_| {}).await;
    let answer = world
        .ask(
            "POST",
            "/chat/get-user-sig/",
            &["Content-Type: application/x-www-form-urlencoded"],
            b"user_id=tom&token=demo-tom",
        )
        .await
        .json();
    let sig = answer["data"]["user_sig"].as_str().expect("a sig");
    let mut tom = world.open(&format!("/ws/chat/tom/{sig}/")).await;
    assert_eq!(tom.hear().await["type"], "SDK_READY");
    // By hand, since the library hides what comes after its own Close.
    let stream = tom.socket.get_mut();
    stream.write_all(&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]).await.expect("written");
    let mut rest = Vec::new();
    soon(stream.read_to_end(&mut rest)).await.expect("the rest");
    let words = br#"{"type":"KICKED_OUT"}"#;
    let mut expected = vec![0x81, u8::try_from(words.len()).expect("short")];
    expected.extend_from_slice(words);
    expected.extend_from_slice(&[0x88, 0x02, 0x03, 0xe8]);
    assert_eq!(rest, expected, "{}", String::from_utf8_lossy(&rest));
}

#[tokio::test]
async fn a_stop_tells_everybody_and_finishes_in_time() {
    let world = World::start(|_| {}).await;
    let mut tom = world.envelope("tom").await;
    let mut nobody = world.open("/chat").await;
    let mut undecided = world.open("/ws").await;
    // Idle in HTTP: nothing is owed to it.
    let _idle = TcpStream::connect(world.address).await.expect("a connection");
    tom.say(&envelope_send("tom", "jack", "1", "last")).await;
    assert_eq!(tom.hear().await["code"], 200);
    let address = world.address;
    let stopping = tokio::spawn(world.gateway.stop());
    for client in [&mut tom, &mut nobody, &mut undecided] {
        assert_eq!(client.closed().await, 1001);
    }
    soon(stopping).await.expect("stopped");
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_client_that_stops_reading_is_closed_and_loses_nothing() {
    let world = World::start(|config| {
        config.limits.mailbox_frames = 20;
        config.limits.mailbox_bytes = 1 << 20;
    })
    .await;
    let mut tom = world.envelope("tom").await;
    let mut jack = world.envelope("jack").await;
    let padding = "x".repeat(60_000);
    // More than sockets and mailbox hold together.
    for number in 0..300 {
        tom.tell("tom", "jack", &number.to_string(), &format!("{number} {padding}")).await;
    }
    let mut heard = BTreeSet::new();
    let code = loop {
        match jack.next().await.expect("a Close in the end") {
            Message::Text(text) => heard.insert(number_of(&text)),
            Message::Close(frame) => break frame.expect("a code").code,
            _ => false,
        };
    };
    assert_eq!(u16::from(code), 1013);
    assert!(heard.len() < 300, "it was closed for what it did not read");
    let mut jack = world.envelope("jack").await;
    while heard.len() < 300 {
        let Some(Message::Text(text)) = jack.next().await else { continue };
        heard.insert(number_of(&text));
    }
}

/// The number a message's content begins with.
fn number_of(frame: &str) -> u32 {
    let frame: serde_json::Value = serde_json::from_str(frame).expect("JSON");
    let content = frame["data"]["messageContent"].as_str().expect("a message");
    content.split(' ').next().and_then(|number| number.parse().ok()).expect("a number")
}

#[tokio::test]
async fn a_silent_client_is_pinged_and_given_up() {
    let world = World::start(|config| {
        config.limits.idle_ping = Duration::from_millis(50);
        config.limits.dead = Duration::from_millis(400);
    })
    .await;
    let mut tom = world.open("/chat").await;
    assert!(matches!(tom.next().await, Some(Message::Ping(_))));
    // Reading on answers the Pings; a connection that does not even do that is given up.
    let mut silent = world.open("/chat").await;
    let mut bytes = Vec::new();
    soon(silent.socket.get_mut().read_to_end(&mut bytes)).await.expect("the end");
    assert!(bytes.starts_with(&[0x89, 0x10]), "a Ping came first: {bytes:?}");
    assert!(!matches!(tom.next().await, None | Some(Message::Close(_))), "tom answered and stays");
}
