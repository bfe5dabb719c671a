//! What is pending, and how its delivery is confirmed.

use koine_core::{ConversationId, PullFilter, UserKey};

use super::world::words;
use super::{World, on_each_engine};
use crate::store::{Action, PendingScope, Queries};

on_each_engine!(
    what_was_sent_is_pending_for_everybody_but_its_sender,
    a_confirmation_takes_exactly_its_ranges_away,
    confirmations_may_come_out_of_order_and_twice,
    a_confirmation_beyond_the_head_confirms_nothing_that_comes_later,
    a_confirmation_of_somebody_else_s_conversation_changes_nothing,
    a_durable_confirmation_outlives_a_restart,
    a_lazy_confirmation_is_seen_at_once_and_outlives_a_flush,
    a_lost_lazy_confirmation_repeats_and_loses_nothing,
    a_durable_confirmation_takes_the_lazy_ones_before_it_along,
    a_pull_lists_by_time_over_all_conversations,
    a_pull_takes_the_oldest_up_to_its_limit_and_its_receipt_says_which,
    a_pull_can_be_of_one_kind_of_conversation,
    a_receipt_passes_over_what_was_confirmed_in_between,
    pending_leaves_out_what_the_connection_has_had,
    pending_of_one_peer_is_only_what_the_peer_wrote_directly,
    acknowledging_names_a_message_by_the_client_s_id_or_its_own,
    acknowledging_finds_any_message_of_a_batch_after_a_restart,
    acknowledging_what_is_not_one_s_own_is_counted_and_ignored,
    pending_ends_with_membership_and_begins_anew_with_it,
    long_logs_are_pending_completely,
);

fn filled(world: &mut World) -> (koine_core::UserId, koine_core::UserId, ConversationId) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.direct(tom, jack);
    for words in ["1", "2", "3", "4", "5"] {
        world.say(tom, chat, words);
    }
    (tom, jack, chat)
}

fn what_was_sent_is_pending_for_everybody_but_its_sender(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(tom, &[jack]);
    world.say(tom, group, "to the group");
    world.tell(ann, jack, "to jack");
    assert_eq!(world.pending(jack), ["to the group", "to jack"]);
    assert!(world.pending(tom).is_empty() && world.pending(ann).is_empty());
    world.reopen();
    assert_eq!(world.pending(jack), ["to the group", "to jack"]);
}

fn a_confirmation_takes_exactly_its_ranges_away(world: &mut World) {
    let (_, jack, chat) = filled(world);
    world.confirm_as(jack, &[(chat, 2, 2), (chat, 4, 5)], false, true);
    assert_eq!(world.pending(jack), ["1", "3"]);
    let delivered: Vec<bool> = world.entries(jack, chat).iter().rev().map(|entry| entry.delivered).collect();
    assert_eq!(delivered, [false, true, false, true, true]);
    assert_eq!(world.unread(jack, chat), 5, "delivery is not reading");
}

fn confirmations_may_come_out_of_order_and_twice(world: &mut World) {
    let (_, jack, chat) = filled(world);
    for (first, last) in [(5, 5), (1, 1), (5, 5), (3, 4), (1, 3), (3, 3)] {
        world.confirm(jack, chat, first, last);
    }
    assert!(world.pending(jack).is_empty());
    world.confirm(jack, chat, 1, 5);
    assert!(world.pending(jack).is_empty());
}

fn a_confirmation_beyond_the_head_confirms_nothing_that_comes_later(world: &mut World) {
    let (tom, jack, chat) = filled(world);
    world.confirm(jack, chat, 4, u64::MAX);
    world.confirm(jack, chat, 7, 9);
    world.confirm(jack, chat, 3, 2);
    world.confirm(jack, chat, 0, 1);
    world.say(tom, chat, "6");
    world.say(tom, chat, "7");
    assert_eq!(world.pending(jack), ["2", "3", "6", "7"]);
}

fn a_confirmation_of_somebody_else_s_conversation_changes_nothing(world: &mut World) {
    let (_, jack, chat) = filled(world);
    let ann = world.user("ann");
    world.confirm(ann, chat, 1, 5);
    world.confirm(jack, ConversationId::new(404), 1, 5);
    assert_eq!(world.pending(jack).len(), 5);
    assert!(world.rows(ann, true).is_empty());
}

fn a_durable_confirmation_outlives_a_restart(world: &mut World) {
    let (_, jack, chat) = filled(world);
    world.confirm(jack, chat, 1, 3);
    world.reopen();
    assert_eq!(world.pending(jack), ["4", "5"]);
}

