//! What the trait promises, one promise a test.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::*;
use crate::store::engine::{EngineError, MAX_KEY_BYTES, MAX_VALUE_BYTES};

on_each_engine!(
    a_batch_changes_all_its_spaces,
    the_last_operation_on_a_key_wins,
    keys_are_ordered_byte_by_byte,
    bounds_include_and_exclude_their_ends,
    ranges_that_hold_nothing_are_empty,
    a_limit_cuts_from_the_end_the_direction_names,
    a_space_does_not_leak_into_its_neighbours,
    a_space_that_was_never_written_is_empty,
    a_snapshot_stays_where_it_is_if_the_engine_says_so,
    a_scan_never_sees_a_part_of_a_batch,
    a_dated_space_is_dropped_whole_and_can_come_back,
    a_dropped_space_stays_dropped_after_reopening,
    lazy_commits_are_there_after_reopening,
    an_empty_batch_is_no_error,
    an_empty_key_is_refused_in_a_batch_and_holds_nothing_elsewhere,
    a_key_or_value_over_its_limit_is_refused_and_nothing_of_its_batch_written,
    large_values_come_back_after_reopening,
    several_callers_commit_side_by_side,
    the_other_engines_directory_is_refused,
);

fn a_batch_changes_all_its_spaces(kind: EngineKind) {
    let directory = tempfile::tempdir().unwrap();
    let engine = open_in(directory.path(), kind);
    put(&*engine, LOG, &[("old", "1")]);
    let mut batch = Batch::new();
    batch.delete(LOG, "old");
    batch.delete(LOG, "never there");
    batch.put(LOG, "new", "2");
    batch.put(HEADS, "head", "3");
    assert_eq!(batch.len(), 4);
    engine.commit(batch, Durability::Sync).unwrap();
    assert_eq!(all_keys(&*engine, LOG), ["new"]);
    assert_eq!(get(&*engine, HEADS, "head").as_deref(), Some("3"));
    assert_eq!(engine.spaces().unwrap(), ["heads", "log"]);
    engine.health().unwrap();
}

fn the_last_operation_on_a_key_wins(kind: EngineKind) {
    let directory = tempfile::tempdir().unwrap();
    let engine = open_in(directory.path(), kind);
    let mut batch = Batch::new();
    batch.put(LOG, "a", "1");
    batch.put(LOG, "a", "2");
    batch.put(LOG, "b", "1");
    batch.delete(LOG, "b");
    batch.delete(LOG, "c");
    batch.put(LOG, "c", "1");
    engine.commit(batch, Durability::Sync).unwrap();
    drop(engine);
    let engine = open_in(directory.path(), kind);
    assert_eq!(get(&*engine, LOG, "a").as_deref(), Some("2"));
    assert_eq!(all_keys(&*engine, LOG), ["a", "c"]);
}

fn keys_are_ordered_byte_by_byte(kind: EngineKind) {
    let directory = tempfile::tempdir().unwrap();
    let engine = open_in(directory.path(), kind);
    let ordered: Vec<Vec<u8>> =
        [&b"\0"[..], b"\0\0", b"\x01", b"a", b"aa", b"b", b"\xff", b"\xff\xff"].map(<[u8]>::to_vec).into();
    let mut batch = Batch::new();
    for key in ordered.iter().rev() {
        batch.put(LOG, key.clone(), key.clone());
    }
    engine.commit(batch, Durability::Sync).unwrap();
    let found = engine.scan(LOG, EVERYTHING, Direction::Forward, usize::MAX).unwrap();
    assert!(found.iter().all(|(key, value)| key == value));
    assert_eq!(found.into_iter().map(|(key, _)| key.to_vec()).collect::<Vec<_>>(), ordered);
    let found = engine.scan(LOG, EVERYTHING, Direction::Reverse, usize::MAX).unwrap();
    assert_eq!(found.into_iter().rev().map(|(key, _)| key.to_vec()).collect::<Vec<_>>(), ordered);
}

