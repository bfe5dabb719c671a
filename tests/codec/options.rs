//! From configuration keys to dialects and to what the model heeds.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use koine::config::{
    AckContent, AppPolicy, Config, DateStyle, DirectPolicy, IdentityMode, ProfileVisibility, Registration, UniqueNo,
};
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
    let zone = zone(config)?;
    let settings = &config.dialects;
    let user_sig = koine_user_sig::Options {
        announce_sessions: settings.user_sig.announce_sessions,
        full_profiles: settings.user_sig.profiles == ProfileVisibility::Full,
        zone: zone.clone(),
    };
    let envelope = koine_envelope::Options {
        unique_no: match settings.envelope.unique_no {
            UniqueNo::User => koine_envelope::UniqueNo::User,
            UniqueNo::Connection => koine_envelope::UniqueNo::Connection,
            UniqueNo::Ignore => koine_envelope::UniqueNo::Ignore,
        },
        dates: match settings.envelope.dates {
            DateStyle::Millis => koine_envelope::Dates::Millis,
            DateStyle::Text => koine_envelope::Dates::Text,
        },
        zone: zone.clone(),
    };
    let auth_ack = koine_auth_ack::Options {
        ack_content: match settings.auth_ack.ack_content {
            AckContent::Json => koine_auth_ack::AckContent::Json,
            AckContent::Documented => koine_auth_ack::AckContent::Documented,
        },
        handshake: settings.auth_ack.handshake,
        zone: zone.clone(),
    };
    let all: [Arc<dyn Dialect>; 5] = [
        Arc::new(koine_user_sig::UserSig::new(user_sig)),
        Arc::new(koine_access_token::AccessToken::new(koine_access_token::Options::default())),
        Arc::new(koine_status_code::StatusCode::new(koine_status_code::Options { zone })),
        Arc::new(koine_envelope::Envelope::new(envelope)),
        Arc::new(koine_auth_ack::AuthAck::new(auth_ack)),
    ];
    Ok(all.into_iter().map(|dialect| (dialect.name(), dialect)).collect())
}

/// The zone dates are shown in.
pub(crate) fn zone(config: &Config) -> Result<Zone> {
    let zone = jiff::tz::TimeZone::get(&config.time_zone).context("time_zone")?;
    Ok(Zone::new(zone))
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
