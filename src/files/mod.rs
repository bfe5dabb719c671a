//! Uploaded files: their bytes on disk, once per content, and what is known of each upload.
//!
//! The bytes lie in `files/<first two digits>/<sha-256>` of the data directory; what is known of an
//! upload (its random id, name, owner and so on) is kept by a [`FileIndex`].

mod disk;
mod index;
mod kind;
mod name;
mod range;
mod read;
mod serve;
mod spool;
mod store;

pub use disk::free_space;
pub use index::{FileIndex, FileRecord};
pub(crate) use read::FileReader;
pub(crate) use serve::serve;
pub use store::FileStore;
pub(crate) use store::Upload;
#[cfg(test)]
pub(crate) mod test_support;

/// A name as it is kept, what a file is taken for, and the header that carries the name; for `fuzz/`.
#[cfg(feature = "fuzzing")]
pub(crate) fn described(name: &str, first: &[u8]) -> (String, &'static str, String) {
    let kept = name::clean(name);
    let disposition = name::disposition("attachment", &kept);
    (kept.clone(), kind::media_type(first, &kept), disposition)
}
