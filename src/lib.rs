//! Koine: a chat gateway. Five kinds of legacy client, each with its own protocol, on one core.

pub mod auth;
pub mod bench;
pub mod cli;
mod complaint;
pub mod config;
mod descriptors;
pub mod dialects;
pub mod files;
pub mod gateway;
pub mod hub;
pub mod management;
mod receive;
pub mod server;
#[cfg(test)]
mod simulation;
pub mod store;

pub use server::Server;
