//! `kill -9` in the middle of committing: what was acknowledged is there, and every batch is whole.
//!
//! The test program starts itself again as a child that commits and tells of each commit; the parent kills it
//! after a different number of commits in each cycle and looks at what is left.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use super::*;

on_each_engine!(acknowledged_batches_survive_kill_9_whole);

const CYCLES: u64 = 5;
const KEYS_PER_BATCH: u64 = 40;
const ENGINE: &str = "KOINE_CRASH_ENGINE";
const DIRECTORY: &str = "KOINE_CRASH_DIRECTORY";
const FIRST: &str = "KOINE_CRASH_FIRST";

fn acknowledged_batches_survive_kill_9_whole(kind: EngineKind) {
    let directory = tempfile::tempdir().unwrap();
    let mut next = 0;
    for cycle in 0..CYCLES {
        let acknowledged = commit_until_killed(directory.path(), kind, next, 20 + 37 * cycle);
        let engine = open_in(directory.path(), kind);
        let mut last = acknowledged;
        if is_whole(&*engine, acknowledged + 1) {
            last += 1;
        }
        for number in 0..=last {
            assert!(is_whole(&*engine, number), "batch {number} of {acknowledged} acknowledged is not whole");
        }
        let found = engine.scan(LOG, EVERYTHING, Direction::Forward, usize::MAX).unwrap().len() as u64;
        assert_eq!(found, (last + 1) * KEYS_PER_BATCH, "parts of a batch beyond {last}");
        assert_eq!(get(&*engine, HEADS, "head"), Some(last.to_string()));
        next = last + 1;
    }
}

/// Runs the child until it has told of `count` commits; the number of the last commit it told of.
fn commit_until_killed(directory: &Path, kind: EngineKind, first: u64, count: u64) -> u64 {
    let mut child = Command::new(env::current_exe().unwrap())
        .args([
            "store::engine::suite::crash::child_that_commits_until_it_is_killed",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env(ENGINE, kind.name())
        .env(DIRECTORY, directory)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let number = |line: String| line.strip_prefix("committed ").map(|number| number.parse::<u64>().unwrap());
    let reached = told.by_ref().filter_map(number).find(|number| number + 1 >= first + count);
    child.kill().unwrap();
    // What it told before it died counts, too. A line is written in one piece.
    let rest = told.filter_map(number).last();
    assert!(!child.wait().unwrap().success());
    rest.or(reached).expect("the child ended by itself")
}

#[test]
#[ignore = "the child process of the tests above; commits until it is killed"]
fn child_that_commits_until_it_is_killed() {
    let Ok(directory) = env::var(DIRECTORY) else { return };
    let kind = if env::var(ENGINE).unwrap() == "sled" { EngineKind::Sled } else { EngineKind::Fjall };
    let engine = open_in(Path::new(&directory), kind);
    let mut stdout = std::io::stdout();
    for number in env::var(FIRST).unwrap().parse::<u64>().unwrap().. {
        engine.commit(batch(number), Durability::Sync).unwrap();
        writeln!(stdout, "committed {number}").unwrap();
        stdout.flush().unwrap();
    }
}

fn batch(number: u64) -> Batch {
    let mut batch = Batch::new();
    for key in 0..KEYS_PER_BATCH {
        batch.put(LOG, log_key(number, key), vec![b'm'; 200]);
    }
    batch.put(day(number), number.to_be_bytes(), "");
    batch.put(HEADS, "head", number.to_string());
    batch
}

fn is_whole(engine: &dyn Engine, number: u64) -> bool {
    let has = |key| engine.get(LOG, &log_key(number, key)).unwrap().is_some();
    let found = (0..KEYS_PER_BATCH).filter(|key| has(*key)).count() as u64;
    assert!(found == 0 || found == KEYS_PER_BATCH, "{found} keys of batch {number}");
    let dated = engine.get(day(number), &number.to_be_bytes()).unwrap().is_some();
    assert_eq!(dated, found > 0, "batch {number} is there in one space and not in the other");
    dated
}

/// Keys spread over the space, so that a batch touches many pages.
fn log_key(number: u64, key: u64) -> Vec<u8> {
    [key.to_be_bytes(), number.to_be_bytes()].concat()
}

/// A few spaces, so that batches create some and share some.
fn day(number: u64) -> Space {
    Space::dated("keys", u32::try_from(number / 50).unwrap())
}
