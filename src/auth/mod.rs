//! Who a token belongs to.
//!
//! A token goes to the providers in the configured order until one of them knows it; what that one
//! says is final. Then the user is looked up, and what the client claims beside its token is compared.
//! Nothing here puts a token into a log, an error or a panic.

mod demo;
mod digest;
mod directory;
mod fixed;
mod grant;
mod minter;
mod opaque;
mod provider;
mod rule;
mod secrets;
mod signed;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use koine_core::{Authenticate, Claim, Error, ErrorKind, Handle, IssuedToken, Timestamp, Token, User, UserKey, Zone};

pub use directory::{Directory, Lookup, OpaqueToken};
pub use grant::Grant;
pub use minter::Minter;
pub use provider::{Judging, Proof, Provider, Question, Subject, Verdict};
pub use secrets::{Secrets, SecretsError};

use crate::config::{AuthProvider, Config, DialectName};
use digest::Digest;

/// Judges tokens and makes them. Cheap to clone.
#[derive(Clone)]
pub struct Auth {
    inner: Arc<Inner>,
}

struct Inner {
    directory: Arc<dyn Directory>,
    providers: Vec<Box<dyn Provider>>,
    minter: Minter,
    notification_key: Option<Digest>,
    management_key: Digest,
    demo: bool,
}

impl Auth {
    /// Sets the configured providers up. With `demo`, tokens of the form `demo-<handle>` are good as
    /// well; `zone` is the one that rule `md5-minute` takes its minutes from.
    pub fn new(config: &Config, secrets: &Secrets, directory: Arc<dyn Directory>, demo: bool, zone: Zone) -> Self {
        let minter = Minter::new(config, secrets, zone);
        let mut providers: Vec<Box<dyn Provider>> = Vec::new();
        if demo {
            providers.push(Box::new(demo::Demo::new(Arc::clone(&directory))));
        }
        for provider in &config.auth.providers {
            providers.push(match provider {
                AuthProvider::Signed => Box::new(minter.signer.clone()),
                AuthProvider::Opaque => Box::new(opaque::Opaque::new(Arc::clone(&directory))),
                AuthProvider::Static => Box::new(fixed::Fixed::new(&config.auth.fixed)),
            });
        }
        Self {
            inner: Arc::new(Inner {
                directory,
                providers,
                minter,
                notification_key: secrets.notification_key().map(Digest::of),
                management_key: Digest::of(secrets.management_key().expose()),
                demo,
            }),
        }
    }

    /// Says who a token belongs to.
    ///
    /// # Errors
    /// `Unauthenticated` for a token that is not good here or not of the claimed user, `UserNotFound`
    /// where its user is gone, `UserDisabled`, and what the directory fails with.
    pub async fn authenticate(&self, dialect: DialectName, request: &Authenticate) -> Result<Grant, Error> {
        self.authenticate_at(dialect, request, wall_clock()).await
    }

    /// The same at a given moment.
    pub async fn authenticate_at(
        &self,
        dialect: DialectName,
        request: &Authenticate,
        now: Timestamp,
    ) -> Result<Grant, Error> {
        // Read before anything is looked up: a revocation in the meantime makes the grant stale.
        let epoch = self.inner.directory.revocation_epoch();
        let token = Digest::of(request.token.expose());
        let question = Question { token: &request.token, digest: token, dialect, purpose: request.purpose, now };
        let proof = self.prove(&question).await?;
        let user = match proof.subject {
            Subject::Known(user) => user,
            Subject::Named(key) => self.inner.directory.user(key).await?.ok_or(ErrorKind::UserNotFound)?,
        };
        self.compare_claim(request.claim.as_ref(), &user).await?;
        if user.disabled {
            return Err(ErrorKind::UserDisabled.into());
        }
        Ok(Grant { user, expires: proof.expires, token, epoch })
    }

