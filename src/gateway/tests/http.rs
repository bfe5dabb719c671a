//! HTTP as clients see it.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::world::{World, soon};

const FORM: &str = "Content-Type: application/x-www-form-urlencoded";

async fn user_sig(world: &World, user: &str) -> String {
    let body = format!("user_id={user}&token=demo-{user}");
    let answer = world.ask("POST", "/chat/get-user-sig/", &[FORM], body.as_bytes()).await;
    answer.json()["data"]["user_sig"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

fn multipart(field: &str, name: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!(
        "--b\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhi\r\n\
         --b\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\r\n"
    );
    [head.as_bytes(), bytes, b"\r\n--b--\r\n"].concat()
}

#[tokio::test]
async fn an_unknown_path_is_answered_in_the_nearest_dialects_form() {
    let world = World::start(|_| {}).await;
    assert_eq!(world.ask("GET", "/chat/nowhere/", &[], b"").await.json()["code"], 404);
    assert!(world.ask("POST", "/im/nowhere", &[], b"{}").await.json()["code"].is_number());
    let plain = world.ask("GET", "/nowhere", &[], b"").await;
    assert_eq!((plain.status, plain.body.len()), (404, 0));
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let world = World::start(|_| {}).await;
    let answer = world.ask("DELETE", "/api/message", &[], b"").await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header("allow"), Some("get, head, options"));
    let options = world.ask("OPTIONS", "/api/message", &[], b"").await;
    assert_eq!((options.status, options.header("allow")), (204, Some("get, head, options")));
}

#[tokio::test]
async fn errors_can_be_read_by_pages_of_other_origins() {
    let world = World::start(|_| {}).await;
    let answer = world.ask("GET", "/api/message", &["Origin: https://a.example"], b"").await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (401, Some("*")));
    let asked = ["Origin: https://a.example", "Access-Control-Request-Method: GET"];
    let preflight = world.ask("OPTIONS", "/api/message", &asked, b"").await;
    assert_eq!(preflight.status, 204);
    assert!(preflight.header("access-control-allow-headers").is_some_and(|names| names.contains("token")));
}

#[tokio::test]
async fn a_file_is_uploaded_and_can_be_fetched_in_parts() {
    let world = World::start(|_| {}).await;
    let sig = user_sig(&world, "tom").await;
    let headers = [format!("Authorization: {sig}"), "Content-Type: multipart/form-data; boundary=b".to_owned()];
    let headers = headers.each_ref().map(String::as_str);
    let bytes: Vec<u8> = (0..300_000_u32).map(|at| at.to_le_bytes()[0]).collect();
    let answer =
        world.ask("POST", "/file/upload-chat-file/", &headers, &multipart("file", "a.bin", &bytes)).await.json();
    let file = &answer["data"]["chat_file"];
    assert_eq!((&answer["code"], &file["size"], &file["name"]), (&json!(200), &json!(300_000), &json!("a.bin")));
    let url = file["url"].as_str().expect("a URL");
    let path = url.strip_prefix("http://chat.example.org").unwrap_or_else(|| panic!("{url}"));
    let whole = world.ask("GET", path, &[], b"").await;
    assert_eq!((whole.status, whole.body == bytes), (200, true));
    let part = world.ask("GET", path, &["Range: bytes=-5"], b"").await;
    assert_eq!((part.status, part.body.as_slice()), (206, &bytes[299_995..]));
    let head = world.ask("HEAD", path, &[], b"").await;
    assert_eq!((head.header("content-length"), head.body.len()), (Some("300000"), 0));
}

#[tokio::test]
async fn an_upload_is_refused_for_its_size_its_sender_or_its_form() {
    let world = World::start(|config| config.limits.upload = 100_000).await;
    let sig = user_sig(&world, "tom").await;
    let good = format!("Authorization: {sig}");
    let code = async |headers: &[&str], body: &[u8]| {
        let answer = world.ask("POST", "/file/upload-chat-file/", headers, body).await;
        answer.json()["code"].as_u64().expect("a code")
    };
    let multi = "Content-Type: multipart/form-data; boundary=b";
    // The body is far larger than what sockets hold: the answer comes all the same.
    assert_eq!(code(&[&good, multi], &multipart("file", "a", &vec![0; 8 << 20])).await, 400);
    assert_eq!(code(&[&good, multi], &multipart("file", "a", &vec![0; 100_001])).await, 400);
    assert_eq!(code(&[&good, multi], &multipart("file", "a", &vec![0; 100_000])).await, 200);
    assert_eq!(code(&[&good, multi], &multipart("other", "a", b"x")).await, 400);
    assert_eq!(code(&[&good, FORM], b"file=x").await, 400);
    assert_eq!(code(&[multi], &multipart("file", "a", &vec![0; 1 << 20])).await, 403);
}

