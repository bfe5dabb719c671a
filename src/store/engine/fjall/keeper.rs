//! The keeper: a thread that syncs lazy commits in time and records the position.

use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use super::Inner;
use crate::store::engine::EngineError;
use crate::store::engine::position::PositionFile;

pub(super) fn start(inner: Arc<Inner>, directory: &Path) -> Result<JoinHandle<()>, EngineError> {
    let position = PositionFile::new(directory);
    thread::Builder::new()
        .name("store-keeper".to_owned())
        .spawn(move || keep(&inner, &position))
        .map_err(|error| EngineError::io("starting the store's keeper", error))
}

fn keep(inner: &Inner, file: &PositionFile) {
    let mut state = inner.lock();
    while !state.closing {
        let now = Instant::now();
        let due = if inner.health.check().is_ok() { state.upkeep.next_due() } else { None };
        state = match due {
            None => inner.wake.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(due) if due > now => {
                let waited = inner.wake.wait_timeout(state, due - now);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            Some(_) => {
                // A failure has poisoned the store: from then on there is nothing to keep.
                if state.upkeep.sync_due(now) && inner.sync(&mut state).is_err() {
                    continue;
                }
                let position = state.upkeep.record_due(now);
                drop(state);
                record(inner, file, position);
                inner.lock()
            }
        };
    }
    if state.upkeep.is_unsynced() && inner.sync(&mut state).is_err() {
        return;
    }
    let position = state.upkeep.record_last();
    record(inner, file, position);
}

/// Writes the position file; not under the lock, so that commits go on meanwhile.
fn record(inner: &Inner, file: &PositionFile, position: Option<u64>) {
    if let Some(position) = position {
        // The failure is kept in the store's health, where the next commit finds it.
        let _kept = inner.write(|| file.write(position));
    }
}
