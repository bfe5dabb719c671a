//! What judging tokens needs to know about users and stored tokens.

use std::pin::Pin;
use std::sync::Arc;

use koine_core::{ChatId, Error, Timestamp, User, UserId, UserKey};

/// What judging tokens needs to know about users and stored tokens.
pub trait Directory: Send + Sync {
    /// A user by number or handle.
    fn user(&self, key: UserKey) -> Lookup<'_, Option<Arc<User>>>;

    /// A user by handle, registered if it does not exist (demo mode).
    fn ensure_user(&self, handle: koine_core::Handle) -> Lookup<'_, Arc<User>>;

    /// A stored token by the SHA-256 of its text; revoked ones are gone.
    fn opaque_token(&self, hash: [u8; 32]) -> Lookup<'_, Option<OpaqueToken>>;

    /// The owner of a chat list row.
    fn chat_owner(&self, chat: ChatId) -> Lookup<'_, Option<UserId>>;

    /// A number that changes whenever a token is revoked or a user disabled: what was judged under
    /// another one is judged anew.
    fn revocation_epoch(&self) -> u64;
}

/// The answer of a [`Directory`].
pub type Lookup<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// A token that is kept as its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpaqueToken {
    /// Its id in the management API.
    pub id: u64,
    /// Whom it belongs to.
    pub user: UserId,
    /// The dialect it is good for, if it is only good for one.
    pub dialect: Option<crate::config::DialectName>,
    /// When it stops being good.
    pub expires: Option<Timestamp>,
}
