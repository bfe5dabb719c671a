//! What outlives the process: the data directory and the storage engines in it.

pub mod engine;
pub mod lock;
