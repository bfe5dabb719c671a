//! The dialects as they are configured. This is the only place that knows which there are.

use std::sync::Arc;

use koine_core::{Dialect, Zone};

use crate::config::{self, Config, ConfirmMode, DialectName, HttpAuth, ProfileVisibility};

/// A dialect and where its paths are.
pub struct Mounted {
    /// Which one.
    pub name: DialectName,
    /// The dialect.
    pub dialect: Arc<dyn Dialect>,
    /// What is put before the paths of its endpoints; no slash at its end.
    pub prefix: String,
    /// What is put before the paths of its WebSockets; no slash at its end.
    pub socket_prefix: String,
    /// Whether having been written to the socket confirms a live push (`delivery.confirm`).
    pub written_confirms: bool,
    /// What endpoints ask for whose requests name a user without proof.
    pub http_auth: HttpAuth,
}

/// All dialects as they are configured. Cheap to clone.
#[derive(Clone)]
pub struct Dialects(Arc<[Arc<Mounted>]>);

impl Dialects {
    /// Sets the dialects up. In demo mode profiles are shown in full, and claims are believed.
    pub fn new(config: &Config, zone: &Zone, demo: bool) -> Self {
        Self(DialectName::ALL.map(|name| Arc::new(mount(name, config, zone, demo))).into())
    }

    /// The same with another dialect in the place of one of them.
    #[cfg(test)]
    pub(crate) fn with(&self, name: DialectName, dialect: &Arc<dyn Dialect>) -> Self {
        let replaced = |mounted: &Arc<Mounted>| {
            let own = if mounted.name == name { dialect } else { &mounted.dialect };
            Arc::new(Mounted {
                dialect: Arc::clone(own),
                prefix: mounted.prefix.clone(),
                socket_prefix: mounted.socket_prefix.clone(),
                ..**mounted
            })
        };
        Self(self.iter().map(replaced).collect())
    }

    /// One of them.
    pub fn get(&self, name: DialectName) -> Option<&Arc<Mounted>> {
        self.0.iter().find(|mounted| mounted.name == name)
    }

    /// All of them, in the order of [`DialectName::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Mounted>> {
        self.0.iter()
    }
}

fn mount(name: DialectName, config: &Config, zone: &Zone, demo: bool) -> Mounted {
    let common = config.dialects.common(name);
    let prefix = with_slash(common.prefix);
    let (bare_sockets, http_auth) = match name {
        // Its document has the WebSocket on a port and path of its own, beside `/im`.
        DialectName::AuthAck if demo => (true, HttpAuth::Open),
        DialectName::AuthAck => (true, config.dialects.auth_ack.http_auth),
        DialectName::UserSig | DialectName::AccessToken | DialectName::StatusCode | DialectName::Envelope => {
            (false, HttpAuth::Token)
        }
    };
    Mounted {
        name,
        dialect: dialect(name, config, zone, demo),
        socket_prefix: if bare_sockets { String::new() } else { prefix.clone() },
        prefix,
        written_confirms: common.delivery.confirm == ConfirmMode::Written,
        http_auth,
    }
}

fn dialect(name: DialectName, config: &Config, zone: &Zone, demo: bool) -> Arc<dyn Dialect> {
    let config = &config.dialects;
    let zone = zone.clone();
    match name {
        DialectName::UserSig => Arc::new(koine_user_sig::UserSig::new(koine_user_sig::Options {
            announce_sessions: config.user_sig.announce_sessions,
            full_profiles: demo || config.user_sig.profiles == ProfileVisibility::Full,
            zone,
        })),
        DialectName::AccessToken => Arc::new(koine_access_token::AccessToken::new(koine_access_token::Options {})),
        DialectName::StatusCode => Arc::new(koine_status_code::StatusCode::new(koine_status_code::Options { zone })),
        DialectName::Envelope => Arc::new(koine_envelope::Envelope::new(koine_envelope::Options {
            unique_no: match config.envelope.unique_no {
                config::UniqueNo::User => koine_envelope::UniqueNo::User,
                config::UniqueNo::Connection => koine_envelope::UniqueNo::Connection,
                config::UniqueNo::Ignore => koine_envelope::UniqueNo::Ignore,
            },
            dates: match config.envelope.dates {
                config::DateStyle::Millis => koine_envelope::Dates::Millis,
                config::DateStyle::Text => koine_envelope::Dates::Text,
            },
            zone,
        })),
        DialectName::AuthAck => Arc::new(koine_auth_ack::AuthAck::new(koine_auth_ack::Options {
            ack_content: match config.auth_ack.ack_content {
                config::AckContent::Json => koine_auth_ack::AckContent::Json,
                config::AckContent::Documented => koine_auth_ack::AckContent::Documented,
            },
            handshake: config.auth_ack.handshake,
            zone,
        })),
    }
}

/// A configured prefix with a slash before it and none after it; empty stays empty.
fn with_slash(prefix: &str) -> String {
    match prefix.trim_matches('/') {
        "" => String::new(),
        bare => format!("/{bare}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_is_mounted_under_its_own_name() {
        let dialects = Dialects::new(&Config::default(), &Zone::utc(), false);
        for name in DialectName::ALL {
            let mounted = dialects.get(name).expect("mounted");
            assert_eq!(mounted.dialect.name(), name.as_str());
        }
    }

    #[test]
    fn a_prefix_may_be_written_with_or_without_slashes() {
        for written in ["im", "/im", "/im/"] {
            assert_eq!(with_slash(written), "/im");
        }
        assert_eq!(with_slash("/"), "");
    }

    #[test]
    fn claims_are_believed_in_demo_mode_and_guarded_otherwise() {
        let http_auth = |demo| {
            let dialects = Dialects::new(&Config::default(), &Zone::utc(), demo);
            dialects.get(DialectName::AuthAck).expect("mounted").http_auth
        };
        assert_eq!((http_auth(true), http_auth(false)), (HttpAuth::Open, HttpAuth::Guarded));
    }
}
