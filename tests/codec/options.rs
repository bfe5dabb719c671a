//! From configuration keys to dialects and to what the model heeds.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use koine::config::{AppPolicy, Config, DirectPolicy, IdentityMode, Registration};
use koine::dialects::Dialects;
use koine_core::{Dialect, Zone};

use super::model::Settings;
use crate::transcript::{Fact, Transcript};

/// The configuration that a transcript gives.
pub(crate) fn config(transcript: &Transcript) -> Result<Config> {
    let mut toml = String::from("time_zone = \"UTC\"\n");
    for (line, fact) in &transcript.given {
        if let Fact::Config { path, value } = fact {
            if path == "time_zone" {
                toml.clear();
            }
            let setting = format!("{path} = {value}\n");
            toml::from_str::<Config>(&setting).with_context(|| transcript.place(*line))?;
            toml.push_str(&setting);
        }
    }
    toml::from_str(&toml).context("the configuration as a whole")
}

/// The defaults, in a zone that every machine knows.
pub(crate) fn plain() -> Config {
    Config { time_zone: "UTC".to_owned(), ..Config::default() }
}

/// The dialects under a configuration, by name.
pub(crate) fn dialects(config: &Config) -> Result<BTreeMap<&'static str, Arc<dyn Dialect>>> {
    let dialects = Dialects::new(config, &zone(config)?, false);
    Ok(dialects.iter().map(|mounted| (mounted.name.as_str(), mounted.dialect.clone())).collect())
}

/// The zone dates are shown in.
pub(crate) fn zone(config: &Config) -> Result<Zone> {
    config.zone().context("time_zone")
}

/// The prefix of a dialect's HTTP endpoints.
pub(crate) fn prefix<'a>(config: &'a Config, dialect: &str) -> &'a str {
    let name = koine::config::DialectName::ALL.into_iter().find(|name| name.as_str() == dialect);
    name.map_or("", |name| config.dialects.common(name).prefix)
}

/// What the model heeds.
pub(crate) fn settings(config: &Config) -> Settings {
    Settings {
        friends_only: config.policy.direct == DirectPolicy::Friends,
        managed: config.registration == Registration::Managed,
        namespaced: config.dialects.auth_ack.identity == IdentityMode::Namespaced,
        merge_apps: config.dialects.auth_ack.apps == AppPolicy::Merge,
        message_bytes: config.limits.message,
        max_pull: usize::try_from(config.dialects.access_token.max_pull).unwrap_or(usize::MAX),
    }
}
