//! The frames of the dialect, for whoever speaks it from either side.

use std::borrow::Cow;
use std::fmt;

use koine_core::{Error, compact_json, json};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The values of `status` (消息类型, and from 30400 on the gateway's own).
pub mod status {
    /// 普通聊天消息: a message.
    pub const MESSAGE: u32 = 30001;
    /// token验证失败: the token is not good; the connection ends.
    pub const BAD_TOKEN: u32 = 30002;
    /// 对端用户不存在: there is no such user; the connection ends.
    pub const NO_SUCH_USER: u32 = 30003;
    /// 对端用户上线通知: the peer became reachable.
    pub const LOGIN: u32 = 30098;
    /// 对端用户离线通知: the peer stopped being reachable.
    pub const LOGOUT: u32 = 30099;
    /// A frame that cannot be understood.
    pub const BAD_REQUEST: u32 = 30400;
    /// A policy forbids it.
    pub const FORBIDDEN: u32 = 30403;
    /// Larger than the limit; the connection ends.
    pub const TOO_LARGE: u32 = 30413;
    /// More often than the limit.
    pub const RATE_LIMITED: u32 = 30429;
    /// The server cannot, now or at all.
    pub const SERVER_ERROR: u32 = 30500;
}

/// What a client sends (发送数据格式).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClientFrame<'a> {
    /// The message for the peer. Read from any JSON value: what is no string becomes its compact text.
    pub msg: Cow<'a, str>,
}

/// What a client receives (接收数据格式).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerFrame<'a> {
    /// One of [`status`].
    pub status: u32,
    /// `OK`, or what happened.
    #[serde(borrow)]
    pub msg: Cow<'a, str>,
    /// The message, or nothing.
    #[serde(borrow)]
    pub body: Body<'a>,
}

/// The `body` of a [`ServerFrame`]: always an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Body<'a> {
    /// 普通消息(30001).
    #[serde(borrow)]
    Chat(Chat<'a>),
    /// Every other status: `{}`.
    Nothing {},
}

/// A message of the peer's, 普通消息(30001).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chat<'a> {
    /// What it says.
    #[serde(borrow)]
    pub msg: Cow<'a, str>,
    /// The sender's handle.
    #[serde(borrow)]
    pub from_user: Cow<'a, str>,
    /// When it was sent, `YYYY-MM-DD HH:MM:SS`.
    #[serde(borrow)]
    pub send_time: Cow<'a, str>,
}

impl<'a> ClientFrame<'a> {
    /// Reads a text frame. Unknown keys are ignored, of a repeated `msg` the last counts.
    /// `BadRequest` says what is wrong with it.
    pub fn read(frame: &'a str) -> Result<Self, Error> {
        let entries: Entries<'a> =
            serde_json::from_str(frame).map_err(|_| Error::bad_request("the frame is not a JSON object"))?;
        Self::from_entries(&entries).map_err(Error::bad_request)
    }

    fn from_entries(entries: &Entries<'a>) -> Result<Self, &'static str> {
        let raw = entries.msg.ok_or("msg is missing")?;
        let msg = text_of(raw).ok_or("msg holds an escape that is no character")?;
        Ok(Self { msg })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for ClientFrame<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_entries(&Entries::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// A JSON value as the string this dialect shows: a string itself, any other value its compact text.
fn text_of(raw: &RawValue) -> Option<Cow<'_, str>> {
    if raw.get().starts_with('"') {
        return json::text(raw);
    }
    Some(compact_json(raw.get()))
}

/// A JSON string, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// What is of interest in a client's object.
struct Entries<'a> {
    msg: Option<&'a RawValue>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Entries { msg: None };
        while let Some(Text(key)) = map.next_key()? {
            if key == "msg" {
                entries.msg = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(entries)
    }
}
