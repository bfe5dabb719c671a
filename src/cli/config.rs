//! `koine config`: what is configured, and whether it makes sense.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::config::{Environment, Flags, Loaded, Sources};

/// Show or check the configuration.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  koine config check --config koine.toml")]
pub(super) struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the configuration in effect as TOML, each value with its origin; secrets are not shown.
    #[command(after_help = "Example:\n  KOINE_LOG=debug koine config print")]
    Print(File),
    /// Say what is wrong with the configuration: file, line, key; exit code 1 if anything is.
    #[command(after_help = "Example:\n  koine config check --config koine.toml")]
    Check(File),
}

#[derive(Debug, Args)]
struct File {
    /// The configuration file [default: ./koine.toml if there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Config {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        match &self.command {
            Command::Print(file) => super::say(file.load()?.print().trim_end()),
            Command::Check(file) => {
                let loaded = file.load()?;
                loaded.validate(false)?;
                for warning in loaded.config().warnings() {
                    eprintln!("koine: warning: {warning}");
                }
                super::say("the configuration is valid");
            }
        }
        Ok(())
    }
}

impl File {
    fn load(&self) -> anyhow::Result<Loaded> {
        let environment = Environment::of_process();
        Ok(Loaded::read(&Sources { file: self.config.clone(), environment, flags: Flags::default() })?)
    }
}
