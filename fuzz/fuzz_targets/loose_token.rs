//! auth-ack's lenient reader of tokens and message ids.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| koine_fuzz::loose_token::run(data));
