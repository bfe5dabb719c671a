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

/// What a store's last commit has to be for the store to be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// This one or a later one: the position file says so.
    AtLeast(u64),
    /// Whatever it is, and that is recorded: the operator said so.
    Accept,
    /// Whatever it is, without a word about it in the position file: somebody only looks.
    Look,
}

/// Opens the store in a data directory, or creates it; the engine's files lie in a folder of its name.
/// The caller holds the directory's lock. `cache_bytes` bounds the engine's cache, not its write buffers.
///
/// Errors: the directory holds another engine's data, the store is damaged or lacks commits that had been
/// made durable, or the operating system refuses.
pub fn open(kind: EngineKind, data_directory: &Path, cache_bytes: u64) -> Result<Arc<dyn Engine>, EngineError> {
    refuse_other_engine(kind, data_directory)?;
    let directory = data_directory.join(kind.name());
    let trust = trust(kind, &directory)?;
    start(kind, &directory, cache_bytes, trust)
}

/// Opens a store there is, even one that [`open`] refuses because commits are missing, to look at it: that refusal
/// is told beside the engine, and [`open`] goes on refusing. Nothing is to be committed.
///
/// Errors: as [`open`]'s, where nothing can be looked at.
pub fn open_as_it_is(
    kind: EngineKind,
    data_directory: &Path,
    cache_bytes: u64,
) -> Result<(Arc<dyn Engine>, Option<EngineError>), EngineError> {
    refuse_other_engine(kind, data_directory)?;
    let directory = data_directory.join(kind.name());
    if !directory.join(kind.marker()).exists() {
        let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(EngineError::io(format!("opening the {kind} store in {}", directory.display()), missing));
    }
    let trust = trust(kind, &directory);
    let engine = start(kind, &directory, cache_bytes, Trust::Look)?;
    let complaint = match trust {
        Ok(Trust::AtLeast(recorded)) => behind(kind, &directory, recorded, engine.mark().position).err(),
        Ok(Trust::Accept | Trust::Look) => None,
        Err(error) => Some(error),
    };
    Ok((engine, complaint))
}

fn start(kind: EngineKind, directory: &Path, cache: u64, trust: Trust) -> Result<Arc<dyn Engine>, EngineError> {
    match kind {
        EngineKind::Fjall => Ok(Arc::new(FjallEngine::open(directory, cache, trust)?)),
        EngineKind::Sled => Ok(Arc::new(SledEngine::open(directory, cache, trust)?)),
    }
}

/// The engine whose data a directory holds, if it holds any.
pub fn found_in(data_directory: &Path) -> Option<EngineKind> {
    EngineKind::ALL.into_iter().find(|kind| data_directory.join(kind.name()).join(kind.marker()).exists())
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

/// What the position file asks for.
///
/// The position file of a new store is written before the engine's first file, so a store without one has
/// lost it.
fn trust(kind: EngineKind, directory: &Path) -> Result<Trust, EngineError> {
    let failed = |error| EngineError::io(format!("creating {}", directory.display()), error);
    let unverified = |fault| EngineError::Unverified { kind, directory: directory.to_owned(), fault };
    let has_data = directory.join(kind.marker()).exists();
    let position = PositionFile::new(directory);
    match position.read()? {
        Recorded::At(recorded) if !has_data => behind(kind, directory, recorded, 0).map(|()| Trust::AtLeast(recorded)),
        Recorded::At(recorded) => Ok(Trust::AtLeast(recorded)),
        Recorded::Accept => Ok(Trust::Accept),
        Recorded::Damaged => Err(unverified("damaged")),
        Recorded::Missing if has_data => Err(unverified("missing")),
        Recorded::Missing => {
            files::create_private(directory).map_err(failed)?;
            position.write(0)?;
            Ok(Trust::AtLeast(0))
        }
    }
}

fn behind(kind: EngineKind, directory: &Path, recorded: u64, stored: u64) -> Result<(), EngineError> {
    if stored < recorded {
        return Err(EngineError::Behind { kind, directory: directory.to_owned(), stored, recorded });
    }
    Ok(())
}

/// Compares the last commit of an opened store with what is asked for; the commit that the position file knows of.
pub(super) fn verify(kind: EngineKind, directory: &Path, trust: Trust, stored: u64) -> Result<u64, EngineError> {
    match trust {
        Trust::AtLeast(recorded) => behind(kind, directory, recorded, stored).map(|()| recorded),
        Trust::Accept => {
            tracing::warn!(engine = %kind, commit = stored, "the store is taken as it is, as its position file asks");
            PositionFile::new(directory).write(stored)?;
            Ok(stored)
        }
        Trust::Look => Ok(stored),
    }
}
