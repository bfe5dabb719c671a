//! Making up for what a process that was ended had committed and not written yet.
//!
//! A message is in the log, and its place among its batch's, before it is acknowledged. The head of its conversation
//! and what it changes in its sender's membership follow within a second, for many messages at once, along with a mark:
//! the id of the last message they account for. What lies after the mark is told from the log here. Doing so twice
//! changes nothing, so it may be cut short at any point.

use std::collections::hash_map::Entry;
use std::ops::Bound;

use koine_core::{ConversationId, UserId};
use rustc_hash::FxHashMap;

use super::keys::{self, Sort};
use super::records::{ConversationRecord, Head, MemberRecord, MessageRecord, PlaceRecord, PlacesRecord, Record};
use super::spaces;
use super::view::sort_of;
use crate::store::StoreError;
use crate::store::engine::{Batch, Direction, Durability, Engine, Space};

/// Where the mark is kept.
pub(in crate::store) const KEY: &[u8] = b"written_up_to";

/// How many records of places are read at a time.
const PORTION: usize = 64;
/// How many memberships are gathered before they are written.
const GATHERED: usize = 10_000;

/// Writes the heads and memberships that the messages after the mark have changed; how many messages there were.
///
/// Errors: something cannot be read, or not be written.
pub(in crate::store) fn catch_up(engine: &dyn Engine) -> Result<u64, StoreError> {
    let mark: u64 = record(engine, spaces::META, KEY)?.unwrap_or(0);
    let mut found = Found { engine, heads: FxHashMap::default(), members: FxHashMap::default() };
    let (mut messages, mut last) = (0, mark);
    loop {
        let after = keys::number(last);
        let range = (Bound::Excluded(after.as_slice()), Bound::Unbounded);
        let portion = engine.scan(spaces::PLACES, range, Direction::Forward, PORTION)?;
        if portion.is_empty() {
            break;
        }
        for (key, value) in &portion {
            let first = keys::read_number(key).ok_or(StoreError::corrupt("places have no id"))?;
            for place in PlacesRecord::decode(value)?.0 {
                last = first.saturating_add(place.above);
                messages += 1;
                found.take(place)?;
            }
            last = last.max(first);
        }
        if found.members.len() >= GATHERED {
            found.write(last)?;
        }
    }
    if messages > 0 {
        tracing::info!(messages, "made up for what the last process had not written yet");
        found.write(last)?;
        engine.sync()?;
    }
    Ok(messages)
}

/// What was found to have changed.
struct Found<'a> {
    engine: &'a dyn Engine,
    heads: FxHashMap<u64, (Sort, Head)>,
    /// `None` for somebody who has left.
    members: FxHashMap<(u64, u64), Option<MemberRecord>>,
}

impl Found<'_> {
    fn take(&mut self, place: PlaceRecord) -> Result<(), StoreError> {
        let PlaceRecord { conversation, seq, reads, .. } = place;
        let message: MessageRecord = record(self.engine, spaces::LOG, &keys::two_numbers(conversation, seq))?
            .ok_or(StoreError::corrupt("an indexed message is missing"))?;
        let (sort, head) = match self.heads.entry(conversation) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let key = keys::number(conversation);
                let of: ConversationRecord = record(self.engine, spaces::CONVERSATIONS, &key)?
                    .ok_or(StoreError::corrupt("a conversation that is referred to is missing"))?;
                let head = record(self.engine, spaces::HEADS, &key)?.unwrap_or_default();
                new.insert((sort_of(&of), head))
            }
        };
        if seq > head.seq {
            *head = Head { seq, id: message.id, time: message.time };
        }
        let sender = match self.members.entry((message.sender, conversation)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let key = keys::chat(UserId::new(message.sender), *sort, ConversationId::new(conversation));
                new.insert(record(self.engine, spaces::CHATS, &key)?)
            }
        };
        // Its own message is delivered to a member as soon as it is counted, and never before it is sent.
        if let Some(sender) = sender
            && seq > sender.joined
            && !sender.delivered.contains(seq)
        {
            if reads {
                sender.read_up_to(seq - 1, message.time);
            }
            sender.sent(seq);
        }
        Ok(())
    }

    /// Writes what was found, in batches the engine can take; the mark comes with the last.
    fn write(&mut self, mark: u64) -> Result<(), StoreError> {
        let (most, mut batch) = (self.engine.max_batch(), Batch::new());
        for ((user, conversation), member) in self.members.drain() {
            let (Some(member), Some((sort, _))) = (member, self.heads.get(&conversation)) else { continue };
            let key = keys::chat(UserId::new(user), *sort, ConversationId::new(conversation));
            batch.put(spaces::CHATS, key, member.encode()?);
            if batch.len() >= most {
                self.engine.commit(std::mem::take(&mut batch), Durability::Lazy)?;
            }
        }
        for (conversation, (_, head)) in self.heads.drain() {
            batch.put(spaces::HEADS, keys::number(conversation), head.encode()?);
            if batch.len() >= most {
                self.engine.commit(std::mem::take(&mut batch), Durability::Lazy)?;
            }
        }
        batch.put(spaces::META, KEY, mark.encode()?);
        Ok(self.engine.commit(batch, Durability::Sync)?)
    }
}

fn record<R: Record>(engine: &dyn Engine, space: Space, key: &[u8]) -> Result<Option<R>, StoreError> {
    engine.get(space, key)?.map(|bytes| R::decode(&bytes)).transpose()
}
