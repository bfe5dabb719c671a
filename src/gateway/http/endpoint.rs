//! One request to one endpoint of a dialect.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use hyper::body::Incoming;
use koine_core::{
    Command, Context, Endpoint, EndpointKind, Error, ErrorKind, HttpRequest, HttpResponse, Payload, Reply,
    ResponseBody, Timestamp, User, UserRef, Zone,
};

use super::{Exchange, access, assemble, payload, upload};
use crate::gateway::body::{Body, Piece};
use crate::gateway::gates::Pass;
use crate::gateway::routes::{Captures, Route};
use crate::gateway::shared::now;
use crate::hub::{Actor, Origin, Readers};
use crate::receive;

/// What the hub answered, and what is to be done once the client has it.
struct Outcome {
    user: Option<Arc<User>>,
    reply: Reply,
    after: Option<After>,
}

/// Done once the whole reply has been handed to the socket; until then the user's next pull waits.
struct After {
    actor: Actor,
    command: Option<Command>,
    turn: Option<Pass<koine_core::UserId>>,
}

/// Answers a request to an endpoint.
pub(super) async fn answer(
    exchange: &Exchange<'_>,
    route: &Route,
    captures: Result<Captures, Error>,
    mut body: Incoming,
) -> Response<Body> {
    let shared = &exchange.connection.listener.shared;
    let parts = &exchange.parts;
    let now = now();
    let query = parts.uri.query().unwrap_or_default();
    let query = payload::pairs(query.as_bytes()).ok_or_else(|| Error::bad_request("the query is not UTF-8"));
    let decoded = captures.and_then(|path| Ok((path, query?)));
    let ((path, query), decoded) = decoded.map_or_else(|error| (Default::default(), Err(error)), |both| (both, Ok(())));
    let mut request = HttpRequest {
        method: parts.method.clone(),
        path,
        query,
        headers: parts.headers.clone(),
        payload: Payload::Empty,
        body: Bytes::new(),
    };
    let outcome = match decoded {
        Ok(()) => carry_out(exchange, route, &mut request, &mut body, now).await,
        Err(error) => Err(error),
    };
    receive::discard(&mut body, &parts.headers, shared.config.limits.body_pause).await;
    let (user, result, after) = match outcome {
        Ok(Outcome { user, reply, after }) => (user, Ok(reply), after),
        Err(error) => (None, Err(error), None),
    };
    tracing::debug!(
        dialect = %route.mounted.name,
        method = %parts.method,
        route = %route.pattern,
        client.addr = %exchange.client,
        user = user.as_ref().map(|user| user.handle.as_str()),
        error = result.as_ref().err().map(|error| error.kind().word()),
        "request"
    );
    let (endpoint, user) = (Arc::clone(&route.endpoint), user.map(|user| user.to_ref()));
    let rendering = Rendering { endpoint, request, user, now, zone: shared.zone.clone() };
    let (status, headers, body) = render(&Arc::new(rendering), result, shared.hub.readers()).await;
    assemble(status, headers, hand_over(exchange, body, after))
}

async fn carry_out(
    exchange: &Exchange<'_>,
    route: &Route,
    request: &mut HttpRequest,
    body: &mut Incoming,
    now: Timestamp,
) -> Result<Outcome, Error> {
    let shared = &exchange.connection.listener.shared;
    let parts = &exchange.parts;
    if !exchange.connection.pace.allows() {
        return Err(ErrorKind::RateLimited.into());
    }
    let endpoint = &route.endpoint;
    if let EndpointKind::Upload { field } = endpoint.kind() {
        // Before the body: nobody fills the disk who may not.
        let user = access::judge(exchange, &route.mounted, endpoint.access(), request).await?;
        let reply = upload::receive(exchange, field, user.as_deref(), body, now).await?;
        return Ok(Outcome { user, reply, after: None });
    }
    let limits = &shared.config.limits;
    let bytes = receive::whole(body, &parts.headers, limits.http_body, limits.body_pause).await?;
    request.body = bytes.clone();
    request.payload = payload::parse(&parts.headers, bytes).await;
    let user = access::judge(exchange, &route.mounted, endpoint.access(), request).await?;
    let user_ref = user.as_ref().map(|user| user.to_ref());
    let context = Context { user: user_ref.as_ref(), now, zone: &shared.zone };
    let call = endpoint.request(&context, request)?;
    let turn = match (&user, call.after) {
        (Some(user), Some(_)) => Some(shared.pulls.enter(user.id).await),
        _ => None,
    };
    let actor = Actor { user: user_ref, origin: Origin::Dialect(route.mounted.name) };
    let reply = shared.carry_out(&actor, exchange.client, call.command).await?;
    // Whoever only asks for the head has not been handed anything.
    let command = call.after.filter(|_| parts.method != Method::HEAD).and_then(|after| after(&reply));
    let after = turn.is_some() || command.is_some();
    Ok(Outcome { user, reply, after: after.then_some(After { actor, command, turn }) })
}

/// Lets what is left to be done wait for the body's being handed over.
fn hand_over(exchange: &Exchange<'_>, body: Body, after: Option<After>) -> Body {
    let Some(After { actor, command: Some(command), turn }) = after else { return body };
    let shared = &exchange.connection.listener.shared;
    let (handing, handed) = exchange.connection.handover.prepare();
    let hub = shared.hub.clone();
    shared.tasks.spawn(async move {
        if handed.wait().await
            && let Err(error) = hub.execute(&actor, command).await
        {
            tracing::warn!(%error, "what was handed to a client could not be noted as taken; it will be shown again");
        }
        drop(turn);
    });
    body.handing(handing)
}

/// What the endpoint needs to put a result into its dialect's words.
struct Rendering {
    endpoint: Arc<dyn Endpoint>,
    request: HttpRequest,
    user: Option<UserRef>,
    now: Timestamp,
    zone: Zone,
}

impl Rendering {
    fn words(&self, result: Result<Reply, Error>) -> HttpResponse {
        let context = Context { user: self.user.as_ref(), now: self.now, zone: &self.zone };
        self.endpoint.response(&context, &self.request, result)
    }

    /// The response, with its first rows. Blocks where rows have to be read.
    fn response(&self, result: Result<Reply, Error>, readers: Readers) -> (StatusCode, HeaderMap, Body) {
        let HttpResponse { status, headers, body } = self.words(result);
        match body {
            ResponseBody::Full(bytes) => (status, headers, Body::full(bytes)),
            ResponseBody::Rows(rows) => match Piece::gather(rows, readers) {
                Ok(piece) => (status, headers, Body::rows(piece)),
                Err(error) => {
                    let HttpResponse { status, headers, body } = self.words(Err(error));
                    let body = if let ResponseBody::Full(bytes) = body { Body::full(bytes) } else { Body::empty() };
                    (status, headers, body)
                }
            },
        }
    }
}

/// Puts a result into the dialect's words, and reads the first rows. A fault before anything has been
/// sent can still be answered.
async fn render(
    rendering: &Arc<Rendering>,
    result: Result<Reply, Error>,
    readers: &Readers,
) -> (StatusCode, HeaderMap, Body) {
    match result {
        // Rows come from the store as the words are found, which must not hold up other clients.
        Ok(reply @ (Reply::Messages(_) | Reply::Conversations { .. })) => {
            let (finding, others) = (Arc::clone(rendering), readers.clone());
            let found = readers.run(move || Ok(finding.response(Ok(reply), others))).await;
            found.unwrap_or_else(|error| rendering.response(Err(error), readers.clone()))
        }
        other => rendering.response(other, readers.clone()),
    }
}
