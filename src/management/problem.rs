//! What is answered when something is wrong: RFC 9457 problem details.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use koine_core::{Error, ErrorKind};
use serde::Serialize;

/// What is answered when something is wrong.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    /// The stable word.
    word: &'static str,
    title: &'static str,
    detail: Cow<'static, str>,
    /// The methods that are right where the one asked for is not.
    allow: Option<String>,
    reasons: Vec<&'static str>,
}

impl Problem {
    /// A request that cannot be understood, and why.
    pub(super) fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Error::bad_request(detail).into()
    }

    /// A word that only this API knows.
    pub(super) const fn other(status: StatusCode, word: &'static str, title: &'static str, detail: String) -> Self {
        Self { status, word, title, detail: Cow::Owned(detail), allow: None, reasons: Vec::new() }
    }

    /// The path is right, the method is not; `allowed` lists those that are.
    pub(super) fn method_not_allowed(allowed: String) -> Self {
        let detail = format!("this address takes {allowed}");
        let problem = Self::other(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "no such method here", detail);
        Self { allow: Some(allowed), ..problem }
    }

    /// The server takes no work now, for these reasons.
    pub(super) fn not_ready(reasons: Vec<&'static str>) -> Self {
        let detail = reasons.join("; ");
        Self { reasons, ..Self::other(StatusCode::SERVICE_UNAVAILABLE, "not-ready", "not ready", detail) }
    }

    /// The same, as 404: what was asked for is a thing that is not there.
    pub(super) fn missing(error: &Error) -> Self {
        Self { status: StatusCode::NOT_FOUND, ..error.clone().into() }
    }

    pub(super) fn into_response(self) -> Response<Bytes> {
        let document = Document {
            word: self.word,
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            reasons: &self.reasons,
        };
        // Texts and a number can always be written.
        let json = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = Response::new(json.into());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some((name, value)) = advice(self.status) {
            headers.insert(name, value);
        }
        if let Some(allow) = self.allow.and_then(|allow| HeaderValue::from_str(&allow).ok()) {
            headers.insert(ALLOW, allow);
        }
        response
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let kind = error.kind();
        Self {
            status: status(kind),
            word: kind.word(),
            title: kind.sentence(),
            detail: error.message().to_owned().into(),
            allow: None,
            reasons: Vec::new(),
        }
    }
}

impl From<ErrorKind> for Problem {
    fn from(kind: ErrorKind) -> Self {
        Error::new(kind).into()
    }
}

/// The body of a problem.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "type")]
    word: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    reasons: &'a [&'static str],
}

const fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::BadRequest => StatusCode::BAD_REQUEST,
        ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorKind::Forbidden
        | ErrorKind::UserDisabled
        | ErrorKind::RegistrationClosed
        | ErrorKind::NotMember
        | ErrorKind::NotManager
        | ErrorKind::NotAddressee
        | ErrorKind::NotFriends => StatusCode::FORBIDDEN,
        ErrorKind::UserNotFound
        | ErrorKind::ConversationNotFound
        | ErrorKind::GroupNotFound
        | ErrorKind::RequestNotFound
        | ErrorKind::ChatNotFound
        | ErrorKind::FileNotFound
        | ErrorKind::RouteNotFound => StatusCode::NOT_FOUND,
        ErrorKind::UserExists | ErrorKind::AlreadyMember | ErrorKind::KeyConflict => StatusCode::CONFLICT,
        ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// What a client should do about it, as a header.
fn advice(status: StatusCode) -> Option<(HeaderName, HeaderValue)> {
    match status {
        StatusCode::UNAUTHORIZED => Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
        StatusCode::SERVICE_UNAVAILABLE => Some((RETRY_AFTER, HeaderValue::from_static("1"))),
        _ => None,
    }
}
