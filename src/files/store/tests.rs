use futures_util::stream;

use super::*;
use crate::files::test_support::{by_tom, files_below, store, upload};

#[tokio::test]
async fn an_upload_is_hashed_named_and_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(&folder, 1_000, false);
    let record = upload(&store, "x/abc.txt", &[b"a", b"bc"]).await.expect("kept");
    let file = record.to_file("https://chat.example.org");
    assert_eq!(file.md5, "900150983cd24fb0d6963f7d28e17f72");
    assert_eq!(file.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!((file.name.as_str(), file.size), ("abc.txt", 3));
    assert_eq!(file.url, format!("https://chat.example.org/file/down/{}", file.id));
    assert_eq!(store.find(record.id).await, Ok(Some(record)));
}

#[tokio::test]
async fn the_same_bytes_lie_on_disk_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(&folder, 1_000, false);
    let first = upload(&store, "a", &[b"same"]).await.expect("kept");
    let second = upload(&store, "b", &[b"same"]).await.expect("kept");
    assert_ne!(first.id, second.id);
    assert_eq!(files_below(folder.path()), 1);
}

#[tokio::test]
async fn the_limit_holds_while_streaming_and_nothing_is_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(&folder, 10, false);
    assert!(upload(&store, "fits", &[b"0123456789"]).await.is_ok());
    let error = upload(&store, "a", &[b"01234567", b"89a"]).await.expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(files_below(folder.path()), 1);
}

#[tokio::test]
async fn what_the_quota_refuses_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = upload(&store(&folder, 10, true), "a", &[b"x"]).await.expect_err("no quota");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(files_below(folder.path()), 0);
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(&folder, 10, false);
    let pieces = stream::iter([Ok(Bytes::from_static(b"half")), Err(Error::bad_request("cut"))]);
    assert!(store.receive(by_tom("a"), pieces).await.is_err());
    assert_eq!(files_below(folder.path()), 0);
}

#[tokio::test]
async fn a_disk_with_too_little_room_refuses_uploads() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = Arc::new(crate::files::test_support::MemoryIndex::default());
    let store = FileStore::open(folder.path(), index, 10, u64::MAX).expect("a store");
    let error = upload(&store, "a", &[b"x"]).await.expect_err("no room");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn what_a_crash_left_is_deleted_at_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(store(&folder, 10, false));
    std::fs::write(folder.path().join("files/tmp/part"), b"x").expect("written");
    drop(store(&folder, 10, false));
    assert_eq!(files_below(folder.path()), 0);
}
