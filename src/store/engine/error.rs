//! What can go wrong with a store.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::{EngineKind, Space};

/// A storage failure. Its text is for the operator's log, never for the wire.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    /// The operating system refused.
    #[error("storage: {action} failed: {source}")]
    Io {
        /// What was being done.
        action: String,
        /// The refusal.
        source: Arc<io::Error>,
    },
    /// No space, or no quota, is left on the disk.
    #[error("storage: the disk is full: {action} failed: {source}; make room, then restart")]
    Full {
        /// What was being done.
        action: String,
        /// The refusal.
        source: Arc<io::Error>,
    },
    /// What is on the disk is not what was written there.
    #[error(
        "storage: the data is damaged: {detail}. Restore a backup; `koine store check` tells more, and `koine store \
         export --salvage` saves what can be read"
    )]
    Corrupt {
        /// What the engine found.
        detail: String,
    },
    /// The store lacks commits that had reached stable storage: a damaged tail, or an older copy.
    #[error(
        "storage: the {kind} store in {} ends at commit {stored}, but commit {recorded} had been made durable there: \
         its newest data is damaged, or the files are an older copy. Restore the directory from a backup; or save what \
         is left with `koine store export --salvage`; or, to go on without the lost commits, write the word `accept` \
         into {}",
        .directory.display(), .directory.join("position").display()
    )]
    Behind {
        /// The engine.
        kind: EngineKind,
        /// The engine's folder.
        directory: PathBuf,
        /// The last commit in the store.
        stored: u64,
        /// The last commit in the position file.
        recorded: u64,
    },
    /// There is data, and no usable position file that would tell whether it is complete.
    #[error(
        "storage: the position file {} is {fault}, so whether the {kind} store is complete cannot be told. Restore the \
         directory from a backup; or see what is there with `koine store check` and, to take it as it is, write the \
         word `accept` into that file",
        .directory.join("position").display()
    )]
    Unverified {
        /// The engine.
        kind: EngineKind,
        /// The engine's folder.
        directory: PathBuf,
        /// "missing" or "damaged".
        fault: &'static str,
    },
    /// The data directory holds another engine's data.
    #[error(
        "storage: {} holds the data of {found}, not of {asked}: a data directory belongs to one engine; \
         choose {found}, or \
         another directory (`koine store export` and `import` move data from one engine to the other)", .directory.display()
    )]
    OtherEngine {
        /// The data directory.
        directory: PathBuf,
        /// Whose data it holds.
        found: EngineKind,
        /// Which engine was asked for.
        asked: EngineKind,
    },
    /// Someone else has the engine's files open.
    #[error("storage: the {kind} store in {} is open in another process", .directory.display())]
    Locked {
        /// The engine.
        kind: EngineKind,
        /// The engine's folder.
        directory: PathBuf,
    },
    /// A key or a value is over its limit; nothing of its batch was written.
    #[error("storage: a {what} of {bytes} bytes for space {space} is over the limit of {limit}")]
    TooLarge {
        /// The space it was meant for.
        space: Space,
        /// "key" or "value".
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A key has no bytes; nothing of its batch was written.
    #[error("storage: an empty key for space {space}")]
    EmptyKey {
        /// The space it was meant for.
        space: Space,
    },
    /// An earlier write failed: nothing is acknowledged any more until the store is opened anew.
    #[error("storage: no more writes since an earlier failure ({reason}); restart to recover")]
    Poisoned {
        /// The earlier failure.
        reason: String,
    },
}

impl EngineError {
    /// An error of the operating system while doing something.
    pub(super) fn io(action: impl Into<String>, source: io::Error) -> Self {
        let (action, kind, source) = (action.into(), source.kind(), Arc::new(source));
        match kind {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { action, source },
            _ => Self::Io { action, source },
        }
    }

    /// What is wrong, without what to do about it.
    pub fn cause(&self) -> String {
        match self {
            Self::Corrupt { detail } => detail.clone(),
            other => other.to_string(),
        }
    }

    /// Data that fails a check.
    pub(super) fn corrupt(detail: impl Into<String>) -> Self {
        Self::Corrupt { detail: detail.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_other_refusals() {
        let full = EngineError::io("writing", io::ErrorKind::StorageFull.into());
        assert!(matches!(full, EngineError::Full { .. }));
        let denied = EngineError::io("writing", io::ErrorKind::PermissionDenied.into());
        assert!(matches!(denied, EngineError::Io { .. }));
    }
}
