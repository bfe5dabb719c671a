//! Numbers, times and limits of messages.

use koine_core::{Body, Content, ErrorKind, Kind, Reply, SendMessage, Target, UserKey};

use super::world::START;
use super::{World, on_each_engine, text};
use crate::store::engine::{Batch, Durability, Space};
use crate::store::{Action, Queries, StoreError};

on_each_engine!(
    seqs_have_no_gaps_and_are_each_conversation_s_own,
    ids_increase_over_restarts_and_clocks_that_jump_back,
    reserved_ids_and_those_of_acknowledgements_are_never_given_again,
    the_shown_time_never_runs_backwards_even_over_a_restart,
    content_comes_back_as_it_was_sent,
    content_over_the_limit_is_too_large,
    another_schema_is_refused,
    a_damaged_schema_is_refused,
    management_reads_a_log_backwards_in_pages,
);

fn seqs_have_no_gaps_and_are_each_conversation_s_own(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(tom, &[jack]);
    let mut seqs = Vec::new();
    for round in 0..3 {
        let _refused = world.send(ann, text(Target::Group(group), "let me in"));
        seqs.push((world.say(jack, group, "x").seq, world.tell(tom, ann, "x").seq));
        if round == 1 {
            world.reopen();
        }
    }
    assert_eq!(seqs, [(1, 1), (2, 2), (3, 3)]);
}

fn ids_increase_over_restarts_and_clocks_that_jump_back(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let mut ids = vec![world.tell(tom, jack, "x").id];
    for jump in [0, 60_000, -3_600_000, 0, 5, -1, 30_000] {
        world.now += jump;
        if jump != 5 {
            world.reopen();
        }
        ids.push(world.tell(jack, tom, "x").id);
    }
    assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
    assert!(ids.iter().all(|id| id.get() < 1 << 53));
}

fn reserved_ids_and_those_of_acknowledgements_are_never_given_again(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let mut seen = std::collections::HashSet::new();
    for round in 0..40 {
        let sent = world.tell(tom, jack, "x");
        let Reply::MessageId(reserved) = world.reply(tom, Action::ReserveMessageId) else { panic!("no id") };
        assert!(seen.insert(sent.id) && seen.insert(sent.ack_id) && seen.insert(reserved));
        if round % 10 == 9 {
            world.reopen();
        }
        world.now -= 1;
    }
}

fn the_shown_time_never_runs_backwards_even_over_a_restart(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let first = world.tell(tom, jack, "x").time;
    world.now += 5_000;
    let second = world.tell(tom, jack, "x").time;
    world.now -= 7_200_000;
    let third = world.tell(tom, ann, "x").time;
    world.reopen();
    let fourth = world.tell(ann, jack, "another conversation after the restart").time;
    let fifth = world.tell(tom, jack, "the same one").time;
    assert!(first < second && second <= third && third <= fourth && fourth <= fifth, "{second:?} {third:?} {fourth:?}");
    world.now = START + 60_000;
    assert_eq!(world.tell(tom, jack, "x").time.as_millis(), world.now, "the clock has caught up");
}

fn content_comes_back_as_it_was_sent(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let json = serde_json::value::RawValue::from_string(r#"{"b":1.50,"a":18446744073709551616}"#.to_owned()).unwrap();
    let body = |text: &str| Body::Text(text.into());
    let contents = [
        Content::text("日本 \u{0} \u{1F600}"),
        Content::text(""),
        Content::json(&json).unwrap(),
        Content::Present { kind: Kind::Image, body: body("/file/down/1") },
        Content::Present { kind: Kind::File, body: body("/file/down/2") },
        Content::Present { kind: Kind::Other("Video".into()), body: Body::Json(json.into()) },
    ];
    let target = Target::User(UserKey::Id(jack));
    for content in &contents {
        world.send(tom, SendMessage { content: content.clone(), ..text(target.clone(), "") }).unwrap();
    }
    world.reopen();
    let back: Vec<_> = world.entries(jack, world.rows(jack, false)[0].conversation.id);
    let back: Vec<_> = back.iter().rev().map(|entry| entry.message.content.clone()).collect();
    assert_eq!(back, contents);
}

fn content_over_the_limit_is_too_large(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    world.settings.message_limit = 10;
    world.reopen();
    let target = Target::User(UserKey::Id(jack));
    assert_eq!(world.send(tom, text(target.clone(), "12345678901")), Err(ErrorKind::TooLarge));
    assert!(world.rows(tom, true).is_empty(), "nothing was opened for it");
    let kind = Kind::Other("Video".into());
    let content = Content::Present { kind, body: Body::Text("123456".into()) };
    assert_eq!(world.send(tom, SendMessage { content, ..text(target.clone(), "") }), Err(ErrorKind::TooLarge));
    world.send(tom, text(target, "1234567890")).unwrap();
}

const META: Space = Space::fixed("meta");

fn put_schema(world: &mut World, value: &[u8]) {
    world.with_engine(|engine| {
        let mut batch = Batch::new();
        batch.put(META, "schema", value);
        engine.commit(batch, Durability::Sync).unwrap();
    });
}

fn another_schema_is_refused(world: &mut World) {
    put_schema(world, &3_u64.to_be_bytes());
    assert!(matches!(world.try_reopen(), Err(StoreError::Newer { found: 3, known: 2 })));
    put_schema(world, &1_u64.to_be_bytes());
    assert!(matches!(world.try_reopen(), Err(StoreError::Older { found: 1, known: 2 })));
    put_schema(world, &2_u64.to_be_bytes());
    assert!(world.try_reopen().is_ok());
}

fn a_damaged_schema_is_refused(world: &mut World) {
    for damaged in [&b"1"[..], &0_u64.to_be_bytes()] {
        put_schema(world, damaged);
        assert!(matches!(world.try_reopen(), Err(StoreError::Corrupt(_))));
    }
}

fn management_reads_a_log_backwards_in_pages(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let group = world.group(tom, &[jack]);
    for words in ["1", "2", "3", "4", "5"] {
        world.say(jack, group, words);
    }
    let page = |world: &World, before, limit| {
        let (_, messages) = world.store().log(group, before, limit).unwrap();
        messages.iter().map(|message| message.seq).collect::<Vec<_>>()
    };
    assert_eq!(page(world, None, 2), [5, 4]);
    assert_eq!(page(world, Some(4), 2), [3, 2]);
    assert_eq!(page(world, Some(2), 2), [1]);
    assert_eq!(page(world, Some(1), 2), [0_u64; 0]);
    assert_eq!(page(world, Some(u64::MAX), 1), [5]);
    world.told(tom, Action::Dissolve(group));
    assert_eq!(page(world, None, 9), [5, 4, 3, 2, 1], "a dissolved group stays readable to management");
    let unknown = world.store().log(koine_core::ConversationId::new(99), None, 1);
    assert_eq!(unknown.unwrap_err().kind(), ErrorKind::ConversationNotFound);
}
