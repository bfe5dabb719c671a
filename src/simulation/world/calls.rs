//! HTTP, as clients use it.

use http::Method;
use koine_core::{Error, Handle, HttpRequest, Payload, UserId, UserRef};
use serde_json::{Value, json};

use super::{World, name};
use crate::config::DialectName;

impl World {
    /// Calls an endpoint; `None` if that failed, or the server ended meanwhile.
    async fn call(
        &self,
        dialect: DialectName,
        path: &str,
        user: u64,
        request: HttpRequest,
        taken: impl FnOnce(Value) -> bool,
    ) -> Option<()> {
        let user = UserRef { id: UserId::new(user), handle: Handle::new(&name(user)).ok()? };
        let taken = |body: &[u8]| taken(serde_json::from_slice(body).expect("bodies are JSON"));
        let call = self.life.network.call(dialect, path, &user, &request, taken);
        self.unless_it_ends(call).await
    }

    /// The answer of the server, unless it is an error, or the server ends before there is one.
    pub(super) async fn unless_it_ends<T>(&self, asked: impl Future<Output = Result<T, Error>>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.disk.ended() => None,
            answer = asked => answer.ok(),
        }
    }

    /// An access-token client's pull; how many messages came.
    pub(super) async fn pull(&mut self, user: u64, drop: bool, lost: bool) -> usize {
        let mut request = HttpRequest::new(Method::GET);
        request.query.push(("drop".to_owned(), drop.to_string()));
        let mut texts = Vec::new();
        self.call(DialectName::AccessToken, "/api/message", user, request, |body| {
            for sender in body.as_array().into_iter().flatten() {
                let messages = sender["messages"].as_array().into_iter().flatten();
                texts.push(messages.filter_map(|message| text_of(&message["content"])).collect());
            }
            self.take_in(user, &texts, lost, true)
        })
        .await;
        texts.iter().map(Vec::len).sum()
    }

    /// An auth-ack client's pull; how many messages came. What came is acknowledged with the next one.
    pub(super) async fn offline(&mut self, user: u64, lost: bool) -> usize {
        let known = self.pulled.get(&user).cloned().unwrap_or_default();
        let mut request = HttpRequest::new(Method::POST);
        request.payload = Payload::Json(json!({"userId": user, "ack": known}));
        let (mut ids, mut count) = (known.clone(), 0);
        self.call(DialectName::AuthAck, "/message/offline", user, request, |body| {
            let rows = body.as_array().cloned().unwrap_or_default();
            count = rows.len();
            let texts = rows.iter().filter_map(|row| text_of(&row["content"])).collect();
            if !lost {
                ids = rows.iter().filter_map(|row| row["id"].as_u64()).collect();
            }
            self.take_in(user, &[texts], lost, true)
        })
        .await;
        self.pulled.insert(user, ids);
        count
    }

    /// A user-sig client's look at a page of a session; how many messages came.
    pub(super) async fn page(&self, user: u64, session: u64, page: u64, size: u64, lost: bool) -> usize {
        let mut request = HttpRequest::new(Method::GET);
        let fields = [("session_id", session), ("page_num", page), ("page_size", size)];
        request.query.extend(fields.map(|(key, value)| (key.to_owned(), value.to_string())));
        let mut texts = vec![Vec::new()];
        self.call(DialectName::UserSig, "/chat/chat-log-info/", user, request, |body| {
            let rows = body["data"]["chat_log_info_list"].as_array().cloned().unwrap_or_default();
            texts = vec![rows.iter().filter_map(|row| text_of(&row["content"])).collect()];
            self.take_in(user, &texts, lost, false)
        })
        .await;
        texts.iter().map(Vec::len).sum()
    }

    /// A user-sig client marks a session as read.
    pub(super) async fn mark_read(&self, user: u64, session: u64) {
        let mut request = HttpRequest::new(Method::POST);
        request.payload = Payload::Json(json!({"session_id": session.to_string()}));
        self.call(DialectName::UserSig, "/chat/single-chat-mark-as-read/", user, request, |_| true).await;
    }

    /// A user-sig client opens the session with a user.
    pub(super) async fn open_session(&self, user: u64, with: u64) -> Option<u64> {
        let mut request = HttpRequest::new(Method::POST);
        let users = json!([name(user), name(with)]);
        request.payload = Payload::Json(json!({"type": 1, "name": "two", "chat_user_id_list": users}));
        let mut session = None;
        self.call(DialectName::UserSig, "/chat/create-session/", user, request, |body| {
            session = body["data"]["session"]["session_id"].as_u64();
            true
        })
        .await;
        session
    }

    /// The unread counts that a dialect's list of conversations shows.
    pub(super) async fn unread(&self, user: u64, dialect: DialectName) -> Option<u64> {
        let mut request = HttpRequest::new(Method::GET);
        let mut sum = 0;
        let mut add = |rows: &Value, key: &str| {
            sum = rows.as_array().into_iter().flatten().filter_map(|row| row[key].as_u64()).sum();
            true
        };
        if dialect == DialectName::AuthAck {
            request.method = Method::POST;
            request.payload = Payload::Json(json!({"userId": user}));
            let taken = |body: Value| add(&body, "unReadCount");
            self.call(dialect, "/user/chat/list", user, request, taken).await?;
        } else {
            request.query.push(("total".to_owned(), "true".to_owned()));
            let taken = |body: Value| add(&body["data"]["session_info_list"], "unread_count");
            self.call(dialect, "/chat/session-info/", user, request, taken).await?;
        }
        Some(sum)
    }

    /// A client has lists of messages, each of them in order; or their reply was lost on the way.
    fn take_in(&self, user: u64, lists: &[Vec<String>], lost: bool, oldest_first: bool) -> bool {
        if lost {
            return false;
        }
        let mut model = self.model.lock();
        for list in lists {
            let mut last = std::collections::BTreeMap::new();
            for text in list {
                match model.receive(user, text) {
                    Ok((conversation, seq)) => {
                        let before = last.insert(conversation, seq);
                        if before.is_some_and(|before| before == seq || (before < seq) != oldest_first) {
                            model.object(|| format!("user {user} was given {list:?}, which is not in order"));
                        }
                    }
                    Err(problem) => model.object(|| problem),
                }
            }
        }
        true
    }
}

fn text_of(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
