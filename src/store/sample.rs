//! A store with something of everything in it, for tests of what looks at all of it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use koine_core::{
    ChatKey, Content, ConversationId, Existing, File, FileId, Handle, IdempotencyKey, Profile, Receipt, Register,
    Reply, RequestAnswer, SendMessage, Target, Timestamp, UserId, UserKey, UserRef,
};

use super::embedded::{Embedded, Settings};
use super::engine::{self, EngineKind};
use super::{Action, Op, Outcome, Store};
use crate::config::{Config, DialectName};

/// Small, so that the tests also read from the disk.
pub(crate) const CACHE_BYTES: u64 = 4 * 1024 * 1024;

const USERS: u64 = 12;
const START: i64 = 1_760_000_000_000;

/// What the store decides by.
pub(crate) fn settings() -> Settings {
    Settings { keep_keys: Duration::from_hours(24), ..Settings::new(&Config::default(), false) }
}

/// Opens the store of a data directory.
pub(crate) fn open(data: &Path, kind: EngineKind) -> Embedded {
    Embedded::open(engine::open(kind, data, CACHE_BYTES).unwrap(), settings()).unwrap()
}

/// Fills a data directory with users, conversations and this many messages.
pub(crate) fn fill(data: &Path, kind: EngineKind, messages: u64) -> Embedded {
    let store = open(data, kind);
    let mut sample = Sample { store, now: START, random: 0x9e37_79b9_7f4a_7c15 };
    let groups = sample.people();
    for number in 0..messages {
        sample.step(number, &groups);
    }
    sample.store.flush(true).unwrap();
    sample.store
}

struct Sample {
    store: Embedded,
    now: i64,
    random: u64,
}

impl Sample {
    fn apply(&mut self, by: u64, action: Action) -> Option<Outcome> {
        let by = (by > 0).then(|| UserId::new(by));
        let op = Op { by, action };
        self.store.apply(Timestamp::from_millis(self.now), vec![op]).pop().unwrap().result.ok()
    }

    /// A number below `bound`, the same ones in every run.
    fn below(&mut self, bound: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % bound
    }

    fn user(&mut self) -> u64 {
        1 + self.below(USERS)
    }

    fn people(&mut self) -> Vec<ConversationId> {
        for number in 1..=USERS {
            let profile = Profile { nickname: Some(format!("Nickname {number}").into()), ..Profile::default() };
            let handle = Handle::new(&format!("user-{number}")).unwrap();
            let app = (number % 3 == 0).then(|| Arc::from("app"));
            let register = Box::new(Register { handle, profile, app, existing: Existing::Refuse });
            let action = Action::Register { register, number: None, merge_apps: false, known_only: false };
            self.apply(0, action).unwrap();
        }
        self.apply(0, Action::SetDisabled(key(USERS), true)).unwrap();
        for number in 1..4_u8 {
            let dialect = (number == 2).then_some(DialectName::Envelope);
            let expires = (number == 3).then(|| Timestamp::from_millis(START + 1_000));
            let action = Action::AddToken { user: key(number.into()), hash: [number; 32], dialect, expires };
            self.apply(0, action).unwrap();
        }
        self.apply(0, Action::RevokeToken(1)).unwrap();
        for number in 1..6_u64 {
            let id = FileId::new(u128::from(number) << 64 | 7);
            let owner = UserRef { id: UserId::new(1 + number % 2), handle: Handle::new("x").unwrap() };
            // Two uploads of the same bytes.
            let sha256 = format!("{:064x}", number / 2);
            let (md5, created) = (format!("{number:032x}"), Timestamp::from_millis(START));
            let (name, media_type, url) = (format!("{number}.png"), "image/png".to_owned(), String::new());
            let file = Box::new(File { id, md5, sha256, name, size: 100, media_type, created, owner, url });
            let action = Action::AddFile { file, user_quota: 1 << 20, total_quota: 1 << 20 };
            self.apply(0, action).unwrap();
        }
        self.apply(1, Action::Befriend(key(2), None)).unwrap();
        let (request, answer) = (koine_core::RequestId::new(1), RequestAnswer::Accept);
        self.apply(2, Action::Decide { request, answer, groups_only: false, friends_only: false }).unwrap();
        self.apply(3, Action::Block(key(4))).unwrap();
        (0..4).map(|number| self.group(number)).collect()
    }

