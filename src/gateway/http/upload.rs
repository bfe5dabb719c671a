//! Uploads: the file part of a multipart body goes to disk as it comes.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt};
use http::header::{CONTENT_TYPE, HOST};
use hyper::body::Incoming;
use koine_core::{Error, ErrorKind, Reply, Timestamp, User};
use multer::{Constraints, Field, Multipart, SizeLimit};

use super::Exchange;
use crate::files::Upload;
use crate::gateway::client;
use crate::receive::{self, Fault, Pieces};

/// What multipart may add to a file: boundaries, headers and other fields, in bytes.
const AROUND: u64 = 1 << 20;
/// The largest other field, in bytes.
const OTHER_FIELD: u64 = 64 << 10;

/// Takes the file in that a request carries in the named part.
///
/// # Errors
/// `FileNotFound` where there is no such part, `TooLarge`, `BadRequest` for a body that is no multipart.
pub(super) async fn receive(
    exchange: &Exchange<'_>,
    field: &'static str,
    user: Option<&User>,
    body: &mut Incoming,
    now: Timestamp,
) -> Result<Reply, Error> {
    let shared = &exchange.connection.listener.shared;
    let owner = user.ok_or(ErrorKind::Unauthenticated)?.to_ref();
    let headers = &exchange.parts.headers;
    let largest = shared.files.largest();
    if receive::declared(headers).is_some_and(|length| length > largest.saturating_add(AROUND)) {
        return Err(ErrorKind::TooLarge.into());
    }
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Ok(boundary) = multer::parse_boundary(content_type) else { return Err(ErrorKind::FileNotFound.into()) };
    let pieces = Pieces::new(body, shared.config.limits.body_pause);
    let mut parts = Multipart::with_constraints(pieces, boundary, constraints(field, largest));
    let part = chosen(&mut parts, field).await?;
    let name = part.file_name().unwrap_or_default().to_owned();
    let bytes = part.map_err(|error| fault(&error)).boxed();
    let record = shared.files.receive(Upload { name: &name, owner, now }, bytes).await?;
    Ok(Reply::File(Arc::new(record.to_file(&base_url(exchange)))))
}

/// The named part, unless no file was chosen for it.
async fn chosen<'a>(parts: &mut Multipart<'a>, field: &str) -> Result<Field<'a>, Error> {
    while let Some(part) = parts.next_field().await.map_err(|error| fault(&error))? {
        if part.name() == Some(field) && part.file_name() != Some("") {
            return Ok(part);
        }
    }
    Err(ErrorKind::FileNotFound.into())
}

/// The name and the bytes of the named part of a body that comes in these pieces; for `fuzz/`.
#[cfg(feature = "fuzzing")]
pub(in crate::gateway) async fn read(
    content_type: &str,
    field: &str,
    largest: u64,
    pieces: Vec<bytes::Bytes>,
) -> Result<(String, Vec<u8>), Error> {
    let Ok(boundary) = multer::parse_boundary(content_type) else { return Err(ErrorKind::FileNotFound.into()) };
    let pieces = futures_util::stream::iter(pieces.into_iter().map(Ok::<_, Fault>));
    let mut parts = Multipart::with_constraints(pieces, boundary, constraints(field, largest));
    let part = chosen(&mut parts, field).await?;
    let name = part.file_name().unwrap_or_default().to_owned();
    let bytes = part.bytes().await.map_err(|error| fault(&error))?;
    Ok((name, bytes.to_vec()))
}

fn constraints(field: &str, largest: u64) -> Constraints {
    let limits = SizeLimit::new()
        .whole_stream(largest.saturating_add(AROUND))
        .per_field(OTHER_FIELD)
        // The store knows the limit itself.
        .for_field(field, u64::MAX);
    Constraints::new().size_limit(limits)
}

fn fault(error: &multer::Error) -> Error {
    match error {
        multer::Error::FieldSizeExceeded { .. } | multer::Error::StreamSizeExceeded { .. } => {
            ErrorKind::TooLarge.into()
        }
        multer::Error::StreamReadFailed(cause) => match cause.downcast_ref::<Fault>() {
            Some(fault) => (*fault).into(),
            None => Fault::Broken.into(),
        },
        _ => Error::bad_request("the body is not valid multipart"),
    }
}

/// Where clients reach the gateway: as configured, else as this one did.
fn base_url(exchange: &Exchange<'_>) -> String {
    let connection = exchange.connection;
    let shared = &connection.listener.shared;
    let configured = shared.config.public_url.trim_end_matches('/');
    if !configured.is_empty() {
        return configured.to_owned();
    }
    let parts = &exchange.parts;
    let named = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let Some(host) = named.or_else(|| parts.uri.authority().map(http::uri::Authority::as_str)) else {
        return String::new();
    };
    let tls = connection.listener.tls.is_some();
    let secure = client::is_secure(connection.direct_peer, tls, &parts.headers, &shared.trusted);
    format!("{}://{host}", if secure { "https" } else { "http" })
}
