//! Tells connections what happened: off the committer's thread, in order per conversation.
//!
//! ```text
//! effects ─┬─► of groups ─► a task for each shard of them ─► rooms, in turns
//!          └─► all others ─────────────────────────────────► mailboxes, at once
//! ```
//!
//! What concerns two people is told on the spot, while their answers have not been written yet: they leave together.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use koine_core::{ConversationId, Event, UserId, View};
use tokio::sync::mpsc;

use super::broadcast::{Broadcast, Speakers};
use super::registry::{Registry, Telling};
use super::room::Room;
use super::subscription::Position;
use crate::store::{Effect, Recipient};

/// Among how many tasks groups are divided.
const SHARDS: usize = 4;
/// Batches of effects that may wait for a task.
const QUEUE: usize = 256;
/// Messages that a room may be told at a time; while there are more, nothing new is taken.
const BEHIND: usize = 128;

/// Tells what concerns a few, and divides effects of groups among the tasks. Everything about one group goes to the
/// same one.
pub(super) struct Publisher {
    teller: Teller,
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
        let teller = Teller { registry: registry.clone(), speakers: speakers.clone() };
        let mut shards = Vec::new();
        let mut tasks = Vec::new();
        for _ in 0..SHARDS {
            let (sender, receiver) = mpsc::channel::<Vec<Work>>(QUEUE);
            let shard =
                Shard { teller: teller.clone(), rooms: HashMap::new(), seats: HashMap::new(), busy: Vec::new() };
            tasks.push(tokio::spawn(shard.run(receiver)));
            shards.push(sender);
        }
        (Self { teller, shards }, tasks)
    }

    /// Tells effects, or hands them over to be told; each comes with the number of its operation. Waits while a task
    /// is behind.
    pub(super) async fn publish(&self, effects: impl Iterator<Item = (u64, Effect)>) {
        let mut batches = [const { Vec::new() }; SHARDS];
        for (operation, effect) in effects {
            match effect {
                Effect::Subscribed(user, groups) => {
                    for (place, batch) in batches.iter_mut().enumerate() {
                        let here: Vec<_> =
                            groups.iter().copied().filter(|(group, _)| place_of(*group) == place).collect();
                        if !here.is_empty() {
                            batch.push(Work::Effect(operation, Effect::Subscribed(user, here)));
                        }
                    }
                }
                effect => match group_of(&effect) {
                    None => self.teller.tell(operation, effect),
                    Some(group) => {
                        if let Some(batch) = batches.get_mut(place_of(group)) {
                            batch.push(Work::Effect(operation, effect));
                        }
                    }
                },
            }
        }
        self.teller.registry.relieve();
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

fn place_of(group: ConversationId) -> usize {
    usize::try_from(group.get()).unwrap_or(0) % SHARDS
}

/// The group whose order an effect keeps.
const fn group_of(effect: &Effect) -> Option<ConversationId> {
    match effect {
        Effect::Tell { group, .. } => *group,
        Effect::Group { group, .. }
        | Effect::Joined(group, ..)
        | Effect::Left(group, _)
        | Effect::Unread(group, ..) => Some(*group),
        Effect::Direct { .. } | Effect::Subscribed(..) | Effect::End(..) => None,
    }
}

/// Puts events into mailboxes.
#[derive(Clone)]
struct Teller {
    registry: Arc<Registry>,
    speakers: Arc<Speakers>,
}

impl Teller {
    /// Tells what is not a matter of rooms.
    fn tell(&self, operation: u64, effect: Effect) {
        match effect {
            Effect::Direct { event, sender, receiver } => self.direct(operation, event, sender, receiver),
            Effect::Tell { event, to, own, .. } => self.event(operation, event, &to, own),
            Effect::End(user, reason) => {
                self.registry.end_user(user, reason);
            }
            Effect::Group { .. }
            | Effect::Joined(..)
            | Effect::Left(..)
            | Effect::Unread(..)
            | Effect::Subscribed(..) => {}
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

    fn event(&self, operation: u64, event: Arc<Event>, to: &[UserId], own: Option<UserId>) {
        let broadcast = Broadcast::new(event, &self.speakers);
        for user in to {
            let view = if own == Some(*user) { View::Own } else { View::Other };
            let telling = Telling { operation, broadcast: &broadcast, view, unread: 0, position: None };
            self.registry.deliver_event(*user, &telling);
        }
    }
}

/// One task's part of the groups.
struct Shard {
    teller: Teller,
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
            self.teller.registry.relieve();
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
            Effect::Group { event, group, seq, sender, hidden_from } => {
                let Some(room) = self.rooms.get_mut(&group) else { return };
                let position = Position { conversation: group, seq };
                if room.under_way() == 0 {
                    self.busy.push(group);
                }
                let broadcast = Broadcast::new(event, &self.teller.speakers);
                room.say(operation, broadcast, position, sender, hidden_from);
            }
            Effect::Tell { group, .. } => {
                if let Some(room) = group.and_then(|group| self.rooms.get_mut(&group)) {
                    // In the order of the group.
                    room.settle();
                }
                self.teller.tell(operation, effect);
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
            effect @ (Effect::Direct { .. } | Effect::End(..)) => self.teller.tell(operation, effect),
        }
    }

    fn seat(&mut self, group: ConversationId, user: UserId, unread: u64) {
        if let Some(slot) = self.teller.registry.user(user).filter(|slot| slot.takes_part()) {
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
        if self.teller.registry.user(user).is_some_and(|slot| slot.takes_part()) {
            return;
        }
        for group in self.seats.remove(&user).unwrap_or_default() {
            self.leave(group, user);
        }
    }
}
