//! A check finds what is wrong, and nothing else.

use std::fs;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use koine_core::{ConversationId, UserId};

use super::*;
use crate::store::embedded::keys::{self, Sort};
use crate::store::embedded::records::{
    ContentRecord, ConversationRecord, Count, Head, KeyRecord, MemberRecord, MessageRecord, Record, RequestRecord,
    ShapeRecord, TokenRecord, UserRecord,
};
use crate::store::embedded::{MESSAGE_IDS, SCHEMA_KEY, catch_up, key_space, spaces};
use crate::store::engine::{self, Batch, Direction, Durability, EngineKind, Space};
use crate::store::progress::Silent;
use crate::store::sample;

#[test]
fn a_store_in_use_is_clean_on_either_engine() {
    for kind in [EngineKind::Fjall, EngineKind::Sled] {
        let data = tempfile::tempdir().unwrap();
        drop(sample::fill(data.path(), kind, 700));
        let engine = engine::open(kind, data.path(), sample::CACHE_BYTES).unwrap();
        let report = check(engine.as_ref(), None, 50, &mut Silent);
        assert_eq!(report.findings, [], "{kind}");
        assert!(report.messages > 400 && report.users == 12 && report.conversations > 50, "{report:?}");
    }
}

/// A store that is changed behind its back, one change at a time.
struct Victim {
    _data: tempfile::TempDir,
    engine: Arc<dyn Engine>,
}

impl Victim {
    fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        drop(sample::fill(data.path(), EngineKind::Fjall, 300));
        let engine = engine::open(EngineKind::Fjall, data.path(), sample::CACHE_BYTES).unwrap();
        Self { _data: data, engine }
    }

    fn set(&self, space: Space, key: &[u8], value: Option<&[u8]>) {
        let mut batch = Batch::new();
        match value {
            Some(value) => batch.replace(space, key, value),
            None => batch.delete(space, key),
        }
        self.engine.commit(batch, Durability::Lazy).unwrap();
    }

    /// The findings once a key has another value; the old one is put back.
    fn with(&self, space: Space, key: &[u8], value: Option<&[u8]>) -> Vec<String> {
        let before = self.engine.get(space, key).unwrap();
        self.set(space, key, value);
        let report = check(self.engine.as_ref(), None, usize::MAX, &mut Silent);
        self.set(space, key, before.as_deref());
        report.findings.iter().map(ToString::to_string).collect()
    }

    /// That changing a record is found, in these words.
    fn finds<R: Record>(&self, space: Space, key: &[u8], expected: &str, change: impl FnOnce(&mut R)) {
        let mut record = R::decode(&self.engine.get(space, key).unwrap().unwrap()).unwrap();
        change(&mut record);
        let findings = self.with(space, key, Some(&record.encode().unwrap()));
        assert!(findings.iter().any(|finding| finding.contains(expected)), "{expected}: {findings:?}");
    }

    /// The first key of a space whose record this holds for.
    fn key<R: Record>(&self, space: Space, holds: impl Fn(&[u8], &R) -> bool) -> Vec<u8> {
        let all = self.engine.scan(space, (Bound::Unbounded, Bound::Unbounded), Direction::Forward, usize::MAX);
        let found = all.unwrap().into_iter().find(|(key, value)| holds(key, &R::decode(value).unwrap()));
        found.expect("the sample has one").0.to_vec()
    }

    fn day(&self) -> Space {
        let name = self.engine.spaces().unwrap().into_iter().find(|name| name.starts_with("keys-")).unwrap();
        key_space(name.strip_prefix("keys-").unwrap().parse().unwrap())
    }
}

#[test]
fn every_record_that_goes_missing_is_found() {
    let victim = Victim::new();
    for space in spaces::ALL {
        let pairs = victim.engine.scan(*space, (Bound::Unbounded, Bound::Unbounded), Direction::Reverse, 2).unwrap();
        assert!(!pairs.is_empty(), "the sample has nothing in {space}");
        for (key, value) in pairs {
            let found = victim.with(*space, &key, None);
            // Nothing else tells of these; the tally does, unless they are taken out by a commit as they are here.
            let alone = matches!(*space, spaces::READS | spaces::REQUESTS_TO | spaces::BLOCKED_BY);
            // Without the mark everything is made up for.
            let alone = alone || *key == *catch_up::KEY;
            assert_eq!(found.is_empty(), alone, "{space} {key:?}: {found:?}");
            let cut = victim.with(*space, &key, Some(&value[..value.len() / 2]));
            let has_value = !matches!(*space, spaces::REQUESTS_TO | spaces::REQUESTS_ABOUT);
            assert_eq!(!cut.is_empty(), has_value, "{space} {key:?}: {cut:?}");
        }
    }
    assert!(check(victim.engine.as_ref(), None, 9, &mut Silent).is_clean(), "everything was put back");
}

