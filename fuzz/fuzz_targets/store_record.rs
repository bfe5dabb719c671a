//! Records as the store reads them.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| koine_fuzz::store_record::run(data));
