//! The management API over a real hub, a real store and the real dialects, without sockets.

mod blocks;
mod doors;
mod friends;
mod groups;
mod looking;
mod messages;
mod notifications;
mod tokens;
mod users;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::Full;
use koine_core::{Attach, Authenticate, ConfirmBy, Dialect, Handle, Purpose, Scope, Token, User, UserKey, Zone};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Management;
use crate::auth::{Auth, Grant, Secrets};
use crate::config::{Config, DialectName};
use crate::hub::{Clock, ConnectionInfo, Delivery, Hub, Subscription};
use crate::store::embedded::{Embedded, Settings};
use crate::store::engine::{self, EngineKind};

const DEADLINE: Duration = Duration::from_secs(10);

struct World {
    api: Management,
    hub: Hub,
    auth: Auth,
    key: String,
    _data: TempDir,
}

/// What was answered.
#[derive(Debug)]
struct Said {
    status: StatusCode,
    headers: HeaderMap,
    json: Value,
}

impl World {
    fn start() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::of(false, change)
    }

    /// With `demo`, users come into being on first use.
    fn of(demo: bool, change: impl FnOnce(&mut Config)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut config = Config { data: data.path().to_owned(), ..Config::default() };
        config.presence.grace = Duration::from_millis(20);
        change(&mut config);
        let secrets = Secrets::open(&config).unwrap();
        let engine = engine::open(EngineKind::Fjall, data.path(), 8 << 20).unwrap();
        let store = Arc::new(Embedded::open(engine, Settings::new(&config, demo)).unwrap());
        let dialects: Vec<Arc<dyn Dialect>> = vec![
            Arc::new(koine_user_sig::UserSig::new(koine_user_sig::Options::default())),
            Arc::new(koine_access_token::AccessToken::new(koine_access_token::Options::default())),
            Arc::new(koine_status_code::StatusCode::new(koine_status_code::Options::default())),
            Arc::new(koine_envelope::Envelope::new(koine_envelope::Options::default())),
            Arc::new(koine_auth_ack::AuthAck::new(koine_auth_ack::Options::default())),
        ];
        let hub = Hub::start(&config, store, dialects, Clock::system()).unwrap();
        let auth = Auth::new(&config, &secrets, Arc::new(hub.clone()), demo, Zone::utc());
        let api = Management::new(hub.clone(), auth.clone(), &config);
        api.ready();
        Self { api, hub, auth, key: secrets.management_key().expose().to_owned(), _data: data }
    }

    async fn raw(&self, request: Request<Full<Bytes>>) -> Said {
        let (parts, body) = self.api.answer(request).await.into_parts();
        let json = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
        Said { status: parts.status, headers: parts.headers, json }
    }

    async fn ask(&self, method: Method, path: &str, body: impl Into<Bytes>) -> Said {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(AUTHORIZATION, format!("Bearer {}", self.key));
        self.raw(request.body(Full::new(body.into())).unwrap()).await
    }

    async fn get(&self, path: &str) -> Said {
        self.ask(Method::GET, path, "").await
    }

    async fn post(&self, path: &str, body: &Value) -> Said {
        self.ask(Method::POST, path, body.to_string()).await
    }

    async fn patch(&self, path: &str, body: &Value) -> Said {
        self.ask(Method::PATCH, path, body.to_string()).await
    }

    async fn put(&self, path: &str) -> Said {
        self.ask(Method::PUT, path, "").await
    }

    async fn delete(&self, path: &str) -> Said {
        self.ask(Method::DELETE, path, "").await
    }

    async fn users<const N: usize>(&self, handles: [&str; N]) {
        for handle in handles {
            self.post("/v1/users", &json!({ "handle": handle })).await.created();
        }
    }

    async fn group(&self, manager: &str, members: &[&str]) -> u64 {
        let group = json!({ "name": "crew", "manager": manager, "members": members });
        self.post("/v1/groups", &group).await.created()["id"].as_u64().unwrap()
    }

    async fn befriended(&self, one: &str, other: &str) {
        let asked = self.post("/v1/friend-requests", &json!({ "from": one, "to": other })).await.created();
        let path = format!("/v1/friend-requests/{}/decision", asked["id"]);
        self.post(&path, &json!({ "accept": true })).await.ok();
    }

    async fn found(&self, handle: &str) -> Arc<User> {
        self.hub.find_user(&UserKey::Handle(Handle::new(handle).unwrap())).await.unwrap()
    }

    async fn connected(&self, handle: &str, dialect: DialectName) -> Subscription {
        let info = ConnectionInfo { dialect, address: IpAddr::V4(Ipv4Addr::LOCALHOST), origin: None };
        let attach = Attach { scope: Scope::All, catch_up: true, confirm: ConfirmBy::Pong, confirmed_is_read: false };
        let user = self.found(handle).await;
        self.hub.attach(self.hub.next_connection(), &info, &user, &attach).await.unwrap()
    }

    async fn authenticated(&self, dialect: DialectName, token: &str) -> Result<Grant, koine_core::Error> {
        let purpose = Purpose::Access;
        self.auth.authenticate(dialect, &Authenticate { token: Token::new(token), purpose, claim: None }).await
    }
}

impl Said {
    #[track_caller]
    fn ok(self) -> Value {
        self.expect(StatusCode::OK)
    }

    #[track_caller]
    fn created(self) -> Value {
        self.expect(StatusCode::CREATED)
    }

    #[track_caller]
    fn nothing(self) {
        assert_eq!((self.status, self.json), (StatusCode::NO_CONTENT, Value::Null));
    }

    #[track_caller]
    fn expect(self, status: StatusCode) -> Value {
        assert_eq!(self.status, status, "{}", self.json);
        assert_eq!(self.headers[CONTENT_TYPE], "application/json");
        self.json
    }

    /// Checks that it is a problem of this kind; gives its detail.
    #[track_caller]
    fn problem(&self, status: u16, word: &str) -> &str {
        assert_eq!((self.status.as_u16(), &self.json["type"]), (status, &json!(word)), "{}", self.json);
        assert_eq!(self.headers[CONTENT_TYPE], "application/problem+json");
        assert_eq!(self.json["status"], status);
        assert!(self.json["title"].as_str().is_some_and(|title| !title.is_empty()), "{}", self.json);
        self.json["detail"].as_str().unwrap()
    }
}

async fn frame(subscription: &mut Subscription) -> Value {
    match tokio::time::timeout(DEADLINE, subscription.next()).await.expect("a frame in time") {
        Delivery::Frame { text, .. } => serde_json::from_str(&text).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn handles(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|user| user["handle"].as_str().unwrap()).collect()
}
