//! The plainest store there could be: logs as lists, and for every member the sets of what was delivered, read
//! and hidden.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A user, by place.
pub(super) type Who = usize;

/// A message.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) by: Who,
    pub(super) words: String,
    /// Its place among all messages there ever were.
    pub(super) order: u64,
    /// In which batch it was said.
    pub(super) at: u64,
}

/// One stay of a user in a conversation.
#[derive(Debug, Clone)]
pub(super) struct Stay {
    pub(super) chat: u64,
    since: u64,
    joined: u64,
    now: Sets,
    /// What a restart finds.
    saved: Sets,
}

#[derive(Debug, Clone, Default)]
struct Sets {
    delivered: BTreeSet<u64>,
    read: BTreeSet<u64>,
    hidden: BTreeSet<u64>,
    row_hidden: Option<u64>,
}

/// A conversation; its place is its number less one.
#[derive(Debug, Clone)]
pub(super) struct Talk {
    /// `None`: direct.
    pub(super) manager: Option<Who>,
    pub(super) log: Vec<Said>,
    pub(super) members: BTreeMap<Who, Stay>,
    dissolved: bool,
}

/// What an operation must come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expected {
    Done,
    Sent(usize, u64),
    Marked(u64),
    Refused,
}

/// Everything there is.
#[derive(Debug, Default)]
pub(super) struct Reference {
    pub(super) talks: Vec<Talk>,
    /// Blocker, blocked.
    blocks: BTreeSet<(Who, Who)>,
    keys: HashMap<(Who, u8), (usize, u64)>,
    order: u64,
    chats: u64,
    batch: u64,
    /// Stays whose record the batch writes.
    touched: BTreeSet<(usize, Who)>,
}

impl Talk {
    fn head(&self) -> u64 {
        self.log.len() as u64
    }

    /// The message of a seq.
    pub(super) fn said(&self, seq: u64) -> &Said {
        &self.log[usize::try_from(seq).unwrap() - 1]
    }

    /// Whether a stay covers a message, and no block keeps it away.
    fn sees(&self, who: Who, seq: u64) -> bool {
        self.members.get(&who).is_some_and(|stay| seq > stay.joined && !stay.now.hidden.contains(&seq))
    }

    /// The seqs that a member may see, ascending.
    pub(super) fn visible(&self, who: Who) -> Vec<u64> {
        (1..=self.head()).filter(|seq| self.sees(who, *seq)).collect()
    }

    pub(super) fn is_read(&self, who: Who, seq: u64) -> bool {
        self.said(seq).by == who || self.members[&who].now.read.contains(&seq)
    }

    pub(super) fn is_delivered(&self, who: Who, seq: u64) -> bool {
        self.said(seq).by == who || self.members[&who].now.delivered.contains(&seq)
    }

    pub(super) fn unread(&self, who: Who) -> u64 {
        self.visible(who).iter().filter(|seq| !self.is_read(who, **seq)).count() as u64
    }

    pub(super) fn pending(&self, who: Who) -> Vec<u64> {
        self.visible(who).into_iter().filter(|seq| !self.is_delivered(who, *seq)).collect()
    }

    /// Whether everybody else has read a message; `None` where the store may say either: a member from whom
    /// it is hidden has other messages unread.
    pub(super) fn read_by_others(&self, seq: u64) -> Option<bool> {
        let by = self.said(seq).by;
        let others: Vec<Who> = self.members.keys().copied().filter(|who| *who != by).collect();
        if self.manager.is_none() {
            return Some(others.iter().all(|who| self.sees(*who, seq) && self.is_read(*who, seq)));
        }
        if others.iter().any(|who| self.sees(*who, seq) && !self.is_read(*who, seq)) {
            return Some(false);
        }
        let unsure = |who: &Who| self.members[who].now.hidden.contains(&seq) && self.unread(*who) > 0;
        if others.iter().any(unsure) { None } else { Some(true) }
    }

    /// Whether the list of conversations shows it.
    pub(super) fn is_listed(&self, who: Who) -> bool {
        let last = self.visible(who).last().copied();
        self.members[&who].now.row_hidden.is_none_or(|at| last.is_some_and(|last| last > at))
    }

    /// Whether the list that shows hidden rows, too, shows it.
    pub(super) fn has_begun(&self, who: Who) -> bool {
        self.members[&who].now.row_hidden != Some(0) || !self.visible(who).is_empty()
    }