    fn group(&mut self, number: u64) -> ConversationId {
        let members = (1..=4 + number).map(key).collect();
        let action = Action::CreateGroup { name: format!("Group {number}").into(), members, number: None };
        match self.apply(1 + number, action) {
            Some(Outcome::Reply(Reply::Opened(opened))) => opened.row.conversation.id,
            other => panic!("{other:?}"),
        }
    }

    fn step(&mut self, number: u64, groups: &[ConversationId]) {
        self.now += i64::try_from(self.below(5_000)).unwrap();
        let by = self.user();
        let in_group = self.below(3) == 0;
        let group = groups[usize::try_from(self.below(groups.len() as u64)).unwrap()];
        let target = if in_group { Target::Group(group) } else { Target::User(key(self.user())) };
        let content = match self.below(4) {
            0 => Content::json(&serde_json::value::RawValue::from_string(format!("{{\"n\":{number}.0}}")).unwrap()),
            _ => {
                Some(Content::text(&format!("message {number} {}", "x".repeat(usize::try_from(number % 90).unwrap()))))
            }
        };
        let client_id = (self.below(5) == 0).then_some((1 << 60) + number);
        let key_of_send = (self.below(4) == 0).then(|| IdempotencyKey::new(&format!("key {number}")).unwrap());
        let reads = self.below(6) == 0;
        let send = SendMessage { target, content: content.unwrap(), client_id, key: key_of_send, reads };
        let sent = match self.apply(by, Action::Send(send)) {
            Some(Outcome::Reply(Reply::Sent(sent))) => Some(sent),
            _ => None,
        };
        let (other, reader) = (self.user(), self.user());
        match self.below(24) {
            0..5 => drop(self.apply(reader, Action::MarkRead(ChatKey::Conversation(group)))),
            5..9 => {
                if let Some(sent) = sent {
                    let first = 1 + self.below(sent.seq);
                    let receipt = Receipt { ranges: vec![(sent.conversation, first, sent.seq)] };
                    let read = self.below(2) == 0;
                    self.apply(reader, Action::Confirm { receipt, read, durable: first.is_multiple_of(2) });
                }
            }
            9 => drop(self.apply(reader, Action::Befriend(key(other), Some("hello".into())))),
            10 => {
                let answer = if other % 2 == 0 { RequestAnswer::Accept } else { RequestAnswer::Refuse };
                let request = koine_core::RequestId::new(1 + self.below(20));
                let action = Action::Decide { request, answer, groups_only: false, friends_only: false };
                self.apply(reader, action);
            }
            11 => drop(self.apply(reader, Action::Join(group, None))),
            12 => drop(self.apply(reader, Action::Invite(group, key(other), None))),
            13 if number.is_multiple_of(7) => drop(self.apply(reader, Action::Block(key(other)))),
            14 if number.is_multiple_of(5) => drop(self.apply(reader, Action::Unblock(key(other)))),
            15 if number.is_multiple_of(11) && reader > 4 => drop(self.apply(reader, Action::Leave(group))),
            16 => drop(self.apply(reader, Action::Acknowledge(vec![(1 << 60) + number]))),
            17 => self.store.flush(number.is_multiple_of(2)).unwrap(),
            _ => {}
        }
        if number == 400 {
            self.apply(0, Action::Dissolve(groups[3])).unwrap();
        }
    }
}

fn key(number: u64) -> UserKey {
    UserKey::Id(UserId::new(number))
}
