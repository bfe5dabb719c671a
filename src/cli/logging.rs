//! Where the log goes: to standard error, so that standard output is the commands' own.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// The engines tell of their housekeeping as if it were news; what `log` says of them wins over this.
const QUIETER: &str = "fjall=warn,lsm_tree=warn,sled=warn";

/// Starts logging as configured; the environment variable `RUST_LOG`, where set, wins over `log`.
pub(super) fn start(config: &Config) {
    let configured = format!("{QUIETER},{}", config.log);
    let filter = EnvFilter::try_from_default_env().or_else(|_| EnvFilter::try_new(configured)).unwrap_or_default();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // Fails only where a log has been started already, which then stays.
    let _ = match config.log_format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().try_init(),
    };
}
