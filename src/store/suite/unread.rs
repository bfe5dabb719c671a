//! Unread counts and read marks.

use koine_core::{ChatId, ChatKey, ErrorKind, UserKey};

use super::{World, on_each_engine};
use crate::store::{Action, Effect};

on_each_engine!(
    messages_of_others_count_until_they_are_read,
    one_s_own_messages_do_not_count,
    writing_does_not_read_unless_the_dialect_says_so,
    a_reply_of_a_dialect_that_cannot_mark_reads_what_came_before,
    a_reply_takes_nothing_away_that_was_not_delivered,
    marking_counts_what_became_read_and_only_that,
    marking_again_marks_nothing,
    a_row_is_marked_by_its_own_number_too,
    somebody_else_s_row_is_not_found,
    reading_implies_delivery,
    a_confirmation_that_reads_marks_up_to_its_end,
    a_partial_mark_leaves_own_messages_behind_it_uncounted,
    a_confirmation_that_reads_stops_at_what_was_not_delivered,
    ranges_of_one_receipt_read_together_whatever_their_order,
    a_lazy_mark_is_seen_at_once_and_written_by_the_flush,
    a_new_member_has_nothing_unread,
    opening_again_tells_the_unread_count_as_it_is,
    unread_of_what_is_pending_is_counted_at_its_place,
);

fn messages_of_others_count_until_they_are_read(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(tom, &[jack, ann]);
    for (by, expected) in [(tom, [0, 1, 1]), (jack, [1, 1, 2]), (jack, [2, 1, 3]), (ann, [3, 2, 3])] {
        world.say(by, group, "x");
        assert_eq!([tom, jack, ann].map(|user| world.unread(user, group)), expected);
    }
    assert_eq!(world.mark_read(ann, group), 3);
    world.reopen();
    assert_eq!([tom, jack, ann].map(|user| world.unread(user, group)), [3, 2, 0]);
}

fn one_s_own_messages_do_not_count(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.direct(tom, jack);
    for by in [jack, tom, tom, jack, tom] {
        world.say(by, chat, "x");
    }
    assert_eq!((world.unread(tom, chat), world.unread(jack, chat)), (2, 3));
}

fn writing_does_not_read_unless_the_dialect_says_so(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    world.say(jack, chat, "2");
    assert_eq!(world.unread(jack, chat), 1);
    assert!(!world.entries(jack, chat)[1].read);
}

fn a_reply_of_a_dialect_that_cannot_mark_reads_what_came_before(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    world.say(tom, chat, "2");
    world.answer(jack, chat, "3");
    assert_eq!(world.unread(jack, chat), 0);
    let entries = world.entries(tom, chat);
    assert_eq!(entries.iter().map(|entry| entry.read_by_others).collect::<Vec<_>>(), [false, true, true]);
    world.say(tom, chat, "4");
    assert_eq!(world.unread(jack, chat), 1);
}

fn a_reply_takes_nothing_away_that_was_not_delivered(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    world.answer(jack, chat, "before I have pulled");
    assert_eq!(world.pending(jack), ["1"]);
    world.reopen();
    assert_eq!(world.pending(jack), ["1"]);
    world.confirm(jack, chat, 1, 1);
    assert!(world.pending(jack).is_empty());
}

fn marking_counts_what_became_read_and_only_that(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(tom, &[jack, ann]);
    world.told(jack, Action::Block(UserKey::Id(ann)));
    for by in [tom, ann, jack, tom, ann] {
        world.say(by, group, "x");
    }
    assert_eq!(world.unread(jack, group), 2);
    assert_eq!(world.mark_read(jack, group), 2);
    assert_eq!(world.mark_read(tom, group), 3);
}

fn marking_again_marks_nothing(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    assert_eq!(world.mark_read(jack, chat), 1);
    let read_at = world.entries(tom, chat)[0].read_time;
    world.now += 1_000;
    assert_eq!(world.mark_read(jack, chat), 0);
    assert_eq!(world.entries(tom, chat)[0].read_time, read_at);
}

fn a_row_is_marked_by_its_own_number_too(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    let row = world.row(jack, chat).chat;
    world.told(jack, Action::MarkRead(ChatKey::Chat(row)));
    assert_eq!(world.unread(jack, chat), 0);
}

fn somebody_else_s_row_is_not_found(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    let row = world.row(jack, chat).chat;
    for row in [row, ChatId::new(999)] {
        assert_eq!(world.refused(tom, Action::MarkRead(ChatKey::Chat(row))), ErrorKind::ChatNotFound);
        assert_eq!(world.refused(tom, Action::HideChat(row)), ErrorKind::ChatNotFound);
    }
    assert_eq!(world.unread(jack, chat), 1);
}

