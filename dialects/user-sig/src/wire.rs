//! The types of the wire, to be written and read by either end. What is read may borrow from its text.

mod frame;
mod reply;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use frame::{
    CreatedFrame, ErrorFrame, EventName, KickedOutFrame, MessageFrame, ReadyFrame, SendRequest, ServerFrame,
};
pub use reply::{
    ChatFile, ChatFileData, ChatLogPage, ChatUserData, MarkedData, Nothing, ReplyBody, SessionData, SessionPage,
    UserSigData,
};

/// A user (用户); what is not known, or not the reader's to know, is null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatUser<'a> {
    /// The unique name.
    pub user_id: Cow<'a, str>,
    /// The person's name.
    pub name: Option<Cow<'a, str>>,
    /// The name to show.
    pub nickname: Option<Cow<'a, str>>,
    /// The account name.
    pub username: Option<Cow<'a, str>>,
    /// Free text.
    pub gender: Option<Cow<'a, str>>,
    /// `YYYY-MM-DD`; private.
    pub birthday: Option<Cow<'a, str>>,
    /// Identity card number; private.
    pub id_card_num: Option<Cow<'a, str>>,
    /// Private.
    pub phone: Option<Cow<'a, str>>,
    /// Private.
    pub email: Option<Cow<'a, str>>,
    /// Province of residence.
    pub province: Option<Cow<'a, str>>,
    /// City of residence.
    pub city: Option<Cow<'a, str>>,
    /// Address of a picture.
    pub avatar: Option<Cow<'a, str>>,
    /// Free text.
    pub description: Option<Cow<'a, str>>,
    /// Whether the user cannot connect.
    pub is_disable: bool,
    /// When the user last connected, `YYYY-MM-DD HH:MM:SS`.
    pub login_time: Option<Cow<'a, str>>,
    /// When the user was registered, `YYYY-MM-DD HH:MM:SS`.
    pub create_time: Cow<'a, str>,
}

/// A session (会话) as one of its members sees it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session<'a> {
    /// Its number.
    pub session_id: u64,
    /// [`Session::DIRECT`] or [`Session::GROUP`].
    #[serde(rename = "type")]
    pub kind: u8,
    /// Its name.
    pub name: Cow<'a, str>,
    /// With whom it is.
    pub session_info: SessionInfo<'a>,
    /// When it was made, `YYYY-MM-DD HH:MM:SS`.
    pub create_time: Cow<'a, str>,
    /// The last message; in a message's frame that message.
    pub recently_chat_log: Option<ChatLog<'a>>,
    /// How many messages the member has not read. The last member of the object: what precedes it is the same
    /// for all who see the session from one side.
    pub unread_count: u64,
}

impl Session<'_> {
    /// `type` of a session of two (单聊).
    pub const DIRECT: u8 = 1;
    /// `type` of a group (群聊).
    pub const GROUP: u8 = 2;
}

/// With whom a session is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SessionInfo<'a> {
    /// The other user of a session of two.
    Direct(Box<ChatUser<'a>>),
    /// A group.
    Group(GroupInfo<'a>),
}

/// What is told about a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupInfo<'a> {
    /// The manager's `user_id`.
    pub manager: Cow<'a, str>,
    /// How many members there are, the manager among them.
    pub member_count: u64,
    /// The members; in HTTP replies only, so that frames do not grow with the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat_user_list: Option<Vec<ChatUser<'a>>>,
}

/// A message (聊天记录).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChatLog<'a> {
    /// Its number, below 2^53.
    pub id: u64,
    /// Whether the other side (in a group: every other member) has read it.
    pub have_read: bool,
    /// When the other side read it, `YYYY-MM-DD HH:MM:SS`.
    pub read_time: Option<Cow<'a, str>>,
    /// What was said: any JSON value, digit for digit.
    pub content: Cow<'a, RawValue>,
    /// The `user_id` of who said it.
    pub sender: Cow<'a, str>,
    /// When, `YYYY-MM-DD HH:MM:SS`.
    pub create_time: Cow<'a, str>,
    /// When, in milliseconds since the Unix epoch.
    pub create_timestamp: i64,
}
