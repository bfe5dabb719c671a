//! The position file decides whether a store may be served.

use std::fs;

use super::*;
use crate::store::engine::EngineError;

on_each_engine!(
    a_closed_store_has_recorded_its_last_commit,
    a_position_file_that_lags_is_fine,
    a_store_behind_its_position_file_is_refused,
    a_store_that_vanished_beside_its_position_file_is_refused,
    a_missing_or_damaged_position_file_is_refused_where_there_is_data,
    the_operator_may_accept_the_store_as_it_is,
    a_damaged_tail_does_not_open_as_if_nothing_was_lost,
    a_single_changed_byte_does_not_open_as_if_nothing_was_lost,
);

fn position_file(directory: &Path, kind: EngineKind) -> std::path::PathBuf {
    directory.join(kind.name()).join("position")
}

fn filled(kind: EngineKind) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let engine = open_in(directory.path(), kind);
    for key in ["a", "b", "c"] {
        put(&*engine, LOG, &[(key, "1")]);
    }
    directory
}

fn refusal(directory: &Path, kind: EngineKind) -> EngineError {
    open(kind, directory, CACHE_BYTES).err().expect("the store was opened")
}

fn a_closed_store_has_recorded_its_last_commit(kind: EngineKind) {
    let directory = filled(kind);
    let recorded = fs::read_to_string(position_file(directory.path(), kind)).unwrap();
    assert_eq!(recorded, "3 fffffffffffffffc\n");
}

fn a_position_file_that_lags_is_fine(kind: EngineKind) {
    let directory = filled(kind);
    fs::write(position_file(directory.path(), kind), "1 fffffffffffffffe\n").unwrap();
    assert_eq!(all_keys(&*open_in(directory.path(), kind), LOG), ["a", "b", "c"]);
}

fn a_store_behind_its_position_file_is_refused(kind: EngineKind) {
    let directory = filled(kind);
    fs::write(position_file(directory.path(), kind), "4 fffffffffffffffb\n").unwrap();
    let refused = refusal(directory.path(), kind);
    assert!(matches!(refused, EngineError::Behind { stored: 3, recorded: 4, .. }), "{refused}");
    let text = refused.to_string();
    let position = position_file(directory.path(), kind).display().to_string();
    assert!(text.contains("from a backup") && text.contains("`accept`") && text.contains(&position), "{text}");
    let again = refusal(directory.path(), kind);
    assert!(matches!(again, EngineError::Behind { .. }), "a refusal must not wear off: {again}");
}

fn a_store_that_vanished_beside_its_position_file_is_refused(kind: EngineKind) {
    let directory = filled(kind);
    let folder = directory.path().join(kind.name());
    let kept = fs::read(folder.join("position")).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("position"), kept).unwrap();
    let refused = refusal(directory.path(), kind);
    assert!(matches!(refused, EngineError::Behind { stored: 0, recorded: 3, .. }), "{refused}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "a refused store is left alone");
}

fn a_missing_or_damaged_position_file_is_refused_where_there_is_data(kind: EngineKind) {
    let directory = filled(kind);
    let file = position_file(directory.path(), kind);
    fs::write(&file, "3 fffffffffffffffd\n").unwrap();
    assert!(matches!(refusal(directory.path(), kind), EngineError::Unverified { fault: "damaged", .. }));
    fs::remove_file(&file).unwrap();
    assert!(matches!(refusal(directory.path(), kind), EngineError::Unverified { fault: "missing", .. }));
    assert!(!file.exists());
}

fn the_operator_may_accept_the_store_as_it_is(kind: EngineKind) {
    let directory = filled(kind);
    let file = position_file(directory.path(), kind);
    fs::write(&file, "accept\n").unwrap();
    let engine = open_in(directory.path(), kind);
    assert_eq!(fs::read_to_string(&file).unwrap(), "3 fffffffffffffffc\n");
    put(&*engine, LOG, &[("d", "1")]);
    drop(engine);
    assert_eq!(all_keys(&*open_in(directory.path(), kind), LOG), ["a", "b", "c", "d"]);
}

/// Noise from ever earlier places on. Any error will do, and so will a store that has everything, where only padding
/// was hit; a store that lacks something and opens will not.
fn a_damaged_tail_does_not_open_as_if_nothing_was_lost(kind: EngineKind) {
    let places = [0, 10, 300, 1_000, 2_000, 4_000];
    let refused = places
        .into_iter()
        .filter(|from| refuses_after(kind, |log| log.iter_mut().skip(*from).for_each(|byte| *byte ^= 0x5a)));
    assert!(refused.count() >= 4);
}

fn a_single_changed_byte_does_not_open_as_if_nothing_was_lost(kind: EngineKind) {
    let places = [40, 333, 1_001, 2_002, 3_003, 4_004];
    let refused = places.into_iter().filter(|at| refuses_after(kind, |log| log[*at] ^= 1));
    assert!(refused.count() >= 4);
}

/// Whether a store of forty commits is refused once its log has been tampered with. If not, it must be complete.
fn refuses_after(kind: EngineKind, tamper: impl FnOnce(&mut Vec<u8>)) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let engine = open_in(directory.path(), kind);
    for number in 0..40_u8 {
        let mut batch = Batch::new();
        batch.put(LOG, [number], vec![number; 100]);
        engine.commit(batch, Durability::Sync).unwrap();
    }
    drop(engine);
    let log = directory.path().join(kind.name()).join(if kind == EngineKind::Fjall { "0.jnl" } else { "db" });
    let mut bytes = fs::read(&log).unwrap();
    tamper(&mut bytes);
    fs::write(&log, bytes).unwrap();
    let Ok(engine) = open(kind, directory.path(), CACHE_BYTES) else { return true };
    let found = engine.scan(LOG, EVERYTHING, Direction::Forward, usize::MAX).unwrap();
    let whole =
        found.iter().enumerate().all(|(number, (_, value))| value.len() == 100 && usize::from(value[0]) == number);
    assert!(found.len() == 40 && whole, "{} of 40 entries in a store that was opened", found.len());
    false
}
