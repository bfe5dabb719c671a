//! Friend requests, join requests and invitations.

use std::time::Duration;

use koine_core::{
    ConversationId, ErrorKind, Event, Reply, RequestAnswer, RequestId, RequestKind, RequestState, UserId, UserKey,
};

use super::{World, on_each_engine};
use crate::store::{Action, Effect, Queries};

on_each_engine!(
    the_invited_user_decides_about_an_invitation,
    the_manager_decides_about_a_join_request,
    a_friend_request_makes_two_friends,
    the_same_request_twice_is_one_request,
    who_may_not_ask_is_refused,
    a_refusal_is_told_and_leaves_room_for_another_request,
    only_the_addressee_decides_and_only_once,
    a_dialect_decides_only_its_kinds_of_requests,
    an_expired_request_is_gone_and_can_be_made_anew,
    a_dissolved_group_s_requests_expire,
    an_invitation_of_somebody_who_has_joined_meanwhile_changes_nothing,
    pending_requests_are_listed_oldest_first_and_outlive_a_restart,
    friendship_ends_for_both,
);

/// Deciding a request.
pub(super) fn decide(request: RequestId, accept: bool) -> Action {
    let answer = if accept { RequestAnswer::Accept } else { RequestAnswer::Refuse };
    Action::Decide { request, answer, groups_only: false, friends_only: false }
}

fn state(world: &World, request: RequestId) -> RequestState {
    world.store().request(request).unwrap().unwrap().state
}

fn listed(world: &World, user: UserId) -> Vec<RequestId> {
    world.store().requests(user).unwrap().iter().map(|request| request.id).collect()
}

fn is_member(world: &World, user: UserId, group: ConversationId) -> bool {
    world.store().group(Some(user), group).is_ok()
}

/// Who is told what about requests.
fn told(effects: &[Effect]) -> Vec<(&'static str, Vec<UserId>)> {
    let told = effects.iter().filter_map(|effect| match effect {
        Effect::Tell { event, to, .. } => match event.as_ref() {
            Event::Requested(_) => Some(("requested", to.clone())),
            Event::Decided(_) => Some(("decided", to.clone())),
            Event::Opened { .. } => Some(("opened", to.clone())),
            Event::Unfriended { .. } => Some(("unfriended", to.clone())),
            _ => None,
        },
        _ => None,
    });
    told.collect()
}

fn the_invited_user_decides_about_an_invitation(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(tom, &[jack]);
    let invite = Action::Invite(group, UserKey::Id(ann), Some("come".into()));
    let effects = world.told(jack, invite);
    assert_eq!(told(&effects), [("requested", vec![ann])]);
    let request = world.store().requests(ann).unwrap().remove(0);
    assert!(matches!(&request.kind, RequestKind::Invitation(about) if about.id == group));
    assert_eq!((request.from.id, request.to.id, request.note.as_deref()), (jack, ann, Some("come")));
    let effects = world.told(ann, decide(request.id, true));
    assert!(matches!(effects[0], Effect::Joined(at, user, 0) if (at, user) == (group, ann)));
    assert_eq!(told(&effects), [("opened", vec![ann]), ("decided", vec![jack])]);
    assert!(is_member(world, ann, group));
    assert_eq!(world.store().group(None, group).unwrap().members.len(), 3);
    assert_eq!(state(world, request.id), RequestState::Accepted);
    assert!(listed(world, ann).is_empty());
}

fn the_manager_decides_about_a_join_request(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(tom, &[jack]);
    let effects = world.told(ann, Action::Join(group, None));
    assert_eq!(told(&effects), [("requested", vec![tom])]);
    let request = listed(world, tom)[0];
    assert_eq!(world.refused(jack, decide(request, true)), ErrorKind::NotAddressee);
    assert_eq!(told(&world.told(tom, decide(request, true))), [("opened", vec![ann]), ("decided", vec![ann])]);
    assert!(is_member(world, ann, group));
}

