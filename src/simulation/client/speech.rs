//! What clients of each dialect say and understand.

use http::HeaderMap;
use koine_core::SocketRequest;
use serde_json::{Value, json};

use super::{Identity, Receiver};
use crate::config::DialectName;

/// What a frame from the server means.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// A message's text.
    pub(super) said: Option<String>,
    /// Its id, which is to be acknowledged.
    pub(super) wire_id: Option<u64>,
    /// How many messages of its conversation are not read.
    pub(super) unread: Option<u64>,
    /// The id of something the client had sent, which this answers.
    pub(super) answered: Option<u64>,
    /// Whether the answer is a good one.
    pub(super) accepted: bool,
}

/// The upgrade request.
pub(super) fn request(dialect: DialectName, identity: &Identity, peer: &str) -> SocketRequest {
    let (path, query) = match dialect {
        DialectName::UserSig => (vec![("user_id", &*identity.handle), ("user_sig", &*identity.token)], Vec::new()),
        DialectName::AccessToken => (Vec::new(), vec![("access_token", &*identity.token)]),
        DialectName::StatusCode => (vec![("dest_user", peer)], vec![("token", &*identity.token)]),
        DialectName::Envelope | DialectName::AuthAck => (Vec::new(), Vec::new()),
    };
    let owned = |pairs: Vec<(&str, &str)>| pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
    SocketRequest { path: owned(path), query: owned(query), headers: HeaderMap::new() }
}

/// The first frame, where the protocol begins with one.
pub(super) fn greeting(dialect: DialectName, identity: &Identity) -> Option<String> {
    match dialect {
        DialectName::Envelope => Some(json!({"url": "/chat/login", "params": {"token": identity.token}}).to_string()),
        DialectName::AuthAck => {
            let content = format!("{{'{}'}}", identity.token);
            Some(json!({"msgType": "Auth", "fromUserId": identity.user, "content": content}).to_string())
        }
        DialectName::UserSig | DialectName::AccessToken | DialectName::StatusCode => None,
    }
}

/// A message; `None` where the dialect cannot say it. user-sig names the session instead of the receiver.
pub(super) fn say(
    dialect: DialectName,
    identity: &Identity,
    to: Receiver,
    to_name: &str,
    session: Option<u64>,
    id: u64,
    text: &str,
) -> Option<String> {
    let frame = match (dialect, to) {
        (DialectName::UserSig, _) => json!({"to_session": session?, "content": text}),
        (DialectName::AccessToken, Receiver::User(_)) => {
            json!({"type": "unicast", "receiverId": to_name, "content": text})
        }
        (DialectName::AccessToken, Receiver::Group(group)) => {
            json!({"type": "multicast", "groupId": group.to_string(), "content": text})
        }
        (DialectName::StatusCode, _) => json!({"msg": text}),
        (DialectName::Envelope, Receiver::User(_)) => json!({"url": "/chat/sendMessage", "params": {
            "token": identity.token, "uniqueNo": id.to_string(), "messageContent": text, "receiveUserId": to_name,
        }}),
        (DialectName::Envelope, Receiver::Group(group)) => json!({"url": "/chat/sendGroupMessage", "params": {
            "token": identity.token, "uniqueNo": id.to_string(), "messageContent": text, "groupId": group.to_string(),
        }}),
        (DialectName::AuthAck, Receiver::User(user)) => json!({
            "id": id, "fromUserId": identity.user, "toUserId": user, "chatType": "Single", "msgType": "Text",
            "content": text,
        }),
        (DialectName::AuthAck, Receiver::Group(group)) => json!({
            "id": id, "fromUserId": identity.user, "teamId": group, "chatType": "Group", "msgType": "Text",
            "content": text,
        }),
    };
    Some(frame.to_string())
}

/// An auth-ack client's word that it has a message.
pub(super) fn acknowledge(id: u64) -> String {
    json!({"msgType": "Ack", "content": format!("{{\"srcId\": {id}}}")}).to_string()
}

/// What a frame from the server means.
pub(super) fn hear(dialect: DialectName, text: &str) -> Heard {
    let frame: Value = serde_json::from_str(text).expect("every frame is JSON");
    let word = |value: &Value| value.as_str().map(str::to_owned);
    match dialect {
        DialectName::UserSig => match frame["type"].as_str() {
            Some("MESSAGE_RECEIVED" | "MESSAGE_SEND_SUCCESS") => Heard {
                said: word(&frame["content"]),
                unread: frame["session"]["unread_count"].as_u64(),
                ..Heard::default()
            },
            _ => Heard::default(),
        },
        DialectName::AccessToken => match frame["type"].as_str() {
            Some("unicast" | "multicast") => Heard { said: word(&frame["content"]), ..Heard::default() },
            _ => Heard::default(),
        },
        DialectName::StatusCode => match frame["status"].as_u64() {
            Some(30_001) => Heard { said: word(&frame["body"]["msg"]), ..Heard::default() },
            _ => Heard::default(),
        },
        DialectName::Envelope => Heard {
            said: word(&frame["data"]["messageContent"]),
            answered: frame["obj"]["uniqueNo"].as_str().and_then(|id| id.parse().ok()),
            accepted: frame["code"] == 200,
            ..Heard::default()
        },
        DialectName::AuthAck => match frame["msgType"].as_str() {
            Some("Text") => Heard { said: word(&frame["content"]), wire_id: frame["id"].as_u64(), ..Heard::default() },
            Some("Ack") => {
                let content: Value = serde_json::from_str(frame["content"].as_str().unwrap_or_default()).expect("JSON");
                Heard { answered: content["srcId"].as_u64(), accepted: true, ..Heard::default() }
            }
            Some("Error") => Heard { answered: frame["srcId"].as_u64(), ..Heard::default() },
            _ => Heard::default(),
        },
    }
}
