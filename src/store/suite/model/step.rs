//! What can happen, and how it is done to the store and to the reference alike.

use std::collections::HashMap;

use koine_core::{ChatKey, IdempotencyKey, PullFilter, Receipt, Reply, SendMessage, Target, UserId, UserKey};
use proptest::prelude::*;

use super::compare::number;
use super::reference::{Expected, Reference, Who};
use crate::store::suite::world::{World, text, words};
use crate::store::{Action, Outcome, Queries};

/// One step of a sequence.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Batch(Vec<Change>),
    Join { who: Who, talk: usize },
    Pull { who: Who, limit: usize, drop: bool },
    LoadMarks(usize),
    Flush(bool),
    Restart,
}

/// One operation of a batch. A conversation is a place, taken modulo how many there are and one more.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Tell { by: Who, to: Who, key: Option<u8>, reads: bool },
    Say { by: Who, talk: usize, key: Option<u8>, reads: bool },
    Create { by: Who, others: Vec<Who> },
    Leave { by: Who, talk: usize },
    Remove { by: Who, talk: usize, who: Who },
    Dissolve { by: Who, talk: usize },
    Block { by: Who, who: Who, on: bool },
    MarkRead { by: Who, talk: usize },
    Confirm { by: Who, talk: usize, first: u64, more: u64, read: bool, durable: bool },
    Acknowledge { by: Who, talk: usize, seq: u64 },
    HideRow { by: Who, talk: usize },
}

pub(super) fn any_step(users: usize) -> impl Strategy<Value = Step> {
    let who = move || 0..users;
    prop_oneof![
        12 => prop::collection::vec(any_change(users), 1..5).prop_map(Step::Batch),
        2 => (who(), 0_usize..9).prop_map(|(who, talk)| Step::Join { who, talk }),
        1 => (who(), 0_usize..6, any::<bool>()).prop_map(|(who, limit, drop)| Step::Pull { who, limit, drop }),
        1 => (0_usize..9).prop_map(Step::LoadMarks),
        1 => any::<bool>().prop_map(Step::Flush),
        1 => Just(Step::Restart),
    ]
}

fn any_change(users: usize) -> impl Strategy<Value = Change> {
    let who = move || 0..users;
    // Few conversations get most of it, so that something comes together in them.
    let talk = || prop_oneof![3 => 0_usize..3, 1 => 0_usize..9];
    let first = || prop_oneof![Just(1_u64), 0_u64..12];
    let more = || prop_oneof![0_u64..4, 0_u64..20];
    let key = || prop::option::weighted(0.2, 0_u8..3);
    prop_oneof![
        4 => (who(), who(), key(), prop::bool::weighted(0.2)).prop_map(|(by, to, key, reads)| Change::Tell { by, to, key, reads }),
        14 => (who(), talk(), key(), prop::bool::weighted(0.1))
            .prop_map(|(by, talk, key, reads)| Change::Say { by, talk, key, reads }),
        2 => (who(), prop::collection::vec(who(), 0..4)).prop_map(|(by, others)| Change::Create { by, others }),
        1 => (who(), talk()).prop_map(|(by, talk)| Change::Leave { by, talk }),
        1 => (who(), talk(), who()).prop_map(|(by, talk, who)| Change::Remove { by, talk, who }),
        1 => (who(), talk()).prop_map(|(by, talk)| Change::Dissolve { by, talk }),
        3 => (who(), who(), any::<bool>()).prop_map(|(by, who, on)| Change::Block { by, who, on }),
        2 => (who(), talk()).prop_map(|(by, talk)| Change::MarkRead { by, talk }),
        8 => (who(), talk(), first(), more(), any::<bool>(), any::<bool>()).prop_map(
            |(by, talk, first, more, read, durable)| Change::Confirm { by, talk, first, more, read, durable }
        ),
        2 => (who(), talk(), 1_u64..12).prop_map(|(by, talk, seq)| Change::Acknowledge { by, talk, seq }),
        1 => (who(), talk()).prop_map(|(by, talk)| Change::HideRow { by, talk }),
    ]
}

