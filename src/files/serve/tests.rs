use http_body_util::BodyExt;

use super::*;
use crate::files::test_support::{store, upload};

async fn ask(
    store: &FileStore,
    segment: &str,
    headers: &[(HeaderName, &str)],
) -> Option<(http::response::Parts, Vec<u8>)> {
    let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().expect("a value"))).collect();
    let (parts, body) = serve(store, segment, &headers).await?.into_parts();
    Some((parts, body.collect().await.expect("the bytes").to_bytes().to_vec()))
}

#[tokio::test]
async fn a_file_is_given_out_whole_and_in_parts() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(&folder, 1 << 20, false);
    let bytes: Vec<u8> = (0..200_000_u32).map(|at| at.to_le_bytes()[0]).collect();
    let id = upload(&store, "猫.bin", &[&bytes]).await.expect("kept").id.to_string();
    let (parts, whole) = ask(&store, &format!("{id}.bin"), &[]).await.expect("the file");
    assert_eq!((parts.status, whole), (StatusCode::OK, bytes.clone()));
    let (parts, some) = ask(&store, &id, &[(RANGE, "bytes=100000-100009")]).await.expect("the file");
    assert_eq!(parts.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(parts.headers[CONTENT_RANGE], "bytes 100000-100009/200000");
    assert_eq!(some, bytes[100_000..100_010]);
    let (parts, _) = ask(&store, &id, &[(RANGE, "bytes=200000-")]).await.expect("the file");
    assert_eq!(parts.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(parts.headers[CONTENT_RANGE], "bytes */200000");
}

#[tokio::test]
async fn only_raster_images_are_shown_inline_and_everything_is_in_a_sandbox() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(&folder, 1 << 20, false);
    let png = upload(&store, "a.png", &[b"\x89PNG\r\n\x1a\n"]).await.expect("kept").id.to_string();
    let page = upload(&store, "a.html", &[b"<script>"]).await.expect("kept").id.to_string();
    let (image, _) = ask(&store, &png, &[]).await.expect("the file");
    let (page, _) = ask(&store, &page, &[]).await.expect("the file");
    assert_eq!(image.headers[CONTENT_TYPE], "image/png");
    assert!(image.headers[CONTENT_DISPOSITION].to_str().expect("ASCII").starts_with("inline;"));
    assert_eq!(page.headers[CONTENT_TYPE], "application/octet-stream");
    assert!(page.headers[CONTENT_DISPOSITION].to_str().expect("ASCII").starts_with("attachment;"));
    for parts in [image, page] {
        assert_eq!(parts.headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert!(parts.headers[CONTENT_SECURITY_POLICY].to_str().expect("ASCII").starts_with("sandbox"));
    }
}

#[tokio::test]
async fn a_client_that_has_the_file_is_told_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(&folder, 1 << 20, false);
    let id = upload(&store, "a", &[b"0123456789"]).await.expect("kept").id.to_string();
    let (parts, _) = ask(&store, &id, &[]).await.expect("the file");
    let tag = parts.headers[ETAG].to_str().expect("ASCII").to_owned();
    let (parts, body) = ask(&store, &id, &[(IF_NONE_MATCH, &tag)]).await.expect("the file");
    assert_eq!((parts.status, body.len()), (StatusCode::NOT_MODIFIED, 0));
    let (parts, _) = ask(&store, &id, &[(RANGE, "bytes=0-1"), (IF_RANGE, &tag)]).await.expect("the file");
    assert_eq!(parts.status, StatusCode::PARTIAL_CONTENT);
    let (parts, body) = ask(&store, &id, &[(RANGE, "bytes=0-1"), (IF_RANGE, "\"other\"")]).await.expect("the file");
    assert_eq!((parts.status, body.len()), (StatusCode::OK, 10));
}

#[tokio::test]
async fn what_is_no_file_is_not_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(&folder, 1 << 20, false);
    for segment in ["", "x", "..", "0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef.png"] {
        assert!(ask(&store, segment, &[]).await.is_none(), "{segment}");
    }
}