fn bounds_include_and_exclude_their_ends(kind: EngineKind) {
    let directory = tempfile::tempdir().unwrap();
    let engine = open_in(directory.path(), kind);
    put(&*engine, LOG, &[("a", ""), ("b", ""), ("c", ""), ("d", "")]);
    for direction in [Direction::Forward, Direction::Reverse] {
        let found = |low, high| {
            let mut found = keys(&*engine, LOG, (low, high), direction, usize::MAX);
            if direction == Direction::Reverse {
                found.reverse();
            }
            found.concat()
        };
        assert_eq!(found(Bound::Included(b"b"), Bound::Included(b"c")), "bc");
        assert_eq!(found(Bound::Excluded(b"b"), Bound::Included(b"d")), "cd");
        assert_eq!(found(Bound::Included(b"b"), Bound::Excluded(b"d")), "bc");
        assert_eq!(found(Bound::Excluded(b"a"), Bound::Excluded(b"d")), "bc");
        assert_eq!(found(Bound::Unbounded, Bound::Excluded(b"c")), "ab");
        assert_eq!(found(Bound::Excluded(b"c"), Bound::Unbounded), "d");
        assert_eq!(found(Bound::Included(b"aa"), Bound::Included(b"cc")), "bc");
    }
}

fn ranges_that_hold_nothing_are_empty(kind: EngineKind) {
    let directory = tempfile::tempdir().unwrap();
    let engine = open_in(directory.path(), kind);
    put(&*engine, LOG, &[("a", ""), ("b", ""), ("c", "")]);
    let ranges: [KeyRange<'_>; 5] = [
        (Bound::Included(b"c"), Bound::Included(b"a")),
        (Bound::Excluded(b"b"), Bound::Excluded(b"b")),
        (Bound::Included(b"b"), Bound::Excluded(b"b")),
        (Bound::Excluded(b"b"), Bound::Included(b"b")),
        (Bound::Excluded(b"a"), Bound::Excluded(b"b")),
    ];
    for range in ranges {
        for direction in [Direction::Forward, Direction::Reverse] {
            assert!(keys(&*engine, LOG, range, direction, usize::MAX).is_empty(), "{range:?}");
        }
    }
    assert_eq!(keys(&*engine, LOG, (Bound::Included(b"b"), Bound::Included(b"b")), Direction::Forward, 9), ["b"]);
}

fn a_limit_cuts_from_the_end_the_direction_names(kind: EngineKind) {
    let directory = tempfile::tempdir().unwrap();
    let engine = open_in(directory.path(), kind);
    put(&*engine, LOG, &[("a", ""), ("b", ""), ("c", ""), ("d", "")]);
    assert_eq!(keys(&*engine, LOG, EVERYTHING, Direction::Forward, 2), ["a", "b"]);
    assert_eq!(keys(&*engine, LOG, EVERYTHING, Direction::Reverse, 2), ["d", "c"]);
    assert!(keys(&*engine, LOG, EVERYTHING, Direction::Forward, 0).is_empty());
    let before_c: KeyRange<'_> = (Bound::Unbounded, Bound::Excluded(b"c"));
    assert_eq!(keys(&*engine, LOG, before_c, Direction::Reverse, 1), ["b"]);
}

fn a_space_does_not_leak_into_its_neighbours(kind: EngineKind) {
    const LOGS: Space = Space::fixed("logs");
    let directory = tempfile::tempdir().unwrap();
    let engine = open_in(directory.path(), kind);
    let days = [Space::dated("log", 1), Space::dated("log", 10)];
    put(&*engine, LOG, &[("\u{0}", ""), ("\u{1}", ""), ("s\u{0}", ""), ("-1\u{0}", "")]);
    put(&*engine, LOGS, &[("a", ""), ("z", "")]);
    put(&*engine, days[0], &[("a", "")]);
    put(&*engine, days[1], &[("b", "")]);
    assert_eq!(all_keys(&*engine, LOG), ["\u{0}", "\u{1}", "-1\u{0}", "s\u{0}"]);
    assert_eq!(all_keys(&*engine, LOGS), ["a", "z"]);
    assert_eq!(all_keys(&*engine, days[0]), ["a"]);
    assert_eq!(keys(&*engine, days[1], EVERYTHING, Direction::Reverse, 9), ["b"]);
    assert_eq!(engine.spaces().unwrap(), ["log", "log-1", "log-10", "logs"]);
}

fn a_space_that_was_never_written_is_empty(kind: EngineKind) {
    let directory = tempfile::tempdir().unwrap();
    let engine = open_in(directory.path(), kind);
    assert_eq!(get(&*engine, LOG, "a"), None);
    assert!(all_keys(&*engine.snapshot().unwrap(), LOG).is_empty());
    engine.drop_space(LOG).unwrap();
    assert!(engine.spaces().unwrap().is_empty());
}

