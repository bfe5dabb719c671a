//! The log: every conversation's messages without a gap, and what memberships count of them.

use std::collections::HashMap;

use koine_core::{Content, ConversationId, UserId};

use super::walk::{Checker, Compared};
use crate::store::embedded::keys::{self, Sort};
use crate::store::embedded::records::{Head, MemberRecord, MessageRecord, ShapeRecord};
use crate::store::embedded::{spaces, tick_of};
use crate::store::engine::Space;

const SPACE: Space = spaces::LOG;

/// The conversation that the walk is in.
struct Current {
    id: u64,
    last: Head,
    /// The users of a direct conversation: nobody else can have written there.
    users: Option<[u64; 2]>,
    sort: Sort,
    members: HashMap<u64, Tracked>,
    /// Whether the memberships could be read.
    tracking: bool,
}

/// A membership, and what the log has of it so far.
struct Tracked {
    record: MemberRecord,
    own: u64,
}

impl Checker<'_> {
    /// Every conversation's log, from its first message to its head.
    pub(super) fn log(&mut self) {
        let mut current: Option<Current> = None;
        self.records::<MessageRecord>(SPACE, |checker, key, message| {
            checker.report.messages += 1;
            let Some((conversation, seq)) = keys::numbers(key) else {
                checker.find(SPACE, key, "the key does not name a conversation and a place in it");
                return Ok(());
            };
            if current.as_ref().is_none_or(|current| current.id != conversation) {
                if let Some(before) = current.take() {
                    checker.close(before)?;
                }
                current = Some(checker.open(key, conversation)?);
            }
            match current.as_mut() {
                Some(current) => checker.message(key, seq, &message, current),
                None => Ok(()),
            }
        });
        if let Some(last) = current {
            // What could not be read has been noted.
            let _noted = self.close(last);
        }
    }

    fn open(&mut self, key: &[u8], id: u64) -> Compared<Current> {
        let (mut users, mut sort, mut tracking) = (None, Sort::Group, true);
        let mut candidates = Vec::new();
        match self.conversation(id)?.map(|record| record.shape) {
            None => self.find(SPACE, key, "there is no such conversation"),
            Some(ShapeRecord::Direct { users: both, .. }) => {
                (users, sort) = (Some(both), Sort::Direct);
                candidates.extend(both);
            }
            Some(ShapeRecord::Group { .. }) => {
                let found = self.with_prefix(spaces::MEMBERS, &keys::number(id), |_, _, value| {
                    candidates.extend(super::members::read_user(value));
                    Ok(())
                });
                tracking = found.is_ok();
            }
        }
        let mut members = HashMap::new();
        for user in candidates {
            match self.membership(user, sort, id) {
                Ok(Some(record)) => drop(members.insert(user, Tracked { record, own: 0 })),
                Ok(None) => {}
                Err(_) => tracking = false,
            }
        }
        Ok(Current { id, last: Head::default(), users, sort, members, tracking })
    }

    fn message(&mut self, key: &[u8], seq: u64, message: &MessageRecord, current: &mut Current) -> Compared {
        let last = std::mem::replace(&mut current.last, Head { seq, id: message.id, time: message.time });
        if seq != last.seq + 1 {
            let missing = match seq.saturating_sub(last.seq + 1) {
                1 => format!("message {} before it is missing", seq - 1),
                _ => format!("messages {} to {} before it are missing", last.seq + 1, seq.saturating_sub(1)),
            };
            self.find(SPACE, key, missing);
        }
        self.expect(message.id > last.id, SPACE, key, "its id is not above that of the message before it");
        self.expect(message.time >= last.time || last.seq == 0, SPACE, key, "its time is before the message before it");
        self.expect(tick_of(message.id) <= self.counters.tick, SPACE, key, "its id was never handed out");
        self.expect(Content::try_from(message.content.clone()).is_ok(), SPACE, key, "its content is not JSON");
        if !self.is_user(message.sender)? {
            self.find(SPACE, key, format!("its sender, user {}, is missing", message.sender));
        }
        if current.users.is_some_and(|users| !users.contains(&message.sender)) {
            self.find(SPACE, key, format!("its sender, user {}, is not in the conversation", message.sender));
        }
        if let Some(sender) = current.members.get_mut(&message.sender)
            && seq > sender.record.joined
        {
            sender.own += u64::from(seq > sender.record.read);
            let (delivered, hidden) = (sender.record.delivered.contains(seq), sender.record.hidden.contains(seq));
            self.expect(delivered, SPACE, key, "it is not delivered to its own sender");
            self.expect(!hidden, SPACE, key, "it is hidden from its own sender");
        }
        let here = keys::numbers(key);
        let place = self.place(message.id)?.map(|place| (place.conversation, place.seq));
        self.expect(place.is_some() && place == here, SPACE, key, "its id does not lead back to it");
        if let Some(client_id) = message.client_id {
            let found = self.get(spaces::WIRE_IDS, &keys::number(client_id))?;
            let place = found.as_deref().and_then(keys::numbers);
            self.expect(place.is_some() && place == here, SPACE, key, "its client's id does not lead back to it");
        }
        Ok(())
    }

    fn close(&mut self, current: Current) -> Compared {
        let head = self.head(current.id)?;
        if head.seq != current.last.seq {
            let what = format!("the log ends at {}, and the head is {}", current.last.seq, head.seq);
            self.find(spaces::HEADS, &keys::number(current.id), what);
        }
        if !current.tracking {
            return Ok(());
        }
        let mut members: Vec<_> = current.members.into_iter().collect();
        members.sort_unstable_by_key(|(user, _)| *user);
        for (user, Tracked { record, own }) in members {
            if record.own != own {
                let key = keys::chat(UserId::new(user), current.sort, ConversationId::new(current.id));
                let what = format!("{} own messages after the read mark are counted, and there are {own}", record.own);
                self.find(spaces::CHATS, &key, what);
            }
        }
        Ok(())
    }
}
