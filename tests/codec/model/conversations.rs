//! Direct conversations and groups.

use std::collections::BTreeMap;
use std::sync::Arc;

use koine_core::{
    ChatId, Conversation, ConversationId, Error, ErrorKind, Event, GroupRef, Opened, RemovalReason, Reply, Shape,
    UserId, UserKey,
};

use super::{Answer, Member, Model, Talk, TalkShape};

impl Model {
    pub(super) fn open_direct(&mut self, user: UserId, with: &UserKey, name: Option<Arc<str>>) -> Answer {
        let with = self.find(with)?.id;
        let (id, new) = self.direct(user, with, name)?;
        Ok(Reply::Opened(Opened { row: self.row(id, user, true)?, new }))
    }

    /// The direct conversation of two users, opened if need be.
    pub(super) fn direct(
        &mut self,
        by: UserId,
        with: UserId,
        name: Option<Arc<str>>,
    ) -> Result<(ConversationId, bool), Error> {
        let users = [by.min(with), by.max(with)];
        let known = self.talks.values().find(|talk| match talk.shape {
            TalkShape::Direct { users: known, .. } => known == users,
            TalkShape::Group { .. } => false,
        });
        if let Some(talk) = known {
            return Ok((talk.id, false));
        }
        let id = self.add_talk(TalkShape::Direct { name, users }, &[by, with])?;
        Ok((id, true))
    }

    pub(super) fn create_group(&mut self, user: UserId, name: &Arc<str>, members: &[UserKey]) -> Answer {
        let mut all = vec![user];
        for key in members {
            let member = self.find(key)?.id;
            if !all.contains(&member) {
                all.push(member);
            }
        }
        let id = self.add_talk(TalkShape::Group { name: name.clone(), manager: user }, &all)?;
        Ok(Reply::Opened(Opened { row: self.row(id, user, true)?, new: true }))
    }

    fn add_talk(&mut self, shape: TalkShape, members: &[UserId]) -> Result<ConversationId, Error> {
        let last = self.talks.keys().next_back().map_or(0, |id| id.get());
        let id = ConversationId::new(last + 1);
        let by = *members.first().ok_or_else(Error::internal)?;
        let created = self.now;
        let (members_by, order) = (BTreeMap::new(), Vec::new());
        self.talks
            .insert(id, Talk { id, created, shape, members: members_by, order, log: Vec::new(), dissolved: false });
        for member in members {
            self.admit(id, *member)?;
        }
        let event = Event::Opened { conversation: Arc::new(self.conversation(id)?), by: self.user(by)?.to_ref() };
        self.publish(event, members.to_vec(), Some(by));
        Ok(id)
    }

    /// Makes a user a member from here on.
    fn admit(&mut self, id: ConversationId, user: UserId) -> Result<(), Error> {
        self.last_chat += 1;
        let (chat, now) = (ChatId::new(self.last_chat), self.now);
        let talk = self.talk_mut(id)?;
        if !talk.order.contains(&user) {
            talk.order.push(user);
            let head = talk.head();
            talk.members.insert(user, Member::new(chat, now, head));
        }
        Ok(())
    }

    /// Lets a user into a group, and tells it so.
    pub(super) fn let_in(&mut self, id: ConversationId, user: UserId, by: UserId) -> Result<(), Error> {
        if self.group_talk(id)?.member(user).is_ok() {
            return Ok(());
        }
        self.admit(id, user)?;
        let event = Event::Opened { conversation: Arc::new(self.conversation(id)?), by: self.user(by)?.to_ref() };
        self.publish(event, [user], None);
        Ok(())
    }

    pub(super) fn rename_group(&mut self, user: UserId, group: ConversationId, name: &Arc<str>) -> Answer {
        self.managed_by(user, group)?;
        if let TalkShape::Group { name: old, .. } = &mut self.talk_mut(group)?.shape {
            *old = name.clone();
        }
        Ok(Reply::Done)
    }

    pub(super) fn leave(&mut self, user: UserId, group: ConversationId) -> Answer {
        let talk = self.group_talk(group)?;
        talk.member(user)?;
        if talk.manager() == Some(user) {
            return self.dissolve(user, group);
        }
        self.expel(group, user)?;
        Ok(Reply::Done)
    }

    pub(super) fn remove_member(&mut self, user: UserId, group: ConversationId, member: &UserKey) -> Answer {
        self.managed_by(user, group)?;
        let member = self.find(member)?.id;
        if member == user {
            return self.dissolve(user, group);
        }
        self.group_talk(group)?.member(member)?;
        let event = self.removed(group, user, RemovalReason::Removed)?;
        self.expel(group, member)?;
        self.publish(event, [member], None);
        Ok(Reply::Done)
    }

    /// Ends a group for everybody.
    pub(crate) fn dissolve(&mut self, by: UserId, group: ConversationId) -> Answer {
        let event = self.removed(group, by, RemovalReason::Dissolved)?;
        let talk = self.talk_mut(group)?;
        talk.dissolved = true;
        let members = std::mem::take(&mut talk.order);
        talk.members.clear();
        self.expire_requests(group);
        self.publish(event, members, None);
        Ok(Reply::Done)
    }

    fn expel(&mut self, group: ConversationId, member: UserId) -> Result<(), Error> {
        let talk = self.talk_mut(group)?;
        talk.members.remove(&member);
        talk.order.retain(|user| *user != member);
        Ok(())
    }

    fn removed(&self, group: ConversationId, by: UserId, reason: RemovalReason) -> Result<Event, Error> {
        Ok(Event::Removed { group: self.group_ref(group)?, by: self.user(by)?, time: self.now, reason })
    }

    /// Who manages a group.
    pub(crate) fn manager(&self, group: ConversationId) -> Result<UserId, Error> {
        self.group_talk(group)?.manager().ok_or(ErrorKind::GroupNotFound.into())
    }

    fn managed_by(&self, user: UserId, group: ConversationId) -> Result<(), Error> {
        if self.manager(group)? == user { Ok(()) } else { Err(ErrorKind::NotManager.into()) }
    }

    pub(super) fn group_ref(&self, id: ConversationId) -> Result<GroupRef, Error> {
        match &self.talk(id)?.shape {
            TalkShape::Group { name, .. } => Ok(GroupRef { id, name: name.clone() }),
            TalkShape::Direct { .. } => Err(ErrorKind::GroupNotFound.into()),
        }
    }

    /// A conversation as everyone may know it.
    pub(super) fn conversation(&self, id: ConversationId) -> Result<Conversation, Error> {
        let talk = self.talk(id)?;
        let shape = match &talk.shape {
            TalkShape::Direct { name, users: [first, second] } => {
                Shape::Direct { name: name.clone(), users: [self.user(*first)?, self.user(*second)?] }
            }
            TalkShape::Group { name, manager } => Shape::Group {
                name: name.clone(),
                manager: self.user(*manager)?.to_ref(),
                member_count: talk.order.len().try_into().unwrap_or(u64::MAX),
            },
        };
        Ok(Conversation { id, created: talk.created, shape })
    }
}
