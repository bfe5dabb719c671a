//! The life of a group.

use koine_core::{ConversationId, ErrorKind, Event, GroupRef, RemovalReason, Target, UserId, UserKey};

use super::{World, on_each_engine, text};
use crate::store::{Action, Effect, Queries};

on_each_engine!(
    a_group_has_its_maker_as_manager_and_first_member,
    a_member_named_twice_is_a_member_once,
    a_group_needs_a_name_and_known_members,
    a_group_number_that_is_given_is_kept,
    a_group_has_at_most_so_many_members,
    only_the_manager_renames_a_group,
    only_members_see_a_group_and_speak_in_it,
    who_leaves_is_gone_and_the_others_stay,
    the_manager_s_leaving_dissolves_the_group,
    only_the_manager_removes_members,
    removing_the_manager_dissolves_the_group,
    a_dissolved_group_is_gone_for_everybody_and_its_number_is_not_given_again,
    groups_are_listed_by_joining,
    the_operator_may_everything,
    leaving_and_rejoining_in_one_batch_begins_a_new_membership,
);

fn members(world: &World, group: ConversationId) -> Vec<UserId> {
    world.store().group(None, group).unwrap().members.iter().map(|member| member.id).collect()
}

fn create(name: &str, members: &[UserId], number: Option<u64>) -> Action {
    let members = members.iter().copied().map(UserKey::Id).collect();
    Action::CreateGroup { name: name.into(), members, number: number.map(ConversationId::new) }
}

fn removals(effects: &[Effect]) -> Vec<(Vec<UserId>, UserId, RemovalReason)> {
    let told = effects.iter().filter_map(|effect| match effect {
        Effect::Tell { event, to, .. } => match event.as_ref() {
            Event::Removed { by, reason, .. } => Some((to.clone(), by.id, *reason)),
            _ => None,
        },
        _ => None,
    });
    told.collect()
}

fn a_group_has_its_maker_as_manager_and_first_member(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let opened = world.reply(jack, create("lunch", &[tom], None)).into_opened().unwrap();
    assert!(opened.new);
    assert_eq!(opened.row.members.iter().map(|member| member.id).collect::<Vec<_>>(), [jack, tom]);
    let group = world.store().group(Some(tom), opened.row.conversation.id).unwrap();
    assert_eq!((group.name.as_ref(), group.manager.id, group.members.len()), ("lunch", jack, 2));
    world.reopen();
    assert_eq!(world.store().group(Some(jack), group.id).unwrap(), group);
}

fn a_member_named_twice_is_a_member_once(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let group = world.group(tom, &[jack, tom, jack]);
    assert_eq!(members(world, group), [tom, jack]);
}

fn a_group_needs_a_name_and_known_members(world: &mut World) {
    let tom = world.user("tom");
    assert_eq!(world.refused(tom, create("", &[], None)), ErrorKind::BadRequest);
    assert_eq!(world.refused(tom, create("x", &[UserId::new(9)], None)), ErrorKind::UserNotFound);
    assert_eq!(world.store().stats().unwrap().conversations, 0);
    let group = world.group(tom, &[]);
    assert_eq!(world.refused(tom, Action::RenameGroup(group, "".into())), ErrorKind::BadRequest);
}

fn a_group_number_that_is_given_is_kept(world: &mut World) {
    let tom = world.user("tom");
    let made = world.reply(tom, create("x", &[], Some(70))).into_opened().unwrap();
    assert_eq!(made.row.conversation.id, ConversationId::new(70));
    assert_eq!(world.refused(tom, create("y", &[], Some(70))), ErrorKind::KeyConflict);
    for number in [0, u64::MAX] {
        assert_eq!(world.refused(tom, create("y", &[], Some(number))), ErrorKind::BadRequest);
    }
    assert_eq!(world.group(tom, &[]), ConversationId::new(71));
}

