//! An engine that fails a commit.

use koine_core::{ErrorKind, Reply, Target, UserKey};

use super::world::register;
use super::{World, handle, on_each_engine, text};
use crate::store::engine::{Batch, Durability, Space};
use crate::store::{Action, Outcome, Queries, Store};

on_each_engine!(
    nothing_of_a_failed_batch_is_visible_and_all_of_it_is_unavailable,
    after_a_failure_changes_are_refused_and_readers_still_work,
    a_failed_flush_loses_only_what_could_wait,
    after_a_failure_and_a_restart_everything_acknowledged_is_there,
    numbers_of_a_failed_batch_are_free_again_and_ids_are_not,
    a_damaged_record_fails_only_the_operation_that_needs_it,
);

fn nothing_of_a_failed_batch_is_visible_and_all_of_it_is_unavailable(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let group = world.group(tom, &[jack]);
    world.say(tom, group, "before");
    world.told(None, Action::LoadMarks(vec![group]));
    let before = world.store().stats().unwrap();
    world.faults.fail_after(0);
    let ops = vec![
        (Some(tom), Action::Send(text(Target::Group(group), "lost"))),
        (None, register("ann", None)),
        (Some(jack), Action::MarkRead(koine_core::ChatKey::Conversation(group))),
        (Some(tom), Action::Block(UserKey::Id(jack))),
        (Some(tom), Action::RenameGroup(group, "lost".into())),
        (Some(tom), Action::OpenDirect { with: UserKey::Id(jack), name: None }),
    ];
    for applied in world.batch(ops) {
        assert_eq!(applied.result.unwrap_err().kind(), ErrorKind::Unavailable);
        assert!(applied.effects.is_empty());
    }
    assert_eq!(world.store().stats().unwrap(), before);
    assert_eq!(world.history(jack, group), ["before"]);
    assert_eq!(world.unread(jack, group), 1);
    assert!(!world.store().is_known(&handle("ann")).unwrap());
    assert!(world.store().user(&UserKey::Handle(handle("ann"))).unwrap().is_none());
    assert!(world.store().blockers(jack).unwrap().is_empty());
    assert_eq!(world.store().group(None, group).unwrap().name.as_ref(), "group");
    assert_eq!(world.rows(tom, true).len(), 1);
    assert!(!world.entries(tom, group)[0].read_by_others);
}

fn after_a_failure_changes_are_refused_and_readers_still_work(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "before").conversation;
    world.faults.fail_after(0);
    assert!(world.store().health().is_err());
    for _ in 0..3 {
        let send = text(Target::Conversation(chat), "x");
        assert_eq!(world.send(tom, send), Err(ErrorKind::Unavailable));
        assert_eq!(world.refused(None, register("ann", None)), ErrorKind::Unavailable);
    }
    assert_eq!(world.pending(jack), ["before"]);
    assert_eq!(world.history(tom, chat), ["before"]);
    assert_eq!(world.rows(tom, false).len(), 1);
}

fn a_failed_flush_loses_only_what_could_wait(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    world.confirm_as(jack, &[(chat, 1, 1)], false, false);
    assert!(world.pending(jack).is_empty());
    world.faults.fail_after(0);
    assert!(world.store().flush(false).is_err());
    assert!(world.pending(jack).is_empty(), "memory still knows");
    world.reopen();
    assert_eq!(world.pending(jack), ["1"], "a delivery may repeat, never be lost");
    assert_eq!(world.history(jack, chat), ["1"]);
}

fn after_a_failure_and_a_restart_everything_acknowledged_is_there(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.direct(tom, jack);
    world.faults.fail_after(3);
    let mut acknowledged = Vec::new();
    for n in 0..6 {
        let words = n.to_string();
        if let Ok(sent) = world.send(tom, text(Target::Conversation(chat), &words)) {
            acknowledged.push((sent.seq, words));
        }
    }
    assert_eq!(acknowledged.len(), 3);
    world.reopen();
    let stored: Vec<_> = world
        .entries(jack, chat)
        .iter()
        .rev()
        .map(|entry| (entry.message.seq, entry.message.content.as_text().to_owned()))
        .collect();
    assert_eq!(stored, acknowledged);
    assert_eq!(world.say(tom, chat, "again").seq, 4);
}

fn numbers_of_a_failed_batch_are_free_again_and_ids_are_not(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let first = world.tell(tom, jack, "x");
    world.faults.fail_after(0);
    assert_eq!(world.refused(None, register("ann", None)), ErrorKind::Unavailable);
    // Ids that an earlier commit has reserved can still be handed out.
    let Ok(Outcome::Reply(Reply::MessageId(reserved))) = world.outcome(tom, Action::ReserveMessageId) else {
        panic!("no id")
    };
    world.faults.heal();
    assert_eq!(world.user("ann").get(), 3);
    let next = world.tell(tom, jack, "y");
    assert!(first.ack_id < reserved && reserved < next.id);
}

fn a_damaged_record_fails_only_the_operation_that_needs_it(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let [damaged, whole] = [world.direct(tom, jack), world.direct(tom, ann)];
    world.with_engine(|engine| {
        let mut batch = Batch::new();
        batch.put(Space::fixed("conversations"), damaged.get().to_be_bytes(), "\u{1}rubbish");
        engine.commit(batch, Durability::Sync).unwrap();
    });
    world.reopen();
    let say = |conversation, words: &str| (Some(tom), Action::Send(text(Target::Conversation(conversation), words)));
    let applied = world.batch(vec![say(whole, "1"), say(damaged, "2"), say(whole, "3")]);
    let answers: Vec<_> = applied.into_iter().map(|applied| applied.result.map_err(|error| error.kind())).collect();
    assert!(matches!(answers.as_slice(), [Ok(_), Err(ErrorKind::Unavailable), Ok(_)]), "{answers:?}");
    assert_eq!(world.pending(ann), ["1", "3"]);
    assert_eq!(world.store().stats().unwrap().messages, 2, "what was tried twice is counted once");
}
