//! From the kind of an error to what the wire says about it.

use std::borrow::Cow;

use koine_core::{Error, ErrorKind};

use crate::wire::ErrorFrame;

/// What the wire says about one kind of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wire {
    /// The `code` of an HTTP reply, whose own status is always 200.
    pub(crate) http: u16,
    /// The `code` of an `ERROR` frame.
    pub(crate) socket: u16,
    /// The close code where it befalls a connection that is not ready yet.
    pub(crate) close: (u16, &'static str),
    /// The `message`, where the error brings no detail of its own.
    pub(crate) message: &'static str,
}

const REFUSED: (u16, &str) = (4003, "authentication failed");
const GONE: (u16, &str) = (4004, "no such user");
const TOO_LARGE: (u16, &str) = (1009, "too large");
const FAULT: (u16, &str) = (1011, "internal error");
const LATER: (u16, &str) = (1013, "try again later");

/// The dialect's table of errors.
pub(crate) const fn wire(kind: ErrorKind) -> Wire {
    let (http, socket, close, message) = match kind {
        ErrorKind::BadRequest => (400, 400, REFUSED, "请求有误"),
        ErrorKind::Unauthenticated => (403, 403, REFUSED, "验证失败"),
        ErrorKind::Forbidden => (403, 403, REFUSED, "没有权限"),
        ErrorKind::UserDisabled => (403, 403, REFUSED, "用户已被禁用"),
        ErrorKind::UserNotFound => (404, 404, GONE, "未找到用户"),
        ErrorKind::UserExists => (400, 400, REFUSED, "user_id已存在"),
        ErrorKind::RegistrationClosed => (403, 403, REFUSED, "未开放注册"),
        ErrorKind::ConversationNotFound => (404, 404, REFUSED, "session不存在或该用户未参与该会话"),
        // An HTTP reply does not tell a stranger which sessions exist; the socket's 403 is what was seen there.
        ErrorKind::NotMember => (404, 403, REFUSED, "session不存在或该用户未参与该会话"),
        ErrorKind::GroupNotFound => (404, 404, REFUSED, "群聊不存在"),
        ErrorKind::NotManager => (403, 403, REFUSED, "不是群主"),
        ErrorKind::AlreadyMember => (400, 400, REFUSED, "已在群聊中"),
        ErrorKind::RequestNotFound => (404, 404, REFUSED, "申请不存在"),
        ErrorKind::NotAddressee => (403, 403, REFUSED, "无权处理该申请"),
        ErrorKind::NotFriends => (403, 403, REFUSED, "对方不是好友"),
        ErrorKind::KeyConflict => (400, 400, REFUSED, "消息标识已被使用"),
        ErrorKind::ChatNotFound => (404, 404, REFUSED, "会话不存在"),
        ErrorKind::FileNotFound => (404, 404, REFUSED, "文件不存在"),
        ErrorKind::RouteNotFound => (404, 404, REFUSED, "接口不存在"),
        ErrorKind::TooLarge => (413, 413, TOO_LARGE, "内容过大"),
        ErrorKind::RateLimited => (429, 429, LATER, "请求过于频繁"),
        ErrorKind::Unavailable => (500, 500, LATER, "服务暂不可用"),
        ErrorKind::Internal => (500, 500, FAULT, "服务器内部错误"),
    };
    Wire { http, socket, close, message }
}

/// What to tell the client: the error's own detail, else the table's sentence for its kind.
pub(crate) fn message(error: &Error) -> &str {
    let said = error.message();
    if said == error.kind().sentence() { wire(error.kind()).message } else { said }
}

/// The `ERROR` frame for an error.
pub(crate) fn frame(error: &Error) -> ErrorFrame<'_> {
    ErrorFrame::new(wire(error.kind()).socket, Cow::Borrowed(message(error)))
}