#[test]
fn whatever_an_engine_loses_is_noticed_by_the_tally() {
    let data = tempfile::tempdir().unwrap();
    drop(sample::fill(data.path(), EngineKind::Fjall, 60));
    let lose = |change: &dyn Fn(&fjall::Keyspace)| {
        let database = fjall::Database::builder(data.path().join("fjall")).open().unwrap();
        let space = database.keyspace("blocked_by", fjall::KeyspaceCreateOptions::default).unwrap();
        change(&space);
        drop((space, database));
        let engine = engine::open(EngineKind::Fjall, data.path(), sample::CACHE_BYTES).unwrap();
        let report = check(engine.as_ref(), None, 9, &mut Silent);
        report.findings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let key = keys::two_numbers(4, 3);
    assert_eq!(lose(&|_| ()), [""; 0]);
    let changed = lose(&|space| space.insert(&key, 7_i64.encode().unwrap()).unwrap());
    assert_eq!(changed, ["store: records are not as they were last written"]);
    let missing = lose(&|space| space.remove(&key).unwrap());
    assert!(missing.len() == 1 && missing[0].starts_with("store: 1 of "), "{missing:?}");
}

#[test]
fn wrong_users_and_what_belongs_to_them_are_found() {
    let victim = Victim::new();
    let user = keys::number(2);
    victim.finds::<UserRecord>(spaces::USERS, &user, "does not lead back", |user| user.handle = "else".into());
    victim.finds::<UserRecord>(spaces::USERS, &user, "handle is impossible", |user| user.handle.clear());
    let token = victim.key::<TokenRecord>(spaces::TOKENS, |_, _| true);
    victim.finds::<TokenRecord>(spaces::TOKENS, &token, "its user is missing", |token| token.user = 99);
    victim.finds::<TokenRecord>(spaces::TOKENS, &token, "does not lead back", |token| token.hash[0] ^= 1);
    let friends = victim.key::<i64>(spaces::FRIENDS, |_, _| true);
    victim.finds::<i64>(spaces::FRIENDS, &friends, "not mutual", |since| *since += 1);
    let blocked = victim.with(spaces::BLOCKED_BY, &keys::two_numbers(1, 99), Some(&0_i64.encode().unwrap()));
    assert_eq!(blocked, ["blocked_by 1/99: user 99 is missing"]);
}

#[test]
fn wrong_conversations_heads_and_messages_are_found() {
    let victim = Victim::new();
    let group = victim.key::<ConversationRecord>(spaces::CONVERSATIONS, |_, record| {
        matches!(record.shape, ShapeRecord::Group { dissolved: false, .. })
    });
    let change = |change: fn(&mut u64, &mut u64, &mut bool)| {
        move |record: &mut ConversationRecord| {
            if let ShapeRecord::Group { manager, member_count, dissolved, .. } = &mut record.shape {
                change(manager, member_count, dissolved);
            }
        }
    };
    let space = spaces::CONVERSATIONS;
    victim.finds(space, &group, "and counts", change(|_, count, _| *count += 1));
    victim.finds(space, &group, "manager is not a member", change(|manager, _, _| *manager = 12));
    victim.finds(space, &group, "is dissolved and has members", change(|_, _, dissolved| *dissolved = true));
    let head = victim.key::<Head>(spaces::HEADS, |_, head| head.seq > 3);
    victim.finds::<Head>(spaces::HEADS, &head, "missing from the log", |head| head.seq += 1);
    victim.finds::<Head>(spaces::HEADS, &head, "the log ends at", |head| head.seq -= 1);
    victim.finds::<Head>(spaces::HEADS, &head, "not its last message's", |head| head.time += 1);
    let log = |seq| keys::two_numbers(keys::read_number(&head).unwrap(), seq);
    let space = spaces::LOG;
    assert!(victim.with(space, &log(2), None).iter().any(|found| found.contains("message 2 before it is missing")));
    victim.finds::<MessageRecord>(space, &log(2), "not above", |message| message.id = 1);
    victim.finds::<MessageRecord>(space, &log(2), "was never handed out", |message| message.id = 1 << 52);
    victim.finds::<MessageRecord>(space, &log(2), "before the message before", |message| message.time = 1);
    victim.finds::<MessageRecord>(space, &log(2), "user 99, is missing", |message| message.sender = 99);
    victim.finds::<MessageRecord>(space, &log(2), "does not lead back", |message| message.client_id = Some(1 << 61));
    victim.finds::<MessageRecord>(space, &log(2), "not JSON", |message| {
        message.content = ContentRecord::Json(crate::store::embedded::records::KindRecord::Text, "{".into());
    });
    let direct = victim.key::<ConversationRecord>(spaces::CONVERSATIONS, |key, record| {
        let talked = victim.engine.get(spaces::LOG, &keys::two_numbers(keys::read_number(key).unwrap(), 1)).unwrap();
        talked.is_some() && matches!(record.shape, ShapeRecord::Direct { users: [first, _], .. } if first != 12)
    });
    let first = keys::two_numbers(keys::read_number(&direct).unwrap(), 1);
    let stranger = (1..=12)
        .find(|user| {
            let row =
                keys::chat(UserId::new(*user), Sort::Direct, ConversationId::new(keys::read_number(&direct).unwrap()));
            victim.engine.get(spaces::CHATS, &row).unwrap().is_none()
        })
        .unwrap();
    victim.finds::<MessageRecord>(space, &first, "not in the conversation", |message| message.sender = stranger);
}

#[test]
fn wrong_memberships_are_found() {
    let victim = Victim::new();
    let space = spaces::CHATS;
    let row = victim.key::<MemberRecord>(space, |_, member| member.read > 2 && member.joined == 0);
    victim.finds::<MemberRecord>(space, &row, "own messages after the read mark", |member| member.own += 1);
    victim.finds::<MemberRecord>(space, &row, "the read mark is after", |member| member.read = 1_000_000);
    victim.finds::<MemberRecord>(space, &row, "before its beginning", |member| member.joined = member.read + 1);
    victim.finds::<MemberRecord>(space, &row, "are delivered", |member| {
        member.delivered.insert(1, 1 << 40);
    });
    victim.finds::<MemberRecord>(space, &row, "are hidden", |member| {
        member.hidden.insert(1 << 40, 1 << 40);
    });
    victim.finds::<MemberRecord>(space, &row, "never handed out", |member| member.chat = 1 << 40);
    victim.finds::<MemberRecord>(space, &row, "number does not lead back", |member| member.chat = 1);
    victim.finds::<MemberRecord>(space, &row, "row is hidden after", |member| member.row_hidden = Some(1 << 40));
    let step = victim.key::<i64>(spaces::READS, |_, _| true);
    let beyond = [&step[..16], &u64::MAX.to_be_bytes()].concat();
    let found = victim.with(spaces::READS, &beyond, Some(&0_i64.encode().unwrap()));
    assert!(found.len() == 1 && found[0].contains("beyond the read mark"), "{found:?}");
}

#[test]
fn wrong_requests_keys_files_and_numbers_are_found() {
    let victim = Victim::new();
    let request = victim.key::<RequestRecord>(spaces::REQUESTS, |_, request| request.decided.is_none());
    victim.finds::<RequestRecord>(spaces::REQUESTS, &request, "not found as such", |request| request.to = 12);
    victim.finds::<RequestRecord>(spaces::REQUESTS, &request, "decided and not", |request| request.decided = Some(1));
    let day = victim.day();
    let key = victim.key::<KeyRecord>(day, |_, _| true);
    victim.finds::<KeyRecord>(day, &key, "is missing", |key| key.seq += 1_000);
    victim.finds::<KeyRecord>(day, &key, "another message", |key| key.id += 1);
    victim.finds::<KeyRecord>(day, &key, "another content", |key| key.fingerprint[0] ^= 1);
    let blob = victim.key::<Count>(spaces::BLOBS, |_, _| true);
    victim.finds::<Count>(spaces::BLOBS, &blob, "files are counted", |count| count.0 += 1);
    victim.finds::<Count>(spaces::FILE_USAGE, &keys::number(0), "bytes are counted", |count| count.0 += 1);
    let found = victim.with(spaces::META, MESSAGE_IDS, None);
    assert!(found.iter().any(|found| found.contains("was never handed out")), "{found:?}");
    let newer = victim.with(spaces::META, SCHEMA_KEY, Some(&9_u64.to_be_bytes()));
    assert_eq!(newer, ["meta schema: the schema's version is not a known one"]);
    let unknown = victim.with(spaces::META, b"flavour", Some(b"sweet"));
    assert_eq!(unknown, ["meta flavour: this version of koine knows no such thing"]);
}

#[test]
fn files_without_their_bytes_are_found() {
    let victim = Victim::new();
    let data = tempfile::tempdir().unwrap();
    let look = |data: &Path| check(victim.engine.as_ref(), Some(data), 9, &mut Silent).found;
    assert_eq!(look(data.path()), 3);
    for number in 0..3_u64 {
        let path = data.path().join("files/00").join(format!("{number:064x}"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, vec![0; if number == 1 { 99 } else { 100 }]).unwrap();
    }
    assert_eq!(look(data.path()), 1, "one is too short");
}

#[test]
fn findings_beyond_the_cap_are_counted_only() {
    let victim = Victim::new();
    victim.set(spaces::META, SCHEMA_KEY, None);
    victim.set(spaces::META, b"one", Some(b""));
    victim.set(spaces::META, b"two", Some(b""));
    let report = check(victim.engine.as_ref(), None, 2, &mut Silent);
    assert_eq!((report.findings.len(), report.found), (2, 3));
}
