//! Writing records into a new store, in batches, with everything that is derived from them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use koine_core::{ChatId, ConversationId, RequestId, UserId};

use super::TransferError;
use super::lines::Counters;
use crate::store::StoreError;
use crate::store::embedded::keys::{self, Sort};
use crate::store::embedded::records::{
    ConversationRecord, Count, FileRecord, Head, KeyRecord, MemberRecord, MessageRecord, PlaceRecord, PlacesRecord,
    Record, RequestRecord, RequestStateRecord, ShapeRecord, TokenRecord, UserRecord,
};
use crate::store::embedded::{COUNTERS, IMPORTING, MESSAGE_IDS, SCHEMA, SCHEMA_KEY, catch_up, key_space, spaces};
use crate::store::engine::{self, Batch, Durability, Engine, EngineKind, Space};

/// How many bytes a batch gathers at most.
const BATCH_BYTES: usize = 1 << 20;

/// A new store that is being filled. Until it is finished it says so itself, so that nothing serves half of it.
pub(super) struct Loader {
    pub(super) engine: Arc<dyn Engine>,
    batch: Batch,
    bytes: usize,
    most: usize,
    blobs: BTreeMap<String, u64>,
    usage: BTreeMap<u64, u64>,
    /// The highest id of a message.
    last: u64,
}

impl Loader {
    /// Makes the store, in a data directory that holds none.
    pub(super) fn begin(data: &Path, kind: EngineKind, cache: u64) -> Result<Self, TransferError> {
        refuse_data(data)?;
        let engine = engine::open(kind, data, cache)?;
        let mut begun = Batch::new();
        begun.put(spaces::META, IMPORTING, Vec::new());
        engine.commit(begun, Durability::Sync)?;
        // A message takes about six records.
        let most = engine.max_batch().saturating_mul(6);
        Ok(Self {
            engine,
            batch: Batch::new(),
            bytes: 0,
            most,
            blobs: BTreeMap::new(),
            usage: BTreeMap::new(),
            last: 0,
        })
    }

    /// Makes everything durable, and the store one that can be served.
    pub(super) fn finish(mut self, counters: &Counters) -> Result<Arc<dyn Engine>, TransferError> {
        for (sha256, count) in std::mem::take(&mut self.blobs) {
            self.put(spaces::BLOBS, sha256.into_bytes(), &Count(count))?;
        }
        for (user, bytes) in std::mem::take(&mut self.usage) {
            self.put(spaces::FILE_USAGE, keys::number(user), &Count(bytes))?;
        }
        let Counters { user, conversation, chat, request, token, users, conversations, message_ids } = counters;
        let numbers = [user, conversation, chat, request, token, users, conversations].map(|number| *number).to_vec();
        self.put(spaces::META, COUNTERS.to_vec(), &numbers)?;
        if let Some(ids) = message_ids {
            self.put(spaces::META, MESSAGE_IDS.to_vec(), &ids.to_vec())?;
        }
        // Heads and memberships account for every message.
        self.put(spaces::META, catch_up::KEY.to_vec(), &self.last.clone())?;
        self.flush()?;
        let mut done = Batch::new();
        done.put(spaces::META, SCHEMA_KEY, SCHEMA.to_be_bytes());
        done.delete(spaces::META, IMPORTING);
        self.engine.commit(done, Durability::Sync)?;
        Ok(self.engine)
    }

    /// Hands what was gathered to the engine, so that it can be read.
    pub(super) fn flush(&mut self) -> Result<(), TransferError> {
        self.bytes = 0;
        Ok(self.engine.commit(std::mem::take(&mut self.batch), Durability::Lazy)?)
    }

    /// Sets a record.
    pub(super) fn put<R: Record>(&mut self, space: Space, key: Vec<u8>, record: &R) -> Result<(), TransferError> {
        let value = record.encode()?;
        self.put_raw(space, key, value)
    }

