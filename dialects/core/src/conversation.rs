//! Where messages are said.

use std::sync::Arc;

use crate::{ChatId, ConversationId, LogEntry, Timestamp, User, UserRef};

/// A conversation as every participant may know it.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    /// Its number.
    pub id: ConversationId,
    /// When it came into being.
    pub created: Timestamp,
    /// Between whom it is.
    pub shape: Shape,
}

/// Between whom a conversation is.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// Two users (the same one twice for notes to oneself); at most one per unordered pair.
    Direct {
        /// The name it was given when it was opened, where the opener's dialect names such things.
        name: Option<Arc<str>>,
        /// The two users, lower number first.
        users: [Arc<User>; 2],
    },
    /// A manager and members.
    Group {
        /// The group's name.
        name: Arc<str>,
        /// Who may rename it, remove members and dissolve it.
        manager: UserRef,
        /// How many members it has, the manager among them.
        member_count: u64,
    },
}

impl Conversation {
    /// The other user of a direct conversation, seen from `user` (the user itself for notes to
    /// oneself); `None` for groups.
    pub fn peer_of(&self, user: crate::UserId) -> Option<&Arc<User>> {
        match &self.shape {
            Shape::Direct { users: [first, second], .. } => Some(if first.id == user { second } else { first }),
            Shape::Group { .. } => None,
        }
    }
}

/// One row of a user's list of conversations.
#[derive(Debug, Clone, PartialEq)]
pub struct ConversationRow {
    /// The conversation.
    pub conversation: Arc<Conversation>,
    /// The members of a group, where the command asked for them; else empty.
    pub members: Vec<Arc<User>>,
    /// The user's own row number (auth-ack).
    pub chat: ChatId,
    /// When the row came into being: the user's joining.
    pub created: Timestamp,
    /// The last activity: the last message the user may see, else `created`.
    pub updated: Timestamp,
    /// How many messages the user has not read.
    pub unread: u64,
    /// The last message the user may see.
    pub last: Option<LogEntry>,
}

/// A group's identity and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRef {
    /// The group's number.
    pub id: ConversationId,
    /// The group's name.
    pub name: Arc<str>,
}

/// A group as its members may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The group's number.
    pub id: ConversationId,
    /// The group's name.
    pub name: Arc<str>,
    /// Its manager.
    pub manager: UserRef,
    /// Its members by joining, the manager among them; empty where the command asked for ids only.
    pub members: Vec<UserRef>,
    /// When it was made.
    pub created: Timestamp,
}
