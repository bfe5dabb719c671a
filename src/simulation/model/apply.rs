//! What an operation changes.

use std::collections::{BTreeMap, BTreeSet};

use koine_core::{ChatKey, ConversationId, Receipt, RequestAnswer, SendMessage, Target, UserId, UserKey};
use tokio::time::Instant;

use super::conversation::{Conversation, Progress, Said};
use super::{Model, Place};
use crate::store::{Action, Op};

/// Where a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Destination {
    /// To a conversation there is.
    Known(usize),
    /// To a user there is no conversation with yet.
    New(u64),
}

/// What an operation should come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// An error.
    Refused,
    /// Any answer but an error.
    Done,
    /// A message at a place; `again` if it was there already.
    Sent { place: Place, again: bool },
    /// A conversation.
    Opened { at: usize, new: bool },
    /// A request to join a group.
    Requested { user: u64, group: usize },
    /// So many messages became read.
    Marked(u64),
}

impl Model {
    /// Applies an operation.
    pub(super) fn apply(&mut self, op: &Op, now: Instant) -> Expected {
        let by = op.by.map(UserId::get);
        self.try_apply(by, &op.action, now).unwrap_or(Expected::Refused)
    }

    fn try_apply(&mut self, by: Option<u64>, action: &Action, now: Instant) -> Option<Expected> {
        Some(match action {
            Action::Send(send) => self.send(by?, send)?,
            Action::CreateGroup { name, members, .. } => self.create_group(by?, name, members)?,
            Action::RemoveMember(group, user) => self.remove(*group, user)?,
            Action::Join(group, _) => {
                let (user, group) = (by?, self.open_group(*group)?);
                if self.conversations[group].members.contains_key(&user) {
                    return None;
                }
                Expected::Requested { user, group }
            }
            Action::Decide { request, answer, .. } => {
                let (user, group) = self.requests.remove(&request.get())?;
                if !self.conversations[group].is_open_group() {
                    return None;
                }
                if *answer == RequestAnswer::Accept && !self.conversations[group].members.contains_key(&user) {
                    self.conversations[group].join(user);
                }
                Expected::Done
            }
            Action::Block(user) => self.block(by?, user, true)?,
            Action::Unblock(user) => self.block(by?, user, false)?,
            Action::MarkRead(ChatKey::Conversation(id)) => self.mark_read(by?, *id)?,
            Action::Confirm { receipt, read, durable } => {
                self.confirm(by?, receipt, *read, *durable, now);
                Expected::Done
            }
            Action::Acknowledge(ids) => {
                for id in ids {
                    self.acknowledge(by?, *id);
                }
                Expected::Done
            }
            Action::OpenDirect { with, .. } => {
                let (user, with) = (by?, self.user(with)?);
                match self.pairs.get(&(user.min(with), user.max(with))) {
                    Some(at) => {
                        let unheard_by = &mut self.conversations[*at].unheard_by;
                        *unheard_by = unheard_by.filter(|blocker| *blocker != user);
                        Expected::Opened { at: *at, new: false }
                    }
                    None => Expected::Opened { at: self.open_pair(user, with), new: true },
                }
            }
            Action::Register { .. } | Action::Attach(_) | Action::LoadMarks(_) | Action::ReserveMessageId => {
                Expected::Done
            }
            other => panic!("the reference does not know {other:?}"),
        })
    }

    fn user(&self, key: &UserKey) -> Option<u64> {
        match key {
            UserKey::Id(id) => self.users.contains_key(&id.get()).then_some(id.get()),
            UserKey::Handle(handle) => {
                self.users.iter().find(|(_, name)| name.as_str() == handle.as_str()).map(|(id, _)| *id)
            }
        }
    }

    fn open_group(&self, id: ConversationId) -> Option<usize> {
        self.find(id.get()).filter(|at| self.conversations[*at].is_open_group())
    }

    // Saying something

    fn send(&mut self, by: u64, send: &SendMessage) -> Option<Expected> {
        let text = send.content.as_text();
        let key = send.key.as_ref().map(|key| (by, key.as_str().to_owned()));
        let earlier = match (send.client_id, &key) {
            (Some(id), _) => self.wire_ids.get(&id).copied(),
            (None, Some(key)) => self.keys.get(key).copied(),
            (None, None) => None,
        };
        if let Some(place) = earlier {
            let said = self.said(place);
            let same = self.names(by, &send.target, place.0)
                && said.by == by
                && said.text == text
                && (send.client_id.is_none() || said.client_id == send.client_id);
            return same.then_some(Expected::Sent { place, again: true });
        }
        let conversation = match self.destination(by, &send.target)? {
            Destination::Known(known) => known,
            Destination::New(other) => self.open_pair(by, other),
        };
        let place = self.append(by, conversation, text, send);
        if let Some(id) = send.client_id {
            self.wire_ids.insert(id, place);
        }
        if let Some(key) = key {
            self.keys.insert(key, place);
        }
        Some(Expected::Sent { place, again: false })
    }

    /// Whether a target is a conversation, whoever may send there now.
    fn names(&self, by: u64, target: &Target, at: usize) -> bool {
        let named = match target {
            Target::User(key) => {
                self.user(key).and_then(|other| self.pairs.get(&(by.min(other), by.max(other))).copied())
            }
            Target::Group(id) | Target::Conversation(id) => self.find(id.get()),
        };
        named == Some(at)
    }

