//! Arguments that more than one command takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use koine_core::Handle;

use crate::config::{DialectName, Environment, Flags, Loaded, Sources, parse_duration};

/// Which gateway a command is about: a running one, or a data directory.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Target {
    /// The data directory [default: the configured one, ./koine-data]
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
    /// The configuration file [default: ./koine.toml if there is one]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The address of a running gateway's management API, instead of looking into the data directory
    #[arg(long, visible_alias = "url", value_name = "ADDR")]
    pub(super) management: Option<String>,
    /// The file with the management key [default: the one in the data directory]
    #[arg(long, value_name = "FILE")]
    pub(super) key_file: Option<PathBuf>,
}

impl Target {
    /// The configuration the gateway would run with.
    pub(super) fn load(&self) -> anyhow::Result<Loaded> {
        let flags = Flags { data: self.data.clone(), ..Flags::default() };
        let sources = Sources { file: self.config.clone(), environment: Environment::of_process(), flags };
        Ok(Loaded::read(&sources)?)
    }
}

/// Takes the name of a dialect.
pub(super) fn dialect() -> impl TypedValueParser<Value = DialectName> {
    PossibleValuesParser::new(DialectName::ALL.map(DialectName::as_str))
        .try_map(|name| DialectName::ALL.into_iter().find(|dialect| dialect.as_str() == name).ok_or("no such dialect"))
}

/// Takes a user's name.
pub(super) fn handle(text: &str) -> Result<Handle, String> {
    Handle::new(text).map_err(|why| why.to_string())
}

/// Takes a duration that is longer than nothing.
pub(super) fn time_to_live(text: &str) -> Result<Duration, String> {
    match parse_duration(text) {
        Ok(duration) if duration.is_zero() => Err("must be longer than 0".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(error.to_string()),
    }
}
