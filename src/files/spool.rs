//! An upload on its way to disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use bytes::Bytes;
use md5::{Digest, Md5};

use super::kind;

/// A temporary file that is hashed while it is written, and deleted unless it is kept. Its methods
/// block: they are called from blocking threads.
pub(super) struct Spool {
    path: PathBuf,
    file: File,
    size: u64,
    first: Vec<u8>,
    md5: Md5,
    sha256: digest::Context,
    kept: bool,
}

/// What is known of the bytes once all are written.
pub(super) struct Spooled {
    pub(super) size: u64,
    pub(super) md5: [u8; 16],
    pub(super) sha256: [u8; 32],
    /// The first bytes, as many as tell what the file is.
    pub(super) first: Vec<u8>,
}

impl Spool {
    /// Makes the temporary file.
    pub(super) fn create(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        let sha256 = digest::Context::new(&digest::SHA256);
        Ok(Self { path, file, size: 0, first: Vec::new(), md5: Md5::new(), sha256, kept: false })
    }

    /// Writes pieces.
    pub(super) fn write(&mut self, pieces: &[Bytes]) -> io::Result<()> {
        for piece in pieces {
            let wanted = kind::SNIFFED.saturating_sub(self.first.len());
            self.first.extend(piece.iter().take(wanted));
            self.md5.update(piece);
            self.sha256.update(piece);
            self.file.write_all(piece)?;
            self.size += piece.len() as u64;
        }
        Ok(())
    }

    /// Makes the bytes durable and says what they are.
    pub(super) fn finish(&mut self) -> io::Result<Spooled> {
        self.file.sync_all()?;
        let hash = self.sha256.clone().finish();
        let sha256 = hash.as_ref().try_into().map_err(io::Error::other)?;
        let md5 = self.md5.clone().finalize().into();
        Ok(Spooled { size: self.size, md5, sha256, first: std::mem::take(&mut self.first) })
    }

    /// Moves the file to its place for good, making the folder, and makes that durable too.
    pub(super) fn keep(&mut self, place: &Path) -> io::Result<()> {
        if let Some(folder) = place.parent() {
            if !folder.exists() {
                fs::create_dir_all(folder)?;
                folder.parent().map_or(Ok(()), sync_folder)?;
            }
            fs::rename(&self.path, place)?;
            self.kept = true;
            sync_folder(folder)?;
        }
        Ok(())
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(%error, "a part of an upload could not be deleted; the next start does it");
        }
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