fn a_snapshot_stays_where_it_is_if_the_engine_says_so(kind: EngineKind) {
    let directory = tempfile::tempdir().unwrap();
    let engine = open_in(directory.path(), kind);
    put(&*engine, LOG, &[("a", "1"), ("b", "1")]);
    let snapshot = engine.snapshot().unwrap();
    put(&*engine, LOG, &[("a", "2"), ("c", "2")]);
    put(&*engine, HEADS, &[("new space", "2")]);
    let seen = (get(&*snapshot, LOG, "a"), all_keys(&*snapshot, LOG), all_keys(&*snapshot, HEADS));
    if engine.snapshots_are_fixed() {
        assert_eq!(seen, (Some("1".into()), vec!["a".into(), "b".into()], vec![]));
        engine.drop_space(LOG).unwrap();
        assert_eq!(all_keys(&*snapshot, LOG), ["a", "b"]);
    } else {
        assert_eq!(seen, (Some("2".into()), vec!["a".into(), "b".into(), "c".into()], vec!["new space".into()]));
    }
}

/// Every batch writes its own number under many keys, so any mixture in one scan is a torn view.
fn a_scan_never_sees_a_part_of_a_batch(kind: EngineKind) {
    let directory = tempfile::tempdir().unwrap();
    let engine = open_in(directory.path(), kind);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..200_u32 {
                let mut batch = Batch::new();
                for key in 0..64_u32 {
                    batch.put(LOG, key.to_be_bytes(), round.to_be_bytes());
                }
                engine.commit(batch, Durability::Lazy).unwrap();
            }
            done.store(true, Ordering::Release);
        });
        while !done.load(Ordering::Acquire) {
            let found = engine.scan(LOG, EVERYTHING, Direction::Forward, usize::MAX).unwrap();
            assert!(found.is_empty() || found.len() == 64);
            assert!(found.windows(2).all(|pair| pair[0].1 == pair[1].1), "parts of two batches in one scan");
        }
    });
}

fn a_dated_space_is_dropped_whole_and_can_come_back(kind: EngineKind) {
    let directory = tempfile::tempdir().unwrap();
    let engine = open_in(directory.path(), kind);
    let (old, new) = (Space::dated("keys", 20_450), Space::dated("keys", 20_451));
    let mut batch = Batch::new();
    for number in 0..2_000_u32 {
        batch.put(old, number.to_be_bytes(), "old");
    }
    batch.put(new, "kept", "new");
    engine.commit(batch, Durability::Sync).unwrap();
    let dated: Vec<_> = engine.spaces().unwrap().iter().filter_map(|name| Space::of_family("keys", name)).collect();
    assert_eq!(dated, [old, new]);
    engine.drop_space(old).unwrap();
    assert_eq!(engine.spaces().unwrap(), ["keys-20451"]);
    assert_eq!(engine.get(old, &1_999_u32.to_be_bytes()).unwrap(), None);
    assert_eq!(all_keys(&*engine, new), ["kept"]);
    put(&*engine, old, &[("again", "1")]);
    assert_eq!(all_keys(&*engine, old), ["again"]);
}

fn a_dropped_space_stays_dropped_after_reopening(kind: EngineKind) {
    let directory = tempfile::tempdir().unwrap();
    let day = |number| Space::dated("keys", number);
    let engine = open_in(directory.path(), kind);
    put(&*engine, day(1), &[("a", "1"), ("b", "1")]);
    put(&*engine, LOG, &[("kept", "1")]);
    engine.drop_space(day(1)).unwrap();
    drop(engine);
    let engine = open_in(directory.path(), kind);
    put(&*engine, day(2), &[("c", "1")]);
    drop(engine);
    let engine = open_in(directory.path(), kind);
    assert_eq!(engine.spaces().unwrap(), ["keys-2", "log"]);
    assert!(all_keys(&*engine, day(1)).is_empty());
    assert_eq!(all_keys(&*engine, day(2)), ["c"]);
    assert_eq!(all_keys(&*engine, LOG), ["kept"]);
}

fn lazy_commits_are_there_after_reopening(kind: EngineKind) {
    let directory = tempfile::tempdir().unwrap();
    let engine = open_in(directory.path(), kind);
    let mut batch = Batch::new();
    batch.put(LOG, "lazy", "1");
    engine.commit(batch, Durability::Lazy).unwrap();
    assert_eq!(all_keys(&*engine, LOG), ["lazy"]);
    drop(engine);
    assert_eq!(all_keys(&*open_in(directory.path(), kind), LOG), ["lazy"]);
}

fn an_empty_batch_is_no_error(kind: EngineKind) {
    let directory = tempfile::tempdir().unwrap();
    let engine = open_in(directory.path(), kind);
    assert!(Batch::new().is_empty());
    engine.commit(Batch::new(), Durability::Sync).unwrap();
    engine.commit(Batch::new(), Durability::Lazy).unwrap();
    engine.sync().unwrap();
}

