//! Opening conversations; making, renaming, leaving and dissolving groups.

use std::collections::HashSet;
use std::sync::Arc;

use koine_core::{
    ConversationId, Error, ErrorKind, Event, GroupRef, Opened, RemovalReason, Reply, Shape, User, UserId, UserKey,
};

use super::keys::{self, Sort};
use super::records::{ConversationRecord, ShapeRecord};
use super::rows::row;
use super::spaces;
use super::view::View;
use super::writer::{Failure, Writer};
use crate::store::{Effect, Outcome};

/// A group that was looked up.
pub(super) struct Known {
    pub(super) id: ConversationId,
    pub(super) name: Arc<str>,
    pub(super) manager: UserId,
    pub(super) member_count: u64,
    record: ConversationRecord,
}

impl Known {
    /// Its identity and name.
    pub(super) fn to_ref(&self) -> GroupRef {
        GroupRef { id: self.id, name: self.name.clone() }
    }
}

impl Writer {
    /// Opens the direct conversation with a user, or finds it.
    pub(super) fn open_direct(
        &mut self,
        by: Option<UserId>,
        with: &UserKey,
        name: Option<Arc<str>>,
        effects: &mut Vec<Effect>,
    ) -> Result<Outcome, Failure> {
        let user = self.actor(by)?;
        let peer = self.target_user(with)?;
        let (id, new) = match self.pair(user.id, peer.id)? {
            Some(id) => {
                self.begin_row(user.id, id)?;
                (id, false)
            }
            None => (self.open_pair(&user, &peer, name, effects)?, true),
        };
        self.opened(&user, Sort::Direct, id, new)
    }

    /// Shows a row that was hidden before there was anything to see: its user asks for it.
    fn begin_row(&mut self, user: UserId, id: ConversationId) -> Result<(), Failure> {
        let hidden = self.membership(user, Sort::Direct, id)?.and_then(|member| member.row_hidden);
        if hidden == Some(0) {
            self.change_member(user, Sort::Direct, id, |member| member.row_hidden = None)?;
        }
        Ok(())
    }

    /// Makes the direct conversation of two users who have none.
    pub(super) fn open_pair(
        &mut self,
        user: &Arc<User>,
        peer: &Arc<User>,
        name: Option<Arc<str>>,
        effects: &mut Vec<Effect>,
    ) -> Result<ConversationId, Failure> {
        let id = self.next_conversation(None)?;
        let (first, second) = (user.id.min(peer.id), user.id.max(peer.id));
        let shape = ShapeRecord::Direct { name, users: [first.get(), second.get()] };
        self.put_conversation(id, ConversationRecord { created: self.now.as_millis(), shape })?;
        self.put_raw(spaces::PAIRS, keys::two_users(first, second), keys::number(id.get()));
        self.add_member(first, Sort::Direct, id)?;
        if first != second {
            self.add_member(second, Sort::Direct, id)?;
        }
        let mut to = vec![first, second];
        to.dedup();
        // Who has blocked the opener hears nothing of it until there is a message to see.
        if self.blockers_of(user.id)?.contains(&peer.id) {
            self.change_member(peer.id, Sort::Direct, id, |member| member.row_hidden = Some(0))?;
            to.retain(|told| *told != peer.id);
        }
        self.tell_opened(id, user, to, effects)?;
        Ok(id)
    }

    /// Makes a group.
    pub(super) fn create_group(
        &mut self,
        by: Option<UserId>,
        name: &Arc<str>,
        members: &[UserKey],
        number: Option<ConversationId>,
        effects: &mut Vec<Effect>,
    ) -> Result<Outcome, Failure> {
        let manager = self.actor(by)?;
        if name.is_empty() {
            return Err(Error::bad_request("the name is empty").into());
        }
        let mut seen = HashSet::from([manager.id]);
        let mut others = Vec::new();
        for key in members {
            let user = self.require_user(key)?;
            if seen.insert(user.id) {
                others.push(user.id);
            }
        }
        if seen.len() > self.settings.group_members {
            return Err(Error::with_detail(ErrorKind::TooLarge, "too many members").into());
        }
        let id = self.next_conversation(number)?;
        let shape = ShapeRecord::Group {
            name: name.clone(),
            manager: manager.id.get(),
            member_count: seen.len() as u64,
            dissolved: false,
        };
        self.put_conversation(id, ConversationRecord { created: self.now.as_millis(), shape })?;
        let all: Vec<UserId> = std::iter::once(manager.id).chain(others).collect();
        for member in &all {
            self.add_member(*member, Sort::Group, id)?;
            effects.push(Effect::Joined(id, *member, 0));
        }
        self.tell_opened(id, &manager, all, effects)?;
        self.opened(&manager, Sort::Group, id, true)
    }