fn a_lazy_confirmation_is_seen_at_once_and_outlives_a_flush(world: &mut World) {
    let (_, jack, chat) = filled(world);
    world.confirm_as(jack, &[(chat, 1, 2)], false, false);
    assert_eq!(world.pending(jack), ["3", "4", "5"]);
    world.flush(true);
    assert_eq!(world.pending(jack), ["3", "4", "5"]);
    world.reopen();
    assert_eq!(world.pending(jack), ["3", "4", "5"]);
}

fn a_lost_lazy_confirmation_repeats_and_loses_nothing(world: &mut World) {
    let (tom, jack, chat) = filled(world);
    world.confirm_as(jack, &[(chat, 1, 2)], false, false);
    world.say(tom, chat, "6");
    world.reopen();
    assert_eq!(world.pending(jack).len(), 6);
}

fn a_durable_confirmation_takes_the_lazy_ones_before_it_along(world: &mut World) {
    let (_, jack, chat) = filled(world);
    world.confirm_as(jack, &[(chat, 1, 2)], false, false);
    world.confirm(jack, chat, 4, 4);
    assert_eq!(world.pending(jack), ["3", "5"]);
    world.confirm_as(jack, &[(chat, 5, 5)], false, false);
    assert_eq!(world.pending(jack), ["3"]);
    world.flush(false);
    world.flush(false);
    assert_eq!(world.pending(jack), ["3"]);
    world.reopen();
    assert_eq!(world.pending(jack), ["3"]);
}

fn a_pull_lists_by_time_over_all_conversations(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(ann, &[jack, tom]);
    for (round, by) in [tom, ann, tom, ann].into_iter().enumerate() {
        world.tell(by, jack, &format!("{round} direct"));
        world.say(by, group, &format!("{round} group"));
    }
    let expected: Vec<_> = (0..4).flat_map(|n| [format!("{n} direct"), format!("{n} group")]).collect();
    assert_eq!(world.pending(jack), expected);
}

fn a_pull_takes_the_oldest_up_to_its_limit_and_its_receipt_says_which(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    for n in 0..7 {
        world.tell(if n % 3 == 0 { ann } else { tom }, jack, &n.to_string());
    }
    let mut pulled = Vec::new();
    for expected in [3, 3, 1, 0] {
        let list = world.pull(jack, PullFilter::All, 3);
        assert_eq!(list.total, expected);
        let receipt = list.receipt.clone();
        pulled.extend(words(list));
        world.told(jack, Action::Confirm { receipt, read: false, durable: true });
    }
    assert_eq!(pulled, ["0", "1", "2", "3", "4", "5", "6"]);
}

fn a_pull_can_be_of_one_kind_of_conversation(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let group = world.group(tom, &[jack]);
    world.tell(tom, jack, "direct");
    world.say(tom, group, "group");
    assert_eq!(words(world.pull(jack, PullFilter::Direct, 9)), ["direct"]);
    assert_eq!(words(world.pull(jack, PullFilter::Group, 9)), ["group"]);
}

fn a_receipt_passes_over_what_was_confirmed_in_between(world: &mut World) {
    let (_, jack, chat) = filled(world);
    world.confirm(jack, chat, 2, 3);
    let receipt = world.pull(jack, PullFilter::All, 2).receipt;
    assert_eq!(receipt.ranges, [(chat, 1, 1), (chat, 4, 4)]);
    world.confirm_as(jack, &receipt.ranges, false, true);
    assert_eq!(world.pending(jack), ["5"]);
}