fn an_empty_key_is_refused_in_a_batch_and_holds_nothing_elsewhere(kind: EngineKind) {
    let directory = tempfile::tempdir().unwrap();
    let engine = open_in(directory.path(), kind);
    put(&*engine, LOG, &[("a", "1")]);
    let mut batch = Batch::new();
    batch.put(HEADS, "beside", "1");
    batch.delete(LOG, "");
    assert!(matches!(engine.commit(batch, Durability::Sync), Err(EngineError::EmptyKey { space: LOG })));
    assert_eq!(engine.spaces().unwrap(), ["log"]);
    assert_eq!(get(&*engine, LOG, ""), None);
    assert_eq!(keys(&*engine, LOG, (Bound::Included(b""), Bound::Unbounded), Direction::Forward, 9), ["a"]);
    assert!(keys(&*engine, LOG, (Bound::Unbounded, Bound::Included(b"")), Direction::Reverse, 9).is_empty());
    assert!(keys(&*engine, LOG, (Bound::Unbounded, Bound::Excluded(b"")), Direction::Forward, 9).is_empty());
}

fn a_key_or_value_over_its_limit_is_refused_and_nothing_of_its_batch_written(kind: EngineKind) {
    let directory = tempfile::tempdir().unwrap();
    let engine = open_in(directory.path(), kind);
    let oversized = [(vec![7; MAX_KEY_BYTES + 1], vec![]), (vec![7], vec![7; MAX_VALUE_BYTES + 1])];
    for (key, value) in oversized {
        let mut batch = Batch::new();
        batch.put(HEADS, "beside", "1");
        batch.put(LOG, key, value);
        let refused = engine.commit(batch, Durability::Sync);
        assert!(matches!(refused, Err(EngineError::TooLarge { .. })));
    }
    assert!(engine.spaces().unwrap().is_empty());
    engine.health().unwrap();
    let mut batch = Batch::new();
    batch.put(LOG, vec![7; MAX_KEY_BYTES], "fits");
    engine.commit(batch, Durability::Sync).unwrap();
}

/// Long enough for sled to put pages into files of their own.
fn large_values_come_back_after_reopening(kind: EngineKind) {
    let directory = tempfile::tempdir().unwrap();
    let engine = open_in(directory.path(), kind);
    let value = |number: u8| vec![number; 1_500_000];
    for number in 0..8_u8 {
        let mut batch = Batch::new();
        batch.put(LOG, [number], value(number));
        engine.commit(batch, Durability::Sync).unwrap();
    }
    drop(engine);
    let engine = open_in(directory.path(), kind);
    for number in 0..8_u8 {
        assert!(engine.get(LOG, &[number]).unwrap().is_some_and(|found| found == value(number)), "value {number}");
    }
}

fn several_callers_commit_side_by_side(kind: EngineKind) {
    let directory = tempfile::tempdir().unwrap();
    let engine = open_in(directory.path(), kind);
    thread::scope(|scope| {
        for caller in 0..8_u8 {
            let engine = &engine;
            scope.spawn(move || {
                for round in 0..20_u8 {
                    let mut batch = Batch::new();
                    batch.put(LOG, [caller, round], "1");
                    batch.put(HEADS, [caller], [round]);
                    let durability = if round % 3 == 0 { Durability::Sync } else { Durability::Lazy };
                    engine.commit(batch, durability).unwrap();
                }
            });
        }
    });
    drop(engine);
    let engine = open_in(directory.path(), kind);
    assert_eq!(engine.scan(LOG, EVERYTHING, Direction::Forward, usize::MAX).unwrap().len(), 160);
    let heads = engine.scan(HEADS, EVERYTHING, Direction::Forward, usize::MAX).unwrap();
    assert!(heads.len() == 8 && heads.iter().all(|(_, round)| **round == [19]));
}

fn the_other_engines_directory_is_refused(kind: EngineKind) {
    let other = if kind == EngineKind::Fjall { EngineKind::Sled } else { EngineKind::Fjall };
    let directory = tempfile::tempdir().unwrap();
    drop(open_in(directory.path(), other));
    let refused = open(kind, directory.path(), CACHE_BYTES).err().unwrap();
    assert!(matches!(refused, EngineError::OtherEngine { found, asked, .. } if (found, asked) == (other, kind)));
    assert!(!directory.path().join(kind.name()).exists());
}
