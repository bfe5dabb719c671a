//! History and timeline, by page.

use koine_core::{ErrorKind, MessageList, Paging, UserId, UserKey};

use super::world::words;
use super::{World, on_each_engine};
use crate::store::{Action, Queries};

on_each_engine!(
    a_page_is_newest_first_and_the_pages_make_the_whole,
    a_page_past_the_end_is_empty,
    hidden_messages_take_no_place_on_a_page,
    a_page_s_receipt_confirms_what_it_returned,
    a_member_sees_what_was_said_while_a_member,
    a_dissolved_group_has_no_history,
    the_timeline_is_by_time_over_all_conversations,
    the_timeline_between_two_is_their_direct_conversation,
    the_timeline_between_two_others_is_forbidden,
);

fn page(number: u64, size: u64) -> Paging {
    Paging::Page { number, size }
}

fn a_page_is_newest_first_and_the_pages_make_the_whole(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.direct(tom, jack);
    for n in 1..=7 {
        world.say(tom, chat, &n.to_string());
    }
    let mut all = Vec::new();
    for (number, size) in [(1, 3), (2, 3), (3, 1)] {
        let list = world.store().history(jack, chat, page(number, 3)).unwrap();
        assert_eq!(list.total, 7);
        let rows = words(list);
        assert_eq!(rows.len(), size);
        all.extend(rows);
    }
    assert_eq!(all, world.history(jack, chat));
    assert_eq!(all, ["7", "6", "5", "4", "3", "2", "1"]);
    assert_eq!(words(world.store().history(jack, chat, page(1, u64::MAX)).unwrap()), all);
}

fn a_page_past_the_end_is_empty(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.direct(tom, jack);
    let empty = |world: &World, number| {
        let list = world.store().history(jack, chat, page(number, 2)).unwrap();
        (list.total, list.receipt.ranges.len(), words(list).len())
    };
    assert_eq!(empty(world, 1), (0, 0, 0));
    world.say(tom, chat, "1");
    world.say(tom, chat, "2");
    assert_eq!(empty(world, 2), (2, 0, 0));
    assert_eq!(empty(world, u64::MAX), (2, 0, 0));
}

fn hidden_messages_take_no_place_on_a_page(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(tom, &[jack, ann]);
    world.told(jack, Action::Block(UserKey::Id(ann)));
    for (n, by) in [tom, ann, ann, tom, ann, jack, ann, tom, ann].into_iter().enumerate() {
        world.say(by, group, &n.to_string());
    }
    let pages: Vec<_> =
        (1..=3).map(|number| words(world.store().history(jack, group, page(number, 2)).unwrap())).collect();
    assert_eq!(pages, [vec!["7", "5"], vec!["3", "0"], vec![]]);
    assert_eq!(world.entries(tom, group).len(), 9);
    assert_eq!(world.history(jack, group), ["7", "5", "3", "0"]);
}

fn a_page_s_receipt_confirms_what_it_returned(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.direct(tom, jack);
    for n in 1..=5 {
        world.say(tom, chat, &n.to_string());
    }
    let receipt = world.store().history(jack, chat, page(2, 2)).unwrap().receipt;
    world.confirm_as(jack, &receipt.ranges, false, true);
    assert_eq!(world.pending(jack), ["1", "4", "5"]);
}

fn a_member_sees_what_was_said_while_a_member(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let group = world.group(tom, &[]);
    let join = |world: &mut World| {
        let request = world.request(jack, Action::Join(group, None));
        world.reply(tom, super::requests::decide(request, true));
    };
    world.say(tom, group, "before");
    join(world);
    assert!(world.history(jack, group).is_empty());
    world.say(tom, group, "first stay");
    assert_eq!(world.history(jack, group), ["first stay"]);
    world.told(jack, Action::Leave(group));
    let gone = world.store().history(jack, group, Paging::All);
    assert_eq!(gone.unwrap_err().kind(), ErrorKind::NotMember);
    assert!(world.timeline(jack).is_empty());
    world.say(tom, group, "meanwhile");
    join(world);
    world.say(tom, group, "second stay");
    world.say(jack, group, "back again");
    assert_eq!(world.history(jack, group), ["back again", "second stay"]);
    assert_eq!(world.timeline(jack), ["back again", "second stay"]);
    assert_eq!(world.history(tom, group).len(), 5);
}

fn a_dissolved_group_has_no_history(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let group = world.group(tom, &[jack]);
    world.say(jack, group, "x");
    world.told(tom, Action::Dissolve(group));
    for user in [tom, jack] {
        let gone = world.store().history(user, group, Paging::All);
        assert_eq!(gone.unwrap_err().kind(), ErrorKind::ConversationNotFound);
        assert!(world.timeline(user).is_empty());
    }
}

fn the_timeline_is_by_time_over_all_conversations(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(ann, &[jack]);
    for n in 0..4 {
        world.tell(tom, jack, &format!("{n} tom"));
        world.say(jack, group, &format!("{n} group"));
        world.tell(tom, ann, "not jack's");
    }
    let expected: Vec<_> = (0..4).rev().flat_map(|n| [format!("{n} group"), format!("{n} tom")]).collect();
    assert_eq!(world.timeline(jack), expected);
    let mut paged = Vec::new();
    for (number, size) in [(1, 3), (2, 3), (3, 2), (4, 0)] {
        let list = world.store().timeline(jack, None, page(number, 3)).unwrap();
        assert_eq!(list.total, 8);
        let rows = words(list);
        assert_eq!(rows.len(), size);
        paged.extend(rows);
    }
    assert_eq!(paged, expected);
}

fn between(world: &World, user: UserId, pair: [UserId; 2]) -> Result<MessageList, ErrorKind> {
    world.store().timeline(user, Some(&pair.map(UserKey::Id)), Paging::All).map_err(|error| error.kind())
}

fn the_timeline_between_two_is_their_direct_conversation(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    world.tell(tom, jack, "1");
    world.tell(ann, jack, "2");
    world.tell(jack, tom, "3");
    world.tell(jack, jack, "a note");
    assert_eq!(words(between(world, jack, [jack, tom]).unwrap()), ["3", "1"]);
    assert_eq!(words(between(world, jack, [tom, jack]).unwrap()), ["3", "1"]);
    assert_eq!(words(between(world, jack, [jack, jack]).unwrap()), ["a note"]);
    assert!(words(between(world, ann, [ann, tom]).unwrap()).is_empty(), "they have none");
}

fn the_timeline_between_two_others_is_forbidden(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    world.tell(tom, jack, "1");
    assert_eq!(between(world, ann, [tom, jack]).unwrap_err(), ErrorKind::Forbidden);
    assert_eq!(between(world, ann, [ann, UserId::new(77)]).unwrap_err(), ErrorKind::UserNotFound);
}