fn a_friend_request_makes_two_friends(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let request = world.request(tom, Action::Befriend(UserKey::Id(jack), None));
    assert!(world.store().friends(tom).unwrap().is_empty());
    assert_eq!(told(&world.told(jack, decide(request, true))), [("decided", vec![tom])]);
    let friends = |world: &World, user| world.store().friends(user).unwrap()[0].id;
    assert_eq!((friends(world, tom), friends(world, jack)), (jack, tom));
    assert_eq!(world.refused(jack, Action::Befriend(UserKey::Id(tom), None)), ErrorKind::AlreadyMember);
}

fn the_same_request_twice_is_one_request(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(tom, &[jack]);
    let asks: [(UserId, Action); 3] = [
        (ann, Action::Befriend(UserKey::Id(jack), None)),
        (ann, Action::Join(group, None)),
        (jack, Action::Invite(group, UserKey::Id(ann), None)),
    ];
    for (by, ask) in asks {
        let first = world.request(by, ask.clone());
        let again = world.apply(by, ask);
        assert!(again.effects.is_empty(), "nobody is told twice");
        assert!(matches!(again.result, Ok(crate::store::Outcome::Reply(Reply::Requested(r))) if r.id == first));
    }
    let other = world.request(tom, Action::Invite(group, UserKey::Id(ann), None));
    assert_eq!(listed(world, ann).len(), 2, "{other:?} is of another inviter");
}

fn who_may_not_ask_is_refused(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(tom, &[jack]);
    let nobody = UserKey::Id(UserId::new(99));
    let cases = [
        (ann, Action::Invite(group, UserKey::Id(ann), None), ErrorKind::NotMember),
        (tom, Action::Invite(group, UserKey::Id(jack), None), ErrorKind::AlreadyMember),
        (tom, Action::Invite(group, nobody.clone(), None), ErrorKind::UserNotFound),
        (tom, Action::Invite(ConversationId::new(99), UserKey::Id(ann), None), ErrorKind::GroupNotFound),
        (jack, Action::Join(group, None), ErrorKind::AlreadyMember),
        (ann, Action::Join(ConversationId::new(99), None), ErrorKind::GroupNotFound),
        (tom, Action::Befriend(UserKey::Id(tom), None), ErrorKind::BadRequest),
        (tom, Action::Befriend(nobody, None), ErrorKind::UserNotFound),
        (tom, Action::Unfriend(UserKey::Id(jack)), ErrorKind::NotFriends),
    ];
    for (by, action, kind) in cases {
        assert_eq!(world.refused(by, action), kind);
    }
}

fn a_refusal_is_told_and_leaves_room_for_another_request(world: &mut World) {
    let [tom, ann] = world.users(["tom", "ann"]);
    let group = world.group(tom, &[]);
    let first = world.request(ann, Action::Join(group, None));
    assert_eq!(told(&world.told(tom, decide(first, false))), [("decided", vec![ann])]);
    assert!(!is_member(world, ann, group));
    assert_eq!(state(world, first), RequestState::Refused);
    let second = world.request(ann, Action::Join(group, None));
    assert_ne!(first, second);
    assert_eq!(listed(world, tom), [second]);
}

fn only_the_addressee_decides_and_only_once(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let request = world.request(tom, Action::Befriend(UserKey::Id(jack), None));
    for by in [tom, ann] {
        assert_eq!(world.refused(by, decide(request, true)), ErrorKind::NotAddressee);
    }
    world.reply(jack, decide(request, true));
    for accept in [true, false] {
        assert_eq!(world.refused(jack, decide(request, accept)), ErrorKind::RequestNotFound);
    }
    assert_eq!(world.refused(jack, decide(RequestId::new(99), true)), ErrorKind::RequestNotFound);
    assert_eq!(world.store().friends(tom).unwrap().len(), 1);
}

