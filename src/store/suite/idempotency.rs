//! Repeats of a send: by key (envelope's `uniqueNo`) and by the client's id (auth-ack's `id`).

use koine_core::{Content, ErrorKind, IdempotencyKey, Reply, SendMessage, Sent, Target, UserId, UserKey};

use super::world::DAY;
use super::{World, on_each_engine, text};
use crate::store::{Action, Queries};

on_each_engine!(
    a_repeat_gets_the_same_answer_and_is_not_stored_again,
    a_repeat_within_one_batch_is_a_repeat,
    a_repeat_across_a_restart_and_across_midnight_is_a_repeat,
    a_key_is_kept_for_a_whole_day_and_dropped_after_two,
    a_key_used_for_another_content_or_target_is_a_conflict,
    a_key_belongs_to_its_sender,
    a_refused_send_uses_no_key_up,
    a_repeat_succeeds_though_its_sender_has_left_the_group,
    a_repeat_succeeds_though_its_group_was_dissolved,
    a_repeat_tells_nobody_again,
    a_client_s_id_is_any_64_bit_number_and_stays_with_the_message,
    a_client_s_id_repeated_after_a_restart_is_the_same_send,
    a_client_s_id_in_use_is_a_conflict,
    the_id_that_the_server_gave_names_the_same_send,
    an_id_below_two_to_the_53rd_must_have_been_given_out,
);

fn keyed(to: UserId, words: &str, key: &str) -> SendMessage {
    SendMessage { key: IdempotencyKey::new(key), ..text(Target::User(UserKey::Id(to)), words) }
}

fn with_id(to: UserId, words: &str, id: u64) -> SendMessage {
    SendMessage { client_id: Some(id), ..text(Target::User(UserKey::Id(to)), words) }
}

#[track_caller]
fn same(first: &Sent, second: &Sent) {
    assert_eq!(Sent { ack_id: first.ack_id, ..second.clone() }, *first);
    assert_ne!(first.ack_id, second.ack_id, "the acknowledgement has a fresh id");
}

fn a_repeat_gets_the_same_answer_and_is_not_stored_again(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let first = world.send(tom, keyed(jack, "hello", "1")).unwrap();
    world.say(jack, first.conversation, "hi");
    let second = world.send(tom, keyed(jack, "hello", "1")).unwrap();
    same(&first, &second);
    assert_eq!(world.history(jack, first.conversation), ["hi", "hello"]);
    assert_eq!(world.store().stats().unwrap().messages, 2);
}

fn a_repeat_within_one_batch_is_a_repeat(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let send = || (Some(tom), Action::Send(keyed(jack, "hello", "1")));
    let applied = world.batch(vec![send(), send()]);
    assert!(applied.iter().all(|applied| applied.result.is_ok()));
    assert_eq!(world.pending(jack), ["hello"]);
}

fn a_repeat_across_a_restart_and_across_midnight_is_a_repeat(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    world.now += DAY - 1_000;
    let first = world.send(tom, keyed(jack, "hello", "1")).unwrap();
    world.now += 2_000;
    world.reopen();
    same(&first, &world.send(tom, keyed(jack, "hello", "1")).unwrap());
    assert_eq!(world.pending(jack), ["hello"]);
}

fn a_key_is_kept_for_a_whole_day_and_dropped_after_two(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let first = world.send(tom, keyed(jack, "hello", "1")).unwrap();
    world.now += DAY - 10;
    same(&first, &world.send(tom, keyed(jack, "hello", "1")).unwrap());
    world.now += DAY + 20;
    assert_eq!(world.send(tom, keyed(jack, "something else", "1")).unwrap().seq, 2, "the key is free again");
    world.now += 3 * DAY;
    world.user("ann");
    world.with_engine(|engine| {
        let kept: Vec<_> = engine.spaces().unwrap().into_iter().filter(|name| name.starts_with("keys-")).collect();
        assert!(kept.is_empty(), "days long past are dropped: {kept:?}");
    });
    world.reopen();
}

fn a_key_used_for_another_content_or_target_is_a_conflict(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(tom, &[jack]);
    let chat = world.send(tom, keyed(jack, "hello", "1")).unwrap().conversation;
    world.tell(tom, ann, "hello");
    let key = || IdempotencyKey::new("1");
    let others = [
        keyed(jack, "hello!", "1"),
        keyed(ann, "hello", "1"),
        keyed(tom, "hello", "1"),
        SendMessage { key: key(), ..text(Target::Group(group), "hello") },
        SendMessage {
            content: Content::Present { kind: koine_core::Kind::Image, body: koine_core::Body::Text("hello".into()) },
            ..keyed(jack, "", "1")
        },
    ];
    for other in others {
        assert_eq!(world.send(tom, other), Err(ErrorKind::KeyConflict));
    }
    // The same conversation by its other name is the same target.
    world.send(tom, SendMessage { key: key(), ..text(Target::Conversation(chat), "hello") }).unwrap();
    assert_eq!(world.history(jack, chat), ["hello"]);
}

fn a_key_belongs_to_its_sender(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let first = world.send(tom, keyed(jack, "hello", "1")).unwrap();
    let second = world.send(jack, keyed(tom, "hello", "1")).unwrap();
    assert_eq!((first.seq, second.seq), (1, 2));
}

