//! How the dialect says why something was not done.

use std::borrow::Cow;

use koine_core::{Error, ErrorKind, HttpResponse};

use crate::wire::{Body, ServerFrame, status};

/// An error on the wire.
pub(crate) struct Failure<'a> {
    /// The frame's `status`.
    status: u32,
    /// The frame's `msg`.
    msg: Cow<'a, str>,
    /// The status where it answers an HTTP request.
    http: http::StatusCode,
    /// The close code that goes with it where the connection ends.
    pub(crate) close: u16,
    /// Whether it ends even a chat that is under way.
    pub(crate) fatal: bool,
}

impl Failure<'_> {
    /// The frame that says it.
    pub(crate) fn frame(&self) -> ServerFrame<'_> {
        ServerFrame { status: self.status, msg: Cow::Borrowed(&self.msg), body: Body::Nothing {} }
    }
}

/// An error as the answer to an HTTP request, in the form of the frames.
pub(crate) fn response(error: &Error) -> HttpResponse {
    let failure = failure(error, "unknown");
    HttpResponse::json(failure.http, &failure.frame())
}

/// The table: `peer` is the user to chat with, as the client wrote the name.
///
/// 30002 and 30003 are the document's; the document names no other failures, and its clients show a
/// status they do not know as an error.
pub(crate) fn failure<'a>(error: &'a Error, peer: &str) -> Failure<'a> {
    let (status, msg, http, close, fatal): (_, Cow<'a, str>, _, _, _) = match error.kind() {
        ErrorKind::Unauthenticated | ErrorKind::UserDisabled => {
            (status::BAD_TOKEN, "Token authentication failed".into(), 401, 1008, true)
        }
        ErrorKind::UserNotFound => {
            (status::NO_SUCH_USER, format!("Target user {peer} does not exist").into(), 404, 1008, true)
        }
        ErrorKind::BadRequest => (status::BAD_REQUEST, bad_request(error), 400, 1008, false),
        // No command of this dialect is answered with these; whoever asked for what leads here
        // asked for something it does not have.
        ErrorKind::ConversationNotFound
        | ErrorKind::GroupNotFound
        | ErrorKind::RequestNotFound
        | ErrorKind::ChatNotFound
        | ErrorKind::FileNotFound
        | ErrorKind::RouteNotFound => (status::BAD_REQUEST, bad_request(error), 404, 1008, false),
        ErrorKind::UserExists | ErrorKind::AlreadyMember | ErrorKind::KeyConflict => {
            (status::BAD_REQUEST, bad_request(error), 409, 1008, false)
        }
        ErrorKind::Forbidden
        | ErrorKind::RegistrationClosed
        | ErrorKind::NotMember
        | ErrorKind::NotManager
        | ErrorKind::NotAddressee
        | ErrorKind::NotFriends => (status::FORBIDDEN, format!("Forbidden: {error}").into(), 403, 1008, false),
        ErrorKind::TooLarge => (status::TOO_LARGE, "Message too large".into(), 413, 1009, true),
        ErrorKind::RateLimited => (status::RATE_LIMITED, "Too many requests".into(), 429, 1013, false),
        ErrorKind::Unavailable => (status::SERVER_ERROR, "Temporarily unavailable".into(), 503, 1013, false),
        ErrorKind::Internal => (status::SERVER_ERROR, "Internal error".into(), 500, 1011, false),
    };
    let http = http::StatusCode::from_u16(http).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    Failure { status, msg, http, close, fatal }
}

fn bad_request(error: &Error) -> Cow<'_, str> {
    format!("Bad request: {error}").into()
}
