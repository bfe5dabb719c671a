//! koine

pub mod store;
