//! The data directory, and the lock that gives it to one process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::engine::create_private;

/// Why a data directory cannot be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("the data directory {} is in use by {}", .directory.display(), describe(*.holder))]
    Held {
        /// The data directory.
        directory: PathBuf,
        /// The process that has it, if it has written its id already.
        holder: Option<u32>,
    },
    /// The operating system refused.
    #[error("the data directory {} cannot be used: {source}", .directory.display())]
    Io {
        /// The data directory.
        directory: PathBuf,
        /// The refusal.
        source: Arc<io::Error>,
    },
}

/// A data directory that this process, and no other, works in. Dropping it, or dying, lets go of it.
///
/// The lock is advisory (`flock`) on the file `lock`, which holds the process id in decimal. The file stays
/// when the lock goes: removing it would let two processes lock two files of the same name.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    _lock: File,
}

impl DataDirectory {
    /// Takes the directory, creating it with mode 0700 where there is none; one that exists keeps its mode.
    ///
    /// Errors: another process (or another value of this type) has it, or the operating system refuses.
    pub fn take(path: &Path) -> Result<Self, LockError> {
        let failed = |error| LockError::Io { directory: path.to_owned(), source: Arc::new(error) };
        create_private(path).map_err(failed)?;
        let mut lock = open(&path.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held { directory: path.to_owned(), holder: read_holder(&mut lock) });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        write_holder(&mut lock).map_err(failed)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How much of its disk this process may still fill, in bytes.
    pub fn free_bytes(&self) -> io::Result<u64> {
        fs4::available_space(&self.path)
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn write_holder(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.seek(SeekFrom::Start(0))?;
    writeln!(lock, "{}", std::process::id())
}

fn read_holder(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn describe(holder: Option<u32>) -> String {
    holder.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_new_data_directory_is_its_owners_alone() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        let taken = DataDirectory::take(&path).unwrap();
        assert!(taken.free_bytes().unwrap() > 0);
        assert_eq!(fs::metadata(taken.path()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_second_holder_is_refused_and_told_who_has_it() {
        let directory = tempfile::tempdir().unwrap();
        let _first = DataDirectory::take(directory.path()).unwrap();
        let second = DataDirectory::take(directory.path()).unwrap_err();
        assert!(second.to_string().contains(&format!("in use by process {}", std::process::id())), "{second}");
    }

    #[test]
    fn a_directory_that_was_let_go_of_can_be_taken_again() {
        let directory = tempfile::tempdir().unwrap();
        drop(DataDirectory::take(directory.path()).unwrap());
        fs::write(directory.path().join("lock"), "4294967295 and something longer\n").unwrap();
        let _again = DataDirectory::take(directory.path()).unwrap();
        let holder = fs::read_to_string(directory.path().join("lock")).unwrap();
        assert_eq!(holder, format!("{}\n", std::process::id()));
    }

    #[test]
    fn a_path_that_is_a_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(matches!(DataDirectory::take(&file), Err(LockError::Io { .. })));
    }
}
