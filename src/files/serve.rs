//! Giving files out: `/file/down/<id>`, with or without an ending.

use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    HeaderName, HeaderValue, IF_NONE_MATCH, IF_RANGE, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, Response, StatusCode};
use koine_core::FileId;

use super::index::hexadecimal;
use super::range::{self, Part};
use super::{FileRecord, FileStore, kind, name};
use crate::gateway::Body;

/// Answers a request for a file by the last part of its path. Holding the address is the right to read.
/// `None` where there is no such file.
pub(crate) async fn serve(store: &FileStore, segment: &str, headers: &HeaderMap) -> Option<Response<Body>> {
    let id: FileId = segment.split_once('.').map_or(segment, |(id, _)| id).parse().ok()?;
    let record = match store.find(id).await {
        Ok(record) => record?,
        Err(error) => {
            tracing::warn!(%error, "a file could not be looked up");
            return Some(plain(StatusCode::SERVICE_UNAVAILABLE));
        }
    };
    let tag = format!("\"{}\"", hexadecimal(&record.sha256));
    if names_tag(headers, &IF_NONE_MATCH, &tag) {
        return Some(described(plain(StatusCode::NOT_MODIFIED), &record, &tag));
    }
    let part = match headers.get(RANGE).and_then(|value| value.to_str().ok()) {
        Some(range) if !headers.contains_key(IF_RANGE) || names_tag(headers, &IF_RANGE, &tag) => {
            range::parse(range, record.size)
        }
        _ => Part::Whole,
    };
    Some(send(store, &record, &tag, part).await)
}

async fn send(store: &FileStore, record: &FileRecord, tag: &str, part: Part) -> Response<Body> {
    let size = record.size;
    let (first, length) = match part {
        Part::Whole => (0, size),
        Part::Some { first, length } => (first, length),
        Part::Unsatisfiable => {
            let mut response = plain(StatusCode::RANGE_NOT_SATISFIABLE);
            insert(&mut response, CONTENT_RANGE, &format!("bytes */{size}"));
            return response;
        }
    };
    let mut response = match store.read(record, first, length).await {
        Ok(reader) => Response::new(Body::file(reader)),
        Err(error) => {
            tracing::error!(%error, file = %record.id, "the bytes of a file cannot be read");
            return plain(StatusCode::INTERNAL_SERVER_ERROR);
        }
    };
    if matches!(part, Part::Some { .. }) {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        insert(&mut response, CONTENT_RANGE, &format!("bytes {first}-{}/{size}", first + length - 1));
    }
    described(response, record, tag)
}

/// Adds what a browser needs to know, and what keeps an uploaded page from running as one of ours.
fn described(mut response: Response<Body>, record: &FileRecord, tag: &str) -> Response<Body> {
    let kind = if kind::is_shown_inline(&record.media_type) { "inline" } else { "attachment" };
    insert(&mut response, CONTENT_TYPE, &record.media_type);
    insert(&mut response, CONTENT_DISPOSITION, &name::disposition(kind, &record.name));
    insert(&mut response, ETAG, tag);
    insert(&mut response, ACCEPT_RANGES, "bytes");
    insert(&mut response, CACHE_CONTROL, "private, max-age=31536000, immutable");
    insert(&mut response, X_CONTENT_TYPE_OPTIONS, "nosniff");
    insert(&mut response, CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'");
    response
}

fn names_tag(headers: &HeaderMap, header: &HeaderName, tag: &str) -> bool {
    let values = headers.get_all(header).iter().filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|named| named == "*" || named.trim_start_matches("W/") == tag)
}

fn plain(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn insert(response: &mut Response<Body>, header: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(header, value);
    }
}

#[cfg(test)]
mod tests;
