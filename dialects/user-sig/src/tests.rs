//! Tests of the crate as a whole; what concerns one file alone is tested there.

mod arbitrary;
mod errors;
mod events;
mod http;
mod sample;
mod session;
