//! Whether the store answers as the reference does.

use koine_core::{ConversationId, UserId};

use super::reference::{Reference, Talk, Who};
use crate::store::Queries;
use crate::store::suite::World;

/// The number of a conversation.
pub(super) fn number(talk: usize) -> ConversationId {
    ConversationId::new(talk as u64 + 1)
}

pub(super) fn compare(world: &World, reference: &Reference, users: &[UserId]) {
    for (who, user) in users.iter().enumerate() {
        lists(world, reference, who, *user);
        pending(world, reference, who, *user);
        for (talk, expected) in reference.of(who) {
            history(world, expected, who, *user, number(talk));
            if expected.manager.is_some() {
                members(world, expected, users, number(talk));
            }
        }
    }
}

fn lists(world: &World, reference: &Reference, who: Who, user: UserId) {
    let mut talks: Vec<_> = reference.of(who).collect();
    talks.sort_by_key(|(_, talk)| std::cmp::Reverse(talk.activity(who)));
    for hidden in [true, false] {
        let expected: Vec<_> = talks
            .iter()
            .filter(|(_, talk)| if hidden { talk.has_begun(who) } else { talk.is_listed(who) })
            .map(|(place, talk)| {
                let last = talk.visible(who).last().map(|seq| talk.said(*seq).words.clone());
                (number(*place), talk.members[&who].chat, talk.unread(who), last)
            })
            .collect();
        let rows: Vec<_> = world
            .rows(user, hidden)
            .into_iter()
            .map(|row| {
                let last = row.last.map(|entry| entry.message.content.as_text().to_owned());
                (row.conversation.id, row.chat.get(), row.unread, last)
            })
            .collect();
        assert_eq!(rows, expected, "the conversations of user {who}, hidden ones too: {hidden}");
    }
}

/// What the messages of several conversations say, oldest first.
fn in_order<'a>(messages: impl Iterator<Item = (&'a Talk, Vec<u64>)>) -> Vec<String> {
    let mut said: Vec<_> = messages.flat_map(|(talk, seqs)| seqs.into_iter().map(|seq| talk.said(seq))).collect();
    said.sort_by_key(|said| said.order);
    said.into_iter().map(|said| said.words.clone()).collect()
}

fn pending(world: &World, reference: &Reference, who: Who, user: UserId) {
    let expected = in_order(reference.of(who).map(|(_, talk)| (talk, talk.pending(who))));
    assert_eq!(world.pending(user), expected, "pending for user {who}");
    let mut expected = in_order(reference.of(who).map(|(_, talk)| (talk, talk.visible(who))));
    expected.reverse();
    assert_eq!(world.timeline(user), expected, "the timeline of user {who}");
}

fn history(world: &World, talk: &Talk, who: Who, user: UserId, id: ConversationId) {
    let visible: Vec<_> = talk.visible(who).into_iter().rev().collect();
    let entries = world.entries(user, id);
    let seqs: Vec<_> = entries.iter().map(|entry| entry.message.seq).collect();
    assert_eq!(seqs, visible, "what user {who} sees of {id}");
    let marks_known = talk.manager.is_none() || world.store().unprepared_marks(user, Some(id)).unwrap().is_empty();
    for entry in entries {
        let seq = entry.message.seq;
        let place = format!("user {who}, conversation {id}, message {seq}");
        assert_eq!(entry.message.content.as_text(), talk.said(seq).words, "{place}");
        assert_eq!(entry.read, talk.is_read(who, seq), "read: {place}");
        assert_eq!(entry.delivered, talk.is_delivered(who, seq), "delivered: {place}");
        if marks_known && let Some(expected) = talk.read_by_others(seq) {
            assert_eq!(entry.read_by_others, expected, "read by others: {place}");
        }
    }
}

fn members(world: &World, talk: &Talk, users: &[UserId], id: ConversationId) {
    let group = world.store().group(None, id).unwrap();
    let mut expected: Vec<_> = talk.members.iter().map(|(who, stay)| (stay.chat, users[*who])).collect();
    expected.sort_unstable();
    let members: Vec<_> = group.members.iter().map(|member| member.id).collect();
    assert_eq!(members, expected.into_iter().map(|(_, user)| user).collect::<Vec<_>>(), "the members of {id}");
    assert_eq!(Some(group.manager.id), talk.manager.map(|manager| users[manager]));
}
