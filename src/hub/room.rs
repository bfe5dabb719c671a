//! The connected members of one group, who are told what is said there in turns.
//!
//! ```text
//! log      m4 m5 m6 m7          a member's turn: everything since its last one, put into its mailboxes at once
//! members  a b c d e f g ...    turns go round; whatever is said meanwhile joins in where they are
//!              ▲
//! ```
//!
//! A small room is done in one go. In a large one, others have their turn every few members: the connections
//! that have been told write, and new messages arrive and go round with those that are under way, so that a
//! connection has several to write at once.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use koine_core::{UserId, View};

use super::broadcast::Broadcast;
use super::registry::{Telling, UserSlot};
use super::subscription::Position;
use crate::store::Recipient;

/// How many members have their turn before others do.
const TOGETHER: usize = 64;

/// The connected members of a group.
#[derive(Default)]
pub(super) struct Room {
    /// In one order, so that a history can be repeated.
    seats: BTreeMap<UserId, Seat>,
    /// What not everybody has been told.
    log: VecDeque<Entry>,
    /// How many messages there were before those in the log.
    told: u64,
    /// Whose turn was last, and how often it has begun anew.
    turn: Turn,
}

/// A place in the order of turns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    lap: u64,
    last: Option<UserId>,
}

/// A connected member of a group.
struct Seat {
    user: Arc<UserSlot>,
    unread: u64,
    /// How many of the room's messages it has been told, or was not there for.
    told: u64,
}

/// A message for a room.
pub(super) struct Entry {
    pub(super) operation: u64,
    pub(super) broadcast: Arc<Broadcast>,
    pub(super) position: Position,
    pub(super) sender: Recipient,
    /// Members whom a block keeps it from.
    pub(super) hidden_from: Vec<UserId>,
    /// After whose turn it came.
    since: Turn,
}

impl Room {
    /// Adds a message, to be told in turns.
    pub(super) fn say(
        &mut self,
        operation: u64,
        broadcast: Arc<Broadcast>,
        position: Position,
        sender: Recipient,
        hidden_from: Vec<UserId>,
    ) {
        let since = self.turn;
        self.log.push_back(Entry { operation, broadcast, position, sender, hidden_from, since });
    }

    /// Seats a member, who hears of what comes from now on.
    pub(super) fn seat(&mut self, id: UserId, user: Arc<UserSlot>, unread: u64) {
        self.tell(id);
        let told = self.said();
        self.seats.insert(id, Seat { user, unread, told });
    }

    /// Takes a member out, who has been told everything so far.
    pub(super) fn leave(&mut self, id: UserId) {
        self.tell(id);
        self.seats.remove(&id);
    }

    /// A member has read, and has so many unread messages now.
    pub(super) fn read(&mut self, id: UserId, unread: u64) {
        self.tell(id);
        if let Some(seat) = self.seats.get_mut(&id) {
            seat.unread = unread;
        }
    }

    /// Whether nobody is there.
    pub(super) fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// How many messages are being told.
    pub(super) fn under_way(&self) -> usize {
        self.log.len()
    }

    /// Gives the next few members their turn; whether everybody has been told everything then.
    pub(super) fn go_round(&mut self) -> bool {
        let mut turns = 0;
        while !self.log.is_empty() && turns < TOGETHER {
            let after = self.turn.last.map_or(Bound::Unbounded, Bound::Excluded);
            match self.seats.range_mut((after, Bound::Unbounded)).next() {
                Some((id, seat)) => {
                    seat.hear(*id, self.told, &self.log);
                    self.turn.last = Some(*id);
                    turns += 1;
                }
                None => self.turn = Turn { lap: self.turn.lap + 1, last: None },
            }
            self.forget();
        }
        self.log.is_empty()
    }

    /// Tells everybody everything.
    pub(super) fn settle(&mut self) {
        while !self.go_round() {}
    }

