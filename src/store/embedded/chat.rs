//! What a user has read, got, and hidden from the chat list; friends' ends and blocks.

use std::sync::Arc;

use koine_core::{ChatId, ChatKey, ConversationId, ErrorKind, Event, Receipt, Reply, UserId, UserKey};

use super::keys::{self, Sort};
use super::records::{MessageRecord, Record};
use super::spaces;
use super::view::View;
use super::writer::{Failure, Writer};
use crate::store::engine::Direction;
use crate::store::{Effect, Outcome};

impl Writer {
    /// Reads everything in a conversation.
    pub(super) fn mark_read(
        &mut self,
        by: Option<UserId>,
        chat: ChatKey,
        effects: &mut Vec<Effect>,
    ) -> Result<Outcome, Failure> {
        let user = self.actor(by)?.id;
        let (sort, conversation) = self.own_chat(user, chat)?;
        let (head, now) = (self.current_head(conversation)?.seq, self.now.as_millis());
        let marked = self
            .change_member(user, sort, conversation, |member| member.mark_all_read(head, now))?
            .ok_or(ErrorKind::NotMember)?;
        if marked > 0 {
            self.put(spaces::READS, keys::read(conversation, user, head), &now)?;
        }
        if sort == Sort::Group {
            effects.push(Effect::Unread(conversation, user, 0));
        }
        Ok(Outcome::Reply(Reply::Marked(marked)))
    }

    /// Hides a row until its next message.
    pub(super) fn hide_chat(&mut self, by: Option<UserId>, chat: ChatId) -> Result<Outcome, Failure> {
        let user = self.actor(by)?.id;
        let (sort, conversation) = self.own_chat(user, ChatKey::Chat(chat))?;
        let head = self.current_head(conversation)?.seq;
        self.change_member(user, sort, conversation, |member| member.row_hidden = Some(head))?;
        Ok(Outcome::Reply(Reply::Done))
    }

    fn own_chat(&mut self, user: UserId, chat: ChatKey) -> Result<(Sort, ConversationId), Failure> {
        let (sort, conversation) = match chat {
            ChatKey::Conversation(id) => {
                let (sort, dissolved) = self.sort(id)?.ok_or(ErrorKind::ConversationNotFound)?;
                if dissolved {
                    return Err(ErrorKind::ConversationNotFound.into());
                }
                (sort, id)
            }
            ChatKey::Chat(chat) => {
                let key = self.get(spaces::CHAT_IDS, &keys::number(chat.get()))?.ok_or(ErrorKind::ChatNotFound)?;
                match keys::read_chat(&key) {
                    Some((owner, sort, conversation)) if owner == user => (sort, conversation),
                    _ => return Err(ErrorKind::ChatNotFound.into()),
                }
            }
        };
        if self.membership(user, sort, conversation)?.is_none() {
            return Err(ErrorKind::NotMember.into());
        }
        Ok((sort, conversation))
    }

    /// Notes what was delivered; what the user is not entitled to is passed over.
    pub(super) fn confirm(
        &mut self,
        by: Option<UserId>,
        receipt: &Receipt,
        read: bool,
        durable: bool,
        effects: &mut Vec<Effect>,
    ) -> Result<Outcome, Failure> {
        let user = by.ok_or(ErrorKind::Unauthenticated)?;
        for (conversation, first, last) in &receipt.ranges {
            let Some((sort, _)) = self.sort(*conversation)? else { continue };
            let last = (*last).min(self.current_head(*conversation)?.seq);
            let Some(member) = self.membership(user, sort, *conversation)? else { continue };
            let first = (*first).max(member.joined + 1);
            if first > last {
                continue;
            }
            if durable {
                self.change_member(user, sort, *conversation, |member| member.delivered.insert(first, last))?;
            } else {
                self.change_member_lazily(user, sort, *conversation, |member| member.delivered.insert(first, last))?;
            }
        }
        if read {
            for (conversation, _, last) in &receipt.ranges {
                self.read_up_to(user, *conversation, *last, effects)?;
            }
        }
        Ok(Outcome::Reply(Reply::Done))
    }