fn a_group_has_at_most_so_many_members(world: &mut World) {
    world.settings.group_members = 3;
    world.reopen();
    let [tom, jack, ann, joe] = world.users(["tom", "jack", "ann", "joe"]);
    assert_eq!(world.refused(tom, create("x", &[jack, ann, joe], None)), ErrorKind::TooLarge);
    let group = world.group(tom, &[jack, ann]);
    let request = world.request(joe, Action::Join(group, None));
    assert_eq!(world.refused(tom, super::requests::decide(request, true)), ErrorKind::TooLarge);
    world.told(ann, Action::Leave(group));
    world.reply(tom, super::requests::decide(request, true));
    assert_eq!(members(world, group), [tom, jack, joe]);
}

fn only_the_manager_renames_a_group(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(tom, &[jack]);
    let rename = || Action::RenameGroup(group, "new".into());
    assert_eq!(world.refused(jack, rename()), ErrorKind::NotManager);
    assert_eq!(world.refused(ann, rename()), ErrorKind::NotManager);
    world.told(tom, rename());
    assert_eq!(world.store().group(Some(jack), group).unwrap().name.as_ref(), "new");
    let chat = world.direct(tom, jack);
    assert_eq!(world.refused(tom, Action::RenameGroup(chat, "x".into())), ErrorKind::GroupNotFound);
    // The name goes with every message, also those from before.
    world.say(jack, group, "x");
    let entry = world.entries(tom, group).remove(0);
    assert_eq!(entry.message.place, koine_core::Place::Group(GroupRef { id: group, name: "new".into() }));
}

fn only_members_see_a_group_and_speak_in_it(world: &mut World) {
    let [tom, ann] = world.users(["tom", "ann"]);
    let group = world.group(tom, &[]);
    assert_eq!(world.store().group(Some(ann), group).unwrap_err().kind(), ErrorKind::NotMember);
    assert_eq!(world.send(ann, text(Target::Group(group), "x")), Err(ErrorKind::NotMember));
    assert_eq!(world.refused(ann, Action::Leave(group)), ErrorKind::NotMember);
    let none = ConversationId::new(9);
    assert_eq!(world.store().group(Some(ann), none).unwrap_err().kind(), ErrorKind::GroupNotFound);
    assert_eq!(world.refused(ann, Action::Leave(none)), ErrorKind::GroupNotFound);
}

fn who_leaves_is_gone_and_the_others_stay(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(tom, &[jack, ann]);
    let effects = world.told(jack, Action::Leave(group));
    assert!(matches!(effects.as_slice(), [Effect::Left(at, user)] if (*at, *user) == (group, jack)), "{effects:?}");
    assert_eq!(members(world, group), [tom, ann]);
    assert_eq!(world.send(jack, text(Target::Group(group), "x")), Err(ErrorKind::NotMember));
    world.say(ann, group, "x");
    assert_eq!(world.unread(tom, group), 1);
    world.reopen();
    assert_eq!(members(world, group), [tom, ann]);
    assert!(world.store().groups(jack, true).unwrap().is_empty());
}

fn the_manager_s_leaving_dissolves_the_group(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let group = world.group(tom, &[jack]);
    let effects = world.told(tom, Action::Leave(group));
    assert_eq!(removals(&effects), [(vec![tom, jack], tom, RemovalReason::Dissolved)]);
    assert_eq!(world.store().group(None, group).unwrap_err().kind(), ErrorKind::GroupNotFound);
}

fn only_the_manager_removes_members(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(tom, &[jack]);
    let remove = |user| Action::RemoveMember(group, UserKey::Id(user));
    assert_eq!(world.refused(jack, remove(tom)), ErrorKind::NotManager);
    assert_eq!(world.refused(jack, remove(jack)), ErrorKind::NotManager);
    assert_eq!(world.refused(tom, remove(ann)), ErrorKind::NotMember);
    assert_eq!(world.refused(tom, remove(UserId::new(99))), ErrorKind::UserNotFound);
    let effects = world.told(tom, remove(jack));
    assert!(matches!(effects[0], Effect::Left(at, user) if (at, user) == (group, jack)));
    assert_eq!(removals(&effects), [(vec![jack], tom, RemovalReason::Removed)]);
    assert_eq!(members(world, group), [tom]);
}

