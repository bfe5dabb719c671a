//! From an upgrade request to a driven connection.

use std::net::IpAddr;
use std::sync::Arc;

use aws_lc_rs::rand;
use http::header::{HeaderValue, ORIGIN, SEC_WEBSOCKET_VERSION};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use koine_core::SocketRequest;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tracing::{Instrument, Span, debug_span, field};

use super::super::admission::{Permit, Refusal};
use super::super::body::Body;
use super::super::connection::Connection;
use super::super::http::{from_dialect, plain};
use super::super::routes::Owner;
use super::super::transport::{Transport, Watched};
use super::closing;
use super::detect::detect;
use super::drive::{Driver, Stream};
use super::link::{Link, Opened};
use super::socket::Socket;
use crate::dialects::Mounted;
use crate::hub::ConnectionInfo;

/// Answers an upgrade request on a path that WebSockets are opened on.
pub(in super::super) async fn upgrade(
    connection: &Arc<Connection>,
    client: IpAddr,
    mut request: Request<Incoming>,
) -> Response<Body> {
    let accepting = match create_response_with_body(&request, Body::empty) {
        Ok(response) => response,
        Err(error) => return bad_handshake(&error),
    };
    let permit = match admit(connection, client) {
        Ok(permit) => permit,
        Err(Refusal::Full) => return plain(StatusCode::SERVICE_UNAVAILABLE),
        Err(Refusal::Address) => return plain(StatusCode::TOO_MANY_REQUESTS),
    };
    let upgraded = hyper::upgrade::on(&mut request);
    let query = request.uri().query().unwrap_or_default();
    let mut asked = SocketRequest {
        path: Vec::new(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: request.headers().clone(),
    };
    // At `debug`, as a span that lives as long as an idle connection would cost as much as half its buffers.
    let span = debug_span!(
        "connection",
        id = field::Empty,
        dialect = field::Empty,
        client.addr = %client,
        user = field::Empty
    );
    let start = match connection.listener.routes.owner(request.uri().path(), &mut asked) {
        None => return plain(StatusCode::NOT_FOUND),
        Some(Owner::FirstFrame(candidates)) => Start::FirstFrame { candidates, asked, client },
        Some(Owner::One(mounted)) => {
            let limit = connection.listener.shared.config.limits.handshake;
            let mut link = span.in_scope(|| open(connection, client, &mounted, &asked));
            match link.opened(limit).instrument(span.clone()).await {
                Opened::Accepted => Start::Session(link),
                Opened::Rejected(response) => return from_dialect(response),
            }
        }
    };
    let connection = Arc::clone(connection);
    let tasks = connection.listener.shared.tasks.clone();
    let running = async move {
        // What the beginning needs is given back before the long part.
        let driver = Box::pin(begin(&connection, upgraded, start)).await;
        drop(connection);
        if let Some(mut driver) = driver {
            let parting = driver.run().await;
            Box::pin(driver.part(parting)).await;
        }
        drop(permit);
    };
    tasks.spawn(running.instrument(span));
    accepting
}

/// How a WebSocket begins.
enum Start {
    /// With the session that has accepted it.
    Session(Link),
    /// With a frame that tells whose it is.
    FirstFrame { candidates: Vec<Arc<Mounted>>, asked: SocketRequest, client: IpAddr },
}

async fn begin(connection: &Arc<Connection>, upgraded: OnUpgrade, start: Start) -> Option<Box<Driver>> {
    let shared = &connection.listener.shared;
    let limits = &shared.config.limits;
    let mut socket = socket(upgraded, limits.frame).await?;
    let (candidates, asked, client) = match start {
        Start::Session(link) => return Some(Box::new(Driver::new(link, socket, random()))),
        Start::FirstFrame { candidates, asked, client } => (candidates, asked, client),
    };
    let (mounted, first) = match detect(&mut socket, &candidates, limits, &shared.stopping).await {
        Ok(detected) => detected,
        Err(parting) => {
            closing::part(None, socket, parting, shared.farewell()).await;
            return None;
        }
    };
    let mut link = open(connection, client, &mounted, &asked);
    // A refusal shows in the link's state: it is too late for a plain response.
    let _ = link.opened(limits.handshake).await;
    Some(Box::new(Driver::new(link, socket, random()).hearing(&first)))
}

/// Opens a dialect's session for a request.
fn open(connection: &Arc<Connection>, client: IpAddr, mounted: &Arc<Mounted>, asked: &SocketRequest) -> Link {
    let origin = asked.headers.get(ORIGIN).and_then(|origin| origin.to_str().ok()).map(str::to_owned);
    let info = ConnectionInfo { dialect: mounted.name, address: client, origin };
    let entropy = (u128::from(random()) << 64 | u128::from(random())).to_be_bytes();
    Span::current().record("dialect", mounted.name.as_str());
    Link::open(connection, mounted, info, asked, entropy)
}

/// The bytes of a connection once HTTP has let go of them.
async fn socket(upgraded: OnUpgrade, largest: usize) -> Option<Stream> {
    let upgraded = match upgraded.await {
        Ok(upgraded) => upgraded,
        Err(error) => {
            tracing::debug!(%error, "the client was gone before the WebSocket was open");
            return None;
        }
    };
    let parts = upgraded.downcast::<TokioIo<Watched<Transport>>>().ok()?;
    Some(Socket::new(parts.io.into_inner(), &parts.read_buf, largest))
}

/// Counts a client that came through a trusted proxy under its own address.
fn admit(connection: &Connection, client: IpAddr) -> Result<Option<Permit>, Refusal> {
    let own = client != connection.peer;
    own.then(|| connection.listener.shared.admission.enter_from(client)).transpose()
}

fn bad_handshake(error: &Error) -> Response<Body> {
    let mut response = plain(StatusCode::BAD_REQUEST);
    if matches!(error, Error::Protocol(ProtocolError::MissingSecWebSocketVersionHeader)) {
        *response.status_mut() = StatusCode::UPGRADE_REQUIRED;
        response.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    }
    response
}

/// Random bits. Without a source of randomness there are only zeros, which costs the confirmation its
/// secrecy towards the very client it is about and nothing else.
fn random() -> u64 {
    let mut bytes = [0; 8];
    if rand::fill(&mut bytes).is_err() {
        tracing::error!("the system gives no random numbers");
    }
    u64::from_be_bytes(bytes)
}