impl Step {
    pub(super) fn carry_out(&self, world: &mut World, reference: &mut Reference, users: &[UserId], step: usize) {
        let places = reference.talks.len() + 1;
        match self {
            Self::Batch(changes) => batch(changes, world, reference, users, step),
            Self::Join { who, talk } => join(*who, talk % places, world, reference, users),
            Self::Pull { who, limit, drop } => pull(*who, *limit, *drop, world, reference, users),
            Self::LoadMarks(talk) => {
                reference.begin();
                world.told(None, Action::LoadMarks(vec![number(talk % places)]));
            }
            Self::Flush(durable) => {
                world.flush(*durable);
                reference.flush();
            }
            Self::Restart => {
                world.reopen();
                reference.restart();
            }
        }
    }
}

fn batch(changes: &[Change], world: &mut World, reference: &mut Reference, users: &[UserId], step: usize) {
    reference.begin();
    let chats: HashMap<_, _> = users
        .iter()
        .flat_map(|user| world.rows(*user, true).into_iter().map(|row| ((*user, row.conversation.id), row.chat)))
        .collect();
    let mut ops = Vec::new();
    let mut expected = Vec::new();
    for (place, change) in changes.iter().enumerate() {
        let words = format!("{step}.{place}");
        if let Some((by, action)) = change.action(world, reference, users, &chats, &words) {
            expected.push(change.predict(reference, &words));
            ops.push((Some(users[by]), action));
        }
    }
    reference.commit();
    let told = format!("{ops:?}");
    let answers: Vec<_> = world
        .batch(ops)
        .into_iter()
        .map(|applied| match applied.result {
            Err(_) => Expected::Refused,
            Ok(Outcome::Reply(Reply::Sent(sent))) => {
                Expected::Sent(usize::try_from(sent.conversation.get()).unwrap() - 1, sent.seq)
            }
            Ok(Outcome::Reply(Reply::Marked(count))) => Expected::Marked(count),
            Ok(_) => Expected::Done,
        })
        .collect();
    assert_eq!(answers, expected, "the answers to {told}");
}

impl Change {
    /// The place of the conversation it is about, now that there are so many.
    fn talk(&self, reference: &Reference) -> usize {
        let places = reference.talks.len() + 1;
        match self {
            Self::Say { talk, .. }
            | Self::Leave { talk, .. }
            | Self::Remove { talk, .. }
            | Self::Dissolve { talk, .. }
            | Self::MarkRead { talk, .. }
            | Self::Confirm { talk, .. }
            | Self::Acknowledge { talk, .. }
            | Self::HideRow { talk, .. } => talk % places,
            Self::Tell { .. } | Self::Create { .. } | Self::Block { .. } => places,
        }
    }

    /// Who does it, and what; `None` if it cannot be said in this batch.
    fn action(
        &self,
        world: &World,
        reference: &Reference,
        users: &[UserId],
        chats: &HashMap<(UserId, koine_core::ConversationId), koine_core::ChatId>,
        said: &str,
    ) -> Option<(Who, Action)> {
        let key_of = |who: Who| UserKey::Id(users[who]);
        let talk = self.talk(reference);
        let id = number(talk);
        Some(match self {
            Self::Tell { by, to, key, reads } => (*by, send(Target::User(key_of(*to)), *key, *reads, said)),
            Self::Say { by, key, reads, .. } => (*by, send(Target::Conversation(id), *key, *reads, said)),
            Self::Create { by, others } => {
                let members = others.iter().map(|who| key_of(*who)).collect();
                (*by, Action::CreateGroup { name: "group".into(), members, number: None })
            }
            Self::Leave { by, .. } => (*by, Action::Leave(id)),
            Self::Remove { by, who, .. } => (*by, Action::RemoveMember(id, key_of(*who))),
            Self::Dissolve { by, .. } => (*by, Action::Dissolve(id)),
            Self::Block { by, who, on: true } => (*by, Action::Block(key_of(*who))),
            Self::Block { by, who, on: false } => (*by, Action::Unblock(key_of(*who))),
            Self::MarkRead { by, .. } => (*by, Action::MarkRead(ChatKey::Conversation(id))),
            Self::Confirm { by, first, more, read, durable, .. } => {
                let receipt = Receipt { ranges: vec![(id, *first, first + more)] };
                (*by, Action::Confirm { receipt, read: *read, durable: *durable })
            }
            Self::Acknowledge { by, seq, .. } => {
                let (_, messages) = world.store().log(id, Some(seq + 1), 1).ok()?;
                let message = messages.first().filter(|message| message.seq == *seq)?;
                (*by, Action::Acknowledge(vec![message.wire_id()]))
            }
            Self::HideRow { by, .. } => (*by, Action::HideChat(*chats.get(&(users[*by], id))?)),
        })
    }