    fn tell_opened(
        &mut self,
        id: ConversationId,
        by: &Arc<User>,
        to: Vec<UserId>,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Failure> {
        let conversation = self.current_conversation(id)?;
        let group = matches!(conversation.shape, Shape::Group { .. }).then_some(id);
        let event = Arc::new(Event::Opened { conversation, by: by.to_ref() });
        effects.push(Effect::Tell { event, group, to, own: Some(by.id) });
        Ok(())
    }

    fn opened(&mut self, user: &Arc<User>, sort: Sort, id: ConversationId, new: bool) -> Result<Outcome, Failure> {
        let shared = self.shared.clone();
        let row = row(self, &shared, user.id, sort, id, true)?.ok_or(ErrorKind::NotMember)?;
        Ok(Outcome::Reply(Reply::Opened(Opened { row, new })))
    }

    /// A group that is not dissolved.
    pub(super) fn group(&mut self, id: ConversationId) -> Result<Known, Failure> {
        let record = self.find_conversation(id)?.ok_or(ErrorKind::GroupNotFound)?;
        match &record.shape {
            ShapeRecord::Group { name, manager, member_count, dissolved: false } => Ok(Known {
                id,
                name: name.clone(),
                manager: UserId::new(*manager),
                member_count: *member_count,
                record,
            }),
            _ => Err(ErrorKind::GroupNotFound.into()),
        }
    }

    /// A group that the asker may manage.
    fn managed_group(&mut self, by: Option<UserId>, id: ConversationId) -> Result<Known, Failure> {
        let group = self.group(id)?;
        if by.is_some_and(|user| user != group.manager) {
            return Err(ErrorKind::NotManager.into());
        }
        Ok(group)
    }

    /// Whether a user is in a group.
    pub(super) fn is_member(&mut self, user: UserId, group: ConversationId) -> Result<bool, Failure> {
        Ok(self.membership(user, Sort::Group, group)?.is_some())
    }

    /// Renames a group.
    pub(super) fn rename_group(
        &mut self,
        by: Option<UserId>,
        id: ConversationId,
        name: &Arc<str>,
    ) -> Result<Outcome, Failure> {
        let group = self.managed_group(by, id)?;
        if name.is_empty() {
            return Err(Error::bad_request("the name is empty").into());
        }
        self.rewrite(&group, Some(name.clone()), group.member_count, false)?;
        Ok(Outcome::Reply(Reply::Done))
    }

    fn rewrite(
        &mut self,
        group: &Known,
        new_name: Option<Arc<str>>,
        member_count: u64,
        dissolved: bool,
    ) -> Result<(), Failure> {
        let shape = ShapeRecord::Group {
            name: new_name.unwrap_or_else(|| group.name.clone()),
            manager: group.manager.get(),
            member_count,
            dissolved,
        };
        self.put_conversation(group.id, ConversationRecord { shape, ..group.record.clone() })?;
        Ok(())
    }

    /// Leaves a group; the manager dissolves it.
    pub(super) fn leave(
        &mut self,
        by: Option<UserId>,
        id: ConversationId,
        effects: &mut Vec<Effect>,
    ) -> Result<Outcome, Failure> {
        let user = self.actor(by)?;
        let group = self.group(id)?;
        if !self.is_member(user.id, id)? {
            return Err(ErrorKind::NotMember.into());
        }
        if user.id == group.manager {
            return self.dissolve(by, id, effects);
        }
        self.part(&group, user.id, effects)?;
        Ok(Outcome::Reply(Reply::Done))
    }

    /// Removes a member; removing the manager dissolves the group.
    pub(super) fn remove_member(
        &mut self,
        by: Option<UserId>,
        id: ConversationId,
        user: &UserKey,
        effects: &mut Vec<Effect>,
    ) -> Result<Outcome, Failure> {
        let group = self.managed_group(by, id)?;
        let user = self.require_user(user)?;
        if !self.is_member(user.id, id)? {
            return Err(ErrorKind::NotMember.into());
        }
        if user.id == group.manager {
            return self.dissolve(by, id, effects);
        }
        self.part(&group, user.id, effects)?;
        self.tell_removed(&group, by, vec![user.id], RemovalReason::Removed, effects)?;
        Ok(Outcome::Reply(Reply::Done))
    }

    fn part(&mut self, group: &Known, user: UserId, effects: &mut Vec<Effect>) -> Result<(), Failure> {
        self.drop_member(user, Sort::Group, group.id)?;
        self.rewrite(group, None, group.member_count.saturating_sub(1), false)?;
        effects.push(Effect::Left(group.id, user));
        Ok(())
    }

    /// Dissolves a group: every member is removed and told so.
    pub(super) fn dissolve(
        &mut self,
        by: Option<UserId>,
        id: ConversationId,
        effects: &mut Vec<Effect>,
    ) -> Result<Outcome, Failure> {
        let group = self.managed_group(by, id)?;
        let members = self.members_of(id)?;
        for member in &members {
            self.drop_member(*member, Sort::Group, id)?;
            effects.push(Effect::Left(id, *member));
        }
        self.rewrite(&group, None, 0, true)?;
        self.expire_requests_about(id)?;
        self.tell_removed(&group, by, members, RemovalReason::Dissolved, effects)?;
        Ok(Outcome::Reply(Reply::Done))
    }

    fn tell_removed(
        &mut self,
        group: &Known,
        by: Option<UserId>,
        to: Vec<UserId>,
        reason: RemovalReason,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Failure> {
        let by = self.known_user(by.unwrap_or(group.manager))?;
        let event = Arc::new(Event::Removed { group: group.to_ref(), by, time: self.now, reason });
        effects.push(Effect::Tell { event, group: Some(group.id), to, own: None });
        Ok(())
    }

    /// Lets a user into a group, and tells it so.
    pub(super) fn let_in(
        &mut self,
        group: &Known,
        user: UserId,
        by: &Arc<User>,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Failure> {
        if group.member_count >= self.settings.group_members as u64 {
            return Err(Error::with_detail(ErrorKind::TooLarge, "the group is full").into());
        }
        self.add_member(user, Sort::Group, group.id)?;
        self.rewrite(group, None, group.member_count + 1, false)?;
        effects.push(Effect::Joined(group.id, user, 0));
        let event = Arc::new(Event::Opened { conversation: self.current_conversation(group.id)?, by: by.to_ref() });
        effects.push(Effect::Tell { event, group: Some(group.id), to: vec![user], own: None });
        Ok(())
    }
}