    /// Exchanges a rule key for a `user_sig` (user-sig document, 获取 `user_sig`).
    ///
    /// # Errors
    /// `Unauthenticated` for a wrong key and for an unknown user alike, after the same work;
    /// `UserDisabled` only to who has the right key.
    pub async fn exchange(&self, user: &Handle, key: &Token, now: Timestamp) -> Result<IssuedToken, Error> {
        let demo = self.inner.demo && demo::is_token_of(key, user);
        let right = self.inner.minter.rule.accepts(user, key, now) || demo;
        let found = if demo {
            Some(self.inner.directory.ensure_user(user.clone()).await?)
        } else {
            self.inner.directory.user(UserKey::Handle(user.clone())).await?
        };
        match found {
            Some(user) if right && user.disabled => Err(ErrorKind::UserDisabled.into()),
            Some(user) if right => Ok(self.mint(&user, Some(DialectName::UserSig), self.inner.minter.sig_ttl, now)),
            _ => Err(ErrorKind::Unauthenticated.into()),
        }
    }

    /// Whether a token is the one a grant was given for and the grant still holds. Looks nothing up:
    /// a `false` only means that the token has to be judged anew.
    pub fn still_good(&self, grant: &Grant, token: &Token, now: Timestamp) -> bool {
        grant.token.same(&Digest::of(token.expose()))
            && grant.expires.is_none_or(|expires| now < expires)
            && grant.epoch == self.inner.directory.revocation_epoch()
    }

    /// Whether a key opens a dialect's endpoints for backends: the management key does, and
    /// access-token's notification key does for access-token.
    pub fn service_key(&self, dialect: DialectName, key: &Token) -> bool {
        let key = Digest::of(key.expose());
        let own = match dialect {
            DialectName::AccessToken => self.inner.notification_key.is_some_and(|own| own.same(&key)),
            DialectName::UserSig | DialectName::StatusCode | DialectName::Envelope | DialectName::AuthAck => false,
        };
        self.inner.management_key.same(&key) | own
    }

    /// Whether a key is the management API's.
    pub fn management_key(&self, key: &Token) -> bool {
        self.inner.management_key.same(&Digest::of(key.expose()))
    }

    /// Makes a signed token. For user-sig it is a `user_sig`; for another dialect it is good in that
    /// one; for none it is good in the four that take access tokens.
    pub fn mint(&self, user: &User, dialect: Option<DialectName>, ttl: Duration, now: Timestamp) -> IssuedToken {
        self.inner.minter.mint(user.id, dialect, ttl, now)
    }

    /// The key that user-sig's get-user-sig takes for a user at this moment.
    pub fn rule_key(&self, user: &Handle, now: Timestamp) -> Token {
        self.inner.minter.rule_key(user, now)
    }

    /// How long a token lives where nobody says otherwise (`auth.token_ttl`).
    pub fn token_ttl(&self) -> Duration {
        self.inner.minter.token_ttl()
    }

    async fn prove(&self, question: &Question<'_>) -> Result<Proof, Error> {
        for provider in &self.inner.providers {
            match provider.judge(question).await? {
                Verdict::NotMine => {}
                Verdict::Bad => break,
                Verdict::Good(proof) => return Ok(proof),
            }
        }
        Err(ErrorKind::Unauthenticated.into())
    }

    async fn compare_claim(&self, claim: Option<&Claim>, user: &User) -> Result<(), Error> {
        let holds = match claim {
            None => true,
            Some(Claim::User(UserKey::Id(id))) => *id == user.id,
            Some(Claim::User(UserKey::Handle(handle))) => *handle == user.handle,
            Some(Claim::Chat(chat)) => self.inner.directory.chat_owner(*chat).await? == Some(user.id),
        };
        if holds { Ok(()) } else { Err(ErrorKind::Unauthenticated.into()) }
    }
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auth").field("demo", &self.inner.demo).finish_non_exhaustive()
    }
}

fn wall_clock() -> Timestamp {
    let millis = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
