//! Blocks: always silent, decided when a message is committed.

use koine_core::{ErrorKind, Target, UserKey};

use super::{World, on_each_engine, text};
use crate::store::{Action, Effect, Queries};

on_each_engine!(
    a_blocker_never_gets_the_blocked_user_s_direct_messages,
    a_blocker_does_not_get_the_blocked_user_s_group_messages_either,
    unblocking_reveals_nothing,
    blocking_hides_nothing_earlier,
    a_block_works_in_one_direction,
    a_block_in_the_same_batch_holds_for_what_comes_after_it,
    a_block_of_a_user_who_joins_later_holds,
    a_blocker_who_left_the_group_is_not_looked_for,
    a_conversation_that_a_blocked_user_opens_is_not_told_nor_listed,
    requests_of_a_blocked_user_are_not_heard_of,
    nobody_blocks_oneself_or_nobody,
    blockers_are_listed,
);

fn block(user: koine_core::UserId) -> Action {
    Action::Block(UserKey::Id(user))
}

fn unblock(user: koine_core::UserId) -> Action {
    Action::Unblock(UserKey::Id(user))
}

fn a_blocker_never_gets_the_blocked_user_s_direct_messages(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.direct(tom, jack);
    world.told(jack, block(tom));
    let effects = world.told(tom, Action::Send(text(Target::Conversation(chat), "silence")));
    assert!(
        matches!(effects.as_slice(), [Effect::Direct { sender, receiver: None, .. }] if sender.user == tom),
        "{effects:?}"
    );
    for _ in 0..2 {
        assert!(world.pending(jack).is_empty() && world.history(jack, chat).is_empty());
        assert!(world.timeline(jack).is_empty());
        assert_eq!(world.unread(jack, chat), 0);
        assert_eq!(world.history(tom, chat), ["silence"], "the sender sees success");
        world.reopen();
    }
}

fn a_blocker_does_not_get_the_blocked_user_s_group_messages_either(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(tom, &[jack, ann]);
    world.told(jack, block(tom));
    world.told(ann, block(tom));
    world.told(ann, unblock(tom));
    let effects = world.told(tom, Action::Send(text(Target::Group(group), "1")));
    let [Effect::Group { hidden_from, seq: 1, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(hidden_from, &[jack]);
    world.say(ann, group, "2");
    assert_eq!((world.pending(jack), world.unread(jack, group)), (vec!["2".to_owned()], 1));
    assert_eq!(world.history(jack, group), ["2"]);
    assert_eq!(world.pending(ann), ["1"]);
}

fn unblocking_reveals_nothing(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.direct(tom, jack);
    world.told(jack, block(tom));
    world.say(tom, chat, "1");
    world.told(jack, unblock(tom));
    world.say(tom, chat, "2");
    assert_eq!(world.pending(jack), ["2"]);
    assert_eq!(world.history(jack, chat), ["2"]);
    assert_eq!(world.unread(jack, chat), 1);
    assert_eq!(world.mark_read(jack, chat), 1);
}

fn blocking_hides_nothing_earlier(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    world.told(jack, block(tom));
    world.say(tom, chat, "2");
    assert_eq!(world.pending(jack), ["1"]);
    assert_eq!(world.history(jack, chat), ["1"]);
    assert_eq!(world.unread(jack, chat), 1);
}

fn a_block_works_in_one_direction(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    world.told(jack, block(tom));
    world.tell(jack, tom, "hello");
    assert_eq!(world.pending(tom), ["hello"]);
}

fn a_block_in_the_same_batch_holds_for_what_comes_after_it(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(ann, &[tom, jack]);
    let say = |words: &str| (Some(tom), Action::Send(text(Target::Group(group), words)));
    world.batch(vec![say("1"), (Some(jack), block(tom)), say("2"), (Some(jack), unblock(tom)), say("3")]);
    assert_eq!(world.pending(jack), ["1", "3"]);
    assert_eq!(world.pending(ann), ["1", "2", "3"]);
}

fn a_block_of_a_user_who_joins_later_holds(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(ann, &[tom]);
    world.told(jack, block(tom));
    world.say(tom, group, "1");
    let request = world.request(jack, Action::Join(group, None));
    world.reply(ann, super::requests::decide(request, true));
    world.say(tom, group, "2");
    world.say(ann, group, "3");
    assert_eq!(world.pending(jack), ["3"]);
}

fn a_blocker_who_left_the_group_is_not_looked_for(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(ann, &[tom, jack]);
    world.told(jack, block(tom));
    world.say(tom, group, "1");
    world.told(jack, Action::Leave(group));
    let effects = world.told(tom, Action::Send(text(Target::Group(group), "2")));
    assert!(matches!(effects.as_slice(), [Effect::Group { hidden_from, .. }] if hidden_from.is_empty()));
    assert!(world.pending(jack).is_empty() && world.rows(jack, true).is_empty());
}

fn a_conversation_that_a_blocked_user_opens_is_not_told_nor_listed(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    world.told(jack, block(tom));
    let effects = world.told(tom, Action::Send(text(Target::User(UserKey::Id(jack)), "hello")));
    assert!(matches!(&effects[0], Effect::Tell { to, .. } if to.as_slice() == [tom]), "{effects:?}");
    let listed = |world: &World, user| [false, true].map(|hidden| world.rows(user, hidden).len());
    assert_eq!((listed(world, jack), listed(world, tom)), ([0, 0], [1, 1]));
    world.told(jack, unblock(tom));
    assert_eq!(listed(world, jack), [0, 0], "unblocking reveals nothing");
    world.told(jack, block(tom));
    world.told(jack, Action::OpenDirect { with: UserKey::Id(tom), name: None });
    assert_eq!(listed(world, jack), [1, 1], "asked for by the blocker");
    let chat = world.tell(jack, tom, "what is it?").conversation;
    assert_eq!(world.history(jack, chat), ["what is it?"]);
    assert_eq!(world.rows(jack, false).len(), 1);
}

fn requests_of_a_blocked_user_are_not_heard_of(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let group = world.group(tom, &[]);
    world.told(jack, block(tom));
    let asks = || [Action::Befriend(UserKey::Id(jack), None), Action::Invite(group, UserKey::Id(jack), None)];
    for ask in asks() {
        assert!(world.told(tom, ask.clone()).is_empty());
        assert!(world.told(tom, ask).is_empty());
    }
    assert!(world.store().requests(jack).unwrap().is_empty());
    world.told(jack, unblock(tom));
    assert!(world.store().requests(jack).unwrap().is_empty());
    for ask in asks() {
        assert_eq!(world.told(tom, ask).len(), 1, "asked again, it is heard");
    }
    assert_eq!(world.store().requests(jack).unwrap().len(), 2);
    world.told(tom, Action::Dissolve(group));
    assert_eq!(world.store().requests(jack).unwrap().len(), 1);
}

fn nobody_blocks_oneself_or_nobody(world: &mut World) {
    let tom = world.user("tom");
    assert_eq!(world.refused(tom, block(tom)), ErrorKind::BadRequest);
    assert_eq!(world.refused(tom, block(koine_core::UserId::new(9))), ErrorKind::UserNotFound);
}

fn blockers_are_listed(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    world.told(jack, block(tom));
    world.told(ann, block(tom));
    world.told(ann, block(tom));
    world.reopen();
    let mut blockers = world.store().blockers(tom).unwrap();
    blockers.sort_unstable();
    assert_eq!(blockers, [jack, ann]);
    world.told(jack, unblock(tom));
    world.told(jack, unblock(tom));
    assert_eq!(world.store().blockers(tom).unwrap(), [ann]);
}
