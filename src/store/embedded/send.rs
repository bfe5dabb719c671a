//! Sending a message.

use std::sync::Arc;

use koine_core::{
    ConversationId, Error, ErrorKind, Event, GroupRef, Message, MessageEvent, MessageId, Place, Reply, SendMessage,
    Sent, Shape, Target, Timestamp, User, UserId, UserKey,
};

use super::keys::{self, Sort};
use super::message_ids::BOUND as ID_BOUND;
use super::records::{ContentRecord, Head, KeyRecord, MessageRecord};
use super::spaces;
use super::view::View;
use super::writer::{Failure, Writer};
use crate::config::DirectPolicy;
use crate::store::{Effect, Outcome, Recipient};

/// Where a message goes.
enum Destination {
    /// To a conversation there is.
    Known(ConversationId, Sort),
    /// To a user there is no conversation with yet.
    New(Arc<User>),
}

impl Writer {
    /// Decides a send: entitlement, idempotency, policy and blocks, in the batch it is committed with.
    pub(super) fn send(
        &mut self,
        by: Option<UserId>,
        send: &SendMessage,
        effects: &mut Vec<Effect>,
    ) -> Result<Outcome, Failure> {
        let sender = self.actor(by)?;
        if send.content.size() > self.settings.message_limit {
            return Err(ErrorKind::TooLarge.into());
        }
        // A repeat is the same send, whatever has changed since: it comes before entitlement and policy.
        if let Some(sent) = self.repeated(&sender, send)? {
            return Ok(Outcome::Reply(Reply::Sent(sent)));
        }
        let (conversation, sort) = match self.resolve(&sender, &send.target)? {
            Destination::Known(id, sort) => {
                if sort == Sort::Direct && self.settings.direct_policy != DirectPolicy::Open {
                    let receiver = self.other_side(id, sender.id)?;
                    self.check_policy(&sender, &receiver)?;
                }
                (id, sort)
            }
            Destination::New(receiver) => {
                self.check_policy(&sender, &receiver)?;
                (self.open_pair(&sender, &receiver, None, effects)?, Sort::Direct)
            }
        };
        let sent = self.append(&sender, conversation, sort, send, effects)?;
        Ok(Outcome::Reply(Reply::Sent(sent)))
    }

    fn resolve(&mut self, sender: &User, target: &Target) -> Result<Destination, Failure> {
        let (id, not_found) = match target {
            Target::User(key) => {
                let receiver = self.target_user(key)?;
                return Ok(match self.pair(sender.id, receiver.id)? {
                    Some(id) => Destination::Known(id, Sort::Direct),
                    None => Destination::New(receiver),
                });
            }
            Target::Group(id) => (*id, ErrorKind::GroupNotFound),
            Target::Conversation(id) => (*id, ErrorKind::ConversationNotFound),
        };
        let Some((sort, dissolved)) = self.sort(id)? else { return Err(not_found.into()) };
        if dissolved || (matches!(target, Target::Group(_)) && sort != Sort::Group) {
            return Err(not_found.into());
        }
        if self.membership(sender.id, sort, id)?.is_none() {
            return Err(ErrorKind::NotMember.into());
        }
        Ok(Destination::Known(id, sort))
    }

    /// The user a direct message is for; in demo mode it comes into being.
    pub(super) fn target_user(&mut self, key: &UserKey) -> Result<Arc<User>, Failure> {
        match (self.find_user(key)?, key) {
            (Some(user), _) => Ok(user),
            (None, UserKey::Handle(handle)) if self.settings.demo => self.ensure_user(handle),
            (None, _) => Err(ErrorKind::UserNotFound.into()),
        }
    }

    fn other_side(&mut self, conversation: ConversationId, user: UserId) -> Result<Arc<User>, Failure> {
        let conversation = self.current_conversation(conversation)?;
        conversation.peer_of(user).cloned().ok_or_else(|| Error::internal().into())
    }

