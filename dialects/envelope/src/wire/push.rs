//! What a client is told unasked (接收后端推送的消息), and the result of its login.

use std::borrow::Cow;

use koine_core::Timestamp;
use serde::{Deserialize, Serialize};

/// The values of `msgType`, always strings.
pub mod msg_type {
    /// 用户聊天消息: a direct message.
    pub const DIRECT_MESSAGE: &str = "1";
    /// 群组聊天消息: a group message.
    pub const GROUP_MESSAGE: &str = "2";
    /// 好友申请: a friend request.
    pub const FRIEND_REQUEST: &str = "3";
    /// 入群申请: somebody applies to join a group.
    pub const JOIN_REQUEST: &str = "4";
    /// 邀请入群: an invitation into a group.
    pub const INVITATION: &str = "5";
    /// 移除好友: a friend ended the friendship.
    pub const FRIEND_REMOVED: &str = "6";
    /// 移除群组: the receiver is no longer in a group.
    pub const GROUP_REMOVED: &str = "7";
    /// 登录: the result of a login.
    pub const LOGIN: &str = "8";
    /// 审核好友: a friend request was decided.
    pub const FRIEND_DECISION: &str = "9";
    /// A join request or an invitation was decided; not in the document.
    pub const GROUP_DECISION: &str = "10";
}

/// The values of `applyState` (审核状态).
pub mod apply_state {
    /// Refused, or expired undecided.
    pub const REFUSED: &str = "0";
    /// Accepted.
    pub const ACCEPTED: &str = "9";
}

/// A push: which, and what it is about. A reader takes `data` as raw JSON first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Push<'a, D> {
    /// One of [`msg_type`].
    #[serde(borrow)]
    pub msg_type: Cow<'a, str>,
    /// One of the types below.
    pub data: D,
}

/// A date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Date {
    /// Milliseconds since the Unix epoch.
    Millis(Timestamp),
    /// `YYYY-MM-DD HH:MM:SS`.
    Text(String),
}

/// 用户聊天消息, `msgType` 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DirectMessage<'a> {
    /// The sender's handle.
    #[serde(borrow)]
    pub send_user_id: Cow<'a, str>,
    /// The receiver's handle.
    #[serde(borrow)]
    pub receive_user_id: Cow<'a, str>,
    /// What it says.
    #[serde(borrow)]
    pub message_content: Cow<'a, str>,
    /// When it was sent.
    pub receive_date: Date,
}

/// 群组聊天消息, `msgType` 2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupMessage<'a> {
    /// The sender's handle.
    #[serde(borrow)]
    pub send_user_id: Cow<'a, str>,
    /// The handle of the user who receives this very frame.
    #[serde(borrow)]
    pub receive_user_id: Cow<'a, str>,
    /// What it says.
    #[serde(borrow)]
    pub message_content: Cow<'a, str>,
    /// When it was sent.
    pub receive_date: Date,
    /// The group's number in decimal.
    #[serde(borrow)]
    pub group_id: Cow<'a, str>,
}

/// 好友申请, `msgType` 3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FriendRequest<'a> {
    /// The request's number in decimal.
    #[serde(borrow)]
    pub apply_friend_id: Cow<'a, str>,
    /// The applicant's handle.
    #[serde(borrow)]
    pub apply_user_id: Cow<'a, str>,
    /// The applicant's nickname, else the handle.
    #[serde(borrow)]
    pub apply_nick_name: Cow<'a, str>,
    /// What the applicant wrote along.
    #[serde(borrow)]
    pub note: Option<Cow<'a, str>>,
    /// When it was made.
    pub apply_date: Date,
}

/// 入群申请, `msgType` 4, and 邀请入群, `msgType` 5.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupRequest<'a> {
    /// The request's number in decimal.
    #[serde(borrow)]
    pub apply_group_id: Cow<'a, str>,
    /// The handle of the applicant, or of who invites.
    #[serde(borrow)]
    pub apply_user_id: Cow<'a, str>,
    /// That user's nickname, else the handle.
    #[serde(borrow)]
    pub apply_nick_name: Cow<'a, str>,
    /// When it was made.
    pub apply_date: Date,
    /// What that user wrote along.
    #[serde(borrow)]
    pub note: Option<Cow<'a, str>>,
    /// The group's number in decimal.
    #[serde(borrow)]
    pub group_id: Cow<'a, str>,
}

/// 移除好友, `msgType` 6.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FriendRemoved<'a> {
    /// The handle of who ended the friendship.
    #[serde(borrow)]
    pub apply_user_id: Cow<'a, str>,
    /// That user's nickname, else the handle.
    #[serde(borrow)]
    pub apply_nick_name: Cow<'a, str>,
    /// When.
    pub apply_date: Date,
}

/// 移除群组, `msgType` 7.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupRemoved<'a> {
    /// The handle of who did it.
    #[serde(borrow)]
    pub apply_user_id: Cow<'a, str>,
    /// That user's nickname, else the handle.
    #[serde(borrow)]
    pub apply_nick_name: Cow<'a, str>,
    /// When.
    pub apply_date: Date,
    /// 移除信息; the core has none, so it is null.
    #[serde(borrow)]
    pub note: Option<Cow<'a, str>>,
    /// The group's number in decimal.
    #[serde(borrow)]
    pub group_id: Cow<'a, str>,
}

/// 登录, `msgType` 8.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginResult<'a> {
    /// `200` or `400`, as a string.
    #[serde(borrow)]
    pub code: Cow<'a, str>,
    /// What happened.
    #[serde(borrow)]
    pub msg: Cow<'a, str>,
}

/// 审核好友, `msgType` 9.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FriendDecision<'a> {
    /// The request's number in decimal.
    #[serde(borrow)]
    pub apply_friend_id: Cow<'a, str>,
    /// One of [`apply_state`].
    #[serde(borrow)]
    pub apply_state: Cow<'a, str>,
    /// When it was decided.
    pub verify_date: Date,
}

/// A decided join request or invitation, `msgType` 10.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupDecision<'a> {
    /// The request's number in decimal.
    #[serde(borrow)]
    pub apply_group_id: Cow<'a, str>,
    /// The group's number in decimal.
    #[serde(borrow)]
    pub group_id: Cow<'a, str>,
    /// The group's name.
    #[serde(borrow)]
    pub group_name: Cow<'a, str>,
    /// One of [`apply_state`].
    #[serde(borrow)]
    pub apply_state: Cow<'a, str>,
    /// When it was decided.
    pub verify_date: Date,
    /// What the asker had written along.
    #[serde(borrow)]
    pub note: Option<Cow<'a, str>>,
}
