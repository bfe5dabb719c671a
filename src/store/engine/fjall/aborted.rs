//! A store whose very first opening was cut short.
//!
//! fjall creates its journal, then its version file; started again in between, it trips over the one and
//! misses the other, every time. Nothing can have been committed by then.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use crate::store::engine::EngineError;
use crate::store::engine::open::Trust;

/// Removes the journal and the empty version file of such a store, so that it is created again. Touches
/// nothing where a commit is recorded, where the version file says something, or where anything is in the journal.
pub(super) fn clear(directory: &Path, trust: Trust) -> Result<(), EngineError> {
    if trust != Trust::AtLeast(0) {
        return Ok(());
    }
    let (version, journal) = (directory.join("version"), directory.join("0.jnl"));
    let cleared = is_blank(&version).and_then(|blank_version| {
        if blank_version && is_blank(&journal)? {
            remove(&version)?;
            remove(&journal)?;
        }
        Ok(())
    });
    cleared.map_err(|error| EngineError::io(format!("clearing the unfinished store in {}", directory.display()), error))
}

/// Whether a file is missing, empty, or starts with nothing but the zeros it was created with.
fn is_blank(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(4096).read_to_end(&mut start)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    Ok(start.iter().all(|byte| *byte == 0))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::engine::position::PositionFile;
    use crate::store::engine::{EngineKind, open};

    #[test]
    fn a_first_opening_that_was_cut_short_can_be_repeated() {
        for version in [None, Some("")] {
            let directory = tempfile::tempdir().unwrap();
            let folder = directory.path().join("fjall");
            fs::create_dir_all(folder.join("keyspaces")).unwrap();
            PositionFile::new(&folder).write(0).unwrap();
            fs::write(folder.join("lock"), "").unwrap();
            File::create(folder.join("0.jnl")).unwrap().set_len(1 << 26).unwrap();
            if let Some(version) = version {
                fs::write(folder.join("version"), version).unwrap();
            }
            let opened = open(EngineKind::Fjall, directory.path(), 1 << 20);
            assert!(opened.is_ok(), "{:?}", opened.err());
        }
    }

    #[test]
    fn a_journal_with_something_in_it_is_never_removed() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("0.jnl"), "something").unwrap();
        clear(directory.path(), Trust::AtLeast(0)).unwrap();
        assert!(directory.path().join("0.jnl").exists());
    }

    #[test]
    fn a_store_with_a_recorded_commit_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("0.jnl"), "").unwrap();
        clear(directory.path(), Trust::AtLeast(1)).unwrap();
        assert!(directory.path().join("0.jnl").exists());
    }
}
