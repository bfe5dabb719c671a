//! Opening a store that its engine refuses, to read what is left of it.
//!
//! Nothing is done to the store itself: a copy is made beside it and changed until the engine takes it. fjall refuses a
//! journal with a damaged batch in it, so the journal is cut before that batch; what later batches did is lost. sled
//! refuses the state it left when it was closed once anything does not fit it, so the copy does without that state, and
//! sled reads its log as far as it goes.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use super::TransferError;
use crate::store::engine::{self, Engine, EngineError, EngineKind};

/// A store to read from, with what the engine says of it. The copy, if one was made, goes with it.
pub struct Salvaged {
    /// The store.
    pub engine: Arc<dyn Engine>,
    /// What the engine complained of.
    pub complaint: Option<EngineError>,
    _copy: Option<TempDir>,
}

/// Opens a store as far as it can be opened. A copy needs as much room as the journal (fjall) or the store (sled).
///
/// Errors: there is no store, or no part of it can be opened.
pub fn open_for_salvage(kind: EngineKind, data: &Path, cache: u64) -> Result<Salvaged, TransferError> {
    let refused = match engine::open_as_it_is(kind, data, cache) {
        Ok((engine, complaint)) => return Ok(Salvaged { engine, complaint, _copy: None }),
        Err(refused @ EngineError::Corrupt { .. }) => refused,
        Err(error) => return Err(error.into()),
    };
    let copy = tempfile::Builder::new().prefix("salvage-").tempdir_in(data).map_err(TransferError::file(data))?;
    let failed = |error| TransferError::file(copy.path())(error);
    copy_store(&data.join(kind.name()), &copy.path().join(kind.name()), kind).map_err(failed)?;
    let engine = match kind {
        EngineKind::Fjall => cut_journal(copy.path(), data, cache, &refused)?,
        EngineKind::Sled => engine::open_as_it_is(kind, copy.path(), cache).map_err(|_| refused.clone())?.0,
    };
    Ok(Salvaged { engine, complaint: Some(refused), _copy: Some(copy) })
}

/// Copies what the engine changes and links what it does not.
fn copy_store(from: &Path, to: &Path, kind: EngineKind) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy_store(&source, &target, kind)?;
        } else if kind == EngineKind::Sled && source.file_stem().is_some_and(|stem| stem == "snap") {
            // What sled left when it was closed: it does without.
        } else if kind == EngineKind::Fjall && !is_changed_in_place(&source) {
            // fjall writes tables and manifests once; it replaces and removes them by name.
            fs::hard_link(&source, &target)?;
        } else {
            copy_sparse(&source, &target)?;
        }
    }
    Ok(())
}

/// Whether fjall writes into a file: journals and the lock. All others it writes once.
fn is_changed_in_place(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "jnl") || path.file_name().is_some_and(|name| name == "lock")
}

/// Copies a file without its zeros: journals are made larger than what is in them.
fn copy_sparse(from: &Path, to: &Path) -> io::Result<()> {
    use std::io::{Read, Seek, SeekFrom, Write};
    let (mut source, mut target) = (File::open(from)?, File::create(to)?);
    target.set_len(source.metadata()?.len())?;
    let mut block = vec![0; 1 << 16];
    loop {
        let length = source.read(&mut block)?;
        let Some(read) = block.get(..length).filter(|read| !read.is_empty()) else { return target.sync_all() };
        if read.iter().all(|byte| *byte == 0) {
            target.seek(SeekFrom::Current(i64::try_from(length).unwrap_or(i64::MAX)))?;
        } else {
            target.write_all(read)?;
        }
    }
}

/// Cuts the newest journal of a copy as far back as needed for fjall to take it.
fn cut_journal(copy: &Path, data: &Path, cache: u64, refused: &EngineError) -> Result<Arc<dyn Engine>, TransferError> {
    let folder = copy.join(EngineKind::Fjall.name());
    let failed = |error| TransferError::file(copy)(error);
    let Some(journal) = newest_journal(&folder).map_err(failed)? else { return Err(refused.clone().into()) };
    let original = data.join(EngineKind::Fjall.name()).join(journal.file_name().unwrap_or_default());
    let open = |length: u64| -> Result<Option<Arc<dyn Engine>>, TransferError> {
        // Each attempt from the whole journal: fjall cuts it, too.
        copy_sparse(&original, &journal).map_err(failed)?;
        OpenOptions::new().write(true).open(&journal).and_then(|file| file.set_len(length)).map_err(failed)?;
        Ok(engine::open_as_it_is(EngineKind::Fjall, copy, cache).ok().map(|(engine, _)| engine))
    };
    // The longest beginning that is taken: beginnings before the damage are, longer ones are not.
    let (mut taken, mut not) = (0, fs::metadata(&original).map_err(failed)?.len());
    if open(taken)?.is_none() {
        return Err(refused.clone().into());
    }
    while not - taken > 1 {
        let middle = taken + (not - taken) / 2;
        if open(middle)?.is_some() { taken = middle } else { not = middle }
    }
    open(taken)?.ok_or_else(|| refused.clone().into())
}

fn newest_journal(folder: &Path) -> io::Result<Option<PathBuf>> {
    let mut newest = None;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let number = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".jnl")?.parse::<u64>().ok());
        if let Some(number) = number {
            newest = newest.max(Some((number, path)));
        }
    }
    Ok(newest.map(|(_, path)| path))
}
