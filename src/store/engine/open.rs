//! Opening the store of a data directory.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::fjall::FjallEngine;
use super::position::{PositionFile, Recorded};
use super::sled::SledEngine;
use super::{Engine, EngineError, files};

/// What an engine may use for its cache of blocks or pages, unless configured: 64 MiB.
pub const DEFAULT_CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// The engines there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// A log-structured merge tree; the default.
    #[default]
    Fjall,
    /// A log-structured tree of pages.
    Sled,
}

impl EngineKind {
    const ALL: [Self; 2] = [Self::Fjall, Self::Sled];

    /// The engine's name, which is also that of its folder.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fjall => "fjall",
            Self::Sled => "sled",
        }
    }

    /// A file without which the engine would take its folder for a new store.
    const fn marker(self) -> &'static str {
        match self {
            Self::Fjall => "version",
            Self::Sled => "db",
        }
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Opens the store in a data directory, or creates it; the engine's files lie in a folder of its name.
/// The caller holds the directory's lock. `cache_bytes` bounds the engine's cache, not its write buffers.
///
/// Errors: the directory holds another engine's data, the store is damaged or lacks commits that had been
/// made durable, or the operating system refuses.
pub fn open(kind: EngineKind, data_directory: &Path, cache_bytes: u64) -> Result<Arc<dyn Engine>, EngineError> {
    refuse_other_engine(kind, data_directory)?;
    let directory = data_directory.join(kind.name());
    let directory = directory.as_path();
    let recorded = last_recorded(kind, directory)?;
    match kind {
        EngineKind::Fjall => Ok(Arc::new(FjallEngine::open(directory, cache_bytes, recorded)?)),
        EngineKind::Sled => Ok(Arc::new(SledEngine::open(directory, cache_bytes, recorded)?)),
    }
}

fn refuse_other_engine(asked: EngineKind, directory: &Path) -> Result<(), EngineError> {
    for found in EngineKind::ALL.into_iter().filter(|found| *found != asked) {
        let folder = directory.join(found.name());
        let vacant = files::is_vacant(&folder)
            .map_err(|error| EngineError::io(format!("looking into {}", folder.display()), error))?;
        if !vacant {
            return Err(EngineError::OtherEngine { directory: directory.to_owned(), found, asked });
        }
    }
    Ok(())
}

/// What the store must not be behind of; `None` where the operator takes it as it is.
///
/// The position file of a new store is written before the engine's first file, so a store without one has
/// lost it.
fn last_recorded(kind: EngineKind, directory: &Path) -> Result<Option<u64>, EngineError> {
    let failed = |error| EngineError::io(format!("creating {}", directory.display()), error);
    let unverified = |fault| EngineError::Unverified { kind, directory: directory.to_owned(), fault };
    let has_data = directory.join(kind.marker()).exists();
    let position = PositionFile::new(directory);
    match position.read()? {
        Recorded::At(recorded) if recorded > 0 && !has_data => {
            Err(EngineError::Behind { kind, directory: directory.to_owned(), stored: 0, recorded })
        }
        Recorded::At(recorded) => Ok(Some(recorded)),
        Recorded::Accept => Ok(None),
        Recorded::Damaged => Err(unverified("damaged")),
        Recorded::Missing if has_data => Err(unverified("missing")),
        Recorded::Missing => {
            files::create_private(directory).map_err(failed)?;
            position.write(0)?;
            Ok(Some(0))
        }
    }
}

/// Compares the last commit of an opened store with what was recorded.
pub(super) fn verify(
    kind: EngineKind,
    directory: &Path,
    recorded: Option<u64>,
    stored: u64,
) -> Result<(), EngineError> {
    match recorded {
        Some(recorded) if stored < recorded => {
            Err(EngineError::Behind { kind, directory: directory.to_owned(), stored, recorded })
        }
        Some(_) => Ok(()),
        None => {
            tracing::warn!(engine = %kind, commit = stored, "the store is taken as it is, as its position file asks");
            PositionFile::new(directory).write(stored)
        }
    }
}