    fn put_raw(&mut self, space: Space, key: Vec<u8>, value: Vec<u8>) -> Result<(), TransferError> {
        self.bytes += key.len() + value.len();
        // Lines that repeat each other are not to be trusted.
        self.batch.replace(space, key, value);
        if self.batch.len() >= self.most || self.bytes >= BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    pub(super) fn user(&mut self, id: u64, record: &UserRecord) -> Result<(), TransferError> {
        self.put_raw(spaces::HANDLES, record.handle.clone().into_bytes(), keys::number(id))?;
        self.put(spaces::USERS, keys::number(id), record)
    }

    pub(super) fn token(&mut self, id: u64, record: &TokenRecord) -> Result<(), TransferError> {
        self.put_raw(spaces::TOKEN_HASHES, record.hash.to_vec(), keys::number(id))?;
        self.put(spaces::TOKENS, keys::number(id), record)
    }

    pub(super) fn friends(&mut self, [one, other]: [u64; 2], since: i64) -> Result<(), TransferError> {
        self.put(spaces::FRIENDS, keys::two_numbers(one, other), &since)?;
        self.put(spaces::FRIENDS, keys::two_numbers(other, one), &since)
    }

    pub(super) fn conversation(&mut self, id: u64, record: &ConversationRecord) -> Result<(), TransferError> {
        if let ShapeRecord::Direct { users: [first, second], .. } = record.shape {
            self.put_raw(spaces::PAIRS, keys::two_numbers(first, second), keys::number(id))?;
        }
        self.put(spaces::CONVERSATIONS, keys::number(id), record)
    }

    pub(super) fn member(
        &mut self,
        user: u64,
        sort: Sort,
        id: u64,
        record: &MemberRecord,
    ) -> Result<(), TransferError> {
        let row = keys::chat(UserId::new(user), sort, ConversationId::new(id));
        self.put_raw(spaces::CHAT_IDS, keys::number(record.chat), row.clone())?;
        if sort == Sort::Group {
            let key = keys::member(ConversationId::new(id), ChatId::new(record.chat));
            self.put(spaces::MEMBERS, key, &user)?;
        }
        self.put(spaces::CHATS, row, record)
    }

    pub(super) fn message(&mut self, conversation: u64, seq: u64, record: &MessageRecord) -> Result<(), TransferError> {
        let place = keys::two_numbers(conversation, seq);
        if let Some(client_id) = record.client_id {
            self.put_raw(spaces::WIRE_IDS, keys::number(client_id), place.clone())?;
        }
        let alone = PlaceRecord { above: 0, conversation, seq, client: record.client_id.is_some(), reads: false };
        self.put(spaces::PLACES, keys::number(record.id), &PlacesRecord(vec![alone]))?;
        self.last = self.last.max(record.id);
        self.put(spaces::LOG, place, record)
    }

    pub(super) fn head(&mut self, conversation: u64, head: &Head) -> Result<(), TransferError> {
        self.put(spaces::HEADS, keys::number(conversation), head)
    }

    pub(super) fn read(&mut self, conversation: u64, user: u64, seq: u64, time: i64) -> Result<(), TransferError> {
        let key = keys::read(ConversationId::new(conversation), UserId::new(user), seq);
        self.put(spaces::READS, key, &time)
    }

    pub(super) fn request(&mut self, id: u64, record: &RequestRecord, listed: bool) -> Result<(), TransferError> {
        let (from, to, request) = (UserId::new(record.from), UserId::new(record.to), RequestId::new(id));
        if record.state == RequestStateRecord::Pending {
            let open = keys::request_open(record.kind.byte(), from, to, record.group);
            self.put_raw(spaces::REQUESTS_OPEN, open, keys::number(id))?;
            if listed {
                self.put_raw(spaces::REQUESTS_TO, keys::request_to(to, request), Vec::new())?;
            }
            if record.group != 0 {
                let about = keys::request_about(ConversationId::new(record.group), request);
                self.put_raw(spaces::REQUESTS_ABOUT, about, Vec::new())?;
            }
        }
        self.put(spaces::REQUESTS, keys::number(id), record)
    }

    pub(super) fn key(&mut self, day: u32, key: Vec<u8>, record: &KeyRecord) -> Result<(), TransferError> {
        self.put(key_space(day), key, record)
    }

    pub(super) fn file(&mut self, id: Vec<u8>, record: &FileRecord) -> Result<(), TransferError> {
        *self.blobs.entry(record.sha256.clone()).or_default() += 1;
        for user in [record.owner, 0] {
            let bytes = self.usage.entry(user).or_default();
            *bytes = bytes.saturating_add(record.size);
        }
        self.put(spaces::FILES, id, record)
    }

    /// A record that was handed to the engine already.
    pub(super) fn get<R: Record>(&self, space: Space, key: &[u8]) -> Result<Option<R>, TransferError> {
        let found = self.engine.get(space, key).map_err(StoreError::from)?;
        Ok(found.map(|bytes| R::decode(&bytes)).transpose()?)
    }

    /// Whether a key was handed to the engine already.
    pub(super) fn has(&self, space: Space, key: &[u8]) -> Result<bool, TransferError> {
        Ok(self.engine.get(space, key)?.is_some())
    }
}

fn refuse_data(data: &Path) -> Result<(), TransferError> {
    let refused = |found: String| Err(TransferError::NotEmpty { directory: PathBuf::from(data), found });
    match engine::found_in(data) {
        Some(kind) => refused(format!("a {kind} store")),
        None => Ok(()),
    }
}
