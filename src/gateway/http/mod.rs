//! Every HTTP request, from its head to its reply.

mod access;
mod cors;
mod endpoint;
pub(super) mod payload;
pub(super) mod upload;

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use http::header::{ALLOW, CONNECTION, HeaderValue, UPGRADE};
use http::{HeaderMap, Method, Request, Response, StatusCode, request};
use hyper::body::Incoming;
use koine_core::{ErrorKind, HttpResponse, ResponseBody};

pub(super) use cors::Cors;

use super::body::Body;
use super::connection::Connection;
use super::routes::{Found, Route};
use super::{client, driver};
use crate::files;

/// A request, and what is known of where it comes from.
struct Exchange<'a> {
    connection: &'a Arc<Connection>,
    /// The client's address, as far as proxies can be believed.
    client: IpAddr,
    parts: request::Parts,
}

/// Answers one request. Never fails: what goes wrong is an answer too.
pub(super) async fn serve(
    connection: Arc<Connection>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let cors = &connection.listener.shared.cors;
    if let Some(preflight) = cors.preflight(request.method(), request.headers()) {
        return Ok(preflight);
    }
    let origin = request.headers().get(http::header::ORIGIN).cloned();
    let mut response = dispatch(&connection, request).await;
    cors.allow(origin.as_ref(), response.headers_mut());
    Ok(response)
}

async fn dispatch(connection: &Arc<Connection>, request: Request<Incoming>) -> Response<Body> {
    let listener = &connection.listener;
    let client = client::address(connection.peer, request.headers(), &listener.shared.trusted);
    if is_upgrade(request.headers()) && listener.routes.is_socket(request.uri().path()) {
        return driver::upgrade(connection, client, request).await;
    }
    let (parts, body) = request.into_parts();
    let exchange = Exchange { connection, client, parts };
    if let Some(segment) = file_segment(&exchange.parts) {
        let found = files::serve(&listener.shared.files, segment, &exchange.parts.headers).await;
        return found.unwrap_or_else(|| plain(StatusCode::NOT_FOUND));
    }
    match listener.routes.find(&exchange.parts.method, exchange.parts.uri.path()) {
        Found::Endpoint(route, captures) => endpoint::answer(&exchange, route, captures, body).await,
        Found::Methods(routes) => wrong_method(&exchange, routes),
        Found::Nothing if listener.routes.is_socket(exchange.parts.uri.path()) => upgrade_required(),
        Found::Nothing => nothing_here(&exchange),
    }
}

/// The id in `/file/down/<id>`, where it is asked for.
fn file_segment(parts: &request::Parts) -> Option<&str> {
    let reads = parts.method == Method::GET || parts.method == Method::HEAD;
    parts.uri.path().strip_prefix("/file/down/").filter(|_| reads)
}

/// A path whose endpoints answer to other methods: the dialect's words, and which methods those are.
fn wrong_method(exchange: &Exchange<'_>, routes: &[Route]) -> Response<Body> {
    let mut methods: Vec<Method> = routes.iter().map(|route| route.endpoint.method()).collect();
    if methods.contains(&Method::GET) {
        methods.push(Method::HEAD);
    }
    methods.push(Method::OPTIONS);
    let allowed = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
    let mut response = match routes.first() {
        _ if exchange.parts.method == Method::OPTIONS => plain(StatusCode::NO_CONTENT),
        Some(route) => from_dialect(route.mounted.dialect.http_error(&ErrorKind::RouteNotFound.into())),
        None => plain(StatusCode::NOT_FOUND),
    };
    if response.status() == StatusCode::NOT_FOUND {
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    }
    if let Ok(allowed) = HeaderValue::from_str(&allowed) {
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}

fn nothing_here(exchange: &Exchange<'_>) -> Response<Body> {
    match exchange.connection.listener.routes.nearest(exchange.parts.uri.path()) {
        Some(mounted) => from_dialect(mounted.dialect.http_error(&ErrorKind::RouteNotFound.into())),
        None => plain(StatusCode::NOT_FOUND),
    }
}

fn upgrade_required() -> Response<Body> {
    let mut response = plain(StatusCode::UPGRADE_REQUIRED);
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
    response
}

/// Whether a request wants to become a WebSocket.
fn is_upgrade(headers: &HeaderMap) -> bool {
    let names = |header, wanted: &str| {
        let values = headers.get_all(header).iter().filter_map(|value: &HeaderValue| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|word| word.trim().eq_ignore_ascii_case(wanted))
    };
    names(UPGRADE, "websocket") && names(CONNECTION, "upgrade")
}

/// A reply without words.
pub(super) fn plain(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// A dialect's short reply; rows, which only endpoints have, are left out.
pub(super) fn from_dialect(reply: HttpResponse) -> Response<Body> {
    let body = match reply.body {
        ResponseBody::Full(bytes) => Body::full(bytes),
        ResponseBody::Rows(_) => Body::empty(),
    };
    assemble(reply.status, reply.headers, body)
}

fn assemble(status: StatusCode, headers: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
