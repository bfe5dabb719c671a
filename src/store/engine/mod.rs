//! The embedded storage engines: an ordered key-value store with atomic, durable batches.
//!
//! ```text
//! data/                 the data directory, held by one process (see `store::lock`)
//!   fjall/  or  sled/   one engine's files; a data directory belongs to one engine
//!     position          the last commit known to be on stable storage (see `position`)
//! ```
//!
//! Every call blocks and belongs on a blocking thread. Every batch carries a commit number; once a second
//! the newest durable one is written to the position file, and a store that comes back behind it is refused
//! instead of being served with its newest messages silently gone.

mod batch;
mod error;
mod files;
mod fjall;
mod guard;
mod health;
mod hooked;
mod open;
mod position;
mod range;
#[cfg(test)]
pub(crate) mod simulated;
mod sled;
mod space;
#[cfg(test)]
mod suite;
mod tally;
mod upkeep;

use std::ops::Bound;

use bytes::Bytes;

pub use batch::{Batch, MAX_KEY_BYTES, MAX_VALUE_BYTES};
pub use error::EngineError;
pub(crate) use hooked::Hooked;
pub use open::{DEFAULT_CACHE_BYTES, EngineKind, found_in, open, open_as_it_is};
pub use space::Space;
pub use tally::{Mark, Tally};

pub(super) use files::create_private;

/// A key with its value, as a scan returns them.
pub type Pair = (Bytes, Bytes);

/// The two ends of a scan, compared byte by byte. Ends that exclude everything give an empty answer.
pub type KeyRange<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// When a commit is safe from a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// On stable storage when `commit` returns; everything committed before it is, too.
    Sync,
    /// Safe from the end of the process when `commit` returns, on stable storage within a second.
    Lazy,
}

/// Which end of the range a scan starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Ascending keys.
    Forward,
    /// Descending keys.
    Reverse,
}

/// Reading by key and by range.
///
/// Errors: an I/O error, or data that fails the engine's checks. Reading goes on after a failed commit.
pub trait Read {
    /// The value under a key, if there is one.
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, EngineError>;

    /// At most `limit` pairs of a range, from the end that `direction` names. Sees whole batches only.
    fn scan(
        &self,
        space: Space,
        range: KeyRange<'_>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, EngineError>;
}

/// A view for several reads that belong together. Keep it short-lived: it holds back the engine's cleaning.
///
/// fjall: one point in time. sled: the live store, so that a later call may see a later commit (each call
/// by itself still sees whole batches); a reader that needs more must bound its own reads, by sequence number.
/// [`Engine::snapshots_are_fixed`] tells which.
pub trait Snapshot: Read + Send {}

/// An ordered key-value store.
///
/// Spaces come to be with their first write. A commit that fails poisons the engine: what its batch left on
/// the disk is unknown until the store has been opened anew, so nothing is acknowledged any more.
pub trait Engine: Read + Send + Sync {
    /// A view for several reads that belong together.
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, EngineError>;

    /// Whether a snapshot stays at its point in time (fjall) or follows the live store (sled).
    fn snapshots_are_fixed(&self) -> bool;

    /// Applies a batch across its spaces: all of it or, after a crash, none of it. Several callers are
    /// served one after the other.
    ///
    /// sled shows a `Sync` batch to readers up to one flush before it is on stable storage, fjall only then.
    ///
    /// Errors: an empty key, a key or value over its limit (nothing is written), or any failure to write, which poisons.
    fn commit(&self, batch: Batch, durability: Durability) -> Result<(), EngineError>;

    /// Removes a space with all it holds. On stable storage when it returns. A space that is not there is no
    /// error. Cut short by a crash, sled may leave the space's last keys behind; dropping it again removes them.
    /// Not for counted spaces, whose tally would go on counting what is gone.
    fn drop_space(&self, space: Space) -> Result<(), EngineError>;

    /// The names of the spaces there are, in order. sled does not list a space that is empty.
    fn spaces(&self) -> Result<Vec<String>, EngineError>;

    /// Whether commits are still accepted.
    ///
    /// Errors: [`EngineError::Poisoned`] with the reason.
    fn health(&self) -> Result<(), EngineError>;

    /// The most messages one batch should carry: past it this engine needs unreasonable memory or time.
    fn max_batch(&self) -> usize;

    /// The last commit, and what the counted spaces should hold after it ([`Space::counted`]); what they do hold,
    /// only a scan tells.
    fn mark(&self) -> Mark;

    /// Brings every earlier commit to stable storage.
    fn sync(&self) -> Result<(), EngineError>;
}
