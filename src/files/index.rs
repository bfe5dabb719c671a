//! What is known of each upload.

use koine_core::{File, FileId, Timestamp, UserRef};

use crate::auth::Lookup;

/// Keeps what is known of each upload, and who may keep how much.
pub trait FileIndex: Send + Sync {
    /// Adds an upload, durably.
    ///
    /// # Errors
    /// `TooLarge` where the owner's or everybody's quota is used up.
    fn add(&self, record: FileRecord) -> Lookup<'_, ()>;

    /// Looks an upload up.
    fn find(&self, id: FileId) -> Lookup<'_, Option<FileRecord>>;
}

/// What is known of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    /// Its random id.
    pub id: FileId,
    /// The name it was uploaded under, without folders and control characters.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// MD5 of its bytes.
    pub md5: [u8; 16],
    /// SHA-256 of its bytes; uploads with the same one share their bytes on disk.
    pub sha256: [u8; 32],
    /// Its media type, as far as its bytes and its name's ending tell.
    pub media_type: String,
    /// Who uploaded it.
    pub owner: UserRef,
    /// When.
    pub created: Timestamp,
}

impl FileRecord {
    /// The upload as dialects show it. `base` is the gateway's public address without a slash at its
    /// end, or empty.
    pub fn to_file(&self, base: &str) -> File {
        File {
            id: self.id,
            md5: hexadecimal(&self.md5),
            sha256: hexadecimal(&self.sha256),
            name: self.name.clone(),
            size: self.size,
            media_type: self.media_type.clone(),
            created: self.created,
            owner: self.owner.clone(),
            url: format!("{base}/file/down/{}", self.id),
        }
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