fn pending_leaves_out_what_the_connection_has_had(world: &mut World) {
    let (tom, jack, chat) = filled(world);
    let group = world.group(tom, &[jack]);
    world.say(tom, group, "6");
    world.confirm(jack, chat, 4, 4);
    let pending = |scope, above: &[(ConversationId, u64)], limit| {
        let above: rustc_hash::FxHashMap<_, _> = above.iter().copied().collect();
        let page = world.store().pending(jack, scope, &above, limit).unwrap();
        page.messages.iter().map(|(message, _, _)| message.content.as_text().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(pending(PendingScope::All, &[(chat, 2)], 9), ["3", "5", "6"]);
    assert_eq!(pending(PendingScope::All, &[(chat, 2)], 2), ["3", "5"]);
    assert_eq!(pending(PendingScope::All, &[(chat, 99), (group, 1)], 9), Vec::<String>::new());
    assert_eq!(pending(PendingScope::Peer(tom), &[(chat, 3)], 9), ["5"]);
}

fn pending_of_one_peer_is_only_what_the_peer_wrote_directly(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let chat = world.tell(tom, jack, "from tom").conversation;
    let other = world.tell(ann, jack, "from ann").conversation;
    let group = world.group(tom, &[jack]);
    world.say(tom, group, "to the group");
    let pending = |peer| {
        let scope = PendingScope::Peer(peer);
        let page = world.store().pending(jack, scope, &rustc_hash::FxHashMap::default(), 9).unwrap();
        page.messages.iter().map(|(message, at, _)| (message.seq, at.id)).collect::<Vec<_>>()
    };
    assert_eq!(pending(tom), [(1, chat)]);
    assert_eq!(pending(ann), [(1, other)]);
    assert!(pending(jack).is_empty() && pending(koine_core::UserId::new(404)).is_empty());
}

fn acknowledging_names_a_message_by_the_client_s_id_or_its_own(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let target = koine_core::Target::User(UserKey::Id(jack));
    let named = koine_core::SendMessage { client_id: Some(u64::MAX), ..super::text(target, "named") };
    world.send(tom, named).unwrap();
    let plain = world.tell(tom, jack, "plain");
    world.tell(tom, jack, "later");
    world.told(jack, Action::Acknowledge(vec![plain.id.get(), u64::MAX, plain.id.get()]));
    assert_eq!(world.pending(jack), ["later"]);
    world.reopen();
    assert_eq!(world.pending(jack), ["later"], "an acknowledgement is durable");
    assert_eq!(world.store().stats().unwrap().ignored_acks, 0);
}

fn acknowledging_finds_any_message_of_a_batch_after_a_restart(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let target = || koine_core::Target::User(UserKey::Id(jack));
    let named = koine_core::SendMessage { client_id: Some(1 << 60), ..super::text(target(), "named") };
    let plain = |words: &str| Action::Send(super::text(target(), words));
    let mut ops = vec![plain("1"), plain("2"), Action::Send(named), Action::ReserveMessageId, plain("3")];
    let batch = ops.drain(..).map(|action| (Some(tom), action)).collect();
    let sent = |applied: crate::store::Applied| match applied.result.unwrap() {
        crate::store::Outcome::Reply(koine_core::Reply::Sent(sent)) => Some(sent.wire_id()),
        _ => None,
    };
    let ids: Vec<u64> = world.batch(batch).into_iter().filter_map(sent).collect();
    let [first, second, named, third] = ids[..] else { panic!("{ids:?}") };
    let after = world.tell(tom, jack, "4").id.get();
    // Nothing is remembered from before.
    world.reopen();
    world.told(jack, Action::Acknowledge(vec![second, third, first - 1, second + 1, after + 1]));
    assert_eq!(world.pending(jack), ["1", "named", "4"]);
    assert_eq!(world.store().stats().unwrap().ignored_acks, 3);
    world.told(jack, Action::Acknowledge(vec![named, after, first]));
    assert!(world.pending(jack).is_empty());
}

fn acknowledging_what_is_not_one_s_own_is_counted_and_ignored(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let sent = world.tell(tom, jack, "1");
    world.told(ann, Action::Acknowledge(vec![sent.id.get(), 0, u64::MAX]));
    assert_eq!(world.pending(jack), ["1"]);
    assert_eq!(world.store().stats().unwrap().ignored_acks, 3);
    // The sender's own is the sender's, and changes nothing.
    world.told(tom, Action::Acknowledge(vec![sent.id.get()]));
    assert_eq!(world.store().stats().unwrap().ignored_acks, 3);
    world.told(ann, Action::Block(UserKey::Id(tom)));
    let hidden = world.tell(tom, ann, "hidden");
    world.told(ann, Action::Acknowledge(vec![hidden.id.get()]));
    assert_eq!(world.store().stats().unwrap().ignored_acks, 4);
}

fn pending_ends_with_membership_and_begins_anew_with_it(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let group = world.group(tom, &[jack]);
    world.say(tom, group, "1");
    world.told(jack, Action::Leave(group));
    assert!(world.pending(jack).is_empty());
    world.say(tom, group, "2");
    let request = world.request(jack, Action::Join(group, None));
    world.reply(tom, super::requests::decide(request, true));
    world.say(tom, group, "3");
    assert_eq!(world.pending(jack), ["3"]);
    world.confirm(jack, group, 1, 2);
    assert_eq!(world.pending(jack), ["3"]);
    world.told(tom, Action::Dissolve(group));
    assert!(world.pending(jack).is_empty());
}

fn long_logs_are_pending_completely(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let send = |n: usize| Action::Send(super::text(koine_core::Target::User(UserKey::Id(jack)), &n.to_string()));
    for portion in 0..5 {
        world.batch((0..60).map(|n| (Some(tom), send(portion * 60 + n))).collect());
    }
    let expected: Vec<_> = (0..300).map(|n| n.to_string()).collect();
    assert_eq!(world.pending(jack), expected);
    let chat = world.rows(jack, false)[0].conversation.id;
    let backwards: Vec<_> = expected.into_iter().rev().collect();
    assert_eq!(world.history(tom, chat), backwards);
    assert_eq!(world.timeline(jack), backwards);
}