    /// Where a message goes; `None` if the sender may not send there.
    fn destination(&self, by: u64, target: &Target) -> Option<Destination> {
        let at = match target {
            Target::User(key) => {
                let other = self.user(key)?;
                let known = self.pairs.get(&(by.min(other), by.max(other)));
                return Some(known.map_or(Destination::New(other), |at| Destination::Known(*at)));
            }
            Target::Group(id) => self.open_group(*id)?,
            Target::Conversation(id) => self.find(id.get()).filter(|at| !self.conversations[*at].dissolved)?,
        };
        self.conversations[at].members.contains_key(&by).then_some(Destination::Known(at))
    }

    fn open_pair(&mut self, one: u64, other: u64) -> usize {
        let mut conversation = Conversation::default();
        conversation.unheard_by = self.blocks.contains(&(other, one)).then_some(other);
        conversation.join(one);
        conversation.join(other);
        self.conversations.push(conversation);
        let at = self.conversations.len() - 1;
        self.pairs.insert((one.min(other), one.max(other)), at);
        at
    }

    fn append(&mut self, by: u64, at: usize, text: &str, send: &SendMessage) -> Place {
        let blocks = &self.blocks;
        let conversation = &mut self.conversations[at];
        let head = conversation.head();
        let hidden_from = conversation.members.keys().copied().filter(|member| blocks.contains(&(*member, by)));
        let hidden_from: BTreeSet<u64> = hidden_from.filter(|member| *member != by).collect();
        if send.reads
            && let Some(member) = conversation.members.get_mut(&by)
        {
            member.settle(&Progress { delivered: BTreeSet::new(), read: head });
        }
        let said = Said { text: text.to_owned(), by, client_id: send.client_id, hidden_from, unread: BTreeMap::new() };
        conversation.log.push(said);
        let unread: BTreeMap<u64, u64> = conversation
            .members
            .iter()
            .map(|(user, member)| (*user, conversation.unread(*user, member.now.read)))
            .collect();
        if let Some(said) = conversation.log.last_mut() {
            said.unread = unread;
        }
        if self.texts.insert(text.to_owned(), (at, head + 1)).is_some() {
            self.object(|| format!("{text:?} was accepted twice"));
        }
        (at, head + 1)
    }

    // Groups and blocks

    fn create_group(&mut self, by: u64, name: &str, members: &[UserKey]) -> Option<Expected> {
        let mut group = Conversation::default();
        group.group = Some((name.to_owned(), by));
        group.join(by);
        for member in members {
            group.join(self.user(member)?);
        }
        self.conversations.push(group);
        Some(Expected::Opened { at: self.conversations.len() - 1, new: true })
    }

    fn remove(&mut self, group: ConversationId, user: &UserKey) -> Option<Expected> {
        let (at, user) = (self.open_group(group)?, self.user(user)?);
        let group = &mut self.conversations[at];
        if !group.members.contains_key(&user) {
            return None;
        }
        if group.group.as_ref().is_some_and(|(_, manager)| *manager == user) {
            let members: Vec<u64> = group.members.keys().copied().collect();
            for member in members {
                group.part(member);
            }
            group.dissolved = true;
            self.requests.retain(|_, (_, about)| *about != at);
        } else {
            group.part(user);
        }
        Some(Expected::Done)
    }

    fn block(&mut self, by: u64, user: &UserKey, block: bool) -> Option<Expected> {
        let user = self.user(user).filter(|user| *user != by)?;
        if block {
            self.blocks.insert((by, user));
        } else {
            self.blocks.remove(&(by, user));
        }
        Some(Expected::Done)
    }

    // Taking in

    fn mark_read(&mut self, by: u64, id: ConversationId) -> Option<Expected> {
        let at = self.find(id.get())?;
        let conversation = &mut self.conversations[at];
        let marked = conversation.unread(by, conversation.members.get(&by)?.now.read);
        let seen: BTreeSet<u64> = conversation.owed(by).collect();
        self.declared.extend(seen.iter().map(|seq| (by, (at, *seq))));
        let read = conversation.head();
        conversation.members.get_mut(&by)?.settle(&Progress { delivered: seen, read });
        Some(Expected::Marked(marked))
    }

    fn confirm(&mut self, by: u64, receipt: &Receipt, read: bool, durable: bool, now: Instant) {
        for (id, first, last) in &receipt.ranges {
            let Some(at) = self.find(id.get()) else { continue };
            let conversation = &mut self.conversations[at];
            let delivered: BTreeSet<u64> = conversation.owed(by).filter(|seq| (*first..=*last).contains(seq)).collect();
            let last = (*last).min(conversation.head());
            let Some(member) = conversation.members.get_mut(&by) else { continue };
            if (*first).max(member.joined + 1) > last {
                continue;
            }
            let progress = Progress { delivered: delivered.clone(), read: if read { last } else { 0 } };
            if durable {
                member.settle(&progress);
            } else {
                member.gather(progress, now);
            }
            for seq in delivered {
                self.must_have_received(by, (at, seq), "confirmed");
            }
        }
    }

    fn acknowledge(&mut self, by: u64, wire_id: u64) {
        let Some((at, seq)) = self.wire_ids.get(&wire_id).copied() else { return };
        let conversation = &mut self.conversations[at];
        if !conversation.owed(by).any(|owed| owed == seq) {
            return;
        }
        let Some(member) = conversation.members.get_mut(&by) else { return };
        // What is known already is not written again.
        if !member.now.delivered.contains(&seq) {
            member.settle(&Progress { delivered: BTreeSet::from([seq]), read: 0 });
        }
        self.must_have_received(by, (at, seq), "acknowledged");
    }

    fn must_have_received(&mut self, user: u64, place: Place, how: &str) {
        if !self.received.contains(&(user, place)) && !self.declared.contains(&(user, place)) {
            let text = self.said(place).text.clone();
            self.object(|| format!("{text:?} is {how} for user {user}, who has never got it"));
        }
    }
}
