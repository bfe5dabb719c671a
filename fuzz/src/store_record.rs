//! A record as the store reads it: one byte for the sort of record, then what was kept.

use koine::store::embedded::fuzzing::{SORTS, read};

/// Reads the record, and reads again what it would be written as.
pub fn run(data: &[u8]) {
    let Some((sort, bytes)) = data.split_first() else { return };
    let sort = sort % SORTS;
    if let Some(written) = read(sort, bytes) {
        let again = read(sort, &written).expect("what was written can be read");
        assert_eq!(again, written, "what is read is written as it was");
    }
}
