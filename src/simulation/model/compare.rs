//! Whether the store says what the reference says.

use std::collections::{BTreeMap, BTreeSet};

use koine_core::{Error, Reply};
use tokio::time::Instant;

use super::apply::Expected;
use super::conversation::Progress;
use super::{Model, Place};
use crate::store::{Applied, Effect, Op, Outcome, Recipient};

/// What a user sees of a conversation: which texts are pending, and how many messages are not read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::simulation) struct Seen {
    pub(in crate::simulation) pending: BTreeSet<u64>,
    pub(in crate::simulation) unread: u64,
}

impl Model {
    /// Applies an operation that was answered, and compares the answer.
    pub(in crate::simulation) fn applied(&mut self, op: &Op, applied: &Applied, now: Instant) {
        if self.broken && applied.result.is_err() {
            return;
        }
        let expected = self.apply(op, now);
        if self.broken {
            return;
        }
        let fits = match (expected, &applied.result) {
            (Expected::Refused, result) => result.is_err(),
            (Expected::Done, Ok(_)) => true,
            (Expected::Sent { place, again }, Ok(Outcome::Reply(Reply::Sent(sent)))) => {
                self.bind(place.0, sent.conversation.get());
                self.wire_ids.insert(sent.wire_id(), place);
                if again {
                    self.count("sent again");
                }
                sent.seq == place.1 && (again || self.told(place, &applied.effects))
            }
            (Expected::Opened { at, new }, Ok(Outcome::Reply(Reply::Opened(opened)))) => {
                self.bind(at, opened.row.conversation.id.get());
                opened.new == new
            }
            (Expected::Requested { user, group }, Ok(Outcome::Reply(Reply::Requested(request)))) => {
                self.requests.insert(request.id.get(), (user, group));
                true
            }
            (Expected::Marked(count), Ok(Outcome::Reply(Reply::Marked(marked)))) => *marked == count,
            _ => false,
        };
        if !fits {
            self.object(|| format!("{op:?} was answered {:?}, expected was {expected:?}", said(&applied.result)));
        }
    }

    /// Whether a message is told to whom it should be, with the right counts.
    fn told(&self, place: Place, effects: &[Effect]) -> bool {
        let (conversation, said) = (&self.conversations[place.0], self.said(place));
        let right = |recipient: &Recipient| said.unread.get(&recipient.user.get()) == Some(&recipient.unread);
        effects.iter().any(|effect| match effect {
            Effect::Direct { sender, receiver, .. } => {
                let other = conversation.members.keys().find(|user| **user != said.by);
                let reached = other.filter(|user| !said.hidden_from.contains(user));
                right(sender)
                    && receiver.as_ref().is_none_or(right)
                    && receiver.map(|receiver| receiver.user.get()) == reached.copied()
            }
            Effect::Group { sender, hidden_from, .. } => {
                right(sender) && said.hidden_from == hidden_from.iter().map(|user| user.get()).collect()
            }
            _ => false,
        })
    }

    /// What a user should see, by conversation.
    pub(in crate::simulation) fn expected(&self, user: u64) -> BTreeMap<u64, Seen> {
        let mut all = BTreeMap::new();
        for conversation in &self.conversations {
            if let (Some(member), Some(id)) = (conversation.members.get(&user), conversation.id)
                && conversation.is_heard_of(user)
            {
                let pending = conversation.pending(user, &member.now).collect();
                let unread = conversation.unread(user, member.now.read);
                all.insert(id, Seen { pending, unread });
            }
        }
        all
    }

    /// Time has passed: what was gathered long ago is safe, unless the store cannot write any more.
    pub(in crate::simulation) fn age(&mut self, now: Instant) {
        if self.broken {
            return;
        }
        let members = self.conversations.iter_mut().flat_map(|conversation| conversation.members.values_mut());
        members.for_each(|member| member.age(now));
    }

    /// Everything was written: a stop has gone as it should.
    pub(in crate::simulation) fn settle(&mut self) {
        let members = self.conversations.iter_mut().flat_map(|conversation| conversation.members.values_mut());
        members.for_each(super::conversation::Member::settle_all);
    }

    /// Takes over what a user sees after a crash. It must lie between what no crash can take back and
    /// what was known before.
    pub(in crate::simulation) fn adopt(&mut self, user: u64, seen: &BTreeMap<u64, Seen>) {
        let (mut problem, mut gone) = (None, false);
        for conversation in &mut self.conversations {
            let Some((member, id)) = conversation.members.get(&user).zip(conversation.id) else { continue };
            let found = seen.get(&id).cloned().unwrap_or_default();
            let least: BTreeSet<u64> = conversation.pending(user, &member.now).collect();
            let most: BTreeSet<u64> = conversation.pending(user, &member.sure).collect();
            let marks = member.sure.read..=member.now.read;
            let mark = marks.clone().find(|mark| conversation.unread(user, *mark) == found.unread);
            if !found.pending.is_superset(&least) || !found.pending.is_subset(&most) || mark.is_none() {
                problem.get_or_insert_with(|| {
                    format!(
                        "after a crash user {user} sees {found:?} of conversation {id}: \
                         pending should be {least:?} to {most:?}, read up to {marks:?}"
                    )
                });
            }
            gone |= found.pending != least;
            let delivered = conversation.owed(user).filter(|seq| !found.pending.contains(seq)).collect();
            let progress = Progress { delivered, read: mark.unwrap_or(0) };
            if let Some(member) = conversation.members.get_mut(&user) {
                member.now = progress;
                member.settle_all();
            }
        }
        if gone {
            self.count("confirmation gone");
        }
        if let Some(problem) = problem {
            self.object(|| problem);
        }
    }

    /// Takes over the number of a conversation that was made in a batch nobody saw the answer of.
    pub(in crate::simulation) fn learn(&mut self, id: u64, pair: Option<(u64, u64)>, name: Option<&str>) {
        let found = match pair {
            Some((one, other)) => self.pairs.get(&(one.min(other), one.max(other))).copied(),
            None => self
                .conversations
                .iter()
                .position(|conversation| conversation.group.as_ref().map(|(name, _)| name.as_str()) == name),
        };
        match found {
            Some(at) => self.bind(at, id),
            None => self.object(|| format!("conversation {id} was never made")),
        }
    }

    /// Takes over the ids of a conversation's messages, and compares its log: senders and texts, in order.
    pub(in crate::simulation) fn compare_log(&mut self, id: u64, log: &[(u64, u64, u64, String)]) {
        let Some(at) = self.find(id) else { return };
        let expected: Vec<(u64, u64, String)> =
            (1..).zip(&self.conversations[at].log).map(|(seq, said)| (seq, said.by, said.text.clone())).collect();
        let found: Vec<_> = log.iter().map(|(seq, _, by, text)| (*seq, *by, text.clone())).collect();
        if expected != found {
            self.object(|| format!("the log of conversation {id} is {found:?}, accepted was {expected:?}"));
        }
        for (seq, wire_id, _, _) in log {
            self.wire_ids.insert(*wire_id, (at, *seq));
        }
    }
}

fn said(result: &Result<Outcome, Error>) -> String {
    match result {
        Ok(outcome) => format!("{outcome:?}"),
        Err(error) => format!("{error:?}"),
    }
}
