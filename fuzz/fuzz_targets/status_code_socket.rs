//! status-code, over WebSocket.

#![no_main]

use koine::config::DialectName;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| koine_fuzz::socket::run(DialectName::StatusCode, data));
