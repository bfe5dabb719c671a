//! How errors look on the wire: one table for frames and HTTP.

use http::StatusCode;
use koine_core::{Error, ErrorKind, HttpResponse};

use crate::wire::{ChatType, ErrorFrame, Failure};

/// The `code` for each kind of error, in `Error` frames and in HTTP bodies (错误码).
pub(crate) const fn code(kind: ErrorKind) -> u16 {
    match kind {
        ErrorKind::BadRequest => 400,
        ErrorKind::Unauthenticated => 401,
        ErrorKind::Forbidden
        | ErrorKind::UserDisabled
        | ErrorKind::RegistrationClosed
        | ErrorKind::NotMember
        | ErrorKind::NotManager
        | ErrorKind::NotAddressee
        | ErrorKind::NotFriends => 403,
        ErrorKind::UserNotFound
        | ErrorKind::ConversationNotFound
        | ErrorKind::GroupNotFound
        | ErrorKind::RequestNotFound
        | ErrorKind::ChatNotFound
        | ErrorKind::FileNotFound
        | ErrorKind::RouteNotFound => 404,
        ErrorKind::UserExists | ErrorKind::AlreadyMember | ErrorKind::KeyConflict => 409,
        ErrorKind::TooLarge => 413,
        ErrorKind::RateLimited => 429,
        ErrorKind::Unavailable | ErrorKind::Internal => 500,
    }
}

/// What an error answers: the kind of chat and the id of the frame, as far as they could be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The kind of chat the frame was about; `Single` where it does not say.
    pub(crate) chat_type: ChatType,
    /// The frame's own id.
    pub(crate) id: Option<u64>,
}

/// An `Error` frame.
pub(crate) fn frame(error: &Error, origin: Origin) -> ErrorFrame<'_> {
    ErrorFrame::new(origin.chat_type, error.message(), code(error.kind()), origin.id)
}

/// The `Error` frame for an `Auth` that failed, and the close code that follows it. Whatever is wrong
/// with the credentials is 401 and 4001; a server that cannot check them says so (1013: try again later).
pub(crate) fn authentication(error: &Error, origin: Origin) -> (ErrorFrame<'_>, u16) {
    match code(error.kind()) {
        429 | 500 => (frame(error, origin), 1013),
        _ => (ErrorFrame::new(origin.chat_type, error.message(), code(ErrorKind::Unauthenticated), origin.id), 4001),
    }
}

/// An error over HTTP: always status 500, the kind in `code` (状态status为500).
pub(crate) fn response(error: &Error) -> HttpResponse {
    let failure = Failure { msg: error.message().into(), code: code(error.kind()) };
    HttpResponse::json(StatusCode::INTERNAL_SERVER_ERROR, &failure)
}
