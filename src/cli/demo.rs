//! The data directory of `--demo`: a temporary one, gone with the process.

use std::path::Path;

/// A directory that is removed when it is dropped.
#[derive(Debug)]
pub(super) struct DemoDirectory(tempfile::TempDir);

impl DemoDirectory {
    /// Makes one for this user alone.
    pub(super) fn make() -> std::io::Result<Self> {
        tempfile::Builder::new().prefix("koine-demo-").tempdir().map(Self)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }
}