fn removing_the_manager_dissolves_the_group(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let group = world.group(tom, &[jack]);
    let effects = world.told(tom, Action::RemoveMember(group, UserKey::Id(tom)));
    assert_eq!(removals(&effects), [(vec![tom, jack], tom, RemovalReason::Dissolved)]);
    assert!(world.rows(jack, true).is_empty());
}

fn a_dissolved_group_is_gone_for_everybody_and_its_number_is_not_given_again(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let group = world.group(tom, &[jack]);
    world.say(tom, group, "x");
    assert_eq!(world.refused(jack, Action::Dissolve(group)), ErrorKind::NotManager);
    world.told(tom, Action::Dissolve(group));
    world.reopen();
    for user in [tom, jack] {
        assert_eq!(world.send(user, text(Target::Group(group), "x")), Err(ErrorKind::GroupNotFound));
        assert_eq!(world.send(user, text(Target::Conversation(group), "x")), Err(ErrorKind::ConversationNotFound));
        assert_eq!(world.refused(user, Action::Join(group, None)), ErrorKind::GroupNotFound);
        let mark = Action::MarkRead(koine_core::ChatKey::Conversation(group));
        assert_eq!(world.refused(user, mark), ErrorKind::ConversationNotFound);
        assert!(world.store().groups(user, false).unwrap().is_empty());
        assert!(world.rows(user, true).is_empty() && world.pending(user).is_empty());
    }
    assert_eq!(world.refused(tom, Action::Dissolve(group)), ErrorKind::GroupNotFound);
    assert!(world.group(tom, &[]) > group);
}

fn groups_are_listed_by_joining(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let [first, second] = [world.group(jack, &[]), world.group(tom, &[jack])];
    let request = world.request(tom, Action::Join(first, None));
    world.reply(jack, super::requests::decide(request, true));
    let listed = |user, detailed| {
        let groups = world.store().groups(user, detailed).unwrap();
        groups.iter().map(|group| (group.id, group.members.len())).collect::<Vec<_>>()
    };
    assert_eq!(listed(tom, true), [(second, 2), (first, 2)]);
    assert_eq!(listed(jack, true), [(first, 2), (second, 2)]);
    assert_eq!(listed(jack, false), [(first, 0), (second, 0)]);
}

fn the_operator_may_everything(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(tom, &[jack, ann]);
    world.told(None, Action::RenameGroup(group, "renamed".into()));
    let effects = world.told(None, Action::RemoveMember(group, UserKey::Id(ann)));
    assert_eq!(removals(&effects), [(vec![ann], tom, RemovalReason::Removed)], "in the manager's name");
    world.told(None, Action::Dissolve(group));
    assert!(world.rows(tom, true).is_empty());
}

fn leaving_and_rejoining_in_one_batch_begins_a_new_membership(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let group = world.group(tom, &[jack]);
    world.say(tom, group, "1");
    world.confirm_as(jack, &[(group, 1, 1)], true, false);
    let invite = Action::Invite(group, UserKey::Id(jack), None);
    let request = koine_core::RequestId::new(1);
    let say = Action::Send(text(Target::Group(group), "2"));
    let ops = vec![
        (Some(jack), Action::Leave(group)),
        (Some(tom), invite),
        (Some(jack), super::requests::decide(request, true)),
        (Some(tom), say),
    ];
    for applied in world.batch(ops) {
        applied.result.unwrap();
    }
    for _ in 0..2 {
        assert_eq!((world.pending(jack), world.unread(jack, group)), (vec!["2".to_owned()], 1));
        assert_eq!(world.history(jack, group), ["2"]);
        assert_eq!(members(world, group), [tom, jack]);
        world.flush(true);
        world.reopen();
    }
}
