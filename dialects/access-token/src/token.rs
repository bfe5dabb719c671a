//! Where a client shows its token: 建立连接 has it in the query, 群聊管理接口 among all parameters; an
//! `Authorization: Bearer` header serves clients that keep secrets out of addresses.
//!
//! The first place that names a token decides: an empty one there is not made good by a later place.

use http::header::AUTHORIZATION;
use koine_core::{Access, Fields, HttpRequest, Purpose, SocketRequest, Token};

const PARAMETER: &str = "access_token";

/// Access for whoever has a token.
pub(crate) const ACCESS: Access = Access::Token { find: of_request, purpose: Purpose::Access };

/// A request's token: from the query, else the body, else the header.
pub(crate) fn of_request(request: &HttpRequest) -> Option<Token> {
    let query_alone = Fields { query: &request.query, ..Fields::default() };
    match request.fields().unwrap_or(query_alone).first(PARAMETER) {
        Some(parameter) if !parameter.is_null() => parameter.as_string().as_deref().and_then(not_empty),
        _ => bearer_of_request(request),
    }
}

/// What follows `Bearer` in a request's header.
pub(crate) fn bearer_of_request(request: &HttpRequest) -> Option<Token> {
    request.authorization(false)
}

/// An upgrade request's token: from the query, else the header.
pub(crate) fn of_socket(request: &SocketRequest) -> Option<Token> {
    request.parameter(PARAMETER).or_else(|| bearer(request)).and_then(not_empty)
}

/// Whether an upgrade request names a token at all, be it an empty one.
pub(crate) fn is_presented(request: &SocketRequest) -> bool {
    request.parameter(PARAMETER).is_some() || bearer(request).is_some()
}

fn bearer(request: &SocketRequest) -> Option<&str> {
    let value = request.headers.get(AUTHORIZATION)?.to_str().ok()?.trim();
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn not_empty(text: &str) -> Option<Token> {
    (!text.is_empty()).then(|| Token::new(text))
}