    fn predict(&self, reference: &mut Reference, said: &str) -> Expected {
        let talk = self.talk(reference);
        match self {
            Self::Tell { by, to, key, reads } => reference.tell(*by, *to, *key, &content(*key, said), *reads),
            Self::Say { by, key, reads, .. } => reference.say(*by, talk, *key, &content(*key, said), *reads),
            Self::Create { by, others } => {
                let mut seen = Vec::new();
                for who in others {
                    if !seen.contains(who) {
                        seen.push(*who);
                    }
                }
                reference.create(*by, &seen)
            }
            Self::Leave { by, .. } => reference.leave(*by, talk),
            Self::Remove { by, who, .. } => reference.remove(*by, talk, *who),
            Self::Dissolve { by, .. } => reference.dissolve(*by, talk),
            Self::Block { by, who, on } => reference.block(*by, *who, *on),
            Self::MarkRead { by, .. } => reference.mark_read(*by, talk),
            Self::Confirm { by, first, more, read, durable, .. } => {
                reference.confirm(*by, talk, *first, first + more, *read, *durable);
                Expected::Done
            }
            Self::Acknowledge { by, seq, .. } => {
                reference.acknowledge(*by, talk, *seq);
                Expected::Done
            }
            Self::HideRow { by, .. } => reference.hide_row(*by, talk),
        }
    }
}

/// What is said under a key is the same each time.
fn content(key: Option<u8>, said: &str) -> String {
    key.map_or_else(|| said.to_owned(), |key| format!("under key {key}"))
}

fn send(target: Target, key: Option<u8>, reads: bool, said: &str) -> Action {
    let idempotency = key.and_then(|key| IdempotencyKey::new(&key.to_string()));
    Action::Send(SendMessage { key: idempotency, reads, ..text(target, &content(key, said)) })
}

fn join(who: Who, talk: usize, world: &mut World, reference: &mut Reference, users: &[UserId]) {
    let Some(manager) = reference.may_join(who, talk) else {
        reference.begin();
        world.refused(users[who], Action::Join(number(talk), None));
        return;
    };
    reference.begin();
    let request = world.request(users[who], Action::Join(number(talk), None));
    let heard = world.store().requests(users[manager]).unwrap().iter().any(|asked| asked.id == request);
    assert_eq!(heard, !reference.blocks(manager, who));
    reference.begin();
    world.reply(users[manager], crate::store::suite::requests::decide(request, true));
    reference.join(who, talk);
}

fn pull(who: Who, limit: usize, drop: bool, world: &mut World, reference: &mut Reference, users: &[UserId]) {
    let mut expected: Vec<_> = reference
        .of(who)
        .flat_map(|(place, talk)| talk.pending(who).into_iter().map(move |seq| (talk.said(seq).order, place, seq)))
        .collect();
    expected.sort_unstable();
    expected.truncate(limit);
    let list = world.pull(users[who], PullFilter::All, limit);
    let receipt = list.receipt.clone();
    let said: Vec<_> =
        expected.iter().map(|(_, place, seq)| reference.talks[*place].said(*seq).words.clone()).collect();
    assert_eq!(words(list), said);
    if drop {
        reference.begin();
        world.told(users[who], Action::Confirm { receipt, read: false, durable: true });
        for (_, place, seq) in expected {
            reference.confirm(who, place, seq, seq, false, true);
        }
        reference.commit();
    }
}
