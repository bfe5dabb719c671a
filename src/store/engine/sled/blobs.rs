//! Pages that sled keeps outside its log, because they are too large for it. sled never syncs those files.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::store::engine::files;

/// The folder of those files. Each is named after the log position that refers to it, so new ones are those
/// with the greatest numbers.
pub(super) struct Blobs {
    directory: PathBuf,
    synced: Option<u64>,
}

impl Blobs {
    pub(super) fn new(store: &Path) -> Self {
        Self { directory: store.join("blobs"), synced: None }
    }

    /// Brings the files written since the last call to stable storage. Cheap when there are none: an empty
    /// folder is listed.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        let mut newest = self.synced;
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let number = entry.file_name().to_str().and_then(|name| name.parse::<u64>().ok());
            if number <= self.synced {
                continue;
            }
            match File::open(entry.path()) {
                Ok(file) => file.sync_data()?,
                // Replaced and removed meanwhile: whatever refers to it has been replaced, too.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            newest = newest.max(number);
        }
        if newest > self.synced {
            files::sync_directory(&self.directory)?;
            self.synced = newest;
        }
        Ok(())
    }
}
