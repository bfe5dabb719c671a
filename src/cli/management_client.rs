//! A running gateway's management API, from the other side.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use http::Method;
use koine_core::{Handle, Timestamp, Token, Zone};
use percent_encoding::utf8_percent_encode;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::admin::{Answer, MintedToken, UserAdmin, UserPage, UserRow};
use super::http::{Body, HttpAnswer, HttpClient, SEGMENT, Server};
use crate::config::DialectName;

/// The file in the data directory that a running gateway writes its management address into.
pub(super) const ADDRESS_FILE: &str = "management-address";
/// Users per page.
const PAGE: usize = 1_000;

/// Looks after the users of a running gateway.
pub(super) struct ManagementClient {
    http: Mutex<HttpClient>,
    zone: Zone,
}

impl ManagementClient {
    /// A client of the API at this address, with the key from this file.
    pub(super) fn new(address: &str, key_file: &Path, zone: Zone) -> anyhow::Result<Self> {
        let key = std::fs::read_to_string(key_file).with_context(|| {
            format!("the management key in {} cannot be read; name its file with --key-file", key_file.display())
        })?;
        let mut http = HttpClient::new(Server::of(address, None)?);
        http.authorize(&format!("Bearer {}", key.trim()))?;
        Ok(Self { http: Mutex::new(http), zone })
    }

    async fn call(&self, method: Method, path: &str, body: Body) -> anyhow::Result<Value> {
        let answer = self.http.lock().await.send(method, path, body).await?;
        if !answer.status.is_success() {
            bail!("{}", problem(&answer));
        }
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer.body).context("the management API answers in a form that is not known")
    }

    fn row(&self, user: &Value) -> anyhow::Result<UserRow> {
        let unknown = || anyhow!("the management API describes a user in a form that is not known");
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Ok(UserRow {
            number: first(user, &["number", "id"]).and_then(Value::as_u64).ok_or_else(unknown)?,
            handle: user.get("handle").and_then(text).ok_or_else(unknown)?,
            nickname: user.pointer("/profile/nickname").and_then(text),
            disabled: user.get("disabled").and_then(Value::as_bool).unwrap_or_default(),
            created: first(user, &["created_at", "created"]).map(|value| self.moment(value)).unwrap_or_default(),
        })
    }

    fn moment(&self, value: &Value) -> String {
        match (value.as_i64(), value.as_str()) {
            (Some(millis), _) => self.zone.text(Timestamp::from_millis(millis)),
            (None, Some(text)) => timestamp(text).map_or_else(|| text.to_owned(), |moment| self.zone.text(moment)),
            (None, None) => String::new(),
        }
    }
}

impl UserAdmin for ManagementClient {
    fn add<'a>(&'a self, user: &'a Handle, nickname: Option<&'a str>, number: Option<u64>) -> Answer<'a, UserRow> {
        Box::pin(async move {
            let mut body = json!({ "handle": user.as_str() });
            if let Some(body) = body.as_object_mut() {
                nickname.map(|nickname| body.insert("profile".to_owned(), json!({ "nickname": nickname })));
                number.map(|number| body.insert("number".to_owned(), number.into()));
            }
            self.row(&self.call(Method::POST, "/v1/users", Body::Json(body)).await?)
        })
    }

    fn show<'a>(&'a self, user: &'a Handle) -> Answer<'a, UserRow> {
        Box::pin(async move { self.row(&self.call(Method::GET, &path(user, ""), Body::Empty).await?) })
    }

    fn list<'a>(&'a self, after: Option<&'a str>) -> Answer<'a, UserPage> {
        Box::pin(async move {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair("limit", &PAGE.to_string());
            if let Some(after) = after {
                query.append_pair("after", after);
            }
            let page = self.call(Method::GET, &format!("/v1/users?{}", query.finish()), Body::Empty).await?;
            let items = page.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            let users = items.iter().map(|user| self.row(user)).collect::<anyhow::Result<_>>()?;
            Ok(UserPage { users, next: page.get("next").and_then(Value::as_str).map(str::to_owned) })
        })
    }

    fn set_disabled<'a>(&'a self, user: &'a Handle, disabled: bool) -> Answer<'a, UserRow> {
        Box::pin(async move {
            let verb = if disabled { "/disable" } else { "/enable" };
            self.call(Method::POST, &path(user, verb), Body::Empty).await?;
            self.show(user).await
        })
    }

    fn kick<'a>(&'a self, user: &'a Handle) -> Answer<'a, ()> {
        Box::pin(async move { self.call(Method::POST, &path(user, "/kick"), Body::Empty).await.map(drop) })
    }

    fn token<'a>(
        &'a self,
        user: &'a Handle,
        dialect: Option<DialectName>,
        ttl: Option<Duration>,
    ) -> Answer<'a, MintedToken> {
        Box::pin(async move {
            let mut body = json!({});
            if let Some(body) = body.as_object_mut() {
                dialect.map(|dialect| body.insert("dialect".to_owned(), dialect.as_str().into()));
                ttl.map(|ttl| body.insert("ttl_s".to_owned(), ttl.as_secs().max(1).into()));
            }
            let reply = self.call(Method::POST, &path(user, "/tokens"), Body::Json(body)).await?;
            let token = reply.get("token").and_then(Value::as_str).context("the management API gives no token")?;
            let expires = reply
                .get("expires_at")
                .and_then(|value| value.as_i64().map(Timestamp::from_millis).or_else(|| timestamp(value.as_str()?)));
            Ok(MintedToken { token: Token::new(token), expires })
        })
    }
}

