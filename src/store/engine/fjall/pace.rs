//! Keeping the engine's own work and its writers in step.
//!
//! A full memory table is written out, and tables are merged, on the engine's threads: about a tenth of a second of a
//! core for each table. They run at a lower priority, so that on a busy core they slow messages down a little for a
//! while instead of holding them up by half. In return a writer that leaves them too far behind has to wait, so that
//! memory stays bounded.

use std::thread;
use std::time::{Duration, Instant};

use fjall::{AbstractTree, Keyspace};

use super::spaces::WRITE_BUFFER_BYTES;
use crate::store::engine::EngineError;

/// By how much the engine's threads are nicer than others.
#[cfg(target_os = "linux")]
const NICER: i32 = 5;

/// What a space may hold in memory before a batch waits a moment.
const BEHIND: u64 = 3 * WRITE_BUFFER_BYTES;
const MOMENT: Duration = Duration::from_millis(1);

/// What a space may hold in memory before a batch waits for the engine, for as long as that may take.
const FAR_BEHIND: u64 = 6 * WRITE_BUFFER_BYTES;
const LONGEST: Duration = Duration::from_secs(5);

/// Runs what starts the engine's threads, which take over the priority of the thread that starts them.
pub(super) fn in_background<T: Send>(start: impl FnOnce() -> Result<T, EngineError> + Send) -> Result<T, EngineError> {
    thread::scope(|scope| {
        let starting = thread::Builder::new().name("store-opener".to_owned()).spawn_scoped(scope, || {
            // Elsewhere a priority belongs to the process.
            #[cfg(target_os = "linux")]
            if let Err(error) = rustix::process::nice(NICER) {
                tracing::debug!(%error, "the engine's threads keep their priority");
            }
            start()
        });
        let starting = starting.map_err(|error| EngineError::io("starting the store's threads", error))?;
        starting.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Roughly how many bytes of a space are in memory only.
pub(super) fn unwritten(space: &Keyspace) -> u64 {
    let sealed = u64::try_from(space.tree.sealed_memtable_count()).unwrap_or(u64::MAX);
    space.tree.active_memtable().size().saturating_add(sealed.saturating_mul(WRITE_BUFFER_BYTES))
}

/// Holds up a batch for these spaces while the engine is behind with them.
pub(super) fn wait_for(spaces: &[Keyspace]) {
    let fullest = || spaces.iter().map(unwritten).max().unwrap_or(0);
    if fullest() <= BEHIND {
        return;
    }
    thread::sleep(MOMENT);
    // An engine that has failed never catches up, and says so when it is written to.
    let give_up = Instant::now() + LONGEST;
    while fullest() > FAR_BEHIND && Instant::now() < give_up {
        thread::sleep(MOMENT);
    }
}

#[cfg(test)]
mod tests {
    use fjall::{Database, KeyspaceCreateOptions};

    use super::*;

    #[test]
    fn what_waits_to_be_written_is_counted_until_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::builder(folder.path()).open().unwrap();
        let space = database.keyspace("one", KeyspaceCreateOptions::default).unwrap();
        assert_eq!(unwritten(&space), 0);
        space.insert("key", vec![7; 100_000]).unwrap();
        assert!(unwritten(&space) >= 100_000);
        space.rotate_memtable_and_wait().unwrap();
        assert_eq!(unwritten(&space), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn threads_that_are_started_in_the_background_are_nicer_and_others_are_not() {
        let priority = || rustix::process::getpriority_process(None).unwrap();
        let before = priority();
        let inherited = in_background(|| Ok(thread::spawn(priority).join().unwrap())).unwrap();
        assert_eq!((inherited, priority()), ((before + NICER).min(19), before));
    }
}
