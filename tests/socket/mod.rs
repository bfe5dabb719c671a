//! The socket runner: transcripts against a real gateway over real sockets.

mod client_tests;
pub(crate) mod gateway;
pub(crate) mod http;
pub(crate) mod management;
mod runner;
pub(crate) mod websocket;

use std::time::Duration;

pub(crate) use client_tests::trials;
pub(crate) use runner::{run, user_sig};

/// How long anything may take before a test fails. Long, because the machine may be busy; nothing
/// waits for it that comes in time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
