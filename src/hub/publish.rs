//! Tells connections what happened: off the committer's thread, in order per conversation.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use koine_core::{ConversationId, EndReason, Event, UserId, View};
use tokio::sync::mpsc;

use super::broadcast::{Broadcast, Speakers};
use super::registry::{Registry, Telling};
use super::room::Room;
use super::subscription::Position;
use crate::store::{Effect, Recipient};

/// Among how many tasks conversations are divided.
const SHARDS: u64 = 4;
/// Batches of effects that may wait for a task.
const QUEUE: usize = 256;
/// Messages that a room may be told at a time; while there are more, nothing new is taken.
const BEHIND: usize = 128;

/// Divides effects among the tasks. Everything about one conversation goes to the same one.
pub(super) struct Publisher {
    shards: Vec<mpsc::Sender<Vec<Work>>>,
}

/// Something for one task.
enum Work {
    /// What an operation of this number has to tell.
    Effect(u64, Effect),
    /// A user may have no connection left that takes part in groups.
    Parted(UserId),
}

impl Publisher {
    /// Starts the tasks. They end when the publisher is dropped.
    pub(super) fn start(
        registry: &Arc<Registry>,
        speakers: &Arc<Speakers>,
    ) -> (Self, Vec<tokio::task::JoinHandle<()>>) {
        let mut shards = Vec::new();
        let mut tasks = Vec::new();
        for _ in 0..SHARDS {
            let (sender, receiver) = mpsc::channel::<Vec<Work>>(QUEUE);
            let shard = Shard {
                registry: registry.clone(),
                speakers: speakers.clone(),
                rooms: HashMap::new(),
                seats: HashMap::new(),
                busy: Vec::new(),
            };
            tasks.push(tokio::spawn(shard.run(receiver)));
            shards.push(sender);
        }
        (Self { shards }, tasks)
    }

    /// Hands a batch of effects over, each with the number of the operation it comes from; waits while a
    /// task is behind.
    pub(super) async fn publish(&self, effects: impl Iterator<Item = (u64, Effect)>) {
        let mut batches: Vec<Vec<Work>> = self.shards.iter().map(|_| Vec::new()).collect();
        for (operation, effect) in effects {
            match effect {
                Effect::Subscribed(user, groups) => {
                    for (place, batch) in (0_u64..).zip(batches.iter_mut()) {
                        let here =
                            groups.iter().copied().filter(|(group, _)| place_of(*group) == place).collect::<Vec<_>>();
                        if !here.is_empty() {
                            batch.push(Work::Effect(operation, Effect::Subscribed(user, here)));
                        }
                    }
                }
                effect => {
                    let place = conversation_of(&effect).map_or(0, place_of);
                    if let Some(batch) = usize::try_from(place).ok().and_then(|place| batches.get_mut(place)) {
                        batch.push(Work::Effect(operation, effect));
                    }
                }
            }
        }
        for (shard, batch) in self.shards.iter().zip(batches) {
            if !batch.is_empty() && shard.send(batch).await.is_err() {
                tracing::error!("a publishing task has ended");
            }
        }
    }

    /// A user's connection has ended.
    pub(super) async fn parted(&self, user: UserId) {
        for shard in &self.shards {
            if shard.send(vec![Work::Parted(user)]).await.is_err() {
                return;
            }
        }
    }
}

fn place_of(conversation: ConversationId) -> u64 {
    conversation.get() % SHARDS
}

fn conversation_of(effect: &Effect) -> Option<ConversationId> {
    match effect {
        Effect::Direct { event, .. } => match event.as_ref() {
            Event::Message(message) => Some(message.message.conversation),
            _ => None,
        },
        Effect::Tell { conversation, .. } => *conversation,
        Effect::Group { group, .. }
        | Effect::Joined(group, ..)
        | Effect::Left(group, _)
        | Effect::Unread(group, ..) => Some(*group),
        Effect::Subscribed(..) | Effect::End(..) => None,
    }
}

/// One task's part of the conversations.
struct Shard {
    registry: Arc<Registry>,
    speakers: Arc<Speakers>,
    /// The connected members of groups, so that delivery costs what is online and not what is a member.
    rooms: HashMap<ConversationId, Room>,
    /// In which of them each connected user is.
    seats: HashMap<UserId, HashSet<ConversationId>>,
    /// The rooms that are being told something in turns.
    busy: Vec<ConversationId>,
}