    /// What a list of conversations is ordered by.
    pub(super) fn activity(&self, who: Who) -> (u64, u64, u64) {
        let stay = &self.members[&who];
        match self.visible(who).last() {
            Some(last) => (self.said(*last).at.max(stay.since), self.said(*last).order, stay.chat),
            None => (stay.since, 0, stay.chat),
        }
    }
}

impl Reference {
    pub(super) fn begin(&mut self) {
        self.batch += 1;
    }

    pub(super) fn commit(&mut self) {
        for (talk, who) in std::mem::take(&mut self.touched) {
            if let Some(stay) = self.talks[talk].members.get_mut(&who) {
                stay.saved = stay.now.clone();
            }
        }
    }

    fn stays(&mut self) -> impl Iterator<Item = &mut Stay> {
        self.talks.iter_mut().flat_map(|talk| talk.members.values_mut())
    }

    pub(super) fn flush(&mut self) {
        self.stays().for_each(|stay| stay.saved = stay.now.clone());
    }

    pub(super) fn restart(&mut self) {
        self.stays().for_each(|stay| stay.now = stay.saved.clone());
    }

    /// The conversations a user is in.
    pub(super) fn of(&self, who: Who) -> impl Iterator<Item = (usize, &Talk)> {
        self.talks.iter().enumerate().filter(move |(_, talk)| talk.members.contains_key(&who))
    }

    fn pair(&self, one: Who, other: Who) -> Option<usize> {
        let both: BTreeSet<Who> = [one, other].into();
        self.talks
            .iter()
            .position(|talk| talk.manager.is_none() && talk.members.keys().copied().collect::<BTreeSet<_>>() == both)
    }

    fn add(&mut self, talk: usize, who: Who) {
        self.chats += 1;
        let joined = self.talks[talk].head();
        let stay = Stay { chat: self.chats, since: self.batch, joined, now: Sets::default(), saved: Sets::default() };
        self.talks[talk].members.insert(who, stay);
    }

    fn open(&mut self, manager: Option<Who>, members: &[Who]) -> usize {
        self.talks.push(Talk { manager, log: Vec::new(), members: BTreeMap::new(), dissolved: false });
        let talk = self.talks.len() - 1;
        for who in members {
            self.add(talk, *who);
        }
        talk
    }

    fn stay(&mut self, talk: usize, who: Who) -> Option<&mut Stay> {
        self.talks.get_mut(talk)?.members.get_mut(&who)
    }

    // Operations

    pub(super) fn tell(&mut self, by: Who, to: Who, key: Option<u8>, words: &str, reads: bool) -> Expected {
        let known = self.pair(by, to);
        if let Some(expected) = self.repeated(by, known, key) {
            return expected;
        }
        let talk = known.unwrap_or_else(|| {
            let both: BTreeSet<Who> = [by, to].into();
            let talk = self.open(None, &both.into_iter().collect::<Vec<_>>());
            if self.blocks.contains(&(to, by)) {
                self.stay(talk, to).unwrap().now.row_hidden = Some(0);
                self.touched.insert((talk, to));
            }
            talk
        });
        self.append(by, talk, key, words, reads)
    }

    pub(super) fn say(&mut self, by: Who, talk: usize, key: Option<u8>, words: &str, reads: bool) -> Expected {
        if let Some(expected) = self.repeated(by, Some(talk), key) {
            return expected;
        }
        if self.stay(talk, by).is_none() {
            return Expected::Refused;
        }
        self.append(by, talk, key, words, reads)
    }

    fn repeated(&self, by: Who, talk: Option<usize>, key: Option<u8>) -> Option<Expected> {
        let (first, seq) = self.keys.get(&(by, key?))?;
        Some(if talk == Some(*first) { Expected::Sent(*first, *seq) } else { Expected::Refused })
    }

    fn append(&mut self, by: Who, talk: usize, key: Option<u8>, words: &str, reads: bool) -> Expected {
        if reads {
            let seen = self.talks[talk].visible(by);
            let stay = self.stay(talk, by).unwrap();
            stay.now.read.extend(&seen);
            stay.saved.read.extend(&seen);
        }
        self.order += 1;
        let said = Said { by, words: words.to_owned(), order: self.order, at: self.batch };
        self.talks[talk].log.push(said);
        let seq = self.talks[talk].head();
        let others: Vec<Who> = self.talks[talk].members.keys().copied().filter(|who| *who != by).collect();
        for who in others {
            if self.blocks.contains(&(who, by)) {
                self.stay(talk, who).unwrap().now.hidden.insert(seq);
                self.touched.insert((talk, who));
            }
        }
        if let Some(key) = key {
            self.keys.insert((by, key), (talk, seq));
        }
        Expected::Sent(talk, seq)
    }

