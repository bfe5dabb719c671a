//! Memberships, and who has blocked whom.

use std::collections::HashSet;
use std::sync::Arc;

use koine_core::{ChatId, ConversationId, UserId};

use super::{MemberState, Writer};
use crate::store::StoreError;
use crate::store::embedded::keys::{self, Sort};
use crate::store::embedded::records::{MemberRecord, Record};
use crate::store::embedded::spaces;
use crate::store::embedded::view::View;

impl Writer {
    /// A membership, to look at.
    pub(crate) fn membership(
        &mut self,
        user: UserId,
        sort: Sort,
        conversation: ConversationId,
    ) -> Result<Option<&MemberRecord>, StoreError> {
        Ok(self.member_state(user, sort, conversation)?.map(|state| &state.record))
    }

    /// A membership that the batch has not changed yet.
    pub(super) fn committed_member(
        &self,
        user: UserId,
        sort: Sort,
        conversation: ConversationId,
    ) -> Result<Option<MemberRecord>, StoreError> {
        let key = keys::chat(user, sort, conversation);
        // What the batch has begun or ended is newer still.
        if self.staged.get(spaces::CHATS, &key).is_none()
            && let Some(newer) = self.shared.newer().member(user, sort, conversation)
        {
            return Ok(Some(newer.record.clone()));
        }
        self.record(spaces::CHATS, &key)
    }

    fn member_state(
        &mut self,
        user: UserId,
        sort: Sort,
        conversation: ConversationId,
    ) -> Result<Option<&mut MemberState>, StoreError> {
        let key = (user, conversation);
        if !self.members.contains_key(&key) {
            let Some(record) = self.committed_member(user, sort, conversation)? else { return Ok(None) };
            self.members.insert(key, MemberState::new(record, sort, self.batch));
        }
        let batch = self.batch;
        let state = self.members.get_mut(&key);
        Ok(state.map(|state| state.touched(batch)))
    }

    /// Changes a membership with the batch; `None` if there is none.
    pub(crate) fn change_member<T>(
        &mut self,
        user: UserId,
        sort: Sort,
        conversation: ConversationId,
        change: impl FnOnce(&mut MemberRecord) -> T,
    ) -> Result<Option<T>, StoreError> {
        self.change(user, sort, conversation, true, change)
    }

    /// Changes a membership with the batch, and in the engine within a second.
    pub(crate) fn change_member_lazily<T>(
        &mut self,
        user: UserId,
        sort: Sort,
        conversation: ConversationId,
        change: impl FnOnce(&mut MemberRecord) -> T,
    ) -> Result<Option<T>, StoreError> {
        self.change(user, sort, conversation, false, change)
    }

    fn change<T>(
        &mut self,
        user: UserId,
        sort: Sort,
        conversation: ConversationId,
        with_batch: bool,
        change: impl FnOnce(&mut MemberRecord) -> T,
    ) -> Result<Option<T>, StoreError> {
        let Some(state) = self.member_state(user, sort, conversation)? else { return Ok(None) };
        let before = state.record.read;
        let result = change(&mut state.record);
        let after = state.record.read;
        let noted = std::mem::replace(if with_batch { &mut state.due } else { &mut state.later }, true);
        if !noted {
            if with_batch { &mut self.due } else { &mut self.later }.push((user, conversation));
        }
        if before != after && sort == Sort::Group {
            self.shared.marks.moved(conversation, before, after);
        }
        Ok(Some(result))
    }

