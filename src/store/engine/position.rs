//! The position file: the last commit that is known to have reached stable storage.
//!
//! An engine whose log has a damaged tail may open without a word, at an earlier commit or empty. The number
//! of the last commit is therefore kept twice: inside every batch, and in this small file, which is replaced
//! at most once a second, always after a sync. So the file may lag behind the store and never be ahead of it,
//! unless the store has lost something. Its content is one line, the number and its complement:
//!
//! ```text
//! 41 ffffffffffffffd6
//! ```
//!
//! An operator who wants a store as it is, whatever it lost, writes the word `accept` there instead.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{EngineError, files};

/// The file inside an engine's folder.
#[derive(Debug)]
pub(super) struct PositionFile {
    directory: PathBuf,
}

/// What the file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recorded {
    /// There is no such file.
    Missing,
    /// It cannot be understood.
    Damaged,
    /// The operator takes the store as it is.
    Accept,
    /// The last commit known to be durable.
    At(u64),
}

impl PositionFile {
    pub(super) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    pub(super) fn read(&self) -> Result<Recorded, EngineError> {
        match fs::read(self.path()) {
            Ok(bytes) => Ok(parse(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Recorded::Missing),
            Err(error) => Err(self.failed("reading", error)),
        }
    }

    /// Replaces the file in one step and makes that durable.
    pub(super) fn write(&self, position: u64) -> Result<(), EngineError> {
        self.replace(position).map_err(|error| self.failed("writing", error))
    }

    fn replace(&self, position: u64) -> io::Result<()> {
        let fresh = self.directory.join("position.new");
        let mut file = File::create(&fresh)?;
        file.write_all(render(position).as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, self.path())?;
        files::sync_directory(&self.directory)
    }

    fn path(&self) -> PathBuf {
        self.directory.join("position")
    }

    fn failed(&self, doing: &str, error: io::Error) -> EngineError {
        EngineError::io(format!("{doing} {}", self.path().display()), error)
    }
}

fn render(position: u64) -> String {
    format!("{position} {:016x}\n", !position)
}

fn parse(bytes: &[u8]) -> Recorded {
    let text = str::from_utf8(bytes).unwrap_or_default().trim();
    if text == "accept" {
        return Recorded::Accept;
    }
    let number = text.split_once(' ').and_then(|(number, complement)| {
        let number = number.parse::<u64>().ok()?;
        (u64::from_str_radix(complement, 16).ok()? == !number).then_some(number)
    });
    number.map_or(Recorded::Damaged, Recorded::At)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_back_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let file = PositionFile::new(directory.path());
        assert_eq!(file.read().unwrap(), Recorded::Missing);
        for position in [0, 41, u64::MAX] {
            file.write(position).unwrap();
            assert_eq!(file.read().unwrap(), Recorded::At(position));
        }
    }

    #[test]
    fn a_changed_or_cut_position_is_damaged() {
        let whole = render(41);
        for end in 0..whole.len() - 1 {
            assert_eq!(parse(&whole.as_bytes()[..end]), Recorded::Damaged, "cut at {end}");
        }
        assert_eq!(parse(whole.replace("41", "40").as_bytes()), Recorded::Damaged);
        assert_eq!(parse(b"\0\0\0\0"), Recorded::Damaged);
        assert_eq!(parse(b"\xff accept"), Recorded::Damaged);
    }

    #[test]
    fn the_word_accept_is_the_operators_own() {
        assert_eq!(parse(b"accept\n"), Recorded::Accept);
    }
}
