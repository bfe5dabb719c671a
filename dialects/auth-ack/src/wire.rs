//! What travels on the wire, for the server and for clients alike. Names of fields are the document's.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Words of `msgType` that are the protocol's own and never a kind of content.
pub const RESERVED_MESSAGE_TYPES: &[&str] = &["Auth", "Ack", "Error", "Event", "Heartbeat", "Ping", "Pong"];

/// Whom something is said to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ChatType {
    /// One user, `toUserId`.
    #[default]
    Single,
    /// A group, `teamId`. Clients may also call it `Team`.
    #[serde(alias = "Team")]
    Group,
}

/// A message, as clients send it (发送消息) and receive it (接受消息).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageFrame<'a> {
    /// The message's id; without one, the server gives it one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// Who says it.
    pub from_user_id: u64,
    /// To whom, where `chatType` is `Single`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_user_id: Option<u64>,
    /// To which group, where `chatType` is `Group`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<u64>,
    /// Which of the two.
    pub chat_type: ChatType,
    /// `Text`, `Image`, or another word for what `content` is.
    #[serde(borrow)]
    pub msg_type: Cow<'a, str>,
    /// What is said.
    #[serde(borrow)]
    pub content: Cow<'a, str>,
    /// When it reached the server, in milliseconds since 1970; only from the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<i64>,
}

/// A client's first frame (鉴权消息).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthFrame<'a> {
    /// `Auth`.
    #[serde(borrow)]
    pub msg_type: Cow<'a, str>,
    /// Who the client is.
    pub from_user_id: u64,
    /// The token, bare or in one of the forms with braces.
    #[serde(borrow)]
    pub content: Cow<'a, str>,
}

/// An acknowledgement, in both directions (服务器返回ack消息).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AckFrame<'a> {
    /// An id of the acknowledgement's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// Where the message was said.
    #[serde(default)]
    pub chat_type: ChatType,
    /// `Ack`.
    #[serde(borrow)]
    pub msg_type: Cow<'a, str>,
    /// A string that names the message: `{"srcId": 5}`, or with single quotes.
    #[serde(borrow)]
    pub content: Cow<'a, str>,
}

/// Why something was not done; our own addition to the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorFrame<'a> {
    /// `Error`.
    #[serde(borrow)]
    pub msg_type: Cow<'a, str>,
    /// The kind of chat of the frame that failed; `Single` where that is not known.
    pub chat_type: ChatType,
    /// Why, for people.
    #[serde(borrow)]
    pub content: Cow<'a, str>,
    /// Why, for programs: 400, 401, 403, 404, 409, 413, 429 or 500.
    pub code: u16,
    /// The `id` of the frame that failed, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub src_id: Option<u64>,
}

/// A frame that is nothing but its type: `Heartbeat`, `Ping`, `Pong`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignalFrame<'a> {
    /// The type.
    #[serde(borrow)]
    pub msg_type: Cow<'a, str>,
}

impl<'a> ErrorFrame<'a> {
    /// An `Error` frame.
    pub const fn new(chat_type: ChatType, content: &'a str, code: u16, src_id: Option<u64>) -> Self {
        let (msg_type, content) = (Cow::Borrowed("Error"), Cow::Borrowed(content));
        Self { msg_type, chat_type, content, code, src_id }
    }
}

impl<'a> SignalFrame<'a> {
    /// A frame of this type.
    pub const fn new(msg_type: &'a str) -> Self {
        Self { msg_type: Cow::Borrowed(msg_type) }
    }
}

/// A message in a list (分页获取用户消息, 获取离线消息). Every key is always there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageRow<'a> {
    /// `Text`, `Image`, or another word for what `content` is.
    #[serde(borrow)]
    pub msg_type: Cow<'a, str>,
    /// Who said it.
    pub from_user_id: u64,
    /// Whether the user who asks has read it.
    pub is_read: bool,
    /// Always null.
    pub event_type: Option<String>,
    /// To whom; null in groups.
    pub to_user_id: Option<u64>,
    /// What was said.
    #[serde(borrow)]
    pub content: Cow<'a, str>,
    /// Where it has got to.
    pub state_enum: State,
    /// In which group; null between two users.
    pub team_id: Option<u64>,
    /// The group's name; null between two users.
    #[serde(borrow)]
    pub name: Option<Cow<'a, str>>,
    /// Milliseconds since 1970, or null.
    pub server_send_time: Option<i64>,
    /// The message's id.
    pub id: u64,
    /// Between two users or in a group.
    pub chat_type: ChatType,
    /// When it reached the server, in milliseconds since 1970.
    pub timestamp: i64,
}

/// Where a message has got to (`stateEnum`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum State {
    /// It was delivered to the user who asks, or is the user's own.
    Client,
    /// It is still to be delivered.
    Server,
}

/// A row of the chat list (获取聊天列表).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatRow<'a> {
    /// Whether it is pinned to the top (置顶).
    pub top: bool,
    /// The last message (最后一条消息).
    #[serde(borrow)]
    pub last_msg_id: Option<LastMessage<'a>>,
    /// When the row came into being, `YYYY-MM-DD HH:MM:SS`.
    pub create_time: String,
    /// Whose list it is.
    pub from_user_id: u64,
    /// The group; null between two users.
    pub team_id: Option<u64>,
    /// When something was last said, `YYYY-MM-DD HH:MM:SS`.
    pub update_time: String,
    /// The row's own id.
    pub id: u64,
    /// How many messages are not read (未读消息数).
    pub un_read_count: u64,
    /// The other user; null in groups.
    pub to_user_id: Option<u64>,
    /// Between two users or in a group.
    pub chat_type: ChatType,
}

/// The last message of a chat (`lastMsgId`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastMessage<'a> {
    /// `Text`, `Image`, or another word for what `content` is.
    #[serde(borrow)]
    pub msg_type: Cow<'a, str>,
    /// The message's id.
    pub id: u64,
    /// What was said.
    #[serde(borrow)]
    pub content: Cow<'a, str>,
    /// When it reached the server, in milliseconds since 1970.
    pub timestamp: i64,
}

/// The reply to a registration (注册用户).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisteredUser {
    /// The user's number.
    pub user_id: u64,
}

/// The reply to the request for an id (获取消息id).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreshId {
    /// An id that no message has.
    pub id: u64,
}

/// The body of a failure, whose HTTP status is always 500.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure<'a> {
    /// Why, for people (错误内容).
    #[serde(borrow)]
    pub msg: Cow<'a, str>,
    /// Why, for programs (错误码).
    pub code: u16,
}
