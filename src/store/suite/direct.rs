//! Direct conversations.

use std::time::Duration;

use koine_core::{Attach, ConfirmBy, ErrorKind, Scope, Target, UserKey};

use super::{World, handle, on_each_engine, text};
use crate::config::DirectPolicy;
use crate::store::{Action, Outcome, Queries};

on_each_engine!(
    a_pair_has_one_conversation_whichever_side_opens_it,
    a_pair_that_is_opened_twice_in_one_batch_has_one_conversation,
    the_name_of_a_conversation_is_the_first_opener_s,
    the_first_message_opens_the_conversation,
    notes_to_oneself_are_read_and_delivered_at_once,
    an_unknown_receiver_is_not_found,
    in_demo_mode_whoever_is_written_to_comes_into_being,
    attaching_to_a_peer_names_the_peer_or_says_there_is_none,
    under_the_friends_policy_only_friends_may_write,
    only_the_two_may_look_into_their_conversation,
);

fn open(world: &mut World, by: koine_core::UserId, with: koine_core::UserId, name: Option<&str>) -> koine_core::Opened {
    let action = Action::OpenDirect { with: UserKey::Id(with), name: name.map(Into::into) };
    world.reply(by, action).into_opened().unwrap()
}

fn a_pair_has_one_conversation_whichever_side_opens_it(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let first = open(world, tom, jack, None);
    assert!(first.new);
    let second = open(world, jack, tom, None);
    assert!(!second.new);
    assert_eq!(first.row.conversation, second.row.conversation);
    assert_ne!(first.row.chat, second.row.chat, "each has a row of his own");
    world.reopen();
    assert!(!open(world, jack, tom, None).new);
    assert_eq!(world.tell(jack, tom, "hello").conversation, first.row.conversation.id);
}

fn a_pair_that_is_opened_twice_in_one_batch_has_one_conversation(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let to = |user| Action::Send(text(Target::User(UserKey::Id(user)), "hello"));
    for applied in world.batch(vec![(Some(tom), to(jack)), (Some(jack), to(tom)), (Some(tom), to(jack))]) {
        applied.result.unwrap();
    }
    assert_eq!(world.store().stats().unwrap().conversations, 1);
    assert_eq!(world.rows(tom, false).len(), 1);
    assert_eq!(world.entries(jack, world.rows(jack, false)[0].conversation.id).len(), 3);
}

fn the_name_of_a_conversation_is_the_first_opener_s(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    open(world, tom, jack, Some("lunch"));
    let again = open(world, jack, tom, Some("dinner"));
    let koine_core::Shape::Direct { name, users } = &again.row.conversation.shape else { panic!("a group") };
    assert_eq!(name.as_deref(), Some("lunch"));
    assert_eq!([users[0].id, users[1].id], [tom, jack]);
}

fn the_first_message_opens_the_conversation(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let sent = world.tell(jack, tom, "hello");
    assert_eq!(sent.seq, 1);
    assert_eq!(world.row(tom, sent.conversation).unread, 1);
    assert_eq!(world.row(jack, sent.conversation).unread, 0);
}

fn notes_to_oneself_are_read_and_delivered_at_once(world: &mut World) {
    let tom = world.user("tom");
    let sent = world.tell(tom, tom, "buy milk");
    assert_eq!(world.tell(tom, tom, "and bread").conversation, sent.conversation);
    let entry = world.entries(tom, sent.conversation).remove(0);
    assert!(entry.read && entry.delivered && entry.read_by_others && entry.message.is_to_self());
    assert_eq!((world.unread(tom, sent.conversation), world.pending(tom).len()), (0, 0));
    assert_eq!(world.rows(tom, false).len(), 1);
}

