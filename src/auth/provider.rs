//! What a way to judge tokens has to be able to say.

use std::pin::Pin;
use std::sync::Arc;

use koine_core::{Error, Purpose, Timestamp, Token, User, UserKey};

use super::digest::Digest;
use crate::config::DialectName;

/// One way to judge tokens. It may have to ask somebody else, so it answers in its own time.
pub trait Provider: Send + Sync {
    /// Judges a token.
    ///
    /// # Errors
    /// Where it cannot be judged now: the client is then told so, and no other provider is asked.
    fn judge<'a>(&'a self, question: &'a Question<'a>) -> Judging<'a>;
}

/// A verdict under way.
pub type Judging<'a> = Pin<Box<dyn Future<Output = Result<Verdict, Error>> + Send + 'a>>;

/// A token and what it is presented for.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The token.
    pub token: &'a Token,
    /// The dialect it came in.
    pub dialect: DialectName,
    /// What it must be good for.
    pub purpose: Purpose,
    /// The time.
    pub now: Timestamp,
    /// The token's SHA-256, which more than one of those who judge wants.
    pub(super) digest: Digest,
}

impl Question<'_> {
    /// The token's SHA-256.
    pub const fn hash(&self) -> [u8; 32] {
        self.digest.bytes()
    }

    /// Whether it asks for what clients of the four dialects with access tokens need. A token that says
    /// nothing about its purpose is good for that and never as a `user_sig`.
    pub const fn is_access(&self) -> bool {
        matches!(self.purpose, Purpose::Access) && !matches!(self.dialect, DialectName::UserSig)
    }
}

/// What a provider says of a token.
#[derive(Debug)]
pub enum Verdict {
    /// Not of its making: the next provider is asked.
    NotMine,
    /// Of its making, but not good: nobody else is asked.
    Bad,
    /// Good.
    Good(Proof),
}

/// Whose a good token is.
#[derive(Debug)]
pub struct Proof {
    /// Its user.
    pub subject: Subject,
    /// When it stops being good, if it does.
    pub expires: Option<Timestamp>,
}

/// The user a token names.
#[derive(Debug)]
pub enum Subject {
    /// Found already.
    Known(Arc<User>),
    /// Still to be found.
    Named(UserKey),
}
