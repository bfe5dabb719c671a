//! What a good token allows.

use std::fmt;
use std::sync::Arc;

use koine_core::{Timestamp, User};

use super::digest::Digest;

/// Says that a token was judged good: whose it is, and what [`super::Auth::still_good`] needs to
/// recognise it without judging it anew.
#[derive(Clone)]
pub struct Grant {
    /// Whom the token belongs to, as the user was when it was judged.
    pub user: Arc<User>,
    /// When the token stops being good, if it does.
    pub expires: Option<Timestamp>,
    pub(super) token: Digest,
    pub(super) epoch: u64,
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant").field("user", &self.user.handle).field("expires", &self.expires).finish_non_exhaustive()
    }
}
