//! How failures look: one table for HTTP and the socket.

use http::StatusCode;
use http::header::{HeaderValue, WWW_AUTHENTICATE};
use koine_core::{Error, ErrorKind, HttpResponse};

use crate::wire;

/// A failure as an HTTP response: the status and `{"error": "<reason>"}`.
pub(crate) fn response(error: &Error) -> HttpResponse {
    with_status(shown(error.kind()).http, error)
}

/// The same under 消息推送接口, which has one status, 403, for every request that is not right.
pub(crate) fn notification_response(error: &Error) -> HttpResponse {
    let status = match shown(error.kind()).http {
        StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::CONFLICT => StatusCode::FORBIDDEN,
        other => other,
    };
    with_status(status, error)
}

/// The same as the answer to an upgrade request: whatever is wrong with the token is 401, and only
/// what is not the token's fault is said as it is.
pub(crate) fn handshake_response(error: &Error) -> HttpResponse {
    let status = match shown(error.kind()).http {
        fault @ (StatusCode::TOO_MANY_REQUESTS
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::INTERNAL_SERVER_ERROR) => fault,
        _ => StatusCode::UNAUTHORIZED,
    };
    with_status(status, error)
}

/// A failure as a frame; `None` where the document promises silence (发送消息, 注意事项).
pub(crate) fn frame(error: &Error) -> Option<wire::Failure<'_>> {
    let code = shown(error.kind()).socket?;
    Some(wire::Failure { kind: wire::FailureType::Error, code, content: error.message().into() })
}

fn with_status(status: StatusCode, error: &Error) -> HttpResponse {
    let response = HttpResponse::json(status, &wire::ErrorBody { error: error.message().into() });
    if status == StatusCode::UNAUTHORIZED {
        return response.header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// One kind of failure on the wire.
struct Shown {
    /// The status of an HTTP response.
    http: StatusCode,
    /// The code of an `ERROR` frame; `None`: no frame at all.
    socket: Option<u16>,
}

const fn same(status: StatusCode) -> Shown {
    Shown { http: status, socket: Some(status.as_u16()) }
}

const fn shown(kind: ErrorKind) -> Shown {
    match kind {
        ErrorKind::BadRequest => same(StatusCode::BAD_REQUEST),
        // A disabled user's token is as good as none. On a socket that lives neither can be told as
        // a failed handshake any more, so what is sent there is merely not allowed.
        ErrorKind::Unauthenticated | ErrorKind::UserDisabled => {
            Shown { http: StatusCode::UNAUTHORIZED, socket: Some(StatusCode::FORBIDDEN.as_u16()) }
        }
        ErrorKind::Forbidden
        | ErrorKind::RegistrationClosed
        | ErrorKind::NotMember
        | ErrorKind::NotManager
        | ErrorKind::AlreadyMember
        | ErrorKind::NotAddressee => same(StatusCode::FORBIDDEN),
        ErrorKind::NotFriends => Shown { http: StatusCode::FORBIDDEN, socket: None },
        ErrorKind::UserNotFound
        | ErrorKind::ConversationNotFound
        | ErrorKind::GroupNotFound
        | ErrorKind::RequestNotFound
        | ErrorKind::ChatNotFound
        | ErrorKind::FileNotFound
        | ErrorKind::RouteNotFound => same(StatusCode::NOT_FOUND),
        // No command of this dialect brings a key or registers anybody.
        ErrorKind::UserExists | ErrorKind::KeyConflict => {
            Shown { http: StatusCode::CONFLICT, socket: Some(StatusCode::BAD_REQUEST.as_u16()) }
        }
        ErrorKind::TooLarge => same(StatusCode::PAYLOAD_TOO_LARGE),
        ErrorKind::RateLimited => same(StatusCode::TOO_MANY_REQUESTS),
        ErrorKind::Unavailable => same(StatusCode::SERVICE_UNAVAILABLE),
        ErrorKind::Internal => same(StatusCode::INTERNAL_SERVER_ERROR),
    }
}
