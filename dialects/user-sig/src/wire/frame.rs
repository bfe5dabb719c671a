//! The frames of a WebSocket (`WebSocket接口` - 聊天).

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{ChatLog, Session};

/// The constant in a frame's `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EventName {
    /// The connection is authenticated (认证).
    SdkReady,
    /// Somebody else said something (收消息).
    MessageReceived,
    /// The user said something, on this device or another (发消息).
    MessageSendSuccess,
    /// A session was made that the user is in.
    ConversationCreated,
    /// What the client sent could not be carried out.
    Error,
    /// The connection is about to end (断开连接).
    KickedOut,
}

/// What a client sends (发消息, 请求). Of a key that comes twice the last one counts.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SendRequest<'a> {
    /// The session's number, as an integer or in a string; not checked yet.
    pub to_session: Option<Cow<'a, RawValue>>,
    /// Any JSON value; without one the content is null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<Cow<'a, RawValue>>,
}

/// `SDK_READY`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadyFrame<'a> {
    /// [`EventName::SdkReady`].
    #[serde(rename = "type")]
    pub name: EventName,
    /// Eight letters or digits that name this connection.
    pub device_id: Cow<'a, str>,
}

/// `MESSAGE_SEND_SUCCESS` and `MESSAGE_RECEIVED`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MessageFrame<'a> {
    /// [`EventName::MessageSendSuccess`] or [`EventName::MessageReceived`].
    #[serde(rename = "type")]
    pub name: EventName,
    /// What was said: any JSON value, digit for digit.
    pub content: Cow<'a, RawValue>,
    /// The `user_id` of who said it.
    pub sender: Cow<'a, str>,
    /// The whole message.
    pub chat_log: ChatLog<'a>,
    /// Where it was said, as the receiver sees it.
    pub session: Session<'a>,
}

/// `CONVERSATION_CREATED`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CreatedFrame<'a> {
    /// [`EventName::ConversationCreated`].
    #[serde(rename = "type")]
    pub name: EventName,
    /// The session, as the receiver sees it.
    pub session: Session<'a>,
}

/// `ERROR`; the connection stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorFrame<'a> {
    /// [`EventName::Error`].
    #[serde(rename = "type")]
    pub name: EventName,
    /// 400, 403, 404, 413, 429 or 500.
    pub code: u16,
    /// For people.
    pub message: Cow<'a, str>,
}

/// `KICKED_OUT`; the close frame follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KickedOutFrame {
    /// [`EventName::KickedOut`].
    #[serde(rename = "type")]
    pub name: EventName,
}

/// Any frame of a server, for whoever reads them.
#[derive(Debug, Clone)]
pub enum ServerFrame<'a> {
    /// `SDK_READY`.
    Ready(ReadyFrame<'a>),
    /// `MESSAGE_SEND_SUCCESS` or `MESSAGE_RECEIVED`.
    Message(Box<MessageFrame<'a>>),
    /// `CONVERSATION_CREATED`.
    Created(Box<CreatedFrame<'a>>),
    /// `ERROR`.
    Error(ErrorFrame<'a>),
    /// `KICKED_OUT`.
    KickedOut(KickedOutFrame),
}

impl<'a> ReadyFrame<'a> {
    /// The frame for a device.
    pub const fn new(device_id: Cow<'a, str>) -> Self {
        Self { name: EventName::SdkReady, device_id }
    }
}

impl<'a> CreatedFrame<'a> {
    /// The frame for a session.
    pub const fn new(session: Session<'a>) -> Self {
        Self { name: EventName::ConversationCreated, session }
    }
}

impl<'a> ErrorFrame<'a> {
    /// The frame for a failure.
    pub const fn new(code: u16, message: Cow<'a, str>) -> Self {
        Self { name: EventName::Error, code, message }
    }
}

impl KickedOutFrame {
    /// The frame.
    pub const fn new() -> Self {
        Self { name: EventName::KickedOut }
    }
}

impl Default for KickedOutFrame {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> ServerFrame<'a> {
    /// Reads a frame: its `type` first, then the whole.
    pub fn read(text: &'a str) -> serde_json::Result<Self> {
        #[derive(Deserialize)]
        struct Tagged {
            #[serde(rename = "type")]
            name: EventName,
        }
        Ok(match serde_json::from_str::<Tagged>(text)?.name {
            EventName::SdkReady => Self::Ready(serde_json::from_str(text)?),
            EventName::MessageReceived | EventName::MessageSendSuccess => Self::Message(serde_json::from_str(text)?),
            EventName::ConversationCreated => Self::Created(serde_json::from_str(text)?),
            EventName::Error => Self::Error(serde_json::from_str(text)?),
            EventName::KickedOut => Self::KickedOut(serde_json::from_str(text)?),
        })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for SendRequest<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SendRequestVisitor)
    }
}

struct SendRequestVisitor;

impl<'de> Visitor<'de> for SendRequestVisitor {
    type Value = SendRequest<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with to_session and content")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SendRequest<'de>, A::Error> {
        #[derive(Deserialize)]
        #[serde(field_identifier, rename_all = "snake_case")]
        enum Key {
            ToSession,
            Content,
            #[serde(other)]
            Other,
        }
        let mut request = SendRequest::default();
        while let Some(key) = map.next_key()? {
            match key {
                Key::ToSession => request.to_session = Some(Cow::Borrowed(map.next_value::<&RawValue>()?)),
                Key::Content => request.content = Some(Cow::Borrowed(map.next_value::<&RawValue>()?)),
                Key::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(request)
    }
}