    fn check_policy(&self, sender: &User, receiver: &User) -> Result<(), Failure> {
        let free = self.settings.direct_policy == DirectPolicy::Open || sender.id == receiver.id;
        if free || self.get(spaces::FRIENDS, &keys::two_users(sender.id, receiver.id))?.is_some() {
            return Ok(());
        }
        Err(ErrorKind::NotFriends.into())
    }

    // Idempotency

    /// What an earlier send under the same id or key came to; an error if that was another message.
    fn repeated(&mut self, sender: &User, send: &SendMessage) -> Result<Option<Sent>, Failure> {
        if send.client_id.is_none() && send.key.is_none() {
            return Ok(None);
        }
        let known = match &send.target {
            Target::User(key) => match self.find_user(key)? {
                Some(receiver) => self.pair(sender.id, receiver.id)?,
                None => None,
            },
            Target::Conversation(id) => Some(*id),
            // Groups and direct conversations are numbered together.
            Target::Group(id) => self.sort(*id)?.filter(|(sort, _)| *sort == Sort::Group).map(|_| *id),
        };
        if let Some(client_id) = send.client_id {
            if let Some((conversation, seq)) = self.wire_position(client_id)? {
                return self.repeated_id(sender, send, known, conversation, seq).map(Some);
            }
            if client_id == 0 || (client_id < ID_BOUND && !self.ids.has_reached(client_id)) {
                return Err(Error::bad_request("the id was not given out by this server").into());
            }
        }
        let Some(key) = &send.key else { return Ok(None) };
        let named = keys::idempotency(sender.id, key.as_str());
        for day in self.key_days() {
            if !self.may_hold_key(day, &named) {
                continue;
            }
            let Some(record) = self.record::<KeyRecord>(super::key_space(day), &named)? else { continue };
            if known != Some(ConversationId::new(record.conversation))
                || record.fingerprint
                    != KeyRecord::fingerprint_of(record.conversation, &ContentRecord::from(&send.content))?
            {
                return Err(ErrorKind::KeyConflict.into());
            }
            return Ok(Some(Sent {
                id: MessageId::new(record.id),
                client_id: send.client_id,
                conversation: ConversationId::new(record.conversation),
                seq: record.seq,
                time: Timestamp::from_millis(record.time),
                ack_id: self.ids.next(self.now),
            }));
        }
        Ok(None)
    }

    fn repeated_id(
        &mut self,
        sender: &User,
        send: &SendMessage,
        known: Option<ConversationId>,
        conversation: ConversationId,
        seq: u64,
    ) -> Result<Sent, Failure> {
        let record: MessageRecord = self
            .record(spaces::LOG, &keys::log(conversation, seq))?
            .ok_or(crate::store::StoreError::corrupt("an indexed message is missing"))?;
        let same = known == Some(conversation)
            && record.sender == sender.id.get()
            && record.content == ContentRecord::from(&send.content);
        if !same {
            return Err(ErrorKind::KeyConflict.into());
        }
        Ok(Sent {
            id: MessageId::new(record.id),
            client_id: record.client_id,
            conversation,
            seq,
            time: Timestamp::from_millis(record.time),
            ack_id: self.ids.next(self.now),
        })
    }

    // Appending

