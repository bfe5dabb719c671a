//! One request to a dialect's endpoints.
//!
//! The bytes are those of a request without its version: `METHOD target`, header lines, an empty line, the
//! body. Lines end with `\n`.

use ::http::header::CONTENT_TYPE;
use ::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use bytes::Bytes;
use koine::config::DialectName;
use koine_core::{Access, Context, Endpoint, EndpointKind, Error, HttpRequest, HttpResponse, Reply, Zone};

use crate::hub::{self, Hub, NOW};
use crate::{json, paths};

/// Answers the request.
pub fn run(name: DialectName, data: &[u8]) {
    let paths = paths::of(name);
    let Some((method, target, headers, body)) = read(data) else { return };
    if let Some(request) = paths.upgrade(&target, headers.clone()) {
        let _ = paths.dialect().claims(&request);
    }
    let hub = Hub::new(&String::from_utf8_lossy(body));
    hub.tell_the_rest();
    check(paths.dialect().http_error(&hub::error(data.len())), paths.dialect().name());
    let body = Bytes::copy_from_slice(body);
    let Some((endpoint, request)) = paths.request(method, &target, headers, body) else { return };
    let user = hub.user().to_ref();
    for user in users(&*endpoint, &request).then_some(&user).into_iter().map(Some).chain([None]) {
        let context = Context { user, now: NOW, zone: &Zone::utc() };
        let result = answer(&*endpoint, &context, &request, &hub);
        for result in [result, Err(hub::error(data.len()))] {
            check(endpoint.response(&context, &request, result), paths.dialect().name());
        }
    }
}

fn read(data: &[u8]) -> Option<(Method, Uri, HeaderMap, &[u8])> {
    let end = data.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = end.map_or((data, &[][..]), |end| (&data[..end], &data[end + 2..]));
    let mut lines = str::from_utf8(head).ok()?.split('\n');
    let (method, target) = lines.next()?.split_once(' ')?;
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        headers.append(name.parse::<HeaderName>().ok()?, value.trim().parse::<HeaderValue>().ok()?);
    }
    Some((method.parse().ok()?, target.parse().ok()?, headers, body))
}

/// Looks for what a request proves or claims; whether an endpoint can be used by a user at all.
fn users(endpoint: &dyn Endpoint, request: &HttpRequest) -> bool {
    match endpoint.access() {
        Access::Open => false,
        Access::Service { find } => {
            find(request);
            false
        }
        Access::Token { find, .. } | Access::Optional { find, .. } => {
            find(request);
            true
        }
        Access::Claimed { find, claim } => {
            find(request);
            let _ = claim(request);
            true
        }
    }
}

fn answer(endpoint: &dyn Endpoint, context: &Context<'_>, request: &HttpRequest, hub: &Hub) -> Result<Reply, Error> {
    if matches!(endpoint.kind(), EndpointKind::Upload { .. }) {
        return Ok(hub.file());
    }
    let call = endpoint.request(context, request)?;
    if let koine_core::Command::Send(send) = &call.command {
        hub.tell(send);
    }
    let reply = hub.answer(&call.command);
    if let Some(command) = call.after.and_then(|after| after(&reply)) {
        hub.answer(&command);
    }
    Ok(reply)
}

fn check(response: HttpResponse, whose: &str) {
    let is_json =
        response.headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    let body = response.into_bytes().expect("rows without a fault");
    if is_json {
        json::assert_json(&body, whose);
    }
}
