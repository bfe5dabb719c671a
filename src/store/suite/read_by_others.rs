//! Whether, and when, the others have read a message.

use koine_core::{ConversationId, UserId, UserKey};

use super::{World, on_each_engine};
use crate::store::{Action, Queries};

on_each_engine!(
    in_direct_conversations_every_step_of_reading_has_its_time,
    both_sides_see_the_same_read_times,
    a_message_that_a_block_keeps_away_is_never_read,
    in_groups_a_message_is_read_once_every_other_member_has_read_it,
    marks_follow_what_happens_after_they_were_loaded,
    marks_that_are_loaded_in_the_batch_that_moves_them_are_right,
    marks_know_what_waits_to_be_written,
    a_member_who_leaves_is_waited_for_no_longer,
    a_member_who_joins_is_waited_for_only_from_there_on,
    a_member_who_cannot_see_a_message_is_not_waited_for,
    a_sender_is_not_waited_for_though_gone_or_back_again,
    alone_in_a_group_everything_is_read,
    only_groups_that_were_asked_about_are_prepared,
);

/// Whether the others have read each message, oldest first, with the marks loaded.
fn read_by_others(world: &mut World, user: UserId, conversation: ConversationId) -> Vec<bool> {
    let unprepared = world.store().unprepared_marks(user, Some(conversation)).unwrap();
    world.told(None, Action::LoadMarks(unprepared));
    as_is(world, user, conversation)
}

fn as_is(world: &World, user: UserId, conversation: ConversationId) -> Vec<bool> {
    world.entries(user, conversation).iter().rev().map(|entry| entry.read_by_others).collect()
}

fn read_times(world: &World, user: UserId, conversation: ConversationId) -> Vec<Option<i64>> {
    let entries = world.entries(user, conversation);
    entries.iter().rev().map(|entry| entry.read_time.map(koine_core::Timestamp::as_millis)).collect()
}

fn in_direct_conversations_every_step_of_reading_has_its_time(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    world.say(tom, chat, "2");
    world.mark_read(jack, chat);
    let first = world.now;
    world.say(tom, chat, "3");
    world.now += 1_000;
    world.confirm_as(jack, &[(chat, 3, 3)], true, false);
    let second = world.now;
    world.say(tom, chat, "4");
    world.answer(jack, chat, "5");
    let third = world.now;
    world.say(tom, chat, "6");
    world.flush(true);
    for _ in 0..2 {
        let [first, second, third] = [Some(first), Some(second), Some(third)];
        assert_eq!(read_times(world, tom, chat), [first, first, second, third, None, None]);
        assert_eq!(as_is(world, tom, chat), [true, true, true, true, false, false]);
        world.reopen();
    }
}

fn both_sides_see_the_same_read_times(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    world.say(jack, chat, "2");
    world.say(jack, chat, "3");
    world.mark_read(tom, chat);
    let by_tom = Some(world.now);
    world.mark_read(jack, chat);
    let by_jack = Some(world.now);
    for user in [tom, jack] {
        assert_eq!(read_times(world, user, chat), [by_jack, by_tom, by_tom]);
        assert_eq!(as_is(world, user, chat), [true, true, true]);
    }
}

fn a_message_that_a_block_keeps_away_is_never_read(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    world.told(jack, Action::Block(UserKey::Id(tom)));
    world.say(tom, chat, "2");
    world.told(jack, Action::Unblock(UserKey::Id(tom)));
    world.say(tom, chat, "3");
    world.mark_read(jack, chat);
    assert_eq!(as_is(world, tom, chat), [true, false, true]);
}

fn in_groups_a_message_is_read_once_every_other_member_has_read_it(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(tom, &[jack, ann]);
    world.say(tom, group, "1");
    world.say(jack, group, "2");
    assert_eq!(read_by_others(world, tom, group), [false, false]);
    world.mark_read(ann, group);
    assert_eq!(read_by_others(world, tom, group), [false, false]);
    world.mark_read(jack, group);
    assert_eq!(read_by_others(world, tom, group), [true, false], "tom has not read what jack said");
    world.mark_read(tom, group);
    for user in [tom, jack, ann] {
        assert_eq!(read_by_others(world, user, group), [true, true]);
    }
    assert_eq!(read_times(world, tom, group), [None, None]);
    world.reopen();
    assert_eq!(read_by_others(world, tom, group), [true, true]);
}

