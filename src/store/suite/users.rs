//! Registration, profiles, disabling.

use koine_core::{EndReason, ErrorKind, Existing, ProfileField, ProfilePatch, Reply, UserId, UserKey};

use super::world::{register, register_as};
use super::{World, handle, on_each_engine, text};
use crate::store::{Action, Effect, Queries, Store};

on_each_engine!(
    users_are_numbered_from_one_upwards,
    a_taken_handle_is_refused_or_returned_as_asked,
    handles_are_compared_byte_for_byte,
    a_given_number_is_kept_and_allocation_goes_on_above_it,
    a_number_that_is_taken_or_impossible_is_refused,
    users_outlive_a_restart,
    the_first_app_owns_a_handle_unless_apps_are_merged,
    managed_registration_answers_known_users_only,
    two_registrations_of_a_handle_in_one_batch_make_one_user,
    a_profile_changes_only_where_the_patch_says,
    a_disabled_user_may_do_nothing_and_keeps_what_is_pending,
    disabling_changes_the_revocation_epoch_and_enabling_does_not,
    a_login_is_noted_and_outlives_a_flush,
    a_change_of_profile_keeps_the_login_that_waits_to_be_written,
    users_are_listed_by_number_in_pages,
    counts_are_of_users_and_not_of_numbers,
);

fn registered(world: &mut World, action: Action) -> (UserId, bool) {
    match world.reply(None, action) {
        Reply::Registered { user, new } => (user.id, new),
        other => panic!("{other:?}"),
    }
}

fn users_are_numbered_from_one_upwards(world: &mut World) {
    assert_eq!(world.users(["tom", "jack"]), [UserId::new(1), UserId::new(2)]);
}

fn a_taken_handle_is_refused_or_returned_as_asked(world: &mut World) {
    let tom = world.user("tom");
    assert_eq!(world.refused(None, register("tom", None)), ErrorKind::UserExists);
    assert_eq!(registered(world, register_as("tom", None, Existing::Return, None)), (tom, false));
    assert_eq!(registered(world, register_as("jack", None, Existing::Return, None)), (UserId::new(2), true));
}

fn handles_are_compared_byte_for_byte(world: &mut World) {
    let [small, large, spaced] = world.users(["tom", "Tom", "tom "]);
    assert!(small != large && large != spaced);
    assert_eq!(world.store().user(&UserKey::Handle(handle("Tom"))).unwrap().unwrap().id, large);
    assert!(world.store().user(&UserKey::Handle(handle("TOM"))).unwrap().is_none());
    assert!(!world.store().is_known(&handle("TOM")).unwrap());
}

fn a_given_number_is_kept_and_allocation_goes_on_above_it(world: &mut World) {
    assert_eq!(registered(world, register("tom", Some(UserId::new(41)))), (UserId::new(41), true));
    assert_eq!(world.user("jack"), UserId::new(42));
    assert_eq!(registered(world, register("ann", Some(UserId::new(7)))), (UserId::new(7), true));
    world.reopen();
    assert_eq!(world.user("joe"), UserId::new(43));
}

fn a_number_that_is_taken_or_impossible_is_refused(world: &mut World) {
    let tom = world.user("tom");
    assert_eq!(world.refused(None, register("jack", Some(tom))), ErrorKind::UserExists);
    for number in [0, u64::MAX] {
        assert_eq!(world.refused(None, register("jack", Some(UserId::new(number)))), ErrorKind::BadRequest);
    }
    assert!(!world.store().is_known(&handle("jack")).unwrap(), "a refused registration leaves nothing");
    assert_eq!(world.user("jack"), UserId::new(2));
}

fn users_outlive_a_restart(world: &mut World) {
    let tom = world.user("tom");
    let before = world.find(tom);
    world.reopen();
    assert_eq!(world.find(tom), before);
    assert_eq!(world.refused(None, register("tom", None)), ErrorKind::UserExists);
}

fn the_first_app_owns_a_handle_unless_apps_are_merged(world: &mut World) {
    let (tom, _) = registered(world, register_as("tom", None, Existing::Return, Some("shop")));
    assert_eq!(registered(world, register_as("tom", None, Existing::Return, Some("shop"))), (tom, false));
    assert_eq!(world.refused(None, register_as("tom", None, Existing::Return, Some("bank"))), ErrorKind::UserExists);
    let Action::Register { register, .. } = register_as("tom", None, Existing::Return, Some("bank")) else {
        unreachable!()
    };
    let merged = Action::Register { register, number: None, merge_apps: true, known_only: false };
    assert_eq!(registered(world, merged), (tom, false));
    // A user of another dialect belongs to the first app that asks, also after a change of profile.
    let jack = world.user("jack");
    assert_eq!(registered(world, register_as("jack", None, Existing::Return, Some("bank"))), (jack, false));
    world.reply(None, Action::UpdateUser(UserKey::Id(jack), ProfilePatch::default()));
    assert_eq!(world.refused(None, register_as("jack", None, Existing::Return, Some("shop"))), ErrorKind::UserExists);
}

fn managed_registration_answers_known_users_only(world: &mut World) {
    let tom = world.user("tom");
    let managed = |name| match register_as(name, None, Existing::Return, None) {
        Action::Register { register, number, merge_apps, .. } => {
            Action::Register { register, number, merge_apps, known_only: true }
        }
        other => other,
    };
    assert_eq!(registered(world, managed("tom")), (tom, false));
    assert_eq!(world.refused(None, managed("jack")), ErrorKind::RegistrationClosed);
}

