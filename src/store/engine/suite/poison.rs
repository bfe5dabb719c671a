//! After a failed write nothing is acknowledged any more.

use std::fs;

use super::*;
use crate::store::engine::EngineError;

on_each_engine!(a_failed_write_ends_all_commits_and_no_reads);

/// Takes the engine's folder away, so that the position cannot be recorded.
fn a_failed_write_ends_all_commits_and_no_reads(kind: EngineKind) {
    let directory = tempfile::tempdir().unwrap();
    let engine = open_in(directory.path(), kind);
    put(&*engine, LOG, &[("kept", "1")]);
    fs::rename(directory.path().join(kind.name()), directory.path().join("gone")).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let failure = loop {
        let mut batch = Batch::new();
        batch.put(LOG, "next", "1");
        if let Err(failure) = engine.commit(batch, Durability::Sync) {
            break failure;
        }
        assert!(std::time::Instant::now() < deadline, "commits went on");
        std::thread::yield_now();
    };
    assert!(matches!(failure, EngineError::Poisoned { .. } | EngineError::Io { .. }), "{failure}");
    assert!(matches!(engine.health(), Err(EngineError::Poisoned { .. })));
    assert!(matches!(engine.sync(), Err(EngineError::Poisoned { .. })));
    assert_eq!(get(&*engine, LOG, "kept").as_deref(), Some("1"));
}
