//! Putting a salvaged export in order: what refers to something lost gets a stand-in, or goes.
//!
//! - A user that is referred to and lost becomes `lost-<number>`: its messages stay somebody's.
//! - A conversation whose record is lost becomes a group `lost-<number>` of those whose memberships are left.
//! - A lost message keeps its place as an erased one, so that everything else keeps its own.
//! - A lost membership of a direct conversation begins anew, read as far as the steps of reading tell.
//! - Requests, idempotency keys and steps of reading that lead nowhere go.

use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;

use koine_core::{ConversationId, Profile, UserId};

use super::TransferError;
use super::lines::{Counters, HeadLine, Line, RequestKindLine, ShapeLine, SortLine};
use super::loader::Loader;
use crate::store::check::Finding;
use crate::store::embedded::keys::{self, Sort};
use crate::store::embedded::records::{
    ContentRecord, ConversationRecord, Head, MemberRecord, MessageRecord, Record, ShapeRecord, UserRecord,
};
use crate::store::embedded::{spaces, tick_of};
use crate::store::engine::{Direction, Pair, Space};

/// How many pairs are read at a time.
const PORTION: usize = 512;

/// What a salvaged export has so far. Users and conversations are kept in memory, some dozen bytes each.
#[derive(Default)]
pub(super) struct Mender {
    users: HashSet<u64>,
    conversations: BTreeMap<u64, Known>,
    /// The highest numbers there are.
    highest: Counters,
    highest_id: u64,
    lost: Vec<Finding>,
}

#[derive(Clone, Copy)]
struct Known {
    /// Between whom, unless it is a group.
    users: Option<[u64; 2]>,
    head: Option<HeadLine>,
}

type Done<T = ()> = Result<T, TransferError>;

impl Mender {
    /// Which sort a conversation is of.
    pub(super) fn sort(&self, conversation: u64) -> Option<Sort> {
        let known = self.conversations.get(&conversation)?;
        Some(if known.users.is_some() { Sort::Direct } else { Sort::Group })
    }

    fn lose(&mut self, space: &str, key: String, what: &str) {
        self.lost.push(Finding { space: space.to_owned(), key, what: what.to_owned() });
    }

    // While reading

    /// Whether a line can be taken over; makes stand-ins for what it refers to.
    pub(super) fn admit(&mut self, loader: &mut Loader, line: &Line) -> Done<bool> {
        match line {
            Line::User(user) => {
                self.users.insert(user.id);
                self.highest.user = self.highest.user.max(user.id);
            }
            Line::Token(token) => {
                self.highest.token = self.highest.token.max(token.id);
                self.need_users(loader, &[token.user])?;
            }
            Line::Friends(friends) => self.need_users(loader, &friends.users)?,
            Line::Block(block) => self.need_users(loader, &[block.blocker, block.blocked])?,
            Line::Conversation(conversation) => {
                self.highest.conversation = self.highest.conversation.max(conversation.id);
                let (users, named) = match &conversation.shape {
                    ShapeLine::Direct { users, .. } => (Some(*users), users.to_vec()),
                    ShapeLine::Group { manager, .. } => (None, vec![*manager]),
                };
                self.need_users(loader, &named)?;
                self.conversations.insert(conversation.id, Known { users, head: conversation.head });
            }
            Line::Member(member) => {
                self.highest.chat = self.highest.chat.max(member.chat);
                self.need_users(loader, &[member.user])?;
                let known = self.need_conversation(loader, member.conversation, member.user, member.created)?;
                let belongs = known.users.is_none_or(|users| users.contains(&member.user));
                if !belongs || (known.users.is_some() && member.sort == SortLine::Group) {
                    self.lose("chats", format!("{}/{}", member.user, member.conversation), "leads nowhere");
                    return Ok(false);
                }
            }
            Line::Message(message) => {
                self.highest_id = self.highest_id.max(message.id);
                self.need_users(loader, &[message.sender])?;
                self.need_conversation(loader, message.conversation, message.sender, message.time)?;
            }
            Line::Read(read) => {
                let Some(known) = self.conversations.get(&read.conversation) else { return Ok(false) };
                let sort = if known.users.is_some() { Sort::Direct } else { Sort::Group };
                let row = keys::chat(UserId::new(read.user), sort, ConversationId::new(read.conversation));
                let end = match loader.get::<MemberRecord>(spaces::CHATS, &row)? {
                    Some(member) => member.read,
                    // Whoever has left a group had read at most what there was.
                    None => known.head.map_or(0, |head| head.seq),
                };
                return Ok(self.users.contains(&read.user) && read.seq <= end);
            }
            Line::Request(request) => {
                self.highest.request = self.highest.request.max(request.id);
                self.need_users(loader, &[request.from, request.to])?;
                let friend = request.kind == RequestKindLine::Friend;
                if !friend && self.sort(request.group) != Some(Sort::Group) {
                    self.lose("requests", request.id.to_string(), "the group it is about is lost");
                    return Ok(false);
                }
            }
            Line::Key(key) => {
                let message: Option<MessageRecord> =
                    loader.get(spaces::LOG, &keys::two_numbers(key.conversation, key.seq))?;
                if message.is_none_or(|message| message.id != key.id) {
                    self.lose("keys", key.named.clone(), "the message it was used for is lost");
                    return Ok(false);
                }
            }
            Line::File(file) => self.need_users(loader, &[file.owner])?,
            Line::Counters(_) | Line::Bytes(_) | Line::Begin(_) | Line::End(_) => {}
        }
        Ok(true)
    }