fn reading_implies_delivery(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    world.say(tom, chat, "2");
    world.mark_read(jack, chat);
    assert!(world.pending(jack).is_empty());
    assert!(world.entries(jack, chat).iter().all(|entry| entry.read && entry.delivered));
}

fn a_confirmation_that_reads_marks_up_to_its_end(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    world.say(tom, chat, "2");
    world.say(tom, chat, "3");
    world.confirm_as(jack, &[(chat, 1, 2)], true, false);
    assert_eq!((world.unread(jack, chat), world.pending(jack)), (1, vec!["3".to_owned()]));
    world.confirm_as(jack, &[(chat, 1, 1)], true, false);
    assert_eq!(world.unread(jack, chat), 1, "a mark never moves back");
}

fn a_partial_mark_leaves_own_messages_behind_it_uncounted(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.direct(tom, jack);
    // 1 tom, 2 jack, 3 tom, 4 jack, 5 jack, 6 tom
    for by in [tom, jack, tom, jack, jack, tom] {
        world.say(by, chat, "x");
    }
    for (last, unread) in [(1, 2), (2, 2), (4, 1), (5, 1), (6, 0)] {
        world.confirm_as(jack, &[(chat, 1, last)], true, false);
        assert_eq!(world.unread(jack, chat), unread, "read up to {last}");
    }
    world.say(tom, chat, "x");
    assert_eq!(world.unread(jack, chat), 1);
}

fn a_confirmation_that_reads_stops_at_what_was_not_delivered(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    world.say(tom, chat, "2");
    world.say(tom, chat, "3");
    world.confirm_as(jack, &[(chat, 2, 3)], true, true);
    assert_eq!((world.unread(jack, chat), world.pending(jack)), (3, vec!["1".to_owned()]));
    assert!(!world.entries(tom, chat)[2].read_by_others, "what did not arrive was not read");
    world.confirm_as(jack, &[(chat, 1, 3)], true, true);
    assert_eq!(world.unread(jack, chat), 0);
}

fn ranges_of_one_receipt_read_together_whatever_their_order(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    world.say(tom, chat, "2");
    world.say(tom, chat, "3");
    world.confirm_as(jack, &[(chat, 3, 3), (chat, 1, 2)], true, true);
    assert_eq!(world.unread(jack, chat), 0);
}

fn a_lazy_mark_is_seen_at_once_and_written_by_the_flush(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    world.confirm_as(jack, &[(chat, 1, 1)], true, false);
    let read_at = world.now;
    assert_eq!(world.unread(jack, chat), 0);
    world.flush(false);
    assert_eq!(world.unread(jack, chat), 0);
    world.flush(false);
    assert_eq!(world.unread(jack, chat), 0);
    world.reopen();
    assert_eq!((world.unread(jack, chat), world.pending(jack).len()), (0, 0));
    let seen = &world.entries(tom, chat)[0];
    assert_eq!(seen.read_time.map(koine_core::Timestamp::as_millis), Some(read_at));
}

fn a_new_member_has_nothing_unread(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let group = world.group(tom, &[]);
    world.say(tom, group, "x");
    let request = world.request(jack, Action::Join(group, None));
    let effects = world.told(tom, super::requests::decide(request, true));
    assert!(
        effects.iter().any(|effect| matches!(effect, Effect::Joined(at, user, 0) if (*at, *user) == (group, jack)))
    );
    assert_eq!(world.unread(jack, group), 0);
    world.say(tom, group, "y");
    assert_eq!(world.unread(jack, group), 1);
}

fn opening_again_tells_the_unread_count_as_it_is(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    let open = || Action::OpenDirect { with: UserKey::Id(tom), name: None };
    assert_eq!(world.reply(jack, open()).into_opened().unwrap().row.unread, 1);
    world.confirm_as(jack, &[(chat, 1, 1)], true, false);
    assert_eq!(world.reply(jack, open()).into_opened().unwrap().row.unread, 0, "read a moment ago");
}

fn unread_of_what_is_pending_is_counted_at_its_place(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    world.say(tom, chat, "2");
    let counts = |world: &World| {
        let none = rustc_hash::FxHashMap::default();
        let page = crate::store::Queries::pending(&*world.store(), jack, crate::store::PendingScope::All, &none, 9);
        page.unwrap().messages.iter().map(|(_, _, unread)| *unread).collect::<Vec<_>>()
    };
    assert_eq!(counts(world), [1, 2]);
    world.say(jack, chat, "3");
    assert_eq!(counts(world), [2, 2], "how many there are now, where one's own lie between");
}
