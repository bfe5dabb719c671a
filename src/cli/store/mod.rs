//! `koine store`: looking after a data directory's store while no gateway works in it.

mod bar;
mod check;
mod export;
mod import;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};

use super::arguments::Target;
use crate::config::Config;
use crate::store::engine::{self, EngineKind};
use crate::store::lock::{DataDirectory, LockError};

/// Look after a data directory's store: check it, write it out, make one anew.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  koine store check --data koine-data")]
pub(super) struct Store {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Check),
    Export(export::Export),
    Import(import::Import),
}

impl Store {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        match &self.command {
            Command::Check(check) => check.run(),
            Command::Export(export) => export.run(),
            Command::Import(import) => import.run(),
        }
    }
}

/// Which data directory.
#[derive(Debug, Args)]
struct Place {
    /// The data directory [default: the configured one, ./koine-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The configuration file [default: ./koine.toml if there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Place {
    fn configuration(&self) -> anyhow::Result<Config> {
        let target = Target { data: self.data.clone(), config: self.config.clone(), ..Target::default() };
        Ok(target.load()?.config().clone())
    }

    /// Takes a data directory that holds a store, and says of which engine.
    fn take(&self) -> anyhow::Result<(DataDirectory, EngineKind, Config)> {
        let config = self.configuration()?;
        let data = &config.data;
        let Some(kind) = engine::found_in(data) else {
            bail!("there is no store in {}; name its data directory with --data", data.display());
        };
        let directory = lock(&config)?;
        Ok((directory, kind, config))
    }
}

/// Takes the configured data directory for this process alone.
fn lock(config: &Config) -> anyhow::Result<DataDirectory> {
    match DataDirectory::take(&config.data) {
        Err(held @ LockError::Held { .. }) => {
            Err(held).context("the store can be looked after only while no gateway works in it: stop it first")
        }
        taken => Ok(taken?),
    }
}

/// `1 user`, `2 users`.
fn amount(count: u64, name: &str) -> String {
    if count == 1 { format!("1 {name}") } else { format!("{count} {name}s") }
}