    /// Makes a user a member, entitled to what comes after the head.
    pub(crate) fn add_member(
        &mut self,
        user: UserId,
        sort: Sort,
        conversation: ConversationId,
    ) -> Result<(), StoreError> {
        let joined = self.current_head(conversation)?.seq;
        let chat = self.next_chat();
        let record = MemberRecord::new(chat.get(), self.now.as_millis(), joined);
        let name = [keys::chat(user, sort, conversation)].concat();
        self.put_raw(spaces::CHAT_IDS, keys::number(chat.get()), name);
        if sort == Sort::Group {
            self.put(spaces::MEMBERS, keys::member(conversation, chat), &user.get())?;
            self.shared.marks.joined(conversation, joined);
            self.blocking.remove(&conversation);
        }
        self.put(spaces::CHATS, keys::chat(user, sort, conversation), &record)?;
        self.members.insert((user, conversation), MemberState::new(record, sort, self.batch));
        Ok(())
    }

    /// Ends a user's membership.
    pub(crate) fn drop_member(
        &mut self,
        user: UserId,
        sort: Sort,
        conversation: ConversationId,
    ) -> Result<(), StoreError> {
        let Some(record) = self.membership(user, sort, conversation)?.cloned() else { return Ok(()) };
        let chat = ChatId::new(record.chat);
        self.delete(spaces::CHATS, keys::chat(user, sort, conversation));
        self.delete(spaces::CHAT_IDS, keys::number(chat.get()));
        self.delete(spaces::MEMBERS, keys::member(conversation, chat));
        self.members.remove(&(user, conversation));
        self.due.retain(|key| *key != (user, conversation));
        self.later.retain(|key| *key != (user, conversation));
        self.ended.push((user, conversation));
        self.blocking.remove(&conversation);
        self.shared.marks.left(conversation, record.read);
        Ok(())
    }

    /// The members of a group, by joining.
    pub(crate) fn members_of(&mut self, group: ConversationId) -> Result<Vec<UserId>, StoreError> {
        let mut members = Vec::new();
        self.each_with_prefix(spaces::MEMBERS, &keys::conversation(group), |_, value| {
            members.push(UserId::new(u64::decode(value)?));
            Ok(())
        })?;
        Ok(members)
    }

    /// A user's rows of one sort.
    pub(crate) fn rows_of(&mut self, user: UserId, sort: Sort) -> Result<Vec<ConversationId>, StoreError> {
        let mut rows = Vec::new();
        self.each_with_prefix(spaces::CHATS, &keys::chats_of_sort(user, sort), |key, _| {
            rows.extend(keys::read_chat(key).map(|(_, _, conversation)| conversation));
            Ok(())
        })?;
        Ok(rows)
    }

    // Blocks

    /// Who has blocked a user.
    pub(crate) fn blockers_of(&mut self, user: UserId) -> Result<Arc<HashSet<UserId>>, StoreError> {
        if let Some(known) = self.blockers.get(&user) {
            return Ok(known.clone());
        }
        let mut blockers = HashSet::new();
        self.each_with_prefix(spaces::BLOCKED_BY, &keys::user(user), |key, _| {
            blockers.extend(keys::numbers(key).map(|(_, blocker)| UserId::new(blocker)));
            Ok(())
        })?;
        let blockers = Arc::new(blockers);
        self.blockers.insert(user, blockers.clone());
        Ok(blockers)
    }

    /// Forgets who has blocked a user, since it changes.
    pub(crate) fn forget_blockers(&mut self, user: UserId) {
        self.blockers.remove(&user);
        self.blocking.clear();
    }

    /// The members of a group who have blocked one of its senders.
    pub(crate) fn blocking_members(
        &mut self,
        sender: UserId,
        group: ConversationId,
    ) -> Result<Arc<[UserId]>, StoreError> {
        if let Some(known) = self.blocking.get(&group).and_then(|senders| senders.get(&sender)) {
            return Ok(known.clone());
        }
        let mut members = Vec::new();
        for blocker in self.blockers_of(sender)?.iter() {
            if self.membership(*blocker, Sort::Group, group)?.is_some() {
                members.push(*blocker);
            }
        }
        members.sort_unstable();
        let members: Arc<[UserId]> = members.into();
        self.blocking.entry(group).or_default().insert(sender, members.clone());
        Ok(members)
    }
}