    /// Moves the read mark to a message that was seen, as far as everything before it was delivered,
    /// within a second.
    fn read_up_to(
        &mut self,
        user: UserId,
        conversation: ConversationId,
        last: u64,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Failure> {
        let Some((sort, _)) = self.sort(conversation)? else { return Ok(()) };
        let head = self.current_head(conversation)?.seq;
        let Some(member) = self.membership(user, sort, conversation)? else { return Ok(()) };
        let (seq, own) = (member.delivered_to(last.min(head)), member.own);
        if seq <= member.read {
            return Ok(());
        }
        let own = if own == 0 || seq == head { 0 } else { self.count_own(user, conversation, seq, head)? };
        let now = self.now.as_millis();
        let unread = self.change_member_lazily(user, sort, conversation, |member| {
            member.read = seq;
            member.own = own;
            member.read_time = Some(now);
            let unread = member.unread(head);
            // Behind the last unread message lie only the user's own and hidden ones.
            if unread == 0 {
                member.read = head;
                member.own = 0;
            }
            unread
        })?;
        self.put_lazily(spaces::READS, keys::read(conversation, user, seq), &now)?;
        if let Some(unread) = unread.filter(|_| sort == Sort::Group) {
            effects.push(Effect::Unread(conversation, user, unread));
        }
        Ok(())
    }

    /// How many messages after `seq` up to `head` are the user's own.
    fn count_own(&self, user: UserId, conversation: ConversationId, seq: u64, head: u64) -> Result<u64, Failure> {
        const PORTION: usize = 512;
        let (mut own, mut next) = (0, seq + 1);
        while next <= head {
            let portion = self.scan(
                spaces::LOG,
                &keys::log(conversation, next),
                &keys::log(conversation, head + 1),
                Direction::Forward,
                PORTION,
            )?;
            if portion.is_empty() {
                break;
            }
            next += portion.len() as u64;
            for (_, value) in &portion {
                let record = MessageRecord::decode(value)?;
                own += u64::from(record.sender == user.get());
            }
        }
        Ok(own)
    }

    /// Notes what auth-ack clients acknowledged; ids that are not of the user's messages are counted.
    pub(super) fn acknowledge(&mut self, by: Option<UserId>, wire_ids: &[u64]) -> Result<Outcome, Failure> {
        let user = by.ok_or(ErrorKind::Unauthenticated)?;
        for wire_id in wire_ids {
            if !self.acknowledge_one(user, *wire_id)? {
                self.shared.ignored_acks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                tracing::debug!(user = user.get(), "an acknowledgement names no message of the user's");
            }
        }
        Ok(Outcome::Reply(Reply::Done))
    }

    fn acknowledge_one(&mut self, user: UserId, wire_id: u64) -> Result<bool, Failure> {
        let Some((conversation, seq)) = self.wire_position(wire_id)? else { return Ok(false) };
        let Some((sort, _)) = self.sort(conversation)? else { return Ok(false) };
        let Some(member) = self.membership(user, sort, conversation)? else { return Ok(false) };
        if !member.may_see(seq) {
            return Ok(false);
        }
        if !member.delivered.contains(seq) {
            self.change_member(user, sort, conversation, |member| member.delivered.insert(seq, seq))?;
        }
        Ok(true)
    }

    /// Ends a friendship.
    pub(super) fn unfriend(
        &mut self,
        by: Option<UserId>,
        with: &UserKey,
        effects: &mut Vec<Effect>,
    ) -> Result<Outcome, Failure> {
        let user = self.actor(by)?;
        let friend = self.require_user(with)?;
        if self.get(spaces::FRIENDS, &keys::two_users(user.id, friend.id))?.is_none() {
            return Err(ErrorKind::NotFriends.into());
        }
        self.delete(spaces::FRIENDS, keys::two_users(user.id, friend.id));
        self.delete(spaces::FRIENDS, keys::two_users(friend.id, user.id));
        let event = Arc::new(Event::Unfriended { by: user, time: self.now });
        effects.push(Effect::Tell { event, group: None, to: vec![friend.id], own: None });
        Ok(Outcome::Reply(Reply::Done))
    }

    /// Sets or takes back a block; it concerns what is sent from here on.
    pub(super) fn block(&mut self, by: Option<UserId>, user: &UserKey, blocked: bool) -> Result<Outcome, Failure> {
        let blocker = self.actor(by)?;
        let user = self.require_user(user)?;
        if user.id == blocker.id {
            return Err(koine_core::Error::bad_request("nobody can block oneself").into());
        }
        let key = keys::two_users(user.id, blocker.id);
        if blocked {
            let since = self.now.as_millis();
            self.put(spaces::BLOCKED_BY, key, &since)?;
        } else {
            self.delete(spaces::BLOCKED_BY, key);
        }
        self.forget_blockers(user.id);
        Ok(Outcome::Reply(Reply::Done))
    }
}
