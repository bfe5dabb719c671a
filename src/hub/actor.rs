//! On whose behalf a command is carried out.

use koine_core::UserRef;

use crate::config::DialectName;

/// On whose behalf a command is carried out.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The authenticated user, if any.
    pub user: Option<UserRef>,
    /// Where the command came from.
    pub origin: Origin,
}

/// Where a command came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A client of this dialect.
    Dialect(DialectName),
    /// The management API.
    Management,
}
