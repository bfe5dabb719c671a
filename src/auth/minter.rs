//! Making tokens, which needs keys but no users.

use std::time::Duration;

use koine_core::{Handle, IssuedToken, Timestamp, Token, UserId, Zone};

use super::Secrets;
use super::rule::Rule;
use super::signed::Signer;
use crate::config::{Config, DialectName};

/// Makes signed tokens and rule keys.
pub struct Minter {
    pub(super) signer: Signer,
    pub(super) rule: Rule,
    pub(super) sig_ttl: Duration,
    token_ttl: Duration,
}

impl Minter {
    /// Takes the keys of a data directory; `zone` is the one that rule `md5-minute` takes its minutes from.
    pub fn new(config: &Config, secrets: &Secrets, zone: Zone) -> Self {
        Self {
            signer: Signer::new(secrets.signing_key()),
            rule: Rule::new(config.dialects.user_sig.rule, secrets.rule_secret(), zone),
            sig_ttl: config.dialects.user_sig.sig_ttl,
            token_ttl: config.auth.token_ttl,
        }
    }

    /// Makes a signed token. For user-sig it is a `user_sig`; for another dialect it is good in that
    /// one; for none it is good in the four that take access tokens.
    pub fn mint(&self, user: UserId, dialect: Option<DialectName>, ttl: Duration, now: Timestamp) -> IssuedToken {
        self.signer.mint(user, dialect, now.plus(ttl))
    }

    /// The key that user-sig's get-user-sig takes for a user at this moment.
    pub fn rule_key(&self, user: &Handle, now: Timestamp) -> Token {
        self.rule.key(user, now)
    }

    /// How long a token lives where nobody says otherwise (`auth.token_ttl`).
    pub const fn token_ttl(&self) -> Duration {
        self.token_ttl
    }
}
