//! `koine store export` and `import`: everything in a store as lines of JSON, and back.
//!
//! The lines say what was said and by whom, not how an engine keeps it: whatever can be derived (handles, heads, ids on
//! auth-ack, lists of members, counts of files) is derived anew by an import. So a file moves data between engines, and
//! a salvaged one becomes a store that is whole in itself. The form is described in `docs/reliability.md`.

mod export;
mod import;
mod lines;
mod loader;
mod mend;
mod places;
mod salvage;
mod uploads;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

pub use export::{ExportOptions, export};
pub use import::{ImportSource, import};
pub use salvage::open_for_salvage;

use super::StoreError;
use super::check::Finding;
use super::engine::EngineError;

/// What was moved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many lines of each type there are.
    pub counts: BTreeMap<String, u64>,
    /// Whether the file was salvaged from a damaged store.
    pub salvaged: bool,
    /// What could not be read, or not be taken over; only when salvaging.
    pub lost: Vec<Finding>,
}

/// Why data was not moved.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// A file cannot be read or written.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Arc<io::Error>,
    },
    /// A line is not as it should be.
    #[error("line {line}: {what}")]
    Line {
        /// Its number, from 1.
        line: u64,
        /// What is wrong.
        what: String,
    },
    /// The file ends before its last line.
    #[error("the file is cut short after line {0}: its end is missing; export again, or fetch it again")]
    CutShort(u64),
    /// The file is not what was exported.
    #[error("the file is damaged: {0}; export again, or fetch it again")]
    Damaged(&'static str),
    /// There is data already.
    #[error("{} is not empty: it holds {found}; import into a new data directory", .directory.display())]
    NotEmpty {
        /// The data directory.
        directory: PathBuf,
        /// What it holds.
        found: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<EngineError> for TransferError {
    fn from(error: EngineError) -> Self {
        Self::Store(error.into())
    }
}

impl TransferError {
    fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source: Arc::new(source) }
    }
}
