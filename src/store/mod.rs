//! What is kept: users, conversations, messages, requests, tokens and files.
//!
//! [`Store`] is the domain's view of it; every id is allocated behind it. [`embedded`] implements it
//! over a small ordered key-value [`engine`].

pub mod check;
pub mod embedded;
pub mod engine;
pub mod lock;
mod op;
pub mod progress;
mod query;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod suite;
pub mod transfer;

use std::sync::Arc;

use koine_core::{Timestamp, User, UserKey};

use crate::complaint::Complaint;

pub use op::{Action, Applied, Attached, Effect, Op, Outcome, Recipient};
pub use query::{MessagePage, PendingScope, Stats, UserPage};

/// The domain's view of what is kept. Calls block; they are made from blocking threads only.
pub trait Store: query::Queries + Send + Sync + 'static {
    /// Decides the operations in order, makes what they change durable in one atomic step, and
    /// answers them in order. When the step fails nothing of it is visible, and every operation that
    /// would have changed something answers `Unavailable`.
    fn apply(&self, now: Timestamp, ops: Vec<Op>) -> Vec<Applied>;

    /// Writes what was gathered and may wait; `durable` waits until it is on stable storage.
    fn flush(&self, durable: bool) -> Result<(), StoreError>;

    /// How many operations one [`Store::apply`] should get at most.
    fn max_batch(&self) -> usize;

    /// Whether it takes changes.
    fn health(&self) -> Result<(), StoreError>;

    /// A number that changes whenever a token is revoked or a user disabled.
    fn revocation_epoch(&self) -> u64;

    /// A user, if it is known without asking the engine. Does not block.
    fn cached_user(&self, key: &UserKey) -> Option<Arc<User>>;

    /// Whether users come into being when they are first written to. Does not block.
    fn makes_targets(&self) -> bool;
}

/// Why the store cannot do its work.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The engine below failed.
    #[error(transparent)]
    Engine(#[from] engine::EngineError),
    /// What was read is not what was written.
    #[error("the store is damaged: {0}")]
    Corrupt(&'static str),
    /// The store holds a part of what was to be imported.
    #[error("the import into this store was cut short: remove the store's folder, then import again")]
    Unfinished,
    /// The store was written by an older version, in a form that was never released and is not read any more.
    #[error("the store has schema version {found}, which was never released: this version of koine reads {known}")]
    Older {
        /// The version found.
        found: u64,
        /// The version known.
        known: u64,
    },
    /// The store was written by a newer version.
    #[error("the store has schema version {found}, this version of koine reads {known}: use a newer koine")]
    Newer {
        /// The version found.
        found: u64,
        /// The version known.
        known: u64,
    },
}

impl StoreError {
    /// What was read is not what was written.
    pub(crate) const fn corrupt(what: &'static str) -> Self {
        Self::Corrupt(what)
    }
}

impl From<StoreError> for koine_core::Error {
    fn from(error: StoreError) -> Self {
        static COMPLAINT: Complaint = Complaint::new();
        if let Some(unlogged) = COMPLAINT.due() {
            tracing::error!(%error, unlogged, "the store failed");
        }
        Self::new(koine_core::ErrorKind::Unavailable)
    }
}

pub use query::Queries;
