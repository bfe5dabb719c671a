//! The bytes of uploaded files: `files/<first two digits>/<SHA-256>` in the data directory.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;

use super::TransferError;
use crate::store::engine::create_private;

/// How many bytes one line carries at most: a multiple of three, so that no part needs padding.
const PART: usize = 192 * 1024;

/// Where the bytes of a content are.
pub(super) fn path(data: &Path, sha256: &str) -> PathBuf {
    data.join("files").join(sha256.get(..2).unwrap_or_default()).join(sha256)
}

/// Hands the bytes of a content to `each`, part by part, with their offset. An empty one has one part.
///
/// Errors: the file cannot be read or, once it has been handed on, turns out not to be what its name says.
pub(super) fn read(
    data: &Path,
    sha256: &str,
    mut each: impl FnMut(u64, &[u8]) -> Result<(), TransferError>,
) -> Result<(), TransferError> {
    let path = path(data, sha256);
    let mut file = File::open(&path).map_err(TransferError::file(&path))?;
    let (mut part, mut offset) = (Vec::with_capacity(PART), 0);
    let mut digest = digest::Context::new(&digest::SHA256);
    let limit = u64::try_from(PART).unwrap_or(u64::MAX);
    loop {
        part.clear();
        Read::by_ref(&mut file).take(limit).read_to_end(&mut part).map_err(TransferError::file(&path))?;
        digest.update(&part);
        if offset == 0 || !part.is_empty() {
            each(offset, &part)?;
        }
        if part.len() < PART {
            break;
        }
        offset += limit;
    }
    if HEXLOWER.encode(digest.finish().as_ref()) == sha256 {
        return Ok(());
    }
    Err(TransferError::file(&path)(std::io::Error::other("the bytes are not what the name, their SHA-256, says")))
}

/// A content that is being written.
pub(super) struct Upload {
    sha256: String,
    place: PathBuf,
    unfinished: PathBuf,
    file: File,
    written: u64,
    digest: digest::Context,
}

impl Upload {
    /// Begins to write a content.
    pub(super) fn begin(data: &Path, sha256: &str) -> Result<Self, TransferError> {
        let place = path(data, sha256);
        let folder = place.parent().unwrap_or(data);
        create_private(folder).map_err(TransferError::file(folder))?;
        let unfinished = place.with_extension("import");
        let file = File::create(&unfinished).map_err(TransferError::file(&unfinished))?;
        let digest = digest::Context::new(&digest::SHA256);
        Ok(Self { sha256: sha256.to_owned(), place, unfinished, file, written: 0, digest })
    }

    /// Its name.
    pub(super) fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Whether it is this content.
    pub(super) fn is_of(&self, sha256: &str) -> bool {
        self.sha256 == sha256
    }

    /// Writes a part; says what is wrong with it, if anything is.
    pub(super) fn part(&mut self, offset: u64, bytes: &[u8]) -> Result<Option<&'static str>, TransferError> {
        if offset != self.written {
            return Ok(Some("a part of an uploaded file is missing"));
        }
        self.digest.update(bytes);
        self.written += bytes.len() as u64;
        self.file.write_all(bytes).map_err(TransferError::file(&self.unfinished))?;
        Ok(None)
    }

    /// Puts the content into its place, if it is what its name says.
    pub(super) fn finish(self) -> Result<Option<&'static str>, TransferError> {
        if HEXLOWER.encode(self.digest.finish().as_ref()) != self.sha256 {
            fs::remove_file(&self.unfinished).map_err(TransferError::file(&self.unfinished))?;
            return Ok(Some("an uploaded file is not what its SHA-256 says"));
        }
        self.file.sync_all().map_err(TransferError::file(&self.unfinished))?;
        fs::rename(&self.unfinished, &self.place).map_err(TransferError::file(&self.place))?;
        Ok(None)
    }
}
