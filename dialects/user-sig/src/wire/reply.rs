//! The bodies of HTTP replies (HTTP接口).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{ChatLog, ChatUser, Session};

/// The body of every HTTP reply, whose status is 200 whatever its `code`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyBody<'a, T> {
    /// 200, or what went wrong.
    pub code: u16,
    /// For people.
    pub message: Cow<'a, str>,
    /// What was asked for; an empty object where it failed.
    pub data: T,
}

/// An empty object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nothing {}

/// 创建用户, 用户信息, 更改用户信息.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatUserData<'a> {
    /// The user.
    pub chat_user: ChatUser<'a>,
}

/// 获取`user_sig`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserSigData<'a> {
    /// The sig.
    pub user_sig: Cow<'a, str>,
}

/// 创建会话.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SessionData<'a> {
    /// The session.
    pub session: Session<'a>,
}

/// 获取当前用户的会话信息列表.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SessionPage<'a> {
    /// How many sessions there are over all pages.
    pub num_of_sessions: u64,
    /// How many pages there are, at least 1.
    pub num_of_pages: u64,
    /// The sessions of this page, the one with the newest activity first.
    pub session_info_list: Vec<Session<'a>>,
}

/// 获取聊天记录.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChatLogPage<'a> {
    /// How many messages the user may see over all pages.
    pub num_of_chat_logs: u64,
    /// How many pages there are, at least 1.
    pub num_of_pages: u64,
    /// The messages of this page, the newest first.
    pub chat_log_info_list: Vec<ChatLog<'a>>,
}

/// 单聊标记为已读.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkedData {
    /// How many messages became read.
    pub marked_count: u64,
}

/// 上传聊天文件.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatFileData<'a> {
    /// The file.
    pub chat_file: ChatFile<'a>,
}

/// An uploaded file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatFile<'a> {
    /// Its random id, 32 hexadecimal digits.
    pub id: Cow<'a, str>,
    /// MD5 of its bytes, 32 hexadecimal digits.
    pub md5: Cow<'a, str>,
    /// When it was uploaded, `YYYY-MM-DD HH:MM:SS`.
    pub create_time: Cow<'a, str>,
    /// Where it can be fetched.
    pub url: Cow<'a, str>,
    /// The name it was uploaded under.
    pub name: Cow<'a, str>,
    /// In bytes.
    pub size: u64,
}
