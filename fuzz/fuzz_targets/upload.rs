//! The multipart path: forms and uploads.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| koine_fuzz::upload::run(data));