fn an_unknown_receiver_is_not_found(world: &mut World) {
    let tom = world.user("tom");
    for key in [UserKey::Handle(handle("jack")), UserKey::Id(koine_core::UserId::new(9))] {
        assert_eq!(world.send(tom, text(Target::User(key), "hello")), Err(ErrorKind::UserNotFound));
    }
    assert_eq!(
        world.send(tom, text(Target::Conversation(koine_core::ConversationId::new(5)), "x")),
        Err(ErrorKind::ConversationNotFound)
    );
    assert_eq!(
        world.send(tom, text(Target::Group(koine_core::ConversationId::new(5)), "x")),
        Err(ErrorKind::GroupNotFound)
    );
}

fn in_demo_mode_whoever_is_written_to_comes_into_being(world: &mut World) {
    let tom = world.user("tom");
    world.settings.demo = true;
    world.reopen();
    world.send(tom, text(Target::User(UserKey::Handle(handle("jack"))), "hello")).unwrap();
    let jack = world.store().user(&UserKey::Handle(handle("jack"))).unwrap().unwrap().id;
    assert_eq!(world.pending(jack), ["hello"]);
    // A number says nothing about who that should be.
    let nobody = Target::User(UserKey::Id(koine_core::UserId::new(77)));
    assert_eq!(world.send(tom, text(nobody, "hello")), Err(ErrorKind::UserNotFound));
}

fn attaching_to_a_peer_names_the_peer_or_says_there_is_none(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let face = |name| {
        let scope = Scope::Peer(UserKey::Handle(handle(name)));
        Action::Attach(Attach { scope, catch_up: true, confirm: ConfirmBy::Pong, confirmed_is_read: true })
    };
    let attached = |world: &mut World, name| match world.outcome(tom, face(name)) {
        Ok(Outcome::Attached(attached)) => Ok(attached.peer.map(|peer| peer.id)),
        Ok(other) => panic!("{other:?}"),
        Err(kind) => Err(kind),
    };
    assert_eq!(attached(world, "jack"), Ok(Some(jack)));
    assert_eq!(attached(world, "ann"), Err(ErrorKind::UserNotFound));
    world.settings.demo = true;
    world.reopen();
    assert!(attached(world, "ann").is_ok());
}

fn under_the_friends_policy_only_friends_may_write(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let chat = world.tell(tom, jack, "before").conversation;
    world.settings.direct_policy = DirectPolicy::Friends;
    world.settings.request_ttl = Duration::from_mins(1);
    world.reopen();
    let to_jack = || text(Target::User(UserKey::Id(jack)), "hello");
    assert_eq!(world.send(tom, to_jack()), Err(ErrorKind::NotFriends));
    assert_eq!(world.send(tom, text(Target::Conversation(chat), "hello")), Err(ErrorKind::NotFriends));
    world.tell(tom, tom, "a note");
    let request = world.request(tom, Action::Befriend(UserKey::Id(jack), None));
    world.reply(jack, super::requests::decide(request, true));
    world.send(tom, to_jack()).unwrap();
    world.say(jack, chat, "hello yourself");
    world.told(jack, Action::Unfriend(UserKey::Id(tom)));
    assert_eq!(world.send(tom, to_jack()), Err(ErrorKind::NotFriends));
    assert_eq!(world.history(tom, chat), ["hello yourself", "hello", "before"]);
}

fn only_the_two_may_look_into_their_conversation(world: &mut World) {
    let [tom, jack, ann] = world.users(["tom", "jack", "ann"]);
    let chat = world.tell(tom, jack, "hello").conversation;
    let looked = world.store().history(ann, chat, koine_core::Paging::All);
    assert_eq!(looked.unwrap_err().kind(), ErrorKind::NotMember);
    assert_eq!(world.send(ann, text(Target::Conversation(chat), "me too")), Err(ErrorKind::NotMember));
    assert_eq!(world.send(tom, text(Target::Group(chat), "hello")), Err(ErrorKind::GroupNotFound));
    let mark = Action::MarkRead(koine_core::ChatKey::Conversation(chat));
    assert_eq!(world.refused(ann, mark), ErrorKind::NotMember);
}
