//! Damaged files: whatever happens to a store is refused, found, or harmless.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use super::check;
use crate::store::embedded::spaces;
use crate::store::engine::{self, Direction, Engine, EngineKind, Space};
use crate::store::progress::Silent;
use crate::store::sample;

/// Damages per store; `KOINE_DAMAGE_CASES` sets another number.
const CASES: u64 = 50;
const MESSAGES: u64 = 1_200;

#[test]
fn damage_to_a_closed_fjall_store_is_refused_found_or_harmless() {
    let data = tempfile::tempdir().unwrap();
    drop(sample::fill(data.path(), EngineKind::Fjall, MESSAGES));
    Damaged::new(data.path(), EngineKind::Fjall).go_through(1);
}

#[test]
fn damage_to_the_tables_of_a_fjall_store_is_refused_found_or_harmless() {
    let data = tempfile::tempdir().unwrap();
    drop(sample::fill(data.path(), EngineKind::Fjall, MESSAGES));
    let database = fjall::Database::builder(data.path().join("fjall")).open().unwrap();
    for name in database.list_keyspace_names() {
        let space = database.keyspace(&name, fjall::KeyspaceCreateOptions::default).unwrap();
        space.rotate_memtable_and_wait().unwrap();
    }
    drop(database);
    Damaged::new(data.path(), EngineKind::Fjall).go_through(2);
}

#[test]
fn damage_to_a_closed_sled_store_is_refused_found_or_harmless() {
    let data = tempfile::tempdir().unwrap();
    drop(sample::fill(data.path(), EngineKind::Sled, MESSAGES));
    Damaged::new(data.path(), EngineKind::Sled).go_through(3);
}

#[test]
fn damage_to_a_sled_store_that_was_not_closed_is_refused_found_or_harmless() {
    let data = tempfile::tempdir().unwrap();
    let open = sample::fill(data.path(), EngineKind::Sled, MESSAGES);
    drop(open);
    // Without what closing wrote, everything comes from the log.
    for entry in fs::read_dir(data.path().join("sled")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with("snap.") {
            fs::remove_file(path).unwrap();
        }
    }
    Damaged::new(data.path(), EngineKind::Sled).go_through(4);
}

type Content = BTreeMap<(String, Vec<u8>), Vec<u8>>;

/// A store that is damaged again and again, each time from its whole state.
struct Damaged {
    kind: EngineKind,
    directories: Vec<PathBuf>,
    files: Vec<Original>,
    content: Content,
}

struct Original {
    path: PathBuf,
    /// Without the zeros at the end.
    bytes: Vec<u8>,
    length: u64,
}

/// What is done to a file.
#[derive(Debug)]
enum Damage {
    Flip { at: usize, bit: u8 },
    Cut { at: usize },
    Zero { at: usize },
}

impl Damaged {
    fn new(data: &Path, kind: EngineKind) -> Self {
        let mut damaged = Self { kind, directories: Vec::new(), files: Vec::new(), content: Content::new() };
        damaged.take_in(data, data);
        // Only afterwards: opening changes files.
        damaged.content = content(engine::open(kind, data, sample::CACHE_BYTES).unwrap().as_ref()).unwrap();
        assert!(damaged.content.len() > 2_000);
        damaged
    }

