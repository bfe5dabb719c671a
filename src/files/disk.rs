//! How much room is left.

use std::io;
use std::path::Path;

/// The bytes that can still be written to the file system a path is on. Blocking, but quick.
pub fn free_space(path: &Path) -> io::Result<u64> {
    fs4::available_space(path)
}