fn path(user: &Handle, rest: &str) -> String {
    format!("/v1/users/{}{rest}", utf8_percent_encode(user.as_str(), SEGMENT))
}

/// What a problem document says, else the status.
fn problem(answer: &HttpAnswer) -> String {
    let document: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let said = ["detail", "title"].into_iter().find_map(|key| document.get(key)?.as_str());
    match said {
        _ if answer.status == http::StatusCode::UNAUTHORIZED => {
            "the management API does not accept the key; name the file of the right one with --key-file".to_owned()
        }
        Some(said) => said.to_owned(),
        None => format!("the management API answers {}", answer.status),
    }
}

fn first<'a>(value: &'a Value, keys: &[&str]) -> Option<&'a Value> {
    keys.iter().find_map(|key| value.get(key))
}

fn timestamp(text: &str) -> Option<Timestamp> {
    text.parse::<jiff::Timestamp>().ok().map(|moment| Timestamp::from_millis(moment.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Asks a server that gives this answer; returns the outcome and the request's first line.
    async fn ask<T>(
        answer: &str,
        question: impl AsyncFnOnce(ManagementClient) -> anyhow::Result<T>,
    ) -> (anyhow::Result<T>, String) {
        let folder = tempfile::tempdir().unwrap();
        let key_file = folder.path().join("key");
        std::fs::write(&key_file, "the-key\n").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let client = ManagementClient::new(&address, &key_file, Zone::utc()).unwrap();
        let serving = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = String::new();
            while !request.contains("\r\n\r\n") {
                let mut bytes = [0; 1024];
                let count = stream.read(&mut bytes).await.unwrap();
                request.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
            }
            assert!(request.contains("authorization: Bearer the-key\r\n"), "{request}");
            stream.write_all(answer.as_bytes()).await.unwrap();
            request.lines().next().unwrap().to_owned()
        };
        tokio::join!(question(client), serving)
    }

    fn json(status: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    }

    #[tokio::test]
    async fn a_user_is_shown_as_the_api_describes_it() {
        let body =
            r#"{"handle": "a/b", "number": 7, "disabled": true, "profile": {"nickname": "Tom"}, "created_at": 0}"#;
        let handle = Handle::new("a/b").unwrap();
        let (user, request) = ask(&json("200 OK", body), async |client| client.show(&handle).await).await;
        assert_eq!(request, "GET /v1/users/a%2Fb HTTP/1.1");
        let expected = UserRow {
            number: 7,
            handle: "a/b".to_owned(),
            nickname: Some("Tom".to_owned()),
            disabled: true,
            created: "1970-01-01 00:00:00".to_owned(),
        };
        assert_eq!(user.unwrap(), expected);
    }

    #[tokio::test]
    async fn the_cursor_of_a_page_is_passed_on() {
        let body = r#"{"items": [], "next": "c/2"}"#;
        let (page, request) = ask(&json("200 OK", body), async |client| client.list(Some("c&1")).await).await;
        assert_eq!(request, "GET /v1/users?limit=1000&after=c%261 HTTP/1.1");
        assert_eq!(page.unwrap().next.as_deref(), Some("c/2"));
    }

    #[tokio::test]
    async fn a_problem_is_told_in_its_own_words() {
        let body = r#"{"type": "user-not-found", "title": "no such user", "status": 404}"#;
        let handle = Handle::new("tom").unwrap();
        let (result, _) = ask(&json("404 Not Found", body), async |client| client.kick(&handle).await).await;
        assert_eq!(result.unwrap_err().to_string(), "no such user");
    }

    #[tokio::test]
    async fn a_key_that_is_not_accepted_says_how_to_name_another() {
        let handle = Handle::new("tom").unwrap();
        let (result, _) =
            ask(&json("401 Unauthorized", ""), async |client| client.token(&handle, None, None).await).await;
        assert!(result.unwrap_err().to_string().contains("--key-file"));
    }
}
