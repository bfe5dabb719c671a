//! There and back, through damage and out of it.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Bound;
use std::path::Path;

use super::*;
use crate::store::check::check;
use crate::store::embedded::records::{PlacesRecord, Record};
use crate::store::embedded::{Embedded, spaces};
use crate::store::engine::{self, Batch, Direction, Durability, Engine, EngineKind, Space};
use crate::store::progress::Silent;
use crate::store::{Queries, sample};

type Content = BTreeMap<(String, Vec<u8>), Vec<u8>>;

fn content(engine: &dyn Engine) -> Content {
    let names = engine.spaces().unwrap();
    let dated = names.iter().filter_map(|name| Space::of_family("keys", name));
    let mut content = Content::new();
    for space in spaces::ALL.iter().copied().chain(dated) {
        for (key, value) in
            engine.scan(space, (Bound::Unbounded, Bound::Unbounded), Direction::Forward, usize::MAX).unwrap()
        {
            let value = if space == spaces::PLACES { unread(&value) } else { value.to_vec() };
            content.insert((space.to_string(), key.to_vec()), value);
        }
    }
    content
}

/// Places without what only a start after a crash asks: memberships in an export account for it.
fn unread(places: &[u8]) -> Vec<u8> {
    let mut places = PlacesRecord::decode(places).unwrap();
    places.0.iter_mut().for_each(|place| place.reads = false);
    places.encode().unwrap()
}

fn written(engine: &dyn Engine, salvage: bool, files: Option<&Path>) -> (Vec<u8>, Summary) {
    let mut out = Vec::new();
    let summary = export(engine, ExportOptions { salvage, files, created: 7 }, &mut out, &mut Silent).unwrap();
    (out, summary)
}

fn read(mut lines: &[u8], data: &Path, engine: EngineKind) -> Result<(Arc<dyn Engine>, Summary), TransferError> {
    let source = ImportSource { lines: &mut lines, bytes: None, data, engine, cache: sample::CACHE_BYTES };
    import(source, &mut Silent)
}

fn open(data: &Path, kind: EngineKind) -> Arc<dyn Engine> {
    engine::open(kind, data, sample::CACHE_BYTES).unwrap()
}

fn filled(kind: EngineKind, messages: u64) -> (tempfile::TempDir, Arc<dyn Engine>) {
    let data = tempfile::tempdir().unwrap();
    drop(sample::fill(data.path(), kind, messages));
    let engine = open(data.path(), kind);
    (data, engine)
}

#[test]
fn a_store_that_went_from_fjall_to_sled_and_back_is_the_same() {
    let (_first, engine) = filled(EngineKind::Fjall, 900);
    let original = content(engine.as_ref());
    let (lines, summary) = written(engine.as_ref(), false, None);
    assert!(summary.counts["message"] > 500 && summary.counts["key"] > 50 && summary.lost.is_empty());
    let second = tempfile::tempdir().unwrap();
    let (engine, taken) = read(&lines, second.path(), EngineKind::Sled).unwrap();
    assert_eq!(taken.counts, summary.counts);
    assert_eq!(content(engine.as_ref()), original);
    assert!(check(engine.as_ref(), None, 9, &mut Silent).is_clean());
    assert_eq!(written(engine.as_ref(), false, None).0, lines);
    let third = tempfile::tempdir().unwrap();
    drop(engine);
    let (engine, _) = read(&lines, third.path(), EngineKind::Fjall).unwrap();
    drop(engine);
    let engine = open(third.path(), EngineKind::Fjall);
    assert_eq!(content(engine.as_ref()), original);
    let store = Embedded::open(engine, sample::settings()).unwrap();
    assert_eq!(store.users(None, 100).unwrap().users.len(), 12);
}

#[test]
fn an_export_that_was_changed_cut_or_added_to_is_refused_and_leaves_nothing() {
    let (_data, engine) = filled(EngineKind::Fjall, 60);
    let (lines, _) = written(engine.as_ref(), false, None);
    let text = String::from_utf8(lines.clone()).unwrap();
    let end = text.trim_end().rfind('\n').unwrap() + 1;
    let without_one = {
        let at = text.find("{\"type\":\"read\"").unwrap();
        let next = at + text[at..].find('\n').unwrap() + 1;
        format!("{}{}", &text[..at], &text[next..])
    };
    let cases = [
        ("SHA-256 is another", text.replacen("message 1", "massage 1", 1)),
        ("SHA-256 is another", without_one),
        ("cut short after line", text[..end].to_owned()),
        ("cut short after line", text[..text.len() / 2].to_owned()),
        ("cut short after line", text[..text.len() - 1].to_owned()),
        ("follows the end", format!("{text}{{\"type\":\"end\",\"counts\":{{}},\"sha256\":\"\"}}\n")),
        ("not an export of koine", String::new()),
        ("expected", "# notes\n".to_owned()),
        ("use a newer one", text.replacen("\"version\":2", "\"version\":3", 1)),
        ("never released", text.replacen("\"version\":2", "\"version\":1", 1)),
        ("unknown variant", text.replacen("{\"type\":\"user\"", "{\"type\":\"robot\"", 1)),
    ];
    for (expected, lines) in cases {
        assert_ne!(lines, text, "{expected}");
        let data = tempfile::tempdir().unwrap();
        let refused = read(lines.as_bytes(), data.path(), EngineKind::Fjall).err().expect(expected).to_string();
        assert!(refused.contains(expected), "{refused}");
        assert_eq!(fs::read_dir(data.path()).unwrap().count(), 0, "{expected}");
    }
}

