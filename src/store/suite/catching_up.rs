//! What is committed and written a while later: heads, and which messages are their senders' own.

use koine_core::{ChatKey, SendMessage, Target};

use super::{World, on_each_engine, text};
use crate::store::embedded::catch_up::catch_up;
use crate::store::{Action, Queries, Store};

on_each_engine!(
    what_a_kill_left_unwritten_is_made_up_for,
    making_up_for_it_can_be_cut_short_and_is_done_once,
    a_flush_of_many_batches_can_be_cut_short,
    what_came_after_a_flush_is_made_up_for_too,
    who_left_and_came_back_has_sent_nothing_before,
    a_stop_leaves_nothing_to_be_made_up_for,
    what_waits_is_known_after_a_failure,
    what_waits_of_a_direct_conversation_is_not_taken_for_a_group,
);

fn what_a_kill_left_unwritten_is_made_up_for(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(tom, &[jack, ann]);
    let chat = world.tell(tom, jack, "1").conversation;
    let client_id = Some(1 << 60);
    world.send(jack, SendMessage { client_id, ..text(Target::Conversation(chat), "2") }).unwrap();
    world.say(tom, group, "3");
    world.answer(ann, group, "4");
    world.say(jack, group, "5");
    let counts = |world: &World| {
        let unread = [tom, jack, ann].map(|user| world.unread(user, group));
        (unread, [tom, jack].map(|user| world.unread(user, chat)), [tom, jack, ann].map(|user| world.pending(user)))
    };
    let before = counts(world);
    assert_eq!(before.0, [2, 2, 1], "jack has not read what came before his own, ann has");
    world.reopen();
    assert_eq!(counts(world), before);
    assert_eq!(world.history(tom, group), ["5", "4", "3"]);
    assert_eq!(world.row(jack, group).last.unwrap().message.content.as_text(), "5");
    assert_eq!(world.say(tom, group, "6").seq, 4);
    assert_eq!(world.say(tom, chat, "7").seq, 3);
    let again = SendMessage { client_id, ..text(Target::Conversation(chat), "2") };
    assert_eq!(world.send(jack, again).unwrap().seq, 2);
}

fn making_up_for_it_can_be_cut_short_and_is_done_once(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    world.say(jack, chat, "2");
    let faults = world.faults.clone();
    world.with_engine(|engine| {
        faults.fail_after(0);
        assert!(catch_up(engine).is_err());
        faults.heal();
        assert_eq!(catch_up(engine).unwrap(), 2);
        assert_eq!(catch_up(engine).unwrap(), 0);
    });
    world.reopen();
    assert_eq!(world.history(tom, chat), ["2", "1"]);
    assert_eq!((world.unread(tom, chat), world.unread(jack, chat)), (1, 1));
}

fn a_flush_of_many_batches_can_be_cut_short(world: &mut World) {
    world.faults.limit_batches(1);
    let [tom, jack] = world.users(["tom", "jack"]);
    let chats: Vec<_> = (0..20)
        .map(|n| {
            let other = world.user(&format!("user-{n}"));
            world.tell(tom, other, "1").conversation
        })
        .collect();
    world.tell(tom, jack, "1");
    for kept in 0..4 {
        for chat in &chats {
            world.say(tom, *chat, "again");
        }
        world.faults.fail_after(kept);
        assert!(world.store().flush(false).is_err());
        world.reopen();
        for chat in &chats {
            let history = world.history(tom, *chat);
            assert_eq!(history.len() as u64, kept + 2, "{history:?}");
        }
    }
    for chat in &chats {
        world.say(tom, *chat, "again");
    }
    world.flush(false);
    let faults = world.faults.clone();
    world.with_engine(|engine| {
        faults.heal();
        assert_eq!(catch_up(engine).unwrap(), 0, "a flush of many batches is whole");
    });
    world.reopen();
    assert_eq!(world.history(tom, chats[0]).len(), 6);
}

fn what_came_after_a_flush_is_made_up_for_too(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    world.flush(false);
    world.say(tom, chat, "2");
    world.mark_read(jack, chat);
    world.say(jack, chat, "3");
    world.flush(false);
    world.say(tom, chat, "4");
    world.with_engine(|engine| assert_eq!(catch_up(engine).unwrap(), 1));
    world.reopen();
    assert_eq!(world.history(jack, chat), ["4", "3", "2", "1"]);
    assert_eq!((world.unread(tom, chat), world.unread(jack, chat)), (1, 1));
    assert_eq!(world.pending(jack), ["4"]);
}

fn who_left_and_came_back_has_sent_nothing_before(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let group = world.group(tom, &[jack]);
    world.say(jack, group, "1");
    world.told(jack, Action::Leave(group));
    world.say(tom, group, "2");
    let request = world.request(jack, Action::Join(group, None));
    world.told(tom, super::requests::decide(request, true));
    world.say(tom, group, "3");
    world.reopen();
    assert_eq!(world.history(jack, group), ["3"]);
    assert_eq!(world.unread(jack, group), 1);
    assert_eq!(world.unread(tom, group), 1, "tom has not read what jack said before");
}

fn a_stop_leaves_nothing_to_be_made_up_for(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    world.tell(tom, jack, "1");
    world.flush(true);
    world.with_engine(|engine| assert_eq!(catch_up(engine).unwrap(), 0));
}

fn what_waits_is_known_after_a_failure(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    world.told(None, Action::LoadMarks(vec![chat]));
    world.faults.fail_after(0);
    assert!(world.send(tom, text(Target::Conversation(chat), "lost")).is_err());
    assert!(world.outcome(jack, Action::MarkRead(ChatKey::Conversation(chat))).is_err());
    assert_eq!(world.history(jack, chat), ["1"]);
    assert_eq!((world.unread(tom, chat), world.unread(jack, chat)), (0, 1));
    assert!(world.store().health().is_err());
    // A batch that fails for a reason of its own does not end the store: what waits is what it was.
    world.faults.heal();
    assert_eq!(world.say(tom, chat, "2").seq, 2);
    assert_eq!(world.history(jack, chat), ["2", "1"]);
    assert_eq!(world.pending(jack), ["1", "2"]);
}

fn what_waits_of_a_direct_conversation_is_not_taken_for_a_group(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "1").conversation;
    let group = world.group(tom, &[jack]);
    world.say(tom, group, "2");
    for _ in 0..2 {
        assert_eq!(world.store().unprepared_marks(tom, Some(chat)).unwrap(), []);
        assert_eq!(world.store().unprepared_marks(tom, Some(group)).unwrap(), [group]);
        world.flush(false);
    }
}
