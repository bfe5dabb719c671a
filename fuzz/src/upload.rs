//! A multipart body, as a form and as an upload.
//!
//! The first byte says how long the pieces are that the body comes in; then come the boundary, `\n`, and the
//! body.

use ::http::header::CONTENT_TYPE;
use ::http::{HeaderMap, HeaderValue, Method, Uri};
use bytes::Bytes;
use koine::config::DialectName;
use koine::gateway::fuzzing;
use koine_core::Payload;

use crate::paths;

/// The part that uploads are sent in.
const FIELD: &str = "file";
/// The largest upload, in bytes.
const LARGEST: u64 = 1 << 20;

/// Reads the body whole and in pieces.
pub fn run(data: &[u8]) {
    let Some((&length, rest)) = data.split_first() else { return };
    let Some(end) = rest.iter().position(|byte| *byte == b'\n') else { return };
    let (boundary, body) = (String::from_utf8_lossy(&rest[..end]), Bytes::copy_from_slice(&rest[end + 1..]));
    let content_type = format!("multipart/form-data; boundary={boundary}");

    let read = |pieces| fuzzing::upload(&content_type, FIELD, LARGEST, pieces).expect("everything is there");
    let whole = read(vec![body.clone()]);
    let pieces = body.chunks(usize::from(length).max(1)).map(Bytes::copy_from_slice).collect();
    // Which of two faults is met first may depend on the pieces; what is read must not.
    assert_eq!(whole.clone().ok(), read(pieces).ok(), "it depends on the pieces");
    if let Ok((name, bytes)) = whole {
        describe(&name, &bytes);
    }
    form(&content_type, body);
}

fn describe(name: &str, bytes: &[u8]) {
    let (kept, media_type, disposition) = fuzzing::described(name, bytes);
    assert!(!kept.is_empty() && kept.len() <= 200 && !kept.contains(['/', '\\']), "{kept:?}");
    assert_eq!(fuzzing::described(&kept, bytes).0, kept, "a name that is kept is kept as it is");
    for value in [media_type, &disposition] {
        assert!(HeaderValue::from_str(value).is_ok(), "{value:?} cannot be a header");
    }
}

fn form(content_type: &str, body: Bytes) {
    // A media type that is not ASCII says nothing, and the body is then known by its first letters.
    let Ok(value) = HeaderValue::from_str(content_type) else { return };
    if value.to_str().is_err() {
        return;
    }
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, value)]);
    let target = Uri::from_static("/chat/get-user-sig/");
    let empty = body.is_empty();
    let (_, request) =
        paths::of(DialectName::UserSig).request(Method::POST, &target, headers, body).expect("an endpoint");
    match request.payload {
        Payload::Form(_) | Payload::Unreadable(_) => {}
        Payload::Empty => assert!(empty, "a body that was not looked at"),
        Payload::Json(value) => panic!("{value} is no form"),
    }
}