    /// Gives a member its turn, out of turn.
    fn tell(&mut self, id: UserId) {
        if !self.log.is_empty()
            && let Some(seat) = self.seats.get_mut(&id)
        {
            seat.hear(id, self.told, &self.log);
        }
    }

    /// How many messages there were so far.
    fn said(&self) -> u64 {
        self.told + u64::try_from(self.log.len()).unwrap_or(u64::MAX)
    }

    /// Drops the messages that everybody has been told since they came: turns have gone round once.
    fn forget(&mut self) {
        while let Some(first) = self.log.front() {
            let round = Turn { lap: first.since.lap + 1, last: first.since.last };
            if self.turn < round {
                return;
            }
            self.log.pop_front();
            self.told += 1;
        }
    }
}

impl Seat {
    /// Tells a member what of the log it has not been told. `before` counts the messages before the log.
    fn hear(&mut self, id: UserId, before: u64, log: &VecDeque<Entry>) {
        let known = usize::try_from(self.told.saturating_sub(before)).unwrap_or(usize::MAX);
        for entry in log.iter().skip(known) {
            let view = if id == entry.sender.user {
                self.unread = entry.sender.unread;
                View::Own
            } else if entry.hidden_from.contains(&id) {
                continue;
            } else {
                self.unread += 1;
                View::Other
            };
            self.user.deliver_to_all(&Telling {
                operation: entry.operation,
                broadcast: &entry.broadcast,
                view,
                unread: self.unread,
                position: Some(entry.position),
            });
        }
        self.told = before + u64::try_from(log.len()).unwrap_or(u64::MAX);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::net::{IpAddr, Ipv4Addr};

    use koine_core::{
        ConnectionId, Content, Conversation, ConversationId, Event, GroupRef, Handle, Message, MessageEvent, MessageId,
        Place, Shape, Timestamp, UserRef, Zone,
    };
    use proptest::prelude::*;

    use super::super::ConnectionInfo;
    use super::super::broadcast::Speakers;
    use super::super::mailbox::Mailbox;
    use super::super::registry::{Registry, Slot};
    use super::*;
    use crate::config::{Config, DialectName};
    use crate::dialects::Dialects;

    const GROUP: ConversationId = ConversationId::new(1);
    const MEMBERS: u64 = 300;

    #[derive(Debug, Clone)]
    enum Step {
        Say,
        Turns,
        Seat(u64),
        Leave(u64),
        Read(u64),
        Settle,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => Just(Step::Say),
            6 => Just(Step::Turns),
            2 => (0..MEMBERS).prop_map(Step::Seat),
            2 => (0..MEMBERS).prop_map(Step::Leave),
            1 => (0..MEMBERS).prop_map(Step::Read),
            1 => Just(Step::Settle),
        ]
    }

    /// What everybody hears, and with which unread count.
    type Heard = Vec<(u64, u64)>;

    struct World {
        room: Room,
        registry: Registry,
        speakers: Arc<Speakers>,
        slots: Vec<Arc<Slot>>,
        said: u64,
    }

    impl World {
        fn new() -> Self {
            let dialects = Dialects::new(&Config::default(), &Zone::utc(), true);
            let speakers = Arc::new(Speakers::new(dialects.iter().map(|mounted| mounted.dialect.clone()).collect()));
            let registry = Registry::new(speakers.clone(), usize::MAX);
            let info = ConnectionInfo {
                dialect: DialectName::UserSig,
                address: IpAddr::V4(Ipv4Addr::LOCALHOST),
                origin: None,
            };
            let slots = (0..MEMBERS)
                .map(|id| {
                    let mailbox = Mailbox::new(false, 10_000, usize::MAX);
                    let now = Timestamp::from_millis(0);
                    let slot = Slot::new(ConnectionId::new(id), info.clone(), user(id), None, mailbox, now);
                    slot.attach_at(0);
                    registry.add(&slot);
                    slot
                })
                .collect();
            Self { room: Room::default(), registry, speakers, slots, said: 0 }
        }