    fn take_in(&mut self, root: &Path, directory: &Path) {
        let mut entries: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            let name = path.strip_prefix(root).unwrap().to_owned();
            if path.is_dir() {
                self.directories.push(name);
                self.take_in(root, &path);
            } else {
                let mut bytes = fs::read(&path).unwrap();
                let length = bytes.len() as u64;
                bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
                self.files.push(Original { path: name, bytes, length });
            }
        }
    }

    fn go_through(&self, seed: u64) {
        let cases = std::env::var("KOINE_DAMAGE_CASES").map_or(CASES, |cases| cases.parse().unwrap());
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut outcomes = BTreeMap::<&str, u64>::new();
        for case in 0..cases {
            let mut below = |bound: usize| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                usize::try_from(random % bound as u64).unwrap()
            };
            // Every other one anywhere in the store's bytes, else in any of its files.
            let (file, at) = if case % 2 == 0 {
                self.place(below(self.files.iter().map(|file| file.bytes.len()).sum()))
            } else {
                let filled: Vec<_> = self.files.iter().filter(|file| !file.bytes.is_empty()).collect();
                let file = filled[below(filled.len())];
                (file, below(file.bytes.len()))
            };
            let damage = match case % 5 {
                0..3 => Damage::Flip { at, bit: 1 << below(8) },
                3 => Damage::Cut { at },
                _ => Damage::Zero { at },
            };
            *outcomes.entry(self.outcome(file, &damage)).or_default() += 1;
        }
        assert!(outcomes.get("refused").is_some_and(|refused| *refused >= cases / 5), "{outcomes:?}");
    }

    fn place(&self, mut at: usize) -> (&Original, usize) {
        for file in &self.files {
            if at < file.bytes.len() {
                return (file, at);
            }
            at -= file.bytes.len();
        }
        unreachable!("beyond the store")
    }

    fn outcome(&self, file: &Original, damage: &Damage) -> &'static str {
        let data = tempfile::tempdir().unwrap();
        self.lay_out(data.path(), file, damage);
        let opened = engine::open(self.kind, data.path(), sample::CACHE_BYTES);
        let Ok(engine) = opened else { return "refused" };
        let report = check(engine.as_ref(), None, 3, &mut Silent);
        match content(engine.as_ref()) {
            Some(found) if found == self.content && self.has_every_key(engine.as_ref()) => {
                assert!(report.is_clean(), "{damage:?} of {} is harmless: {report:?}", file.path.display());
                "harmless"
            }
            _ => {
                assert!(!report.is_clean(), "{damage:?} of {} was not found", file.path.display());
                "found"
            }
        }
    }

    /// Whether each pair is found by its key, too: that reads other parts of files than going through all does.
    fn has_every_key(&self, engine: &dyn Engine) -> bool {
        spaces_of(engine).is_some_and(|spaces| {
            self.content.iter().all(|((name, key), value)| {
                let space = spaces.iter().find(|space| space.to_string() == *name);
                let found = space.and_then(|space| engine.get(*space, key).ok().flatten());
                found.is_some_and(|found| found.as_ref() == value.as_slice())
            })
        })
    }

    fn lay_out(&self, data: &Path, damaged: &Original, damage: &Damage) {
        for directory in &self.directories {
            fs::create_dir(data.join(directory)).unwrap();
        }
        for file in &self.files {
            let (mut bytes, mut length) = (file.bytes.clone(), file.length);
            if file.path == damaged.path {
                match damage {
                    Damage::Flip { at, bit } => bytes[*at] ^= bit,
                    Damage::Zero { at } => bytes.iter_mut().skip(*at).take(512).for_each(|byte| *byte = 0),
                    Damage::Cut { at } => {
                        bytes.truncate(*at);
                        length = *at as u64;
                    }
                }
            }
            let mut written = fs::File::create(data.join(&file.path)).unwrap();
            written.write_all(&bytes).unwrap();
            written.set_len(length).unwrap();
        }
    }
}

/// Everything in a store; `None` if it cannot be read.
fn content(engine: &dyn Engine) -> Option<Content> {
    let mut content = Content::new();
    let everything = (Bound::Unbounded, Bound::Unbounded);
    for space in spaces_of(engine)? {
        for (key, value) in engine.scan(space, everything, Direction::Forward, usize::MAX).ok()? {
            content.insert((space.to_string(), key.to_vec()), value.to_vec());
        }
    }
    Some(content)
}

fn spaces_of(engine: &dyn Engine) -> Option<Vec<Space>> {
    let names = engine.spaces().ok()?;
    let dated = names.iter().filter_map(|name| Space::of_family("keys", name));
    Some(spaces::ALL.iter().copied().chain(dated).collect())
}