fn a_dialect_decides_only_its_kinds_of_requests(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let group = world.group(tom, &[]);
    let friend = world.request(tom, Action::Befriend(UserKey::Id(jack), None));
    let invitation = world.request(tom, Action::Invite(group, UserKey::Id(jack), None));
    let only = |request, groups_only, friends_only| Action::Decide {
        request,
        answer: RequestAnswer::Accept,
        groups_only,
        friends_only,
    };
    assert_eq!(world.refused(jack, only(friend, true, false)), ErrorKind::RequestNotFound);
    assert_eq!(world.refused(jack, only(invitation, false, true)), ErrorKind::RequestNotFound);
    world.reply(jack, only(friend, false, true));
    world.reply(jack, only(invitation, true, false));
}

fn an_expired_request_is_gone_and_can_be_made_anew(world: &mut World) {
    world.settings.request_ttl = Duration::from_mins(1);
    world.reopen();
    let [tom, jack] = world.users(["tom", "jack"]);
    let group = world.group(tom, &[]);
    let first = world.request(tom, Action::Invite(group, UserKey::Id(jack), None));
    world.now += 59_000;
    world.user("ann");
    assert_eq!(listed(world, jack), [first]);
    world.now += 2_000;
    assert_eq!(world.refused(jack, decide(first, true)), ErrorKind::RequestNotFound);
    assert!(listed(world, jack).is_empty());
    assert_eq!(state(world, first), RequestState::Expired);
    let second = world.request(tom, Action::Invite(group, UserKey::Id(jack), None));
    assert_ne!(first, second);
    assert_eq!(listed(world, jack), [second]);
    assert_eq!(state(world, first), RequestState::Expired);
    world.reply(jack, decide(second, true));
    assert!(is_member(world, jack, group));
}

fn a_dissolved_group_s_requests_expire(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(tom, &[]);
    let invitation = world.request(tom, Action::Invite(group, UserKey::Id(jack), None));
    let join = world.request(ann, Action::Join(group, None));
    world.told(tom, Action::Dissolve(group));
    for (user, request) in [(jack, invitation), (tom, join)] {
        assert_eq!(state(world, request), RequestState::Expired);
        assert!(listed(world, user).is_empty());
        assert_eq!(world.refused(user, decide(request, true)), ErrorKind::RequestNotFound);
    }
}

fn an_invitation_of_somebody_who_has_joined_meanwhile_changes_nothing(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let group = world.group(tom, &[]);
    let join = world.request(jack, Action::Join(group, None));
    let invitation = world.request(tom, Action::Invite(group, UserKey::Id(jack), None));
    world.reply(tom, decide(join, true));
    world.say(tom, group, "x");
    world.reply(jack, decide(invitation, true));
    assert_eq!(world.store().group(None, group).unwrap().members.len(), 2);
    assert_eq!(world.unread(jack, group), 1);
}

fn pending_requests_are_listed_oldest_first_and_outlive_a_restart(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let group = world.group(tom, &[]);
    let requests = [
        world.request(ann, Action::Befriend(UserKey::Id(tom), None)),
        world.request(jack, Action::Join(group, None)),
        world.request(jack, Action::Befriend(UserKey::Id(tom), None)),
    ];
    world.reopen();
    assert_eq!(listed(world, tom), requests);
    assert!(listed(world, jack).is_empty());
    world.reply(tom, decide(requests[1], true));
    assert_eq!(listed(world, tom), [requests[0], requests[2]]);
    assert_eq!(world.store().request(RequestId::new(77)).unwrap(), None);
}

fn friendship_ends_for_both(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let request = world.request(tom, Action::Befriend(UserKey::Id(jack), None));
    world.reply(jack, decide(request, true));
    assert_eq!(told(&world.told(tom, Action::Unfriend(UserKey::Id(jack)))), [("unfriended", vec![jack])]);
    world.reopen();
    for user in [tom, jack] {
        assert!(world.store().friends(user).unwrap().is_empty());
    }
    assert_ne!(world.request(tom, Action::Befriend(UserKey::Id(jack), None)), request);
}
