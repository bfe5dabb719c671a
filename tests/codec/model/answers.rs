//! What a member may know of groups.

use std::sync::Arc;

use koine_core::{ConversationId, Error, Group, Reply, UserId};

use super::{Answer, Model};

impl Model {
    pub(super) fn group(&self, user: UserId, id: ConversationId) -> Answer {
        self.group_talk(id)?.member(user)?;
        Ok(Reply::Group(Arc::new(self.group_of(id, true)?)))
    }

    pub(super) fn groups(&self, user: UserId, detailed: bool) -> Answer {
        let mine = self.talks.values().filter(|talk| talk.manager().is_some() && talk.members.contains_key(&user));
        let mut mine: Vec<_> = mine.collect();
        mine.sort_by_key(|talk| talk.members.get(&user).map(|member| member.chat));
        let groups = mine.into_iter().map(|talk| self.group_of(talk.id, detailed).map(Arc::new));
        Ok(Reply::Groups(groups.collect::<Result<_, _>>()?))
    }

    fn group_of(&self, id: ConversationId, detailed: bool) -> Result<Group, Error> {
        let talk = self.group_talk(id)?;
        let members = talk.order.iter().filter(|_| detailed).map(|user| Ok(self.user(*user)?.to_ref()));
        Ok(Group {
            id,
            name: self.group_ref(id)?.name,
            manager: self.user(self.manager(id)?)?.to_ref(),
            members: members.collect::<Result<_, Error>>()?,
            created: talk.created,
        })
    }
}
