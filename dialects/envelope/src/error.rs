//! How the dialect says why something was not done.

use std::borrow::Cow;

use koine_core::{Error, ErrorKind, HttpResponse};

use crate::wire::Answer;

/// An error on the wire.
pub(crate) struct Failure<'a> {
    /// The word in `obj.reason` of a failed send.
    pub(crate) reason: &'static str,
    /// The text of a failed login (登录失败的原因), and of answers that name no request.
    pub(crate) text: Cow<'a, str>,
    /// The status where it answers an HTTP request.
    http: http::StatusCode,
}

/// An error as the answer to an HTTP request, in the form of the frames.
pub(crate) fn response(error: &Error) -> HttpResponse {
    let failure = failure(error);
    HttpResponse::json(failure.http, &Answer::plain(failure.http.as_u16(), failure.text))
}

/// The table. The document says only that a send or login failed; the words are the gateway's own.
pub(crate) fn failure(error: &Error) -> Failure<'_> {
    let (reason, text, http): (_, Cow<'_, str>, _) = match error.kind() {
        ErrorKind::Unauthenticated => ("invalid-token", "token无效！".into(), 401),
        ErrorKind::UserDisabled => ("invalid-token", "用户已被禁用！".into(), 403),
        ErrorKind::UserNotFound => ("user-not-found", "无此聊天用户！".into(), 404),
        ErrorKind::NotFriends => ("not-friends", "双方不是好友无法发送消息！".into(), 403),
        ErrorKind::NotMember | ErrorKind::NotManager => ("not-member", "不是群组成员无法发送消息！".into(), 403),
        ErrorKind::GroupNotFound | ErrorKind::ConversationNotFound => {
            ("group-not-found", "查无此群组记录！".into(), 404)
        }
        ErrorKind::KeyConflict => ("duplicate", "uniqueNo重复！".into(), 409),
        ErrorKind::TooLarge => ("too-large", "消息过长！".into(), 413),
        ErrorKind::RateLimited => ("rate-limited", "请求过于频繁！".into(), 429),
        ErrorKind::Unavailable => ("internal", "服务暂不可用，请稍后再试！".into(), 503),
        ErrorKind::Internal => ("internal", "服务器内部错误！".into(), 500),
        ErrorKind::BadRequest => ("bad-request", error.message().into(), 400),
        ErrorKind::RouteNotFound => ("bad-request", "无此方法！".into(), 404),
        // No command of this dialect is answered with these.
        ErrorKind::Forbidden | ErrorKind::RegistrationClosed | ErrorKind::NotAddressee => {
            ("bad-request", "非法访问！".into(), 403)
        }
        ErrorKind::RequestNotFound | ErrorKind::ChatNotFound | ErrorKind::FileNotFound => {
            ("bad-request", error.message().into(), 404)
        }
        ErrorKind::UserExists | ErrorKind::AlreadyMember => ("bad-request", error.message().into(), 409),
    };
    let http = http::StatusCode::from_u16(http).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    Failure { reason, text, http }
}
