//! Who is told what, in which order, with which unread count.

use koine_core::{Attach, ConfirmBy, Event, Scope, Target, UserKey};

use super::{World, on_each_engine, text};
use crate::store::{Action, Effect, Recipient};

on_each_engine!(
    a_first_message_is_told_after_its_conversation,
    a_direct_message_goes_to_both_sides_with_their_unread_counts,
    a_note_to_oneself_goes_to_one_recipient,
    a_group_message_is_told_once_whatever_the_group_s_size,
    a_new_group_is_joined_before_it_is_told,
    reading_in_a_group_tells_the_unread_count_and_in_a_direct_conversation_nothing,
    attaching_subscribes_to_the_user_s_groups_with_their_unread_counts,
    a_batch_answers_in_its_order_and_a_refusal_does_not_disturb_it,
);

fn message(event: &Event) -> (u64, &str) {
    let Event::Message(told) = event else { panic!("{event:?}") };
    (told.message.seq, told.message.content.as_text())
}

fn a_first_message_is_told_after_its_conversation(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let effects = world.told(jack, Action::Send(text(Target::User(UserKey::Id(tom)), "hello")));
    let [Effect::Tell { event, group, to, own }, Effect::Direct { event: said, .. }] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    let Event::Opened { by, .. } = event.as_ref() else { panic!("{event:?}") };
    assert_eq!((*group, to.as_slice(), *own, by.id), (None, &[tom, jack][..], Some(jack), jack));
    assert_eq!(message(said), (1, "hello"));
}

fn a_direct_message_goes_to_both_sides_with_their_unread_counts(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    world.say(tom, chat, "2");
    let say = |by| (by, Action::Send(text(Target::Conversation(chat), "x")));
    for ((by, action), from, to) in [(say(jack), (jack, 2), (tom, 1)), (say(tom), (tom, 1), (jack, 3))] {
        let effects = world.told(by, action);
        let [Effect::Direct { sender, receiver, .. }] = effects.as_slice() else { panic!("{effects:?}") };
        assert_eq!(*sender, Recipient { user: from.0, unread: from.1 });
        assert_eq!(*receiver, Some(Recipient { user: to.0, unread: to.1 }));
    }
}

fn a_note_to_oneself_goes_to_one_recipient(world: &mut World) {
    let tom = world.user("tom");
    let effects = world.told(tom, Action::Send(text(Target::User(UserKey::Id(tom)), "note")));
    let [Effect::Tell { to, .. }, Effect::Direct { sender, receiver: None, .. }] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!((to.as_slice(), *sender), (&[tom][..], Recipient { user: tom, unread: 0 }));
}

fn a_group_message_is_told_once_whatever_the_group_s_size(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(tom, &[jack, ann]);
    world.say(jack, group, "1");
    let effects = world.told(tom, Action::Send(text(Target::Group(group), "2")));
    let [Effect::Group { event, group: at, seq, sender, hidden_from }] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!(message(event), (2, "2"));
    assert_eq!((*at, *seq, *sender), (group, 2, Recipient { user: tom, unread: 1 }));
    assert!(hidden_from.is_empty());
}

fn a_new_group_is_joined_before_it_is_told(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let create = Action::CreateGroup { name: "x".into(), members: vec![UserKey::Id(jack)], number: None };
    let effects = world.told(tom, create);
    let [Effect::Joined(_, first, 0), Effect::Joined(_, second, 0), Effect::Tell { event, to, own, .. }] =
        effects.as_slice()
    else {
        panic!("{effects:?}")
    };
    assert_eq!((*first, *second, to.as_slice(), *own), (tom, jack, &[tom, jack][..], Some(tom)));
    assert!(matches!(event.as_ref(), Event::Opened { .. }));
}

fn reading_in_a_group_tells_the_unread_count_and_in_a_direct_conversation_nothing(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let group = world.group(tom, &[jack]);
    let chat = world.tell(tom, jack, "x").conversation;
    for words in ["1", "2", "3"] {
        world.say(tom, group, words);
    }
    let unread = |effects: Vec<Effect>| match effects.as_slice() {
        [Effect::Unread(at, user, unread)] if (*at, *user) == (group, jack) => *unread,
        other => panic!("{other:?}"),
    };
    let read = world.confirm_as(jack, &[(group, 1, 2)], true, false);
    assert_eq!(unread(read), 1);
    let mark = |conversation| Action::MarkRead(koine_core::ChatKey::Conversation(conversation));
    assert_eq!(unread(world.told(jack, mark(group))), 0);
    assert!(world.told(jack, mark(chat)).is_empty());
    assert!(world.confirm_as(jack, &[(group, 1, 3)], false, true).is_empty());
}

fn attaching_subscribes_to_the_user_s_groups_with_their_unread_counts(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let [one, other] = [world.group(tom, &[jack]), world.group(jack, &[tom])];
    world.tell(tom, jack, "direct conversations are not subscribed to");
    world.say(tom, one, "1");
    world.say(tom, one, "2");
    let attach =
        |scope| Action::Attach(Attach { scope, catch_up: false, confirm: ConfirmBy::Pong, confirmed_is_read: false });
    let effects = world.told(jack, attach(Scope::All));
    let [Effect::Subscribed(user, groups)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((*user, groups.as_slice()), (jack, &[(one, 2), (other, 0)][..]));
    assert!(world.told(jack, attach(Scope::Peer(UserKey::Id(tom)))).is_empty());
}

fn a_batch_answers_in_its_order_and_a_refusal_does_not_disturb_it(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(tom, &[jack]);
    let say = |by, words: &str| (Some(by), Action::Send(text(Target::Group(group), words)));
    let applied = world.batch(vec![say(tom, "1"), say(ann, "no"), say(jack, "2"), say(tom, "3")]);
    let said: Vec<_> = applied
        .iter()
        .map(|applied| match applied.effects.as_slice() {
            [Effect::Group { event, .. }] => Some(message(event)),
            _ => None,
        })
        .collect();
    assert_eq!(said, [Some((1, "1")), None, Some((2, "2")), Some((3, "3"))]);
    assert!(applied[1].result.is_err());
    assert!(world.batch(Vec::new()).is_empty());
}