impl Shard {
    async fn run(mut self, mut receiver: mpsc::Receiver<Vec<Work>>) {
        loop {
            if self.busy.is_empty() {
                let Some(batch) = receiver.recv().await else { return };
                self.carry_out_all(batch);
            }
            while self.takes_more()
                && let Ok(batch) = receiver.try_recv()
            {
                self.carry_out_all(batch);
            }
            self.go_round();
            self.registry.relieve();
            if !self.busy.is_empty() {
                tokio::task::yield_now().await;
            }
        }
    }

    fn carry_out_all(&mut self, batch: Vec<Work>) {
        for work in batch {
            match work {
                Work::Effect(operation, effect) => self.carry_out(operation, effect),
                Work::Parted(user) => self.part(user),
            }
        }
    }

    /// Whether no room is far behind.
    fn takes_more(&self) -> bool {
        self.busy.iter().all(|group| self.rooms.get(group).is_none_or(|room| room.under_way() < BEHIND))
    }

    /// Gives a few members of each busy room their turn.
    fn go_round(&mut self) {
        let mut busy = std::mem::take(&mut self.busy);
        busy.retain(|group| {
            let Some(room) = self.rooms.get_mut(group) else { return false };
            let done = room.go_round();
            if done && room.is_empty() {
                self.rooms.remove(group);
            }
            !done
        });
        self.busy = busy;
    }

    fn carry_out(&mut self, operation: u64, effect: Effect) {
        match effect {
            Effect::Direct { event, sender, receiver } => self.direct(operation, event, sender, receiver),
            Effect::Group { event, group, seq, sender, hidden_from } => {
                let Some(room) = self.rooms.get_mut(&group) else { return };
                let position = Position { conversation: group, seq };
                if room.under_way() == 0 {
                    self.busy.push(group);
                }
                room.say(operation, Broadcast::new(event, &self.speakers), position, sender, hidden_from);
            }
            Effect::Tell { event, conversation, to, own } => {
                if let Some(room) = conversation.and_then(|conversation| self.rooms.get_mut(&conversation)) {
                    // In the order of the conversation.
                    room.settle();
                }
                let broadcast = Broadcast::new(event, &self.speakers);
                for user in to {
                    let view = if own == Some(user) { View::Own } else { View::Other };
                    let telling = Telling { operation, broadcast: &broadcast, view, unread: 0, position: None };
                    self.registry.deliver_event(user, &telling);
                }
            }
            Effect::Joined(group, user, unread) => self.seat(group, user, unread),
            Effect::Left(group, user) => self.leave(group, user),
            Effect::Unread(group, user, unread) => {
                if let Some(room) = self.rooms.get_mut(&group) {
                    room.read(user, unread);
                }
            }
            Effect::Subscribed(user, groups) => {
                for (group, unread) in groups {
                    self.seat(group, user, unread);
                }
            }
            Effect::End(user, reason) => self.end(user, reason),
        }
    }

    fn direct(&self, operation: u64, event: Arc<Event>, sender: Recipient, receiver: Option<Recipient>) {
        let Event::Message(message) = event.as_ref() else { return };
        let position = Some(Position { conversation: message.message.conversation, seq: message.message.seq });
        let koine_core::Place::Direct { receiver: other } = &message.message.place else { return };
        let other = other.id;
        let broadcast = &Broadcast::new(event, &self.speakers);
        let telling = Telling { operation, broadcast, view: View::Own, unread: sender.unread, position };
        self.registry.deliver_direct(sender.user, other, &telling);
        if let Some(Recipient { user, unread }) = receiver {
            self.registry.deliver_direct(user, sender.user, &Telling { view: View::Other, unread, ..telling });
        }
    }

    fn seat(&mut self, group: ConversationId, user: UserId, unread: u64) {
        if let Some(slot) = self.registry.user(user).filter(|slot| slot.takes_part()) {
            self.rooms.entry(group).or_default().seat(user, slot, unread);
            self.seats.entry(user).or_default().insert(group);
        }
    }

    fn leave(&mut self, group: ConversationId, user: UserId) {
        if let Some(room) = self.rooms.get_mut(&group) {
            room.leave(user);
            if room.is_empty() {
                self.rooms.remove(&group);
            }
        }
        if let Some(groups) = self.seats.get_mut(&user) {
            groups.remove(&group);
            if groups.is_empty() {
                self.seats.remove(&user);
            }
        }
    }

    /// Takes a user out of all groups if no connection of it takes part any more.
    fn part(&mut self, user: UserId) {
        if self.registry.user(user).is_some_and(|slot| slot.takes_part()) {
            return;
        }
        for group in self.seats.remove(&user).unwrap_or_default() {
            self.leave(group, user);
        }
    }

    fn end(&self, user: UserId, reason: EndReason) {
        self.registry.end_user(user, reason);
    }
}