#[test]
fn a_directory_that_holds_a_store_is_not_imported_into() {
    let (data, engine) = filled(EngineKind::Sled, 20);
    let (lines, _) = written(engine.as_ref(), false, None);
    let before = content(engine.as_ref());
    for kind in [EngineKind::Fjall, EngineKind::Sled] {
        let refused = read(&lines, data.path(), kind).err().unwrap();
        assert!(refused.to_string().contains("holds a sled store"), "{refused}");
    }
    assert_eq!(content(engine.as_ref()), before);
}

#[test]
fn a_store_whose_import_was_cut_short_is_not_served() {
    let data = tempfile::tempdir().unwrap();
    let loader = loader::Loader::begin(data.path(), EngineKind::Fjall, sample::CACHE_BYTES).unwrap();
    drop(loader);
    let refused = Embedded::open(open(data.path(), EngineKind::Fjall), sample::settings()).err().unwrap();
    assert!(refused.to_string().contains("import again"), "{refused}");
}

#[test]
fn the_bytes_of_files_go_along_when_asked_for_and_must_be_what_they_were() {
    let (from, old) = filled(EngineKind::Fjall, 20);
    let (large, name) = (vec![7_u8; 500_000], |bytes: &[u8]| {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
        data_encoding::HEXLOWER.encode(hash.as_ref())
    });
    let contents: [&[u8]; 2] = [&large, b""];
    let mut batch = Batch::new();
    let everything = (Bound::Unbounded, Bound::Unbounded);
    let files = old.scan(spaces::FILES, everything, Direction::Forward, 9).unwrap();
    for (number, (key, value)) in files.into_iter().enumerate() {
        use crate::store::embedded::records::{FileRecord, Record};
        let bytes = contents[number % 2];
        let record =
            FileRecord { sha256: name(bytes), size: bytes.len() as u64, ..FileRecord::decode(&value).unwrap() };
        batch.put(spaces::FILES, key.to_vec(), record.encode().unwrap());
        let path = uploads::path(from.path(), &record.sha256);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    old.commit(batch, Durability::Lazy).unwrap();
    let (lines, summary) = written(old.as_ref(), false, Some(from.path()));
    assert_eq!(summary.counts["bytes"], 4, "three parts and an empty one");
    let to = tempfile::tempdir().unwrap();
    let (engine, _) = read(&lines, to.path(), EngineKind::Sled).unwrap();
    let report = check(engine.as_ref(), Some(to.path()), 9, &mut Silent);
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(fs::read(uploads::path(to.path(), &name(&large))).unwrap(), large);
    fs::write(uploads::path(from.path(), &name(&large)), vec![8_u8; 500_000]).unwrap();
    let options = ExportOptions { salvage: false, files: Some(from.path()), created: 7 };
    let refused = export(old.as_ref(), options, &mut Vec::new(), &mut Silent);
    assert!(refused.unwrap_err().to_string().contains("SHA-256"));
}

/// A store from which things are lost, again and again from its whole state.
struct Victim {
    _data: tempfile::TempDir,
    engine: Arc<dyn Engine>,
    before: Content,
}

impl Victim {
    fn new() -> Self {
        let (data, engine) = filled(EngineKind::Fjall, 500);
        let before = content(engine.as_ref());
        Self { _data: data, engine, before }
    }

    /// Takes out what `lose` says, salvages the rest and imports that: the new store is whole.
    fn salvaged(&self, lose: impl Fn(&Space, &[u8]) -> bool) -> (Content, Summary) {
        let (mut taken, mut back) = (Batch::new(), Batch::new());
        for space in spaces::ALL {
            let of_space = self.before.iter().filter(|(key, _)| key.0 == space.name() && lose(space, &key.1));
            for ((_, key), value) in of_space {
                taken.delete(*space, key.clone());
                back.put(*space, key.clone(), value.clone());
            }
        }
        self.engine.commit(taken, Durability::Lazy).unwrap();
        let (lines, _) = written(self.engine.as_ref(), true, None);
        self.engine.commit(back, Durability::Lazy).unwrap();
        let data = tempfile::tempdir().unwrap();
        let (engine, summary) = read(&lines, data.path(), EngineKind::Sled).unwrap();
        let report = check(engine.as_ref(), None, 9, &mut Silent);
        assert!(report.is_clean(), "{report:?}");
        (content(engine.as_ref()), summary)
    }
}

fn of<'a>(content: &'a Content, space: &str) -> BTreeMap<&'a [u8], &'a [u8]> {
    content.iter().filter(|(key, _)| key.0 == space).map(|(key, value)| (key.1.as_slice(), value.as_slice())).collect()
}

