//! Conversations as participants may know them.

use koine_core::{ErrorKind, ProfileField, ProfilePatch, Shape, UserKey};

use super::{World, on_each_engine};
use crate::store::{Action, Effect};

on_each_engine!(a_message_carries_the_conversation_as_it_stands, the_operator_has_no_messages_of_its_own);

fn conversation_of(effects: &[Effect]) -> &koine_core::Conversation {
    effects
        .iter()
        .find_map(|effect| match effect {
            Effect::Direct { event, .. } | Effect::Group { event, .. } => match event.as_ref() {
                koine_core::Event::Message(message) => Some(message.conversation.as_ref()),
                _ => None,
            },
            _ => None,
        })
        .expect("a message")
}

fn a_message_carries_the_conversation_as_it_stands(world: &mut World) {
    let [tom, jack] = world.users(["tom", "jack"]);
    let say = |conversation| Action::Send(super::text(koine_core::Target::Conversation(conversation), "x"));
    let chat = world.direct(tom, jack);
    world.told(tom, say(chat));
    let changes = vec![(ProfileField::Nickname, Some("Jacky".into()))];
    world.reply(None, Action::UpdateUser(UserKey::Id(jack), ProfilePatch { changes }));
    let effects = world.told(tom, say(chat));
    let Shape::Direct { users: [_, seen], .. } = &conversation_of(&effects).shape else { panic!("a group") };
    assert_eq!(seen.display_name(), "Jacky");

    let group = world.group(tom, &[jack]);
    world.told(tom, say(group));
    world.told(tom, Action::RenameGroup(group, "new name".into()));
    world.told(jack, Action::Leave(group));
    let effects = world.told(tom, say(group));
    let Shape::Group { name, member_count, manager } = &conversation_of(&effects).shape else { panic!("direct") };
    assert_eq!((name.as_ref(), *member_count, manager.id), ("new name", 1, tom));
}

fn the_operator_has_no_messages_of_its_own(world: &mut World) {
    let tom = world.user("tom");
    let send = || Action::Send(super::text(koine_core::Target::User(UserKey::Id(tom)), "x"));
    assert_eq!(world.refused(None, send()), ErrorKind::Unauthenticated);
    assert_eq!(world.refused(koine_core::UserId::new(99), send()), ErrorKind::UserNotFound);
}