    fn need_users(&mut self, loader: &mut Loader, users: &[u64]) -> Done {
        for id in users {
            if self.users.insert(*id) {
                self.lose("users", id.to_string(), "is lost, and stood in for");
                self.highest.user = self.highest.user.max(*id);
                let record = UserRecord {
                    handle: format!("lost-{id}"),
                    profile: Profile::default(),
                    disabled: true,
                    created: 0,
                    login: None,
                    app: None,
                };
                loader.user(*id, &record)?;
            }
        }
        Ok(())
    }

    fn need_conversation(&mut self, loader: &mut Loader, id: u64, manager: u64, created: i64) -> Done<Known> {
        if let Some(known) = self.conversations.get(&id) {
            return Ok(*known);
        }
        self.lose("conversations", id.to_string(), "is lost, and stood in for by a group");
        self.highest.conversation = self.highest.conversation.max(id);
        let shape =
            ShapeRecord::Group { name: format!("lost-{id}").into(), manager, member_count: 0, dissolved: false };
        loader.conversation(id, &ConversationRecord { created, shape })?;
        let known = Known { users: None, head: None };
        self.conversations.insert(id, known);
        Ok(known)
    }

    // Afterwards

    /// Fills what is missing in every conversation, and raises the counters above everything there is. What was lost.
    pub(super) fn mend(mut self, loader: &mut Loader, counters: &mut Counters) -> Done<Vec<Finding>> {
        self.highest.chat = self.highest.chat.max(counters.chat);
        for (id, known) in std::mem::take(&mut self.conversations) {
            self.conversation(loader, id, known)?;
            // The next one may look for ids that this one has taken.
            loader.flush()?;
            self.highest.conversation = self.highest.conversation.max(id);
        }
        let Counters { user, conversation, chat, request, token, users, conversations, message_ids } = counters;
        for (counter, highest) in [
            (user, self.highest.user),
            (conversation, self.highest.conversation),
            (chat, self.highest.chat),
            (request, self.highest.request),
            (token, self.highest.token),
        ] {
            *counter = (*counter).max(highest);
        }
        *users = count(loader, spaces::USERS)?;
        *conversations = count(loader, spaces::CONVERSATIONS)?;
        let [tick, shown] = message_ids.unwrap_or_default();
        *message_ids = Some([tick.max(tick_of(self.highest_id)), shown]);
        Ok(self.lost)
    }

