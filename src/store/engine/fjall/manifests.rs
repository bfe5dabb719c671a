//! The manifests of fjall's spaces, looked at before fjall does.
//!
//! A space's `current` names its manifest, with a checksum that fjall writes and does not compare. On a damaged
//! manifest it may end the process (a panic while another one unwinds), or take tables for left-overs and remove them;
//! a space without `current` it takes for one that was never finished, and removes.

use std::fs;
use std::io;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_128;

use crate::store::engine::EngineError;

/// Refuses a store whose manifests are not as they were written.
pub(super) fn verify(directory: &Path) -> Result<(), EngineError> {
    let failed = |path: &Path, error| EngineError::io(format!("reading {}", path.display()), error);
    let spaces = directory.join("keyspaces");
    let entries = match fs::read_dir(&spaces) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|error| failed(&spaces, error))?,
    };
    for entry in entries {
        let space = entry.map_err(|error| failed(&spaces, error))?.path();
        if space.is_dir() {
            let fault = fault(&space).map_err(|error| failed(&space, error))?;
            if let Some(fault) = fault {
                return Err(EngineError::corrupt(format!("{fault} in {}", space.display())));
            }
        }
    }
    Ok(())
}

/// What is wrong with a space's manifest.
fn fault(space: &Path) -> io::Result<Option<&'static str>> {
    let current = match fs::read(space.join("current")) {
        Ok(current) => current,
        // A space whose making was cut short is made again; one with tables has lost the file.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let tables = space.join("tables");
            let lost = tables.is_dir() && fs::read_dir(&tables)?.next().is_some();
            return Ok(lost.then_some("the name of the manifest is missing"));
        }
        Err(error) => return Err(error),
    };
    let Some((version, checksum)) = read(&current) else { return Ok(Some("the name of the manifest is damaged")) };
    match fs::read(space.join(format!("v{version}"))) {
        Ok(manifest) if xxh3_128(&manifest) == checksum => Ok(None),
        Ok(_) => Ok(Some("the manifest is damaged")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some("the manifest is missing")),
        Err(error) => Err(error),
    }
}

/// The manifest's number and checksum: little-endian, 8 and 16 bytes, then the checksum's kind, 0 for XXH3.
fn read(current: &[u8]) -> Option<(u64, u128)> {
    let (version, rest) = current.split_first_chunk::<8>()?;
    let (checksum, rest) = rest.split_first_chunk::<16>()?;
    (rest == [0]).then_some((u64::from_le_bytes(*version), u128::from_le_bytes(*checksum)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::engine::{Batch, Durability, EngineKind, Space, open};

    fn refusal(tamper: impl FnOnce(&Path)) -> Option<String> {
        let directory = tempfile::tempdir().unwrap();
        let engine = open(EngineKind::Fjall, directory.path(), 1 << 20).unwrap();
        let mut batch = Batch::new();
        batch.put(Space::fixed("log"), "key", "value");
        engine.commit(batch, Durability::Sync).unwrap();
        drop(engine);
        tamper(&directory.path().join("fjall/keyspaces/2"));
        open(EngineKind::Fjall, directory.path(), 1 << 20).err().map(|error| error.to_string())
    }

    fn flip(file: &Path, at: usize) {
        let mut bytes = fs::read(file).unwrap();
        bytes[at] ^= 1;
        fs::write(file, bytes).unwrap();
    }

    #[test]
    fn a_whole_manifest_is_taken() {
        assert_eq!(refusal(|_| ()), None);
    }

    #[test]
    fn a_flipped_bit_in_a_manifest_or_its_name_is_refused() {
        for at in (0..300).step_by(23) {
            let refused = refusal(|space| flip(&space.join("v0"), at)).unwrap();
            assert!(refused.contains("the manifest is damaged"), "{at}: {refused}");
        }
        for at in 0..25 {
            let refused = refusal(|space| flip(&space.join("current"), at)).unwrap();
            assert!(refused.contains("manifest is"), "{at}: {refused}");
        }
    }

    #[test]
    fn a_space_with_tables_that_lost_the_name_of_its_manifest_is_refused_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        let space = directory.path().join("keyspaces/2");
        fs::create_dir_all(space.join("tables")).unwrap();
        assert!(verify(directory.path()).is_ok(), "a space that was never finished");
        fs::write(space.join("tables/7"), "").unwrap();
        assert!(verify(directory.path()).unwrap_err().to_string().contains("is missing"));
    }
}
