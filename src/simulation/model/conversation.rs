//! A conversation of the reference.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

/// After this long what was gathered must have been written.
const GATHERED: Duration = Duration::from_secs(3);

/// A conversation and everything said in it.
#[derive(Debug, Default)]
pub(in crate::simulation) struct Conversation {
    /// Its number, once it is known.
    pub(in crate::simulation) id: Option<u64>,
    /// For groups: name and manager.
    pub(in crate::simulation) group: Option<(String, u64)>,
    pub(super) dissolved: bool,
    pub(in crate::simulation) log: Vec<Said>,
    pub(in crate::simulation) members: BTreeMap<u64, Member>,
    /// Memberships that have ended: who, after which `seq`, up to which.
    ended: Vec<(u64, u64, u64)>,
    /// Who had blocked the one who opened it, and has not asked for it since.
    pub(super) unheard_by: Option<u64>,
}

/// A message.
#[derive(Debug, Clone)]
pub(in crate::simulation) struct Said {
    pub(in crate::simulation) text: String,
    pub(in crate::simulation) by: u64,
    pub(super) client_id: Option<u64>,
    /// Members whom a block kept it from.
    pub(super) hidden_from: BTreeSet<u64>,
    /// How many messages each member had not read once it was said.
    pub(in crate::simulation) unread: BTreeMap<u64, u64>,
}

/// A membership: what a user has got and read since it began.
#[derive(Debug)]
pub(in crate::simulation) struct Member {
    pub(super) joined: u64,
    /// As it is known now.
    pub(super) now: Progress,
    /// What of it no crash can take back.
    pub(super) sure: Progress,
    /// What is gathered, and since when.
    gathered: Vec<(Instant, Progress)>,
}

/// What was delivered, and up to where everything is read.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress {
    pub(super) delivered: BTreeSet<u64>,
    pub(super) read: u64,
}

impl Progress {
    fn add(&mut self, more: &Self) {
        self.delivered.extend(&more.delivered);
        self.read = self.read.max(more.read);
    }
}

impl Member {
    pub(super) fn new(joined: u64) -> Self {
        let progress = Progress { delivered: BTreeSet::new(), read: joined };
        Self { joined, now: progress.clone(), sure: progress, gathered: Vec::new() }
    }

    /// Something is known for good.
    pub(super) fn settle(&mut self, progress: &Progress) {
        self.now.add(progress);
        self.sure.add(progress);
    }

    /// Something is known, and a crash soon may take it back.
    pub(super) fn gather(&mut self, progress: Progress, at: Instant) {
        self.now.add(&progress);
        self.gathered.push((at, progress));
    }

    /// What was gathered long enough ago is known for good.
    pub(super) fn age(&mut self, now: Instant) {
        let Self { gathered, sure, .. } = self;
        gathered.retain(|(at, progress)| {
            let old = *at + GATHERED <= now;
            if old {
                sure.add(progress);
            }
            !old
        });
    }

    /// Everything that is known now is known for good.
    pub(super) fn settle_all(&mut self) {
        self.gathered.clear();
        self.sure = self.now.clone();
    }
}

impl Conversation {
    pub(super) fn head(&self) -> u64 {
        self.log.len() as u64
    }

    pub(super) fn said(&self, seq: u64) -> &Said {
        let place = usize::try_from(seq).expect("a small number").checked_sub(1).expect("a seq");
        &self.log[place]
    }

    pub(super) fn is_open_group(&self) -> bool {
        self.group.is_some() && !self.dissolved
    }

    pub(super) fn join(&mut self, user: u64) {
        let joined = self.head();
        self.members.insert(user, Member::new(joined));
    }

    pub(super) fn part(&mut self, user: u64) {
        if let Some(member) = self.members.remove(&user) {
            self.ended.push((user, member.joined, self.head()));
        }
    }

    /// What a member may see: its `seq`s.
    pub(super) fn visible(&self, user: u64) -> impl Iterator<Item = u64> + '_ {
        let joined = self.members.get(&user).map_or(u64::MAX, |member| member.joined);
        (joined.saturating_add(1)..=self.head()).filter(move |seq| !self.said(*seq).hidden_from.contains(&user))
    }

    /// Whether a member knows of it: not if all that there is of it is that somebody whom it had blocked opened it.
    pub(super) fn is_heard_of(&self, user: u64) -> bool {
        self.unheard_by != Some(user) || self.visible(user).next().is_some()
    }

    /// What a member may see and has not said itself.
    pub(super) fn owed(&self, user: u64) -> impl Iterator<Item = u64> + '_ {
        self.visible(user).filter(move |seq| self.said(*seq).by != user)
    }

    /// Whether a user is or was entitled to a message.
    pub(super) fn was_entitled(&self, user: u64, seq: u64) -> bool {
        let now = self.members.get(&user).is_some_and(|member| seq > member.joined);
        let before = self.ended.iter().any(|(who, after, to)| *who == user && seq > *after && seq <= *to);
        (now || before) && !self.said(seq).hidden_from.contains(&user)
    }

    /// What is pending for a member, going by some progress.
    pub(super) fn pending<'a>(&'a self, user: u64, progress: &'a Progress) -> impl Iterator<Item = u64> + 'a {
        self.owed(user).filter(|seq| !progress.delivered.contains(seq))
    }

    /// How many messages a member has not read that has read up to a mark.
    pub(super) fn unread(&self, user: u64, read: u64) -> u64 {
        self.owed(user).filter(|seq| *seq > read).count() as u64
    }
}