    fn append(
        &mut self,
        sender: &Arc<User>,
        conversation: ConversationId,
        sort: Sort,
        send: &SendMessage,
        effects: &mut Vec<Effect>,
    ) -> Result<Sent, Failure> {
        let head = self.current_head(conversation)?;
        let (seq, id) = (head.seq + 1, self.ids.next(self.now));
        let time = Timestamp::from_millis(self.now.as_millis().max(head.time));
        let record = MessageRecord {
            id: id.get(),
            client_id: send.client_id,
            sender: sender.id.get(),
            time: time.as_millis(),
            content: ContentRecord::from(&send.content),
        };
        self.put(spaces::LOG, keys::log(conversation, seq), &record)?;
        self.put_place(id, send, conversation, seq);
        self.put_head(conversation, Head { seq, id: id.get(), time: time.as_millis() })?;
        if let Some(key) = &send.key {
            let fingerprint = KeyRecord::fingerprint_of(conversation.get(), &record.content)?;
            let record =
                KeyRecord { fingerprint, conversation: conversation.get(), seq, id: id.get(), time: time.as_millis() };
            self.put_key(keys::idempotency(sender.id, key.as_str()), &record)?;
        }
        self.appended += 1;

        let sender_unread = self.note_sent(sender.id, sort, conversation, head.seq, send.reads)?;
        let view = self.current_conversation(conversation)?;
        let place = match &view.shape {
            Shape::Direct { .. } => {
                let receiver = view.peer_of(sender.id).map_or_else(|| sender.to_ref(), |peer| peer.to_ref());
                Place::Direct { receiver }
            }
            Shape::Group { name, .. } => Place::Group(GroupRef { id: conversation, name: name.clone() }),
        };
        let message = Arc::new(Message {
            id,
            client_id: send.client_id,
            conversation,
            seq,
            sender: sender.to_ref(),
            place,
            time,
            content: send.content.clone(),
        });
        let event = Arc::new(Event::Message(MessageEvent { message: message.clone(), conversation: view }));
        let sender_recipient = Recipient { user: sender.id, unread: sender_unread };
        let effect = match &message.place {
            Place::Direct { receiver } => {
                let receiver = self.reach(sender.id, receiver.id, conversation, seq)?;
                Effect::Direct { event, sender: sender_recipient, receiver }
            }
            Place::Group(_) => {
                let hidden_from = self.hide_from_blockers(sender.id, conversation, seq)?;
                Effect::Group { event, group: conversation, seq, sender: sender_recipient, hidden_from }
            }
        };
        effects.push(effect);
        Ok(Sent { id, client_id: send.client_id, conversation, seq, time, ack_id: self.ids.next(self.now) })
    }

    /// What sending changes for the sender; its unread count after it.
    fn note_sent(
        &mut self,
        sender: UserId,
        sort: Sort,
        conversation: ConversationId,
        before: u64,
        reads: bool,
    ) -> Result<u64, Failure> {
        let now = self.now.as_millis();
        // The batch's places tell of it, after a crash too.
        let changed = self.change_member_lazily(sender, sort, conversation, |member| {
            // What was not delivered stays pending: a reply says nothing about it.
            let marked = if reads { member.read_up_to(before, now) } else { 0 };
            member.sent(before + 1);
            (marked, member.unread(before + 1))
        })?;
        let (marked, unread) = changed.ok_or(ErrorKind::NotMember)?;
        if marked > 0 {
            self.put(spaces::READS, keys::read(conversation, sender, before), &now)?;
        }
        Ok(unread)
    }

    /// The other side of a direct message, unless a block keeps it away.
    fn reach(
        &mut self,
        sender: UserId,
        receiver: UserId,
        conversation: ConversationId,
        seq: u64,
    ) -> Result<Option<Recipient>, Failure> {
        if sender == receiver {
            return Ok(None);
        }
        if self.blockers_of(sender)?.contains(&receiver) {
            self.change_member(receiver, Sort::Direct, conversation, |member| member.hide(seq))?;
            return Ok(None);
        }
        let unread = self.membership(receiver, Sort::Direct, conversation)?.map_or(0, |member| member.unread(seq));
        Ok(Some(Recipient { user: receiver, unread }))
    }

    fn hide_from_blockers(&mut self, sender: UserId, group: ConversationId, seq: u64) -> Result<Vec<UserId>, Failure> {
        if self.blockers_of(sender)?.is_empty() {
            return Ok(Vec::new());
        }
        let hidden_from = self.blocking_members(sender, group)?;
        for blocker in hidden_from.iter() {
            self.change_member(*blocker, Sort::Group, group, |member| member.hide(seq))?;
        }
        Ok(hidden_from.to_vec())
    }
}