fn two_registrations_of_a_handle_in_one_batch_make_one_user(world: &mut World) {
    let twice = vec![
        (None, register_as("tom", None, Existing::Return, None)),
        (None, register_as("tom", None, Existing::Return, None)),
        (None, Action::Ensure(handle("tom"))),
        (None, register("tom", None)),
    ];
    let answers: Vec<bool> = world.batch(twice).into_iter().map(|applied| applied.result.is_ok()).collect();
    assert_eq!(answers, [true, true, true, false]);
    assert_eq!(world.store().stats().unwrap().users, 1);
}

fn a_profile_changes_only_where_the_patch_says(world: &mut World) {
    let tom = world.user("tom");
    let set = |field, value: Option<&str>| (field, value.map(Into::into));
    let first = vec![set(ProfileField::City, Some("Wuhan")), set(ProfileField::Name, Some("Tom"))];
    world.reply(None, Action::UpdateUser(UserKey::Id(tom), ProfilePatch { changes: first }));
    let second = ProfilePatch { changes: vec![set(ProfileField::City, None)] };
    let reply = world.reply(None, Action::UpdateUser(UserKey::Handle(handle("tom")), second));
    let user = reply.into_user().unwrap();
    assert_eq!((user.profile.city.as_deref(), user.profile.name.as_deref()), (None, Some("Tom")));
    assert_eq!(*world.find(tom), *user);
    world.reopen();
    assert_eq!(*world.find(tom), *user);
    let nobody = Action::UpdateUser(UserKey::Id(UserId::new(9)), ProfilePatch::default());
    assert_eq!(world.refused(None, nobody), ErrorKind::UserNotFound);
}

fn a_disabled_user_may_do_nothing_and_keeps_what_is_pending(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let effects = world.told(None, Action::SetDisabled(UserKey::Id(jack), true));
    assert!(matches!(effects.as_slice(), [Effect::End(user, EndReason::Disabled)] if *user == jack));
    let chat = world.tell(tom, jack, "are you there?").conversation;
    assert_eq!(world.send(jack, text(koine_core::Target::Conversation(chat), "no")), Err(ErrorKind::UserDisabled));
    assert_eq!(world.refused(jack, Action::Block(UserKey::Id(tom))), ErrorKind::UserDisabled);
    world.reopen();
    assert!(world.find(jack).disabled);
    assert_eq!(world.pending(jack), ["are you there?"]);
    assert!(world.told(None, Action::SetDisabled(UserKey::Id(jack), false)).is_empty());
    world.say(jack, chat, "now I am");
    assert_eq!(world.unread(jack, chat), 1);
}

fn disabling_changes_the_revocation_epoch_and_enabling_does_not(world: &mut World) {
    let tom = world.user("tom");
    let before = Store::revocation_epoch(&*world.store());
    world.told(None, Action::SetDisabled(UserKey::Id(tom), true));
    let after = Store::revocation_epoch(&*world.store());
    assert_ne!(before, after);
    world.told(None, Action::SetDisabled(UserKey::Id(tom), false));
    assert_eq!(Store::revocation_epoch(&*world.store()), after);
}

fn attach(world: &mut World, user: UserId) {
    let attach = koine_core::Attach {
        scope: koine_core::Scope::All,
        catch_up: false,
        confirm: koine_core::ConfirmBy::Pong,
        confirmed_is_read: false,
    };
    world.told(user, Action::Attach(attach));
}

fn a_login_is_noted_and_outlives_a_flush(world: &mut World) {
    let tom = world.user("tom");
    assert_eq!(world.find(tom).login, None);
    attach(world, tom);
    let login = world.find(tom).login;
    assert_eq!(login.map(koine_core::Timestamp::as_millis), Some(world.now));
    world.flush(false);
    world.reopen();
    assert_eq!(world.find(tom).login, login);
}

fn a_change_of_profile_keeps_the_login_that_waits_to_be_written(world: &mut World) {
    let tom = world.user("tom");
    attach(world, tom);
    let changes = vec![(ProfileField::City, Some("Wuhan".into()))];
    world.reply(None, Action::UpdateUser(UserKey::Id(tom), ProfilePatch { changes }));
    attach(world, tom);
    let user = world.find(tom);
    assert_eq!(
        (user.profile.city.as_deref(), user.login.map(koine_core::Timestamp::as_millis)),
        (Some("Wuhan"), Some(world.now))
    );
    world.flush(true);
    world.reopen();
    assert_eq!(world.find(tom), user);
}

fn users_are_listed_by_number_in_pages(world: &mut World) {
    let all = world.users(["e", "d", "c", "b", "a"]);
    let store = world.store();
    let mut listed = Vec::new();
    loop {
        let page = store.users(listed.last().copied(), 2).unwrap();
        listed.extend(page.users.iter().map(|user| user.id));
        if !page.more {
            break;
        }
    }
    assert_eq!(listed, all);
    assert!(store.users(Some(all[4]), 2).unwrap().users.is_empty());
}

fn counts_are_of_users_and_not_of_numbers(world: &mut World) {
    registered(world, register("tom", Some(UserId::new(1_000))));
    let jack = world.user("jack");
    let tom = UserId::new(1_000);
    world.tell(tom, jack, "hello");
    let stats = world.store().stats().unwrap();
    assert_eq!((stats.users, stats.conversations, stats.messages), (2, 1, 1));
    world.reopen();
    let stats = world.store().stats().unwrap();
    assert_eq!((stats.users, stats.conversations), (2, 1));
}
