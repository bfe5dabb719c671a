//! `koine store check`: whether a store is what it was meant to be.
//!
//! Every space is walked once, in portions, so that memory does not grow with the store. Each record is decoded and
//! compared with what other records say of the same thing; then the whole is compared with the engine's tally, which
//! notices what is missing everywhere at once. Nothing is changed, but that what a process that was ended had committed
//! and not written yet is written first, as it is by every start.

mod conversations;
mod files;
mod findings;
mod indexes;
mod log;
mod members;
mod meta;
mod names;
mod people;
mod requests;
mod walk;

#[cfg(test)]
mod damage;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use findings::{Finding, Report};
pub(in crate::store) use names::key as key_name;

use super::engine::Engine;
use super::progress::Progress;
use walk::Checker;

/// Looks at everything in a store. `data` is its data directory, if the bytes of uploaded files are to be looked for
/// there. At most `cap` findings are kept; the rest is only counted.
pub fn check(engine: &dyn Engine, data: Option<&Path>, cap: usize, progress: &mut dyn Progress) -> Report {
    let mut checker = Checker::new(engine, cap, progress);
    checker.catch_up();
    checker.meta();
    checker.users();
    checker.handles();
    checker.tokens();
    checker.token_hashes();
    checker.friends();
    checker.blocks();
    checker.conversations();
    checker.pairs();
    checker.heads();
    checker.log();
    checker.places();
    checker.wire_ids();
    checker.keys();
    checker.chats();
    checker.chat_ids();
    checker.members();
    checker.reads();
    checker.requests();
    checker.request_indexes();
    checker.files(data);
    checker.whole();
    checker.finish()
}
