//! Tokens that the gateway signs itself: stateless, with an end.
//!
//! A token is `k1-` and, in unpadded URL-safe base64, 50 bytes:
//!
//! ```text
//! 0       1        2               10                    18                     50
//! +-------+--------+---------------+---------------------+----------------------+
//! | 1     | scope  | user number   | end, ms since 1970  | HMAC-SHA-256 of 0-17 |
//! +-------+--------+---------------+---------------------+----------------------+
//! ```
//!
//! It holds neither `/` nor anything else a path, a query or a header would have to escape.

use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use koine_core::{IssuedToken, Purpose, Timestamp, Token, UserId, UserKey};

use super::provider::{Judging, Proof, Provider, Question, Subject, Verdict};
use crate::config::DialectName;

const PREFIX: &str = "k1-";
const VERSION: u8 = 1;
const CLAIMS: usize = 18;
const LENGTH: usize = 50;

/// Signs tokens and judges them.
#[derive(Clone)]
pub(super) struct Signer {
    key: hmac::Key,
}

impl Signer {
    /// A signer with this key.
    pub(super) fn new(key: &[u8]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key) }
    }

    /// Makes a token; `dialect` as in [`super::Auth::mint`].
    pub(super) fn mint(&self, user: UserId, dialect: Option<DialectName>, expires: Timestamp) -> IssuedToken {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.push(VERSION);
        bytes.push(byte(dialect));
        bytes.extend_from_slice(&user.get().to_be_bytes());
        bytes.extend_from_slice(&expires.as_millis().to_be_bytes());
        let signature = hmac::sign(&self.key, &bytes);
        bytes.extend_from_slice(signature.as_ref());
        IssuedToken { token: Token::new(&format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&bytes))), expires }
    }

    fn verdict(&self, question: &Question<'_>) -> Verdict {
        let Some(token) = Parts::of(question.token) else {
            return Verdict::NotMine;
        };
        if hmac::verify(&self.key, &token.claims, &token.signature).is_err() {
            return Verdict::Bad;
        }
        match Claims::of(&token.claims) {
            Some(claims) if covers(claims.scope, question) && question.now < claims.expires => Verdict::Good(Proof {
                subject: Subject::Named(UserKey::Id(claims.user)),
                expires: Some(claims.expires),
            }),
            _ => Verdict::Bad,
        }
    }
}

impl Provider for Signer {
    fn judge<'a>(&'a self, question: &'a Question<'a>) -> Judging<'a> {
        Box::pin(std::future::ready(Ok(self.verdict(question))))
    }
}

/// What a token is good for: a `user_sig`, an access token for one dialect, or (`None`) for all four
/// that take one.
type Scope = Option<DialectName>;

/// Every scope, so that a byte can be read back.
const SCOPES: [Scope; 6] = [
    Some(DialectName::UserSig),
    None,
    Some(DialectName::AccessToken),
    Some(DialectName::StatusCode),
    Some(DialectName::Envelope),
    Some(DialectName::AuthAck),
];

/// A scope's byte in the token; clients hold it, so it is never to be renumbered.
const fn byte(scope: Scope) -> u8 {
    match scope {
        Some(DialectName::UserSig) => 0,
        None => 1,
        Some(DialectName::AccessToken) => 2,
        Some(DialectName::StatusCode) => 3,
        Some(DialectName::Envelope) => 4,
        Some(DialectName::AuthAck) => 5,
    }
}

fn covers(scope: Scope, question: &Question<'_>) -> bool {
    match scope {
        None => question.is_access(),
        Some(DialectName::UserSig) => question.purpose == Purpose::UserSig && question.dialect == DialectName::UserSig,
        Some(dialect) => question.is_access() && question.dialect == dialect,
    }
}

/// A text that has the form of a token.
struct Parts {
    claims: [u8; CLAIMS],
    signature: [u8; LENGTH - CLAIMS],
}

impl Parts {
    fn of(token: &Token) -> Option<Self> {
        let bytes = BASE64URL_NOPAD.decode(token.expose().strip_prefix(PREFIX)?.as_bytes()).ok()?;
        let (claims, signature) = bytes.split_at_checked(CLAIMS)?;
        Some(Self { claims: claims.try_into().ok()?, signature: signature.try_into().ok()? })
    }
}

struct Claims {
    scope: Scope,
    user: UserId,
    expires: Timestamp,
}

impl Claims {
    fn of(bytes: &[u8; CLAIMS]) -> Option<Self> {
        let [version, scope, numbers @ ..] = bytes;
        if *version != VERSION {
            return None;
        }
        let scope = SCOPES.into_iter().find(|known| byte(*known) == *scope)?;
        let (user, expires) = numbers.split_at_checked(8)?;
        Some(Self {
            scope,
            user: UserId::new(u64::from_be_bytes(user.try_into().ok()?)),
            expires: Timestamp::from_millis(i64::from_be_bytes(expires.try_into().ok()?)),
        })
    }
}