    fn conversation(&mut self, loader: &mut Loader, id: u64, known: Known) -> Done {
        let Some(mut record) = loader.get::<ConversationRecord>(spaces::CONVERSATIONS, &keys::number(id))? else {
            return Ok(());
        };
        let sort = if known.users.is_some() { Sort::Direct } else { Sort::Group };
        let mut members = self.members(loader, id, known, record.created)?;
        let standing_in = match &record.shape {
            ShapeRecord::Direct { users, .. } => users.to_vec(),
            ShapeRecord::Group { manager, .. } => {
                std::iter::once(*manager).chain(members.keys().copied()).collect::<Vec<_>>()
            }
        };
        let log = Log { id, created: record.created, known: known.head, standing_in };
        let head = self.fill(loader, &log, &mut members)?;
        if head.seq > 0 {
            loader.head(id, &head)?;
        }
        for (user, member) in &members {
            loader.member(*user, sort, id, &member.record)?;
        }
        if let ShapeRecord::Group { manager, member_count, dissolved, .. } = &mut record.shape {
            *member_count = members.len() as u64;
            *dissolved = members.is_empty();
            if let Some((first, _)) = members.iter().min_by_key(|(_, member)| member.record.chat)
                && !members.contains_key(manager)
            {
                *manager = *first;
            }
            loader.conversation(id, &record)?;
        }
        Ok(())
    }

    /// The members there are; direct conversations get those that are lost.
    fn members(&mut self, loader: &Loader, id: u64, known: Known, created: i64) -> Done<BTreeMap<u64, Member>> {
        let mut members = BTreeMap::new();
        let row = |user, sort| keys::chat(UserId::new(user), sort, ConversationId::new(id));
        if let Some(users) = known.users {
            for user in users {
                let found: Option<MemberRecord> = loader.get(spaces::CHATS, &row(user, Sort::Direct))?;
                let record = match found {
                    Some(record) => record,
                    None => self.begin_anew(loader, user, id, created)?,
                };
                members.insert(user, Member::new(record));
            }
            return Ok(members);
        }
        let mut after = keys::number(id);
        loop {
            let portion = portion(loader, spaces::MEMBERS, &after, id)?;
            for (_, value) in &portion {
                let user = u64::decode(value)?;
                let found: Option<MemberRecord> = loader.get(spaces::CHATS, &row(user, Sort::Group))?;
                members.extend(found.map(|record| (user, Member::new(record))));
            }
            match portion.last() {
                Some((last, _)) => after = last.to_vec(),
                None => return Ok(members),
            }
        }
    }

    /// A membership of a direct conversation in the place of one that is lost; what was read by steps is read.
    fn begin_anew(&mut self, loader: &Loader, user: u64, id: u64, created: i64) -> Done<MemberRecord> {
        self.lose("chats", format!("{user}/{id}"), "is lost, and begins anew");
        self.highest.chat += 1;
        let mut record = MemberRecord::new(self.highest.chat, created, 0);
        let step = |seq| keys::read(ConversationId::new(id), UserId::new(user), seq);
        let (first, last) = (step(0), step(u64::MAX));
        let range = (Bound::Included(first.as_slice()), Bound::Included(last.as_slice()));
        if let Some((key, time)) = loader.engine.scan(spaces::READS, range, Direction::Reverse, 1)?.pop() {
            let seq = key.last_chunk::<8>().map_or(0, |seq| u64::from_be_bytes(*seq));
            record.mark_all_read(seq, i64::decode(&time)?);
        }
        Ok(record)
    }

    /// Goes through a log, fills its gaps, and counts anew what is whose. The head.
    fn fill(&mut self, loader: &mut Loader, log: &Log, members: &mut BTreeMap<u64, Member>) -> Done<Head> {
        let mut last = Head { seq: 0, id: 0, time: log.created };
        let mut after = keys::number(log.id);
        loop {
            let portion = portion(loader, spaces::LOG, &after, log.id)?;
            for (key, value) in &portion {
                let (message, seq) = (MessageRecord::decode(value)?, keys::numbers(key).map_or(0, |(_, seq)| seq));
                let next = Head { seq, id: message.id, time: message.time };
                if last.seq == 0 {
                    last.time = message.time;
                }
                self.stand_in(loader, log, members, last, next)?;
                count_own(members, message.sender, seq);
                last = next;
            }
            match portion.last() {
                Some((key, _)) => after = key.to_vec(),
                None => break,
            }
        }
        // Up to where there were messages: the head says so, or somebody's marks do.
        let marked = members.values().map(|member| member.record.highest()).max().unwrap_or(0);
        let end = match log.known {
            Some(head) if head.seq > last.seq && head.seq >= marked => {
                Head { seq: head.seq, id: head.id, time: head.time }
            }
            _ => Head { seq: marked.max(last.seq), id: u64::MAX, time: last.time },
        };
        if end.seq == last.seq {
            return Ok(last);
        }
        let before_end = self.stand_in(loader, log, members, last, end)?;
        let id = if end.id == u64::MAX { free_id(loader, before_end.id, u64::MAX)? } else { end.id };
        let end = Head { id, ..end };
        self.erased(loader, log, members, end)?;
        Ok(end)
    }