#[tokio::test]
async fn a_body_above_the_limit_is_answered_in_the_dialect() {
    let world = World::start(|_| {}).await;
    let body = vec![b'a'; 3 << 20];
    let answer = world.ask("POST", "/chat/create-chat-user/", &[FORM], &body).await;
    assert!(answer.json()["code"].as_u64().is_some_and(|code| code >= 400), "{answer:?}");
}

#[tokio::test]
async fn what_was_pulled_is_consumed_once_it_was_handed_over() {
    let world = World::start(|_| {}).await;
    let mut tom = world.envelope("tom").await;
    tom.tell("tom", "jack", "1", "hello").await;
    let pull = async |method, path| world.ask(method, path, &["Authorization: Bearer demo-jack"], b"").await;
    assert_eq!(pull("HEAD", "/api/message").await.status, 200);
    assert_eq!(pull("GET", "/api/message?drop=false").await.json()[0]["messages"][0]["content"], "hello");
    assert_eq!(pull("GET", "/api/message").await.json()[0]["messages"][0]["content"], "hello");
    assert_eq!(pull("GET", "/api/message").await.json(), json!([]));
}

#[tokio::test]
async fn an_aborted_reply_consumes_nothing() {
    const MESSAGES: usize = 250;
    let world = World::start(|_| {}).await;
    let mut tom = world.envelope("tom").await;
    let long = "x".repeat(60_000);
    for number in 0..MESSAGES {
        tom.tell("tom", "jack", &number.to_string(), &long).await;
    }
    let mut stream = TcpStream::connect(world.address).await.expect("a connection");
    let request = b"GET /api/message HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer demo-jack\r\n\r\n";
    stream.write_all(request).await.expect("written");
    let mut begun = vec![0; 100_000];
    soon(stream.read_exact(&mut begun)).await.expect("the beginning");
    drop(stream);
    let again = world.ask("GET", "/api/message", &["Authorization: Bearer demo-jack"], b"").await.json();
    assert_eq!(again[0]["messages"].as_array().map(Vec::len), Some(MESSAGES));
}

#[tokio::test]
async fn requests_above_the_rate_are_refused_in_the_dialect() {
    let world = World::start(|config| {
        config.limits.requests = 1;
        config.limits.requests_burst = 2;
    })
    .await;
    let mut stream = TcpStream::connect(world.address).await.expect("a connection");
    let one = b"GET /api/message HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer demo-jack\r\n\r\n";
    let last = b"GET /api/message HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    for request in [&one[..], one, one, last] {
        stream.write_all(request).await.expect("written");
    }
    let mut answers = String::new();
    soon(stream.read_to_string(&mut answers)).await.expect("answers");
    let statuses: Vec<_> = answers.match_indices("HTTP/1.1 ").map(|(at, _)| &answers[at + 9..at + 12]).collect();
    assert_eq!(statuses, ["200", "200", "200", "429"]);
}

#[tokio::test]
async fn registrations_of_one_user_are_limited() {
    let world = World::start(|config| config.limits.registrations = 2).await;
    let mut codes = Vec::new();
    for _ in 0..3 {
        let answer = world.ask("POST", "/chat/get-user-sig/", &[FORM], b"user_id=tom&token=demo-tom").await;
        codes.push(answer.json()["code"].as_u64().expect("a code"));
    }
    assert_eq!(codes[..2], [200, 200]);
    assert_ne!(codes[2], 200);
}

#[tokio::test]
async fn auth_acks_requests_are_believed_from_an_address_with_a_live_connection_only() {
    let world = World::start_as(false, |config| {
        config.auth.fixed.insert("t-tom", "tom");
    })
    .await;
    let registered = world.ask("POST", "/im/user/register", &[], br#"{"company":"c","app":"a","thirdUserId":"tom"}"#);
    let id = registered.await.json()["userId"].as_u64().expect("a number");
    let body = format!(r#"{{"userId": {id}}}"#);
    let status =
        async |headers: &[&str]| world.ask("POST", "/im/user/chat/list", headers, body.as_bytes()).await.status;
    assert_eq!(status(&[]).await, 500, "nobody is connected");
    assert_eq!(status(&["Authorization: Bearer t-tom"]).await, 200);
    assert_eq!(status(&["Authorization: Bearer t-jack"]).await, 500);
    let mut tom = world.open("/ws").await;
    tom.say(&format!(r#"{{"msgType":"Auth","fromUserId":{id},"content":"t-tom"}}"#)).await;
    tom.say(r#"{"msgType":"Ping"}"#).await;
    assert_eq!(tom.hear().await["msgType"], "Pong");
    assert_eq!(status(&[]).await, 200);
    assert_eq!(status(&["X-Forwarded-For: 192.0.2.1"]).await, 500, "somebody else may have asked");
    assert_eq!(status(&["Origin: https://evil.example"]).await, 500, "the connection has another origin");
    let other = world.ask("POST", "/im/user/chat/list", &[], br#"{"userId": 999}"#).await;
    assert_eq!(other.status, 500);
}
