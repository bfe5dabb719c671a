//! The codec runner: transcripts through the pure dialect crates, on a virtual clock, with a model of the
//! hub between them.

mod connection;
mod describe;
mod events;
mod facts;
pub(crate) mod http;
mod model;
mod names;
pub(crate) mod options;
mod requests;
mod runner;

pub(crate) use runner::run;
