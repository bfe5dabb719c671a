//! What the tests of this folder share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::stream;
use koine_core::{Error, ErrorKind, FileId, Handle, Timestamp, UserId, UserRef};

use super::store::Upload;
use super::{FileIndex, FileRecord, FileStore};
use crate::auth::Lookup;

/// An index in memory that refuses what is beyond its quota.
#[derive(Default)]
pub(crate) struct MemoryIndex {
    pub(crate) records: Mutex<HashMap<FileId, FileRecord>>,
    pub(crate) full: bool,
}

impl FileIndex for MemoryIndex {
    fn add(&self, record: FileRecord) -> Lookup<'_, ()> {
        Box::pin(async move {
            if self.full {
                return Err(ErrorKind::TooLarge.into());
            }
            self.records.lock().expect("the lock").insert(record.id, record);
            Ok(())
        })
    }

    fn find(&self, id: FileId) -> Lookup<'_, Option<FileRecord>> {
        Box::pin(async move { Ok(self.records.lock().expect("the lock").get(&id).cloned()) })
    }
}

/// A store in a temporary folder with a limit of `largest` bytes.
pub(crate) fn store(folder: &tempfile::TempDir, largest: u64, full: bool) -> FileStore {
    let index = Arc::new(MemoryIndex { full, ..MemoryIndex::default() });
    FileStore::open(folder.path(), index, largest, 0).expect("a store")
}

/// Uploads pieces under a name.
pub(crate) async fn upload(store: &FileStore, name: &str, pieces: &[&[u8]]) -> Result<FileRecord, Error> {
    let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    store.receive(by_tom(name), stream::iter(pieces)).await
}

/// An upload of tom's.
pub(crate) fn by_tom(name: &str) -> Upload<'_> {
    let owner = UserRef { id: UserId::new(1), handle: Handle::new("tom").expect("a handle") };
    Upload { name, owner, now: Timestamp::from_millis(1) }
}

/// How many files lie below a folder of the store.
pub(crate) fn files_below(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { files_below(&entry.path()) } else { 1 }).sum()
}