        fn seat(&mut self, id: u64) {
            let user = self.registry.user(UserId::new(id)).expect("connected");
            self.room.seat(UserId::new(id), user, 0);
        }

        /// One member says something, which another is kept from.
        fn say(&mut self) {
            self.said += 1;
            let broadcast = Broadcast::new(Arc::new(message(self.said)), &self.speakers);
            let position = Position { conversation: GROUP, seq: self.said };
            let sender = Recipient { user: UserId::new(7), unread: 0 };
            self.room.say(self.said, broadcast, position, sender, vec![UserId::new(9)]);
        }

        fn heard(&self, id: usize) -> Heard {
            let mailbox = &self.slots.get(id).expect("a slot").mailbox;
            let items = std::iter::from_fn(|| mailbox.pop().and_then(Result::ok));
            items.filter_map(|item| Some((item.position?.seq, item.unread))).collect()
        }
    }

    fn user(id: u64) -> UserRef {
        UserRef { id: UserId::new(id), handle: Handle::new(&format!("user{id}")).expect("a handle") }
    }

    fn message(seq: u64) -> Event {
        let time = Timestamp::from_millis(0);
        let name: Arc<str> = "group".into();
        let shape = Shape::Group { name: name.clone(), manager: user(7), member_count: MEMBERS };
        let message = Message {
            id: MessageId::new(seq),
            client_id: None,
            conversation: GROUP,
            seq,
            sender: user(7),
            place: Place::Group(GroupRef { id: GROUP, name }),
            time,
            content: Content::text("hello"),
        };
        let conversation = Arc::new(Conversation { id: GROUP, created: time, shape });
        Event::Message(MessageEvent { message: Arc::new(message), conversation })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn everybody_hears_once_and_in_order_what_is_said_while_they_are_there(
            seated in 0..MEMBERS,
            steps in proptest::collection::vec(step(), 0..120),
        ) {
            let mut world = World::new();
            let mut expected: BTreeMap<u64, Heard> = BTreeMap::new();
            let mut unread: BTreeMap<u64, u64> = BTreeMap::new();
            for id in 0..seated {
                world.seat(id);
                unread.insert(id, 0);
            }
            for step in steps {
                match step {
                    Step::Say => {
                        world.say();
                        for (id, unread) in unread.iter_mut().filter(|(id, _)| **id != 9) {
                            *unread = if *id == 7 { 0 } else { *unread + 1 };
                            expected.entry(*id).or_default().push((world.said, *unread));
                        }
                    }
                    Step::Turns => drop(world.room.go_round()),
                    Step::Seat(id) => {
                        world.seat(id);
                        unread.insert(id, 0);
                    }
                    Step::Leave(id) => {
                        world.room.leave(UserId::new(id));
                        unread.remove(&id);
                    }
                    Step::Read(id) => {
                        world.room.read(UserId::new(id), 0);
                        unread.entry(id).and_modify(|unread| *unread = 0);
                    }
                    Step::Settle => world.room.settle(),
                }
            }
            world.room.settle();
            prop_assert_eq!(world.room.under_way(), 0);
            for (id, number) in (0..MEMBERS).zip(0..) {
                prop_assert_eq!(world.heard(number), expected.remove(&id).unwrap_or_default(), "member {}", id);
            }
        }
    }

    #[test]
    fn others_have_their_turn_before_a_large_room_is_done() {
        let mut world = World::new();
        for id in 0..MEMBERS {
            world.seat(id);
        }
        world.say();
        assert!(!world.room.go_round());
        assert_eq!((world.heard(0).len(), world.heard(usize::try_from(MEMBERS - 1).expect("small")).len()), (1, 0));
        world.say();
        world.room.settle();
        let last = world.heard(usize::try_from(MEMBERS - 1).expect("small"));
        assert_eq!(last, [(1, 1), (2, 2)], "both at once");
    }
}
