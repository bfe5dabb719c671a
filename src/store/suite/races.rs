//! What a reader sees while the writer goes on.

use std::sync::Arc;

use koine_core::{Target, Timestamp, UserId};

use super::{World, on_each_engine, text};
use crate::store::embedded::Embedded;
use crate::store::{Action, Op, PendingScope, Queries, Store};

on_each_engine!(
    a_flush_while_somebody_reads_brings_no_confirmed_message_back,
    a_durable_change_while_somebody_reads_brings_no_confirmed_message_back,
    a_message_sent_while_its_sender_reads_is_not_pending_for_the_sender,
    a_hidden_message_sent_while_its_blocker_reads_is_not_shown,
);

fn apply(store: &Embedded, now: i64, by: UserId, action: Action) {
    for applied in store.apply(Timestamp::from_millis(now), vec![Op { by: Some(by), action }]) {
        applied.result.unwrap();
    }
}

fn pending(store: &Arc<Embedded>, user: UserId) -> Vec<u64> {
    let page = store.pending(user, PendingScope::All, &rustc_hash::FxHashMap::default(), 99).unwrap();
    page.messages.iter().map(|(message, _, _)| message.seq).collect()
}

fn a_flush_while_somebody_reads_brings_no_confirmed_message_back(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    world.say(tom, chat, "2");
    world.confirm_as(jack, &[(chat, 1, 1)], true, false);
    let store = world.store();
    let writer = Arc::downgrade(&store);
    world.faults.after_reads(0, move || writer.upgrade().unwrap().flush(false).unwrap());
    assert_eq!(pending(&store, jack), [2]);
    store.flush(false).unwrap();
    assert_eq!(pending(&store, jack), [2]);
    world.confirm_as(jack, &[(chat, 2, 2)], true, false);
    assert!(pending(&store, jack).is_empty());
    for _ in 0..3 {
        store.flush(false).unwrap();
        assert!(pending(&store, jack).is_empty());
    }
}

fn a_durable_change_while_somebody_reads_brings_no_confirmed_message_back(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    world.say(tom, chat, "2");
    world.confirm_as(jack, &[(chat, 1, 1)], false, false);
    let store = world.store();
    let (writer, now) = (Arc::downgrade(&store), world.now);
    world.faults.after_reads(0, move || {
        let say = Action::Send(text(Target::Conversation(chat), "3"));
        apply(&writer.upgrade().unwrap(), now, jack, say);
    });
    assert_eq!(pending(&store, jack), [2]);
    world.say(tom, chat, "4");
    world.confirm(jack, chat, 2, 2);
    for _ in 0..3 {
        assert_eq!(pending(&store, jack), [4]);
        store.flush(false).unwrap();
    }
}

/// Does something at every point of a reader's way, and checks what the reader finds each time.
fn at_every_step(
    world: &mut World,
    reader: UserId,
    action: impl Fn(u64) -> (UserId, Action),
    check: impl Fn(&[u64], u64),
) {
    for step in 0..12 {
        let store = world.store();
        let (writer, now) = (Arc::downgrade(&store), world.now);
        let (by, action) = action(step);
        world.faults.after_reads(usize::try_from(step).unwrap(), move || {
            apply(&writer.upgrade().unwrap(), now, by, action);
        });
        check(&pending(&store, reader), step);
    }
}

fn a_message_sent_while_its_sender_reads_is_not_pending_for_the_sender(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    let say = move |_| (jack, Action::Send(text(Target::Conversation(chat), "own")));
    at_every_step(world, jack, say, |pending, step| assert_eq!(pending, [1], "step {step}"));
}

fn a_hidden_message_sent_while_its_blocker_reads_is_not_shown(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    world.told(jack, Action::Block(koine_core::UserKey::Id(tom)));
    let say = move |_| (tom, Action::Send(text(Target::Conversation(chat), "hidden")));
    at_every_step(world, jack, say, |pending, step| assert_eq!(pending, [1], "step {step}"));
    assert_eq!(world.history(jack, chat), ["1"]);
}
