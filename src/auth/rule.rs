//! The rule key that user-sig clients exchange for a `user_sig` (user-sig document, 获取 `user_sig`:
//! 规则密钥). The document leaves the rule open; these are the ones that can be configured.

use std::time::Duration;

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use koine_core::{Handle, Timestamp, Token, Zone};
use md5::Digest as _;

use super::digest::same_secret;
use crate::config::RuleKind;

const MINUTE: Duration = Duration::from_mins(1);

/// A rule, ready to use.
pub(super) enum Rule {
    /// Hexadecimal HMAC-SHA-256 of the handle.
    Hmac(Box<hmac::Key>),
    /// MD5 of the handle and the minute, in this zone.
    Md5Minute(Zone),
    /// MD5 of the handle.
    Md5,
    /// The same for everybody.
    Shared(Token),
}

impl Rule {
    /// The configured rule.
    pub(super) fn new(kind: RuleKind, secret: &Token, zone: Zone) -> Self {
        match kind {
            RuleKind::Hmac => Self::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes()))),
            RuleKind::Md5Minute => Self::Md5Minute(zone),
            RuleKind::Md5 => Self::Md5,
            RuleKind::Shared => Self::Shared(secret.clone()),
        }
    }

    /// The key of a user at this moment.
    pub(super) fn key(&self, user: &Handle, now: Timestamp) -> Token {
        match self {
            Self::Hmac(key) => Token::new(&HEXLOWER.encode(hmac::sign(key, user.as_str().as_bytes()).as_ref())),
            Self::Md5Minute(zone) => Token::new(&md5_hex(&format!("{user}-{}", minute(zone, now)))),
            Self::Md5 => Token::new(&md5_hex(user.as_str())),
            Self::Shared(secret) => secret.clone(),
        }
    }

    /// Whether a key is the user's. Hexadecimal digits may be of either case; `md5-minute` takes the
    /// minute before and the minute after as well.
    pub(super) fn accepts(&self, user: &Handle, key: &Token, now: Timestamp) -> bool {
        match self {
            Self::Shared(secret) => same_secret(secret.expose(), key.expose()),
            Self::Hmac(_) | Self::Md5 => self.matches(user, key, now),
            Self::Md5Minute(_) => {
                let (before, after) = (minus(now, MINUTE), now.plus(MINUTE));
                // Without short cuts, so that the time taken does not tell which minute it was.
                self.matches(user, key, before) | self.matches(user, key, now) | self.matches(user, key, after)
            }
        }
    }

    fn matches(&self, user: &Handle, key: &Token, at: Timestamp) -> bool {
        same_secret(self.key(user, at).expose(), &key.expose().to_ascii_lowercase())
    }
}

fn md5_hex(text: &str) -> String {
    HEXLOWER.encode(&md5::Md5::digest(text.as_bytes()))
}

/// `YYYY-MM-DD-HH-MM`.
fn minute(zone: &Zone, at: Timestamp) -> String {
    let text: String = zone.text(at).chars().map(|c| if c.is_ascii_digit() { c } else { '-' }).collect();
    text.rsplit_once('-').map_or_else(String::new, |(minute, _seconds)| minute.to_owned())
}

fn minus(at: Timestamp, duration: Duration) -> Timestamp {
    let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(at.as_millis().saturating_sub(millis))
}