fn marks_follow_what_happens_after_they_were_loaded(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(tom, &[jack, ann]);
    assert!(read_by_others(world, tom, group).is_empty());
    world.say(tom, group, "1");
    world.confirm_as(jack, &[(group, 1, 1)], true, false);
    assert_eq!(as_is(world, tom, group), [false]);
    world.answer(ann, group, "2");
    assert_eq!(as_is(world, tom, group), [true, false]);
    world.say(jack, group, "3");
    world.flush(false);
    assert_eq!(as_is(world, tom, group), [true, false, false]);
    world.mark_read(tom, group);
    world.mark_read(jack, group);
    assert_eq!(as_is(world, tom, group), [true, true, false]);
    world.mark_read(ann, group);
    assert_eq!(as_is(world, tom, group), [true, true, true]);
}

fn marks_that_are_loaded_in_the_batch_that_moves_them_are_right(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let group = world.group(tom, &[jack]);
    world.say(tom, group, "1");
    let say = |by| (Some(by), Action::Send(super::text(koine_core::Target::Group(group), "x")));
    let mark = Action::MarkRead(koine_core::ChatKey::Conversation(group));
    world.batch(vec![say(tom), (Some(jack), mark), say(tom), (None, Action::LoadMarks(vec![group])), say(tom)]);
    assert_eq!(as_is(world, tom, group), [true, true, false, false]);
    world.mark_read(jack, group);
    world.say(jack, group, "2");
    world.mark_read(tom, group);
    assert_eq!(as_is(world, tom, group), [true; 5]);
}

fn marks_know_what_waits_to_be_written(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let group = world.group(tom, &[jack]);
    world.say(tom, group, "1");
    world.confirm_as(jack, &[(group, 1, 1)], true, false);
    assert_eq!(read_by_others(world, tom, group), [true]);
}

fn a_member_who_leaves_is_waited_for_no_longer(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(tom, &[jack, ann]);
    world.say(tom, group, "1");
    world.mark_read(jack, group);
    assert_eq!(read_by_others(world, tom, group), [false]);
    world.told(ann, Action::Leave(group));
    assert_eq!(as_is(world, tom, group), [true]);
    world.reopen();
    assert_eq!(read_by_others(world, tom, group), [true]);
}

fn a_member_who_joins_is_waited_for_only_from_there_on(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(tom, &[jack]);
    world.say(tom, group, "1");
    world.mark_read(jack, group);
    assert_eq!(read_by_others(world, tom, group), [true]);
    let request = world.request(ann, Action::Join(group, None));
    world.reply(tom, super::requests::decide(request, true));
    assert_eq!(as_is(world, tom, group), [true]);
    world.say(tom, group, "2");
    world.mark_read(jack, group);
    assert_eq!(as_is(world, tom, group), [true, false]);
    world.mark_read(ann, group);
    assert_eq!(as_is(world, tom, group), [true, true]);
}

fn a_member_who_cannot_see_a_message_is_not_waited_for(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(tom, &[jack, ann]);
    world.told(jack, Action::Block(UserKey::Id(tom)));
    world.say(tom, group, "1");
    world.mark_read(ann, group);
    assert_eq!(read_by_others(world, tom, group), [true]);
}

fn a_sender_is_not_waited_for_though_gone_or_back_again(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(tom, &[jack, ann]);
    world.say(tom, group, "unread by jack");
    world.say(jack, group, "2");
    assert_eq!(read_by_others(world, ann, group), [false, false]);
    world.mark_read(ann, group);
    world.mark_read(tom, group);
    assert_eq!(as_is(world, ann, group), [false, true]);
    world.told(jack, Action::Leave(group));
    assert_eq!(as_is(world, ann, group), [true, true]);
    let request = world.request(jack, Action::Join(group, None));
    world.reply(tom, super::requests::decide(request, true));
    assert_eq!(as_is(world, ann, group), [true, true]);
}

fn alone_in_a_group_everything_is_read(world: &mut World) {
    let tom = world.user("tom");
    let group = world.group(tom, &[]);
    world.say(tom, group, "1");
    assert_eq!(read_by_others(world, tom, group), [true]);
}

fn only_groups_that_were_asked_about_are_prepared(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let [one, other] = [world.group(tom, &[jack]), world.group(jack, &[tom])];
    let chat = world.direct(tom, jack);
    let unprepared = |world: &World, user, only| world.store().unprepared_marks(user, only).unwrap();
    assert_eq!(unprepared(world, tom, None), [one, other]);
    assert_eq!(unprepared(world, tom, Some(other)), [other]);
    assert!(unprepared(world, tom, Some(chat)).is_empty());
    world.told(None, Action::LoadMarks(vec![one]));
    assert_eq!(unprepared(world, jack, None), [other]);
    assert!(unprepared(world, jack, Some(one)).is_empty());
}