    pub(super) fn create(&mut self, by: Who, others: &[Who]) -> Expected {
        let mut members = vec![by];
        members.extend(others.iter().copied().filter(|who| *who != by));
        self.open(Some(by), &members);
        Expected::Done
    }

    fn manager(&self, talk: usize) -> Option<Who> {
        self.talks.get(talk).filter(|talk| !talk.dissolved)?.manager
    }

    pub(super) fn leave(&mut self, by: Who, talk: usize) -> Expected {
        match self.manager(talk) {
            Some(manager) if manager == by => self.dissolve(by, talk),
            Some(_) if self.talks[talk].members.remove(&by).is_some() => Expected::Done,
            _ => Expected::Refused,
        }
    }

    pub(super) fn remove(&mut self, by: Who, talk: usize, who: Who) -> Expected {
        if self.manager(talk) != Some(by) {
            return Expected::Refused;
        }
        if who == by {
            return self.dissolve(by, talk);
        }
        if self.talks[talk].members.remove(&who).is_some() { Expected::Done } else { Expected::Refused }
    }

    pub(super) fn dissolve(&mut self, by: Who, talk: usize) -> Expected {
        if self.manager(talk) != Some(by) {
            return Expected::Refused;
        }
        self.talks[talk].members.clear();
        self.talks[talk].dissolved = true;
        Expected::Done
    }

    /// Who decides about a request to join, if one can be made.
    pub(super) fn may_join(&self, who: Who, talk: usize) -> Option<Who> {
        self.manager(talk).filter(|_| !self.talks[talk].members.contains_key(&who))
    }

    pub(super) fn join(&mut self, who: Who, talk: usize) {
        self.add(talk, who);
    }

    pub(super) fn block(&mut self, by: Who, who: Who, on: bool) -> Expected {
        if by == who {
            return Expected::Refused;
        }
        if on {
            self.blocks.insert((by, who))
        } else {
            self.blocks.remove(&(by, who))
        };
        Expected::Done
    }

    pub(super) fn blocks(&self, by: Who, who: Who) -> bool {
        self.blocks.contains(&(by, who))
    }

    pub(super) fn mark_read(&mut self, by: Who, talk: usize) -> Expected {
        if self.stay(talk, by).is_none() {
            return Expected::Refused;
        }
        let marked = self.talks[talk].unread(by);
        let seen = self.talks[talk].visible(by);
        let stay = self.stay(talk, by).unwrap();
        stay.now.read.extend(&seen);
        stay.now.delivered.extend(&seen);
        self.touched.insert((talk, by));
        Expected::Marked(marked)
    }

    pub(super) fn confirm(&mut self, by: Who, talk: usize, first: u64, last: u64, read: bool, durable: bool) {
        if self.stay(talk, by).is_none() {
            return;
        }
        let seen = self.talks[talk].visible(by);
        let named = seen.iter().copied().filter(|seq| (first..=last).contains(seq));
        let named: Vec<u64> = named.collect();
        let (joined, head) = (self.talks[talk].members[&by].joined, self.talks[talk].head());
        self.stay(talk, by).unwrap().now.delivered.extend(&named);
        if durable && first.max(joined + 1) <= last.min(head) {
            self.touched.insert((talk, by));
        }
        if read {
            let ends = seen.iter().copied().take_while(|seq| *seq <= last);
            let came: Vec<u64> = ends.take_while(|seq| self.talks[talk].is_delivered(by, *seq)).collect();
            self.stay(talk, by).unwrap().now.read.extend(came);
        }
    }

    pub(super) fn acknowledge(&mut self, by: Who, talk: usize, seq: u64) {
        if self.talks.get(talk).is_some_and(|talk| talk.sees(by, seq) && !talk.is_delivered(by, seq)) {
            self.stay(talk, by).unwrap().now.delivered.insert(seq);
            self.touched.insert((talk, by));
        }
    }

    pub(super) fn hide_row(&mut self, by: Who, talk: usize) -> Expected {
        let head = self.talks.get(talk).map_or(0, Talk::head);
        let Some(stay) = self.stay(talk, by) else { return Expected::Refused };
        stay.now.row_hidden = Some(head);
        self.touched.insert((talk, by));
        Expected::Done
    }
}
