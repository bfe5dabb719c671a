//! Opening sled's files.

use std::fs::File;
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::blobs::Blobs;
use super::convert::{self, failed};
use super::redo::Redo;
use crate::store::engine::open::Trust;
use crate::store::engine::tally::Mark;
use crate::store::engine::{EngineError, EngineKind, files};

/// The log grows in steps of this. A page larger than a quarter of it is put into a file of its own: with
/// sled's default of 512 KiB that happens to any page with a few long messages, with 8 MiB hardly ever.
const SEGMENT_BYTES: usize = 8 * 1024 * 1024;

/// A store closed in this process may keep its file locked until sled's last thread has let go of it.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// sled writes while it recovers, and has left damage behind where the disk was full.
const MIN_FREE_BYTES: u64 = 64 * 1024 * 1024;

/// Opens or creates the tree. What it recovered is on stable storage when this returns: a commit that was
/// never acknowledged may be in it, and is acknowledged from now on by being found.
pub(super) fn open(directory: &Path, cache_bytes: u64) -> Result<sled::Db, EngineError> {
    let free = fs4::available_space(directory)
        .map_err(|error| EngineError::io(format!("asking for the free space of {}", directory.display()), error))?;
    refuse_full(free, directory)?;
    let config = sled::Config::new()
        .path(directory)
        .cache_capacity(cache_bytes)
        .segment_size(SEGMENT_BYTES)
        .flush_every_ms(None);
    let tree = unlocked(&config, directory)?;
    sync(&tree, directory)?;
    Ok(tree)
}

/// The mark of the last batch, which is whole then and on stable storage. Where the record of it is damaged, somebody
/// who only looks is shown what there is: `koine store check` tells what does not fit, and a salvage takes the rest.
pub(super) fn last(tree: &sled::Tree, directory: &Path, trust: Trust) -> Result<Mark, EngineError> {
    match finish(tree, directory) {
        Err(error @ EngineError::Corrupt { .. }) if trust == Trust::Look => {
            tracing::warn!(%error, "the last batch stays as it is");
            convert::mark(tree)
        }
        finished => finished,
    }
}

/// Does a batch again that is there in part.
fn finish(tree: &sled::Tree, directory: &Path) -> Result<Mark, EngineError> {
    let found = convert::mark(tree)?;
    Redo::finish(tree, found)?;
    let mark = convert::mark(tree)?;
    if mark != found {
        sync(tree, directory)?;
    }
    Ok(mark)
}

fn sync(tree: &sled::Tree, directory: &Path) -> Result<(), EngineError> {
    let action = || format!("syncing the sled store in {}", directory.display());
    tree.flush().map_err(|error| failed(action(), error))?;
    sync_files(directory).map_err(|error| EngineError::io(action(), error))
}

fn refuse_full(free: u64, directory: &Path) -> Result<(), EngineError> {
    if free >= MIN_FREE_BYTES {
        return Ok(());
    }
    let reason = format!("{free} bytes are free, recovery needs {MIN_FREE_BYTES}");
    let action = format!("opening the sled store in {}", directory.display());
    Err(EngineError::io(action, io::Error::new(io::ErrorKind::StorageFull, reason)))
}

fn unlocked(config: &sled::Config, directory: &Path) -> Result<sled::Db, EngineError> {
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        match config.open() {
            Ok(tree) => return Ok(tree),
            Err(sled::Error::Io(error)) if error.to_string().contains("could not acquire lock") => {
                if Instant::now() >= deadline {
                    return Err(EngineError::Locked { kind: EngineKind::Sled, directory: directory.to_owned() });
                }
                thread::sleep(Duration::from_millis(10));
            }
            Err(error) => return Err(failed(format!("opening the sled store in {}", directory.display()), error)),
        }
    }
}

fn sync_files(directory: &Path) -> io::Result<()> {
    Blobs::new(directory).sync()?;
    File::open(directory.join("db"))?.sync_all()?;
    File::open(directory.join("conf"))?.sync_all()?;
    files::sync_directory(directory)
}

#[cfg(test)]
mod tests {
    use super::super::key;
    use super::*;

    #[test]
    fn a_damaged_record_of_the_last_batch_is_refused_unless_somebody_only_looks() {
        let directory = tempfile::tempdir().unwrap();
        let tree = open(directory.path(), 8 << 20).unwrap();
        tree.insert(key::POSITION, Mark { position: 7, ..Mark::default() }.encode()).unwrap();
        for damaged in [&b"nonsense"[..], b""] {
            tree.insert(key::REDO, damaged).unwrap();
            for trust in [Trust::AtLeast(0), Trust::Accept] {
                assert!(matches!(last(&tree, directory.path(), trust), Err(EngineError::Corrupt { .. })), "{trust:?}");
            }
            assert_eq!(last(&tree, directory.path(), Trust::Look).unwrap().position, 7);
        }
    }

    #[test]
    fn a_store_on_a_nearly_full_disk_is_not_touched() {
        let refused = refuse_full(MIN_FREE_BYTES - 1, Path::new("data"));
        assert!(matches!(refused, Err(EngineError::Full { .. })));
        assert!(refuse_full(MIN_FREE_BYTES, Path::new("data")).is_ok());
    }
}
