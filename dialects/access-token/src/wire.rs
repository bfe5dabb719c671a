//! The shapes on the wire. Each can be written and read, so that a client can share them.
//!
//! Ids are strings: a user's is the handle, a group's and a request's is a decimal number.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Where a message goes (发送消息, 消息格式).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", try_from = "Cow<'_, str>")]
pub enum MessageType {
    /// To one user.
    Unicast,
    /// To a group.
    Multicast,
}

impl MessageType {
    /// The type a word names, in any case.
    pub fn of_word(word: &str) -> Option<Self> {
        [(Self::Unicast, "unicast"), (Self::Multicast, "multicast")]
            .into_iter()
            .find_map(|(this, name)| word.eq_ignore_ascii_case(name).then_some(this))
    }
}

impl TryFrom<Cow<'_, str>> for MessageType {
    type Error = &'static str;

    fn try_from(word: Cow<'_, str>) -> Result<Self, Self::Error> {
        Self::of_word(&word).ok_or("neither unicast nor multicast")
    }
}

/// What a client sends (发送消息). `C` is the content: any JSON value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Send<'a, C = Box<RawValue>> {
    /// Unicast or multicast.
    #[serde(rename = "type")]
    pub kind: MessageType,
    /// To which user; unicast only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiver_id: Option<Cow<'a, str>>,
    /// To which group; multicast only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<Cow<'a, str>>,
    /// What is said.
    pub content: C,
}

/// What a client receives, pushed (接受消息回调函数) or pulled (获取离线私聊消息).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message<'a, C = Box<RawValue>> {
    /// Unicast or multicast.
    #[serde(rename = "type")]
    pub kind: MessageType,
    /// Who said it.
    pub sender_id: Cow<'a, str>,
    /// To which user; unicast only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiver_id: Option<Cow<'a, str>>,
    /// To which group; multicast only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<Cow<'a, str>>,
    /// What is said.
    pub content: C,
    /// When it reached the server, in milliseconds since the Unix epoch.
    pub timestamp: i64,
}

/// One sender's messages in the answer to a pull (获取离线私聊消息, 返回值).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FromSender<'a, C = Box<RawValue>> {
    /// The sender.
    pub id: Cow<'a, str>,
    /// What the sender said, in the order asked for.
    pub messages: Vec<Message<'a, C>>,
}

/// A backend's word to a front end (消息推送接口, WebSocket 收到的消息格式).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notification<'a, C = Box<RawValue>> {
    /// Always `NOTIFICATION`.
    #[serde(rename = "type")]
    pub kind: NotificationType,
    /// What backend and front end call it.
    pub notification_type: Cow<'a, str>,
    /// Anything.
    pub content: C,
}

/// The `type` of a [`Notification`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NotificationType {
    /// The only one.
    #[serde(rename = "NOTIFICATION")]
    Notification,
}

/// What a client gets for a frame that nobody can serve; an addition to the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure<'a> {
    /// Always `ERROR`.
    #[serde(rename = "type")]
    pub kind: FailureType,
    /// The HTTP status that says the same.
    pub code: u16,
    /// Why.
    pub content: Cow<'a, str>,
}

/// The `type` of a [`Failure`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FailureType {
    /// The only one.
    #[serde(rename = "ERROR")]
    Error,
}

/// A group (获取某个群聊信息, 返回值).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group<'a> {
    /// The group.
    pub id: Cow<'a, str>,
    /// Its name.
    pub name: Cow<'a, str>,
    /// Its manager.
    pub manager_id: Cow<'a, str>,
    /// Its members, the manager among them.
    pub users_id: Vec<Cow<'a, str>>,
    /// Its picture's address, null as long as none is known; an addition to the document.
    #[serde(default)]
    pub avatar_url: Option<Cow<'a, str>>,
}

/// An invitation (获取群聊请求, 返回值).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invitation<'a> {
    /// The invitation.
    pub id: Cow<'a, str>,
    /// The group's name.
    pub group_name: Cow<'a, str>,
    /// The group.
    pub group_id: Cow<'a, str>,
    /// Who is invited.
    pub user_id: Cow<'a, str>,
    /// Who invites.
    pub invited_by: Cow<'a, str>,
}

/// The body of every HTTP failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody<'a> {
    /// Why.
    pub error: Cow<'a, str>,
}

/// A frame from the server, read.
#[derive(Debug, Clone)]
pub enum ServerFrame {
    /// A message.
    Message(Message<'static>),
    /// A notification.
    Notification(Notification<'static>),
    /// A frame of one's own could not be served.
    Failure(Failure<'static>),
    /// Of a type that clients pass over.
    Unknown,
}

impl ServerFrame {
    /// Reads a frame by its `type`, whose case does not matter.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        let tag = serde_json::from_str::<Tag<'_>>(text)?.kind;
        if MessageType::of_word(&tag).is_some() {
            serde_json::from_str(text).map(Self::Message)
        } else if tag.eq_ignore_ascii_case("NOTIFICATION") {
            serde_json::from_str(text).map(Self::Notification)
        } else if tag.eq_ignore_ascii_case("ERROR") {
            serde_json::from_str(text).map(Self::Failure)
        } else {
            Ok(Self::Unknown)
        }
    }
}

#[derive(Deserialize)]
struct Tag<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
}
