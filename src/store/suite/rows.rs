//! The list of conversations.

use koine_core::{ConversationId, Paging, Timestamp, UserId, UserKey};

use super::{World, on_each_engine};
use crate::store::{Action, Queries};

on_each_engine!(
    the_newest_activity_comes_first,
    rows_come_in_pages,
    a_row_shows_the_last_message_that_its_user_may_see,
    a_hidden_message_moves_no_row,
    a_row_without_messages_counts_from_its_beginning,
    a_hidden_row_reappears_with_the_next_message,
    a_message_that_a_block_keeps_away_does_not_bring_a_hidden_row_back,
    members_are_listed_where_asked_for,
    a_row_number_names_its_owner,
    a_row_ends_with_membership_and_a_new_one_has_a_new_number,
);

fn order(world: &World, user: UserId) -> Vec<ConversationId> {
    world.rows(user, false).iter().map(|row| row.conversation.id).collect()
}

fn the_newest_activity_comes_first(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(jack, &[tom]);
    let with_jack = world.tell(tom, jack, "x").conversation;
    let with_ann = world.tell(ann, tom, "x").conversation;
    assert_eq!(order(world, tom), [with_ann, with_jack, group]);
    world.say(jack, group, "x");
    assert_eq!(order(world, tom), [group, with_ann, with_jack]);
    world.say(tom, with_jack, "x");
    world.reopen();
    assert_eq!(order(world, tom), [with_jack, group, with_ann]);
    // Two messages of one millisecond are told apart by their ids.
    let say =
        |by, conversation| (Some(by), Action::Send(super::text(koine_core::Target::Conversation(conversation), "x")));
    world.batch(vec![say(tom, with_ann), say(tom, group), say(tom, with_jack), say(jack, group)]);
    assert_eq!(order(world, tom), [group, with_jack, with_ann]);
}

fn rows_come_in_pages(world: &mut World) {
    let tom = world.user("tom");
    let others = world.users(["a", "b", "c", "d", "e"]);
    for other in others {
        world.tell(other, tom, "x");
    }
    let mut seen = Vec::new();
    for number in 1..=3 {
        let paging = Paging::Page { number, size: 2 };
        let (total, rows) = world.store().conversations(tom, paging, false, false).unwrap();
        assert_eq!(total, 5);
        seen.extend(rows.collect_all().unwrap().into_iter().map(|row| row.conversation.id));
    }
    assert_eq!(seen, order(world, tom));
    let paging = Paging::Page { number: 4, size: 2 };
    assert!(world.store().conversations(tom, paging, false, false).unwrap().1.collect_all().unwrap().is_empty());
}

fn a_row_shows_the_last_message_that_its_user_may_see(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(tom, &[jack, ann]);
    world.told(jack, Action::Block(UserKey::Id(ann)));
    let seen = world.say(tom, group, "for all");
    world.say(ann, group, "not for jack");
    let row = world.row(jack, group);
    let last = row.last.unwrap();
    assert_eq!((last.message.content.as_text(), row.updated, row.unread), ("for all", seen.time, 1));
    assert_eq!(world.row(tom, group).last.unwrap().message.content.as_text(), "not for jack");
}

fn a_hidden_message_moves_no_row(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(tom, &[jack, ann]);
    let with_tom = world.direct(tom, jack);
    world.say(tom, group, "first");
    world.say(tom, with_tom, "second");
    world.told(jack, Action::Block(UserKey::Id(ann)));
    world.say(ann, group, "hidden");
    assert_eq!(order(world, jack), [with_tom, group]);
    assert_eq!(order(world, tom), [group, with_tom]);
}

fn a_row_without_messages_counts_from_its_beginning(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.direct(tom, jack);
    world.say(tom, chat, "x");
    let group = world.group(tom, &[jack]);
    assert_eq!(order(world, tom), [group, chat]);
    let row = world.row(tom, group);
    assert_eq!((row.created, row.updated), (Timestamp::from_millis(world.now), Timestamp::from_millis(world.now)));
    assert!(row.last.is_none());
    world.say(tom, chat, "y");
    assert_eq!(order(world, tom), [chat, group]);
}

fn a_hidden_row_reappears_with_the_next_message(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    world.told(jack, Action::HideChat(world.row(jack, chat).chat));
    world.reopen();
    assert!(order(world, jack).is_empty());
    assert_eq!(world.rows(jack, true).len(), 1, "hidden rows are there for who asks for them");
    assert_eq!(order(world, tom), [chat], "the other side's list is its own");
    world.say(tom, chat, "2");
    assert_eq!(order(world, jack), [chat]);
    world.told(jack, Action::HideChat(world.row(jack, chat).chat));
    world.say(jack, chat, "3");
    assert_eq!(order(world, jack), [chat], "one's own message is a next message too");
    assert_eq!(world.history(jack, chat), ["3", "2", "1"]);
}

fn a_message_that_a_block_keeps_away_does_not_bring_a_hidden_row_back(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    world.told(jack, Action::Block(UserKey::Id(tom)));
    world.told(jack, Action::HideChat(world.row(jack, chat).chat));
    world.say(tom, chat, "2");
    assert!(order(world, jack).is_empty());
}

fn members_are_listed_where_asked_for(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(ann, &[tom, jack]);
    let members = |members| {
        let (_, rows) = world.store().conversations(tom, Paging::All, members, false).unwrap();
        rows.collect_all().unwrap()[0].members.iter().map(|member| member.id).collect::<Vec<_>>()
    };
    assert_eq!(members(true), [ann, tom, jack]);
    assert!(members(false).is_empty());
    assert_eq!(world.row(jack, group).members.len(), 3);
}

fn a_row_number_names_its_owner(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.direct(tom, jack);
    for user in [tom, jack] {
        assert_eq!(world.store().chat_owner(world.row(user, chat).chat).unwrap(), Some(user));
    }
    assert_eq!(world.store().chat_owner(koine_core::ChatId::new(99)).unwrap(), None);
}

fn a_row_ends_with_membership_and_a_new_one_has_a_new_number(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let group = world.group(tom, &[jack]);
    let first = world.row(jack, group).chat;
    world.told(jack, Action::Leave(group));
    assert!(world.rows(jack, true).is_empty());
    assert_eq!(world.store().chat_owner(first).unwrap(), None);
    let request = world.request(tom, Action::Invite(group, UserKey::Id(jack), None));
    world.reply(jack, super::requests::decide(request, true));
    assert_ne!(world.row(jack, group).chat, first);
}