    /// Puts erased messages between two; the last of them, or `last`.
    fn stand_in(
        &mut self,
        loader: &mut Loader,
        log: &Log,
        members: &mut BTreeMap<u64, Member>,
        mut last: Head,
        next: Head,
    ) -> Done<Head> {
        while last.seq + 1 < next.seq {
            let id = free_id(loader, last.id, next.id)?;
            last = Head { seq: last.seq + 1, id, time: last.time };
            self.erased(loader, log, members, last)?;
        }
        Ok(last)
    }

    fn erased(&mut self, loader: &mut Loader, log: &Log, members: &mut BTreeMap<u64, Member>, at: Head) -> Done {
        self.lose("log", format!("{}/{}", log.id, at.seq), "is lost; an erased message keeps its place");
        self.highest_id = self.highest_id.max(at.id);
        // Nobody's own message is hidden from its sender.
        let hidden = |user: &u64| members.get(user).is_some_and(|member| member.record.hidden.contains(at.seq));
        let sender = log.standing_in.iter().find(|user| !hidden(user)).or(log.standing_in.first()).copied();
        let sender = sender.unwrap_or_default();
        let content = ContentRecord::Erased;
        let record = MessageRecord { id: at.id, client_id: None, sender, time: at.time, content };
        loader.message(log.id, at.seq, &record)?;
        count_own(members, sender, at.seq);
        Ok(())
    }
}

/// A log that is gone through.
struct Log {
    id: u64,
    created: i64,
    known: Option<HeadLine>,
    /// Who may stand for the sender of a lost message, whoever comes first.
    standing_in: Vec<u64>,
}

/// A membership whose own messages are counted anew.
struct Member {
    record: MemberRecord,
}

impl Member {
    const fn new(mut record: MemberRecord) -> Self {
        record.own = 0;
        Self { record }
    }
}

fn count_own(members: &mut BTreeMap<u64, Member>, sender: u64, seq: u64) {
    if let Some(Member { record }) = members.get_mut(&sender)
        && seq > record.joined
    {
        record.own += u64::from(seq > record.read);
        record.delivered.insert(seq, seq);
    }
}

/// The first id above one that no message has. The ids of lost messages lie between those of their neighbours, so
/// there is one.
fn free_id(loader: &Loader, above: u64, below: u64) -> Done<u64> {
    let mut id = above + 1;
    while id < below {
        let key = keys::number(id);
        if !loader.has(spaces::WIRE_IDS, &key)? && !loader.has(spaces::PLACES, &key)? {
            return Ok(id);
        }
        id += 1;
    }
    Err(TransferError::Damaged("there is no id for a lost message"))
}

/// The next pairs of a conversation.
fn portion(loader: &Loader, space: Space, after: &[u8], conversation: u64) -> Done<Vec<Pair>> {
    let end = conversation.checked_add(1).map(keys::number);
    let end = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    Ok(loader.engine.scan(space, (Bound::Excluded(after), end), Direction::Forward, PORTION)?)
}

fn count(loader: &Loader, space: Space) -> Done<u64> {
    let mut count = 0;
    let mut after = Bound::Unbounded;
    loop {
        let range = match &after {
            Bound::Excluded(key) => (Bound::Excluded(bytes::Bytes::as_ref(key)), Bound::Unbounded),
            _ => (Bound::Unbounded, Bound::Unbounded),
        };
        let pairs = loader.engine.scan(space, range, Direction::Forward, PORTION)?;
        count += pairs.len() as u64;
        match pairs.into_iter().next_back() {
            Some((last, _)) => after = Bound::Excluded(last),
            None => return Ok(count),
        }
    }
}
