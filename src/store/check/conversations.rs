//! Conversations, who they are between, and their heads.

use super::walk::{Checker, Compared};
use crate::store::embedded::keys::{self, Sort};
use crate::store::embedded::records::{ConversationRecord, Head, MemberRecord, MessageRecord, ShapeRecord};
use crate::store::embedded::spaces;
use crate::store::engine::Space;
use koine_core::{ConversationId, UserId};

impl Checker<'_> {
    /// Every conversation has the members it names or counts, and a number that was handed out.
    pub(super) fn conversations(&mut self) {
        const SPACE: Space = spaces::CONVERSATIONS;
        self.records::<ConversationRecord>(SPACE, |checker, key, record| {
            checker.report.conversations += 1;
            let id = keys::read_number(key).unwrap_or(0);
            checker.expect(id > 0, SPACE, key, "the number is not a conversation's");
            checker.expect(id <= checker.counters.conversation, SPACE, key, "the number was never handed out");
            match record.shape {
                ShapeRecord::Direct { users, .. } => checker.direct(key, id, users),
                ShapeRecord::Group { manager, member_count, dissolved, .. } => {
                    checker.group(key, id, manager, member_count, dissolved)
                }
            }
        });
        let (there, counted) = (self.report.conversations, self.counters.conversations);
        if there != counted {
            self.note("conversations", String::new(), format!("there are {there}, and {counted} were opened"));
        }
    }

    fn direct(&mut self, key: &[u8], id: u64, [first, second]: [u64; 2]) -> Compared {
        const SPACE: Space = spaces::CONVERSATIONS;
        self.expect(first <= second, SPACE, key, "its users are in the wrong order");
        let pair = self.get(spaces::PAIRS, &keys::two_numbers(first, second))?;
        self.expect(pair.as_deref() == Some(key), SPACE, key, "its two users do not lead back to it");
        for user in [first, second] {
            let row = keys::chat(UserId::new(user), Sort::Direct, ConversationId::new(id));
            if !self.is_user(user)? {
                self.find(SPACE, key, format!("user {user} is missing"));
            } else if self.get(spaces::CHATS, &row)?.is_none() {
                self.find(SPACE, key, format!("the membership of user {user} is missing"));
            }
        }
        Ok(())
    }

    fn group(&mut self, key: &[u8], id: u64, manager: u64, member_count: u64, dissolved: bool) -> Compared {
        const SPACE: Space = spaces::CONVERSATIONS;
        let known = self.is_user(manager)?;
        self.expect(known, SPACE, key, "its manager is missing");
        let (mut members, mut managed) = (0_u64, false);
        self.with_prefix(spaces::MEMBERS, &keys::number(id), |_, _, value| {
            members += 1;
            managed |= super::members::read_user(value) == Some(manager);
            Ok(())
        })?;
        if members != member_count {
            self.find(SPACE, key, format!("it has {members} members, and counts {member_count}"));
        }
        if dissolved {
            self.expect(members == 0, SPACE, key, "it is dissolved and has members");
        } else {
            self.expect(managed, SPACE, key, "its manager is not a member");
        }
        Ok(())
    }

    /// Every pair of users leads to their direct conversation.
    pub(super) fn pairs(&mut self) {
        const SPACE: Space = spaces::PAIRS;
        self.walk(SPACE, |checker, key, value| {
            let Some(id) = keys::read_number(value) else {
                checker.find(SPACE, key, "it names no conversation");
                return Ok(());
            };
            let record = checker.conversation(id)?;
            let between = record.and_then(|record| match record.shape {
                ShapeRecord::Direct { users, .. } => Some((users[0], users[1])),
                ShapeRecord::Group { .. } => None,
            });
            let same = between.is_some() && between == keys::numbers(key);
            checker.expect(same, SPACE, key, "the conversation is not between these two");
            Ok(())
        });
    }

    /// Every head is that of a conversation, and its last message.
    pub(super) fn heads(&mut self) {
        const SPACE: Space = spaces::HEADS;
        self.records::<Head>(SPACE, |checker, key, head| {
            let id = keys::read_number(key).unwrap_or(0);
            let known = checker.conversation(id)?.is_some();
            checker.expect(known, SPACE, key, "there is no such conversation");
            let last = checker.look_up::<MessageRecord>(spaces::LOG, &keys::two_numbers(id, head.seq))?;
            match last {
                None => checker.find(SPACE, key, format!("its last message, {}, is missing from the log", head.seq)),
                Some(last) => {
                    let same = last.id == head.id && last.time == head.time;
                    checker.expect(same, SPACE, key, "it is not its last message's");
                }
            }
            Ok(())
        });
    }

    /// A membership of a conversation, whichever sort it is.
    pub(super) fn membership(&self, user: u64, sort: Sort, conversation: u64) -> Compared<Option<MemberRecord>> {
        self.look_up(spaces::CHATS, &keys::chat(UserId::new(user), sort, ConversationId::new(conversation)))
    }
}