fn a_refused_send_uses_no_key_up(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let group = world.group(jack, &[]);
    let send = || SendMessage { key: IdempotencyKey::new("1"), ..text(Target::Group(group), "hello") };
    assert_eq!(world.send(tom, send()), Err(ErrorKind::NotMember));
    let request = world.request(tom, Action::Join(group, None));
    world.reply(jack, super::requests::decide(request, true));
    assert_eq!(world.send(tom, send()).unwrap().seq, 1);
}

fn a_repeat_succeeds_though_its_sender_has_left_the_group(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let group = world.group(jack, &[tom]);
    let send = |words| SendMessage { key: IdempotencyKey::new("1"), ..text(Target::Group(group), words) };
    let first = world.send(tom, send("hello")).unwrap();
    world.told(tom, Action::Leave(group));
    same(&first, &world.send(tom, send("hello")).unwrap());
    assert!(world.send(tom, send("something else")).is_err());
    assert_eq!(world.history(jack, group), ["hello"]);
}

fn a_repeat_succeeds_though_its_group_was_dissolved(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let group = world.group(jack, &[tom]);
    let send = || SendMessage { client_id: Some(1 << 60), ..text(Target::Group(group), "hello") };
    let first = world.send(tom, send()).unwrap();
    world.told(jack, Action::Dissolve(group));
    same(&first, &world.send(tom, send()).unwrap());
    assert_eq!(world.send(tom, text(Target::Group(group), "hello")), Err(ErrorKind::GroupNotFound));
}

fn a_repeat_tells_nobody_again(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    assert_eq!(world.told(tom, Action::Send(keyed(jack, "hello", "1"))).len(), 2);
    assert!(world.told(tom, Action::Send(keyed(jack, "hello", "1"))).is_empty());
}

fn a_client_s_id_is_any_64_bit_number_and_stays_with_the_message(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let Reply::MessageId(reserved) = world.reply(tom, Action::ReserveMessageId) else { panic!("no id") };
    for id in [u64::MAX, 1 << 53, reserved.get()] {
        let sent = world.send(tom, with_id(jack, "x", id)).unwrap();
        assert_eq!((sent.client_id, sent.wire_id()), (Some(id), id));
        assert_ne!(sent.id.get(), id, "the message's own id is another");
    }
    let chat = world.rows(jack, false)[0].conversation.id;
    let ids: Vec<u64> = world.entries(jack, chat).iter().rev().map(|entry| entry.message.wire_id()).collect();
    assert_eq!(ids, [u64::MAX, 1 << 53, reserved.get()]);
}

fn a_client_s_id_repeated_after_a_restart_is_the_same_send(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let first = world.send(tom, with_id(jack, "x", 1 << 60)).unwrap();
    world.now += 40 * DAY;
    world.reopen();
    same(&first, &world.send(tom, with_id(jack, "x", 1 << 60)).unwrap());
    assert_eq!(world.pending(jack), ["x"]);
}

fn the_id_that_the_server_gave_names_the_same_send(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let first = world.send(tom, text(Target::User(UserKey::Id(jack)), "hello")).unwrap();
    same(&first, &world.send(tom, with_id(jack, "hello", first.id.get())).unwrap());
    assert_eq!(world.send(tom, with_id(jack, "bye", first.id.get())), Err(ErrorKind::KeyConflict));
    assert_eq!(world.send(jack, with_id(tom, "hello", first.id.get())), Err(ErrorKind::KeyConflict));
    assert_eq!(world.history(jack, first.conversation), ["hello"]);
}

fn a_client_s_id_in_use_is_a_conflict(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    world.tell(tom, ann, "hello");
    world.send(tom, with_id(jack, "x", 1 << 60)).unwrap();
    let own = world.tell(tom, jack, "x").id.get();
    for (by, send) in [
        (ann, with_id(jack, "x", 1 << 60)),
        (jack, with_id(tom, "x", 1 << 60)),
        (tom, with_id(jack, "y", 1 << 60)),
        (tom, with_id(ann, "x", 1 << 60)),
        (tom, with_id(jack, "y", own)),
    ] {
        assert_eq!(world.send(by, send), Err(ErrorKind::KeyConflict));
    }
    assert_eq!(world.pending(jack), ["x", "x"]);
    let chat = world.direct(tom, jack);
    let to_a_group_of_that_number = SendMessage { client_id: Some(1 << 60), ..text(Target::Group(chat), "x") };
    assert_eq!(world.send(tom, to_a_group_of_that_number), Err(ErrorKind::KeyConflict));
}

fn an_id_below_two_to_the_53rd_must_have_been_given_out(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let sent = world.tell(tom, jack, "x");
    for id in [0, sent.ack_id.get() + 1_000_000_000, (1 << 53) - 1] {
        assert_eq!(world.send(tom, with_id(jack, "x", id)), Err(ErrorKind::BadRequest), "{id}");
    }
    // Old ids that nobody used are as good as reserved ones.
    world.send(tom, with_id(jack, "y", 12_345)).unwrap();
    world.reopen();
    let Reply::MessageId(next) = world.reply(tom, Action::ReserveMessageId) else { panic!("no id") };
    assert!(next > sent.ack_id);
}
