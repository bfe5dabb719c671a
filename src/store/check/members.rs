//! Memberships, and what leads to them.

use koine_core::ConversationId;

use super::walk::{Checker, Compared};
use crate::store::embedded::keys::{self, Sort};
use crate::store::embedded::records::{MemberRecord, Record, ShapeRecord};
use crate::store::embedded::spaces;
use crate::store::engine::Space;

/// The user that a row of `members` names.
pub(super) fn read_user(value: &[u8]) -> Option<u64> {
    u64::decode(value).ok()
}

impl Checker<'_> {
    /// Every membership is of a user and a conversation, found by its number, and marks what there is.
    pub(super) fn chats(&mut self) {
        const SPACE: Space = spaces::CHATS;
        self.records::<MemberRecord>(SPACE, |checker, key, member| {
            let Some((user, sort, conversation)) = keys::read_chat(key) else {
                checker.find(SPACE, key, "the key does not name a membership");
                return Ok(());
            };
            if !checker.is_user(user.get())? {
                checker.find(SPACE, key, "the user is missing");
            }
            checker.belongs(key, user.get(), sort, conversation, &member)?;
            checker.expect(member.chat <= checker.counters.chat, SPACE, key, "its number was never handed out");
            let found = checker.get(spaces::CHAT_IDS, &keys::number(member.chat))?;
            checker.expect(found.as_deref() == Some(key), SPACE, key, "its number does not lead back to it");
            let head = checker.head(conversation.get())?.seq;
            checker.marks(key, &member, head);
            Ok(())
        });
    }

    fn belongs(
        &mut self,
        key: &[u8],
        user: u64,
        sort: Sort,
        conversation: ConversationId,
        member: &MemberRecord,
    ) -> Compared {
        const SPACE: Space = spaces::CHATS;
        match (self.conversation(conversation.get())?.map(|record| record.shape), sort) {
            (None, _) => self.find(SPACE, key, "there is no such conversation"),
            (Some(ShapeRecord::Direct { users, .. }), Sort::Direct) => {
                self.expect(users.contains(&user), SPACE, key, "the conversation is between others");
            }
            (Some(ShapeRecord::Group { dissolved, .. }), Sort::Group) => {
                self.expect(!dissolved, SPACE, key, "the group is dissolved");
                let row = self.get(spaces::MEMBERS, &keys::two_numbers(conversation.get(), member.chat))?;
                let listed = row.and_then(|row| read_user(&row)) == Some(user);
                self.expect(listed, SPACE, key, "the group does not list the user");
            }
            _ => self.find(SPACE, key, "the conversation is of the other sort"),
        }
        Ok(())
    }

    fn marks(&mut self, key: &[u8], member: &MemberRecord, head: u64) {
        const SPACE: Space = spaces::CHATS;
        for (name, ranges) in [("delivered", &member.delivered), ("hidden", &member.hidden)] {
            if !ranges.is_sound() {
                self.find(SPACE, key, format!("the ranges of {name} messages are in disorder"));
            }
            if ranges.last().is_some_and(|last| last > head) {
                self.find(SPACE, key, format!("messages after the last, {head}, are {name}"));
            }
        }
        self.expect(member.joined <= head, SPACE, key, "it begins after the last message");
        self.expect(member.read >= member.joined, SPACE, key, "the read mark is before its beginning");
        self.expect(member.read <= head, SPACE, key, "the read mark is after the last message");
        let row = member.row_hidden.is_none_or(|at| at <= head);
        self.expect(row, SPACE, key, "the row is hidden after the last message");
        let rest = head.saturating_sub(member.read);
        let hidden = member.hidden.count(member.read.saturating_add(1), head);
        let fits = member.own.checked_add(hidden).is_some_and(|sum| sum <= rest);
        self.expect(fits, SPACE, key, "more messages are its own or hidden than there are after the read mark");
    }

    /// Every number of a chat list's row leads to a membership of that number.
    pub(super) fn chat_ids(&mut self) {
        const SPACE: Space = spaces::CHAT_IDS;
        self.walk(SPACE, |checker, key, value| {
            let member = checker.look_up::<MemberRecord>(spaces::CHATS, value)?;
            let same = member.is_some_and(|member| Some(member.chat) == keys::read_number(key));
            checker.expect(same, SPACE, key, "no membership has this number");
            Ok(())
        });
    }

    /// Everybody a group lists is a member of it.
    pub(super) fn members(&mut self) {
        const SPACE: Space = spaces::MEMBERS;
        self.records::<u64>(SPACE, |checker, key, user| {
            let Some((group, chat)) = keys::numbers(key) else {
                checker.find(SPACE, key, "the key does not name a group and a row");
                return Ok(());
            };
            let member = checker.membership(user, Sort::Group, group)?;
            let same = member.is_some_and(|member| member.chat == chat);
            checker.expect(same, SPACE, key, "the user has no such membership");
            Ok(())
        });
    }

    /// Steps of reading do not go beyond what was read.
    pub(super) fn reads(&mut self) {
        const SPACE: Space = spaces::READS;
        self.records::<i64>(SPACE, |checker, key, _| {
            let parts = key.split_last_chunk::<8>().and_then(|(rest, seq)| Some((keys::numbers(rest)?, seq)));
            let Some(((conversation, user), seq)) = parts else {
                checker.find(SPACE, key, "the key does not name a step of reading");
                return Ok(());
            };
            let seq = u64::from_be_bytes(*seq);
            let sort = match checker.conversation(conversation)?.map(|record| record.shape) {
                None => {
                    checker.find(SPACE, key, "there is no such conversation");
                    return Ok(());
                }
                Some(ShapeRecord::Direct { .. }) => Sort::Direct,
                Some(ShapeRecord::Group { .. }) => Sort::Group,
            };
            if !checker.is_user(user)? {
                checker.find(SPACE, key, "the user is missing");
            }
            let end = match checker.membership(user, sort, conversation)? {
                Some(member) => member.read,
                // Whoever has left a group had read at most what there was.
                None => checker.head(conversation)?.seq,
            };
            checker.expect(seq > 0 && seq <= end, SPACE, key, "it is beyond the read mark");
            Ok(())
        });
    }
}
