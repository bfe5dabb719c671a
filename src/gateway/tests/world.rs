//! A running gateway, and clients that talk to it byte by byte.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Message;

use crate::auth::{Auth, Secrets};
use crate::config::Config;
use crate::dialects::Dialects;
use crate::files::test_support::MemoryIndex;
use crate::gateway::{Gateway, Options};
use crate::hub::{Clock, Hub};
use crate::store::embedded::{Embedded, Settings};
use crate::store::engine::{self, Engine, EngineKind};

/// No test waits longer than this for anything.
pub(super) const DEADLINE: Duration = Duration::from_secs(20);

/// Waits, but not for ever.
pub(super) async fn soon<F: Future>(future: F) -> F::Output {
    timeout(DEADLINE, future).await.expect("in time")
}

/// A gateway in demo mode: `demo-tom` is a token of tom's in every dialect.
pub(super) struct World {
    pub(super) gateway: Gateway,
    pub(super) address: SocketAddr,
    _data: TempDir,
}

impl World {
    pub(super) async fn start(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_as(true, change).await
    }

    pub(super) async fn start_as(demo: bool, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_with(demo, change, |dialects| dialects, |engine| engine).await
    }

    /// Lets the dialects, and the engine, be others than the configured ones.
    pub(super) async fn start_with(
        demo: bool,
        change: impl FnOnce(&mut Config),
        dialects: impl FnOnce(Dialects) -> Dialects,
        engine: impl FnOnce(Arc<dyn Engine>) -> Arc<dyn Engine>,
    ) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let mut config = Config { data: data.path().to_owned(), ..Config::default() };
        config.management.enabled = false;
        config.presence.grace = Duration::from_millis(20);
        config.store.min_free = 0;
        for listener in &mut config.listeners {
            listener.address.set_port(0);
        }
        change(&mut config);
        let zone = koine_core::Zone::utc();
        let dialects = dialects(Dialects::new(&config, &zone, demo));
        let engine = engine(engine::open(EngineKind::Fjall, data.path(), 8 << 20).expect("an engine"));
        let store = Arc::new(Embedded::open(engine, Settings::new(&config, demo)).expect("a store"));
        let speakers = dialects.iter().map(|mounted| Arc::clone(&mounted.dialect)).collect();
        let hub = Hub::start(&config, store, speakers, Clock::system()).expect("a hub");
        let secrets = Secrets::open(&config).expect("secrets");
        let auth = Auth::new(&config, &secrets, Arc::new(hub.clone()), demo, zone.clone());
        let options = Options {
            directory: Arc::new(hub.clone()),
            files: Arc::new(MemoryIndex::default()),
            hub,
            auth,
            dialects,
            zone,
            demo,
            management: None,
        };
        let gateway = Gateway::start(config, options).await.expect("a gateway");
        let address = gateway.addresses()[0].0;
        Self { gateway, address, _data: data }
    }

    /// Opens a WebSocket.
    pub(super) async fn open(&self, path: &str) -> Client<TcpStream> {
        Client::open(TcpStream::connect(self.address).await.expect("a connection"), path).await
    }

    /// An envelope connection that has logged in.
    pub(super) async fn envelope(&self, user: &str) -> Client<TcpStream> {
        let mut client = self.open("/chat").await;
        client.log_in(user).await;
        client
    }

    /// An auth-ack connection that has authenticated, and the user's number.
    pub(super) async fn auth_ack(&self, handle: &str) -> (u64, Client<TcpStream>) {
        let body = format!(r#"{{"company":"c","app":"a","thirdUserId":"{handle}"}}"#);
        let registered = self.ask("POST", "/im/user/register", &[], body.as_bytes()).await;
        let id = registered.json()["userId"].as_u64().expect("a number");
        let mut client = self.open("/ws").await;
        client.say(&format!(r#"{{"msgType":"Auth","fromUserId":{id},"content":"demo-{handle}"}}"#)).await;
        client.say(r#"{"msgType":"Ping"}"#).await;
        assert_eq!(client.hear().await["msgType"], "Pong");
        (id, client)
    }

    /// A request in one connection of its own.
    pub(super) async fn ask(&self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        soon(ask(&mut stream, method, path, headers, body)).await
    }
}

/// Sends a request that ends its connection, and reads the answer.
pub(super) async fn ask(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    method: &str,
    path: &str,
    headers: &[&str],
    body: &[u8],
) -> Answer {
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: chat.example.org\r\nConnection: close\r\n");
    for header in headers {
        request.extend([header, "\r\n"]);
    }
    if !body.is_empty() {
        request.extend(["Content-Length: ", &body.len().to_string(), "\r\n"]);
    }
    request += "\r\n";
    stream.write_all(request.as_bytes()).await.expect("written");
    stream.write_all(body).await.expect("written");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    Answer::parse(&answer)
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8(bytes[..end].to_vec()).expect("a head in text").to_ascii_lowercase();
        let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
        let body = bytes[end + 4..].to_vec();
        let body = if head.contains("transfer-encoding: chunked") { unchunk(&body) } else { body };
        Self { status, head, body }
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{self:?} is no JSON"))
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }
}

fn unchunk(mut rest: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let size = std::str::from_utf8(&rest[..end]).expect("a size");
        let size = usize::from_str_radix(size, 16).expect("a size");
        whole.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
    }
    whole
}

/// A WebSocket client.
#[derive(Debug)]
pub(super) struct Client<S> {
    pub(super) socket: WebSocketStream<S>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(super) async fn open(stream: S, path: &str) -> Self {
        Self::try_open(stream, path, &[]).await.expect("a handshake")
    }

    /// The status of the refusal where the handshake fails.
    pub(super) async fn try_open(stream: S, path: &str, headers: &[(&'static str, &str)]) -> Result<Self, u16> {
        use tokio_tungstenite::tungstenite::client::IntoClientRequest;
        let mut request = format!("ws://chat.example.org{path}").into_client_request().expect("a request");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a value"));
        }
        match soon(tokio_tungstenite::client_async(request, stream)).await {
            Ok((socket, _)) => Ok(Self { socket }),
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    pub(super) async fn say(&mut self, text: &str) {
        soon(self.socket.send(Message::text(text))).await.expect("sent");
    }

    /// Whatever comes next, control frames included.
    pub(super) async fn next(&mut self) -> Option<Message> {
        soon(self.socket.next()).await.and_then(Result::ok)
    }

    /// The next text frame.
    pub(super) async fn hear(&mut self) -> Value {
        loop {
            match self.next().await {
                Some(Message::Text(text)) => return serde_json::from_str(&text).expect("JSON"),
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("{other:?} is no text"),
            }
        }
    }

    /// The code the server closes with; texts before it are passed over.
    pub(super) async fn closed(&mut self) -> u16 {
        loop {
            match self.next().await {
                Some(Message::Close(Some(frame))) => return frame.code.into(),
                Some(Message::Text(_) | Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("{other:?} instead of a Close"),
            }
        }
    }

    pub(super) async fn log_in(&mut self, user: &str) {
        self.say(&format!(
            r#"{{"url": "/chat/login", "params": {{"userId": "{user}", "token": "demo-{user}", "uniqueNo": "l"}}}}"#
        ))
        .await;
        let reply = self.hear().await;
        assert_eq!(reply["data"]["code"], "200", "{reply}");
    }

    /// Sends a direct message in envelope and waits for its acceptance.
    pub(super) async fn tell(&mut self, from: &str, to: &str, unique: &str, content: &str) {
        self.say(&envelope_send(from, to, unique, content)).await;
        let reply = self.hear().await;
        assert_eq!(reply["code"], 200, "{reply}");
    }
}

pub(super) fn envelope_send(from: &str, to: &str, unique: &str, content: &str) -> String {
    let params = serde_json::json!({
        "token": format!("demo-{from}"), "sendUserId": from, "receiveUserId": to, "messageContent": content,
        "uniqueNo": unique, "messageType": "1", "userId": from,
    });
    serde_json::json!({"url": "/chat/sendMessage", "params": params}).to_string()
}
