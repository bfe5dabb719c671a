//! Taking uploads in.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::rand;
use bytes::Bytes;
use futures_util::Stream;
use futures_util::StreamExt;
use koine_core::{Error, ErrorKind, FileId, Timestamp, UserRef};

use super::index::hexadecimal;
use super::spool::{Spool, Spooled};
use super::{FileIndex, FileReader, FileRecord, disk, kind, name};
use crate::gateway::gates::Gates;

/// Pieces are handed to the disk when they are this long together, in bytes.
const BATCH: usize = 256 << 10;

/// The files on disk and the index of them. Cheap to clone.
#[derive(Clone)]
pub struct FileStore {
    inner: Arc<Inner>,
}

struct Inner {
    folder: PathBuf,
    index: Arc<dyn FileIndex>,
    largest: u64,
    min_free: u64,
    contents: Gates<[u8; 32]>,
}

/// An upload as it comes in.
pub(crate) struct Upload<'a> {
    /// The name it was given by its uploader.
    pub(crate) name: &'a str,
    /// Who uploads it.
    pub(crate) owner: UserRef,
    /// When.
    pub(crate) now: Timestamp,
}

impl FileStore {
    /// Opens the files below the data directory, and deletes the parts of uploads that a crash left.
    /// `largest` is the largest file, `min_free` how much must be free on disk, both in bytes. Blocking.
    pub fn open(data: &Path, index: Arc<dyn FileIndex>, largest: u64, min_free: u64) -> io::Result<Self> {
        let folder = data.join("files");
        let parts = folder.join("tmp");
        match std::fs::remove_dir_all(&parts) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => std::fs::create_dir_all(&parts)?,
        }
        let inner = Inner { folder, index, largest, min_free, contents: Gates::default() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The largest file, in bytes.
    pub(crate) fn largest(&self) -> u64 {
        self.inner.largest
    }

    /// Looks an upload up.
    pub(crate) async fn find(&self, id: FileId) -> Result<Option<FileRecord>, Error> {
        self.inner.index.find(id).await
    }

    /// Opens the bytes of an upload for reading, from `first` on for `length`.
    pub(crate) async fn read(&self, record: &FileRecord, first: u64, length: u64) -> io::Result<FileReader> {
        FileReader::open(&self.place(&record.sha256), first, length).await
    }

    /// Streams an upload to disk. Nothing is left of one that fails or is given up.
    ///
    /// # Errors
    /// `TooLarge` above the limit or the quota, `Unavailable` where the disk is full or broken, and
    /// whatever error the stream of bytes ends with.
    pub(crate) async fn receive(
        &self,
        upload: Upload<'_>,
        mut bytes: impl Stream<Item = Result<Bytes, Error>> + Unpin,
    ) -> Result<FileRecord, Error> {
        let folder = self.inner.folder.clone();
        let (min_free, largest) = (self.inner.min_free, self.inner.largest);
        let id = FileId::new(u128::from_be_bytes(random()?));
        let part = folder.join("tmp").join(id.to_string());
        let mut spool = blocking(move || {
            if disk::free_space(&folder)? < min_free {
                return Err(io::ErrorKind::StorageFull.into());
            }
            Spool::create(part)
        })
        .await?;

        let mut size = 0_u64;
        let mut batch = Vec::new();
        let mut batched = 0;
        while let Some(piece) = bytes.next().await {
            let piece = piece?;
            size = size.saturating_add(piece.len() as u64);
            if size > largest {
                return Err(ErrorKind::TooLarge.into());
            }
            batched += piece.len();
            batch.push(piece);
            if batched >= BATCH {
                spool = write(spool, std::mem::take(&mut batch)).await?;
                batched = 0;
            }
        }
        spool = write(spool, batch).await?;
        let (spool, spooled) = blocking(move || spool.finish().map(|spooled| (spool, spooled))).await?;
        self.keep(spool, spooled, id, upload).await
    }

    async fn keep(
        &self,
        mut spool: Spool,
        spooled: Spooled,
        id: FileId,
        upload: Upload<'_>,
    ) -> Result<FileRecord, Error> {
        let name = name::clean(upload.name);
        let record = FileRecord {
            id,
            size: spooled.size,
            md5: spooled.md5,
            sha256: spooled.sha256,
            media_type: kind::media_type(&spooled.first, &name).to_owned(),
            name,
            owner: upload.owner,
            created: upload.now,
        };
        // One at a time per content, so that bytes which the index refuses can be deleted again
        // without taking them from somebody else.
        let _turn = self.inner.contents.enter(record.sha256).await;
        let place = self.place(&record.sha256);
        let kept_at = place.clone();
        let new = blocking(move || {
            let new = !kept_at.exists();
            if new { spool.keep(&kept_at).map(|()| new) } else { Ok(new) }
        })
        .await?;
        let added = self.inner.index.add(record.clone()).await;
        if added.is_err() && new {
            blocking(move || std::fs::remove_file(place)).await?;
        }
        added.map(|()| record)
    }

    fn place(&self, sha256: &[u8; 32]) -> PathBuf {
        let digits = hexadecimal(sha256);
        let (folder, _) = digits.split_at_checked(2).unwrap_or_default();
        self.inner.folder.join(folder).join(&digits)
    }
}

impl std::fmt::Debug for FileStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileStore").field("folder", &self.inner.folder).finish_non_exhaustive()
    }
}

async fn write(mut spool: Spool, batch: Vec<Bytes>) -> Result<Spool, Error> {
    blocking(move || spool.write(&batch).map(|()| spool)).await
}

/// Runs disk work off the async threads. What the disk says is logged, not shown.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => {
            tracing::error!(%error, "an uploaded file could not be written");
            Err(ErrorKind::Unavailable.into())
        }
        Err(_) => Err(Error::internal()),
    }
}

fn random() -> Result<[u8; 16], Error> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| Error::internal())?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