#[test]
fn salvaging_a_store_without_damage_changes_nothing() {
    let victim = Victim::new();
    let (after, summary) = victim.salvaged(|_, _| false);
    assert_eq!(summary.lost, []);
    assert!(victim.before == after);
}

#[test]
fn lost_messages_keep_their_places_and_all_others_stay() {
    // One in seven, and everything after the tenth of conversation 3.
    let lost = |key: &[u8]| (key[15] % 7 == 3) || (key[7] == 3 && key[15] > 10);
    let victim = Victim::new();
    let (after, summary) = victim.salvaged(|space, key| *space == spaces::LOG && lost(key));
    let (before, after) = (of(&victim.before, "log"), of(&after, "log"));
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (key, value) in &before {
        assert_eq!(lost(key), after[key] != *value, "{key:?}");
    }
    assert_eq!(
        summary.lost.iter().filter(|lost| lost.space == "log").count(),
        before.keys().filter(|key| lost(key)).count()
    );
}

#[test]
fn whatever_sort_of_record_is_lost_the_messages_stay() {
    let victim = Victim::new();
    for lost in spaces::ALL.iter().filter(|space| **space != spaces::LOG) {
        let (after, _) = victim.salvaged(|space, key| space == lost && key.last().is_some_and(|last| last % 3 != 1));
        assert_eq!(of(&victim.before, "log"), of(&after, "log"), "{lost}");
        let (after, _) = victim.salvaged(|space, _| space == lost);
        assert_eq!(of(&victim.before, "log"), of(&after, "log"), "all of {lost}");
    }
}

#[test]
fn a_damaged_block_costs_what_is_in_it_and_nothing_else() {
    let data = tempfile::tempdir().unwrap();
    drop(sample::fill(data.path(), EngineKind::Fjall, 2_500));
    let before = content(open(data.path(), EngineKind::Fjall).as_ref());
    let database = fjall::Database::builder(data.path().join("fjall")).open().unwrap();
    let log = database.keyspace("log", fjall::KeyspaceCreateOptions::default).unwrap();
    log.rotate_memtable_and_wait().unwrap();
    let folder = log.path().join("tables");
    drop((log, database));
    let table = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).next().unwrap();
    let mut bytes = fs::read(&table).unwrap();
    for at in [10_000, 60_000] {
        bytes[at] ^= 4;
    }
    fs::write(&table, bytes).unwrap();
    let salvaged = open_for_salvage(EngineKind::Fjall, data.path(), sample::CACHE_BYTES).unwrap();
    assert!(!check(salvaged.engine.as_ref(), None, 9, &mut Silent).is_clean());
    let (lines, exported) = written(salvaged.engine.as_ref(), true, None);
    assert_eq!(exported.lost.len(), 2, "{:?}", exported.lost);
    let to = tempfile::tempdir().unwrap();
    let (engine, _) = read(&lines, to.path(), EngineKind::Fjall).unwrap();
    assert!(check(engine.as_ref(), None, 9, &mut Silent).is_clean());
    let after = content(engine.as_ref());
    let (before, after) = (of(&before, "log"), of(&after, "log"));
    let lost = before.iter().filter(|(key, value)| after[*key] != **value).count();
    assert!(before.len() == after.len() && lost > 0 && lost < before.len() / 4, "{lost} of {}", before.len());
}

#[test]
fn a_store_that_cannot_be_opened_gives_what_was_written_before_the_damage() {
    for (kind, file) in [(EngineKind::Fjall, "fjall/0.jnl"), (EngineKind::Sled, "sled/db")] {
        let data = tempfile::tempdir().unwrap();
        drop(sample::fill(data.path(), kind, 800));
        let path = data.path().join(file);
        let mut bytes = fs::read(&path).unwrap();
        let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
        bytes[end / 2] ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert!(engine::open(kind, data.path(), sample::CACHE_BYTES).is_err(), "{kind}");
        let salvaged = open_for_salvage(kind, data.path(), sample::CACHE_BYTES).unwrap();
        assert!(salvaged.complaint.is_some());
        let (lines, _) = written(salvaged.engine.as_ref(), true, None);
        drop(salvaged);
        let to = tempfile::tempdir().unwrap();
        let (engine, summary) = read(&lines, to.path(), EngineKind::Fjall).unwrap();
        assert!(check(engine.as_ref(), None, 9, &mut Silent).is_clean());
        let messages = summary.counts["message"];
        assert!((150..600).contains(&messages), "{kind}: {messages}");
        assert!(fs::read_dir(data.path()).unwrap().count() == 1, "the copy is gone");
    }
}
