//! What the store is asked to change, and what follows from it.

use std::sync::Arc;

use koine_core::{
    Attach, ChatId, ChatKey, ConversationId, EndReason, Error, Event, File, Handle, ProfilePatch, Receipt, Register,
    Reply, RequestAnswer, RequestId, SendMessage, Timestamp, UserId, UserKey,
};

use crate::config::DialectName;

/// One change, decided and made durable by [`super::Store::apply`].
#[derive(Debug, Clone)]
pub struct Op {
    /// Who asks; `None` is the operator, who may everything.
    pub by: Option<UserId>,
    /// What for.
    pub action: Action,
}

/// What is to be changed. The variants that mirror a [`koine_core::Command`] mean what it means.
#[derive(Debug, Clone)]
pub enum Action {
    /// Answers `Registered`.
    Register {
        /// The user.
        register: Box<Register>,
        /// The number to give it; refused if it is taken.
        number: Option<UserId>,
        /// Whether another `app` may register a known handle.
        merge_apps: bool,
        /// Whether only a known user is answered, and no new one made.
        known_only: bool,
    },
    /// Answers `User`.
    UpdateUser(UserKey, ProfilePatch),
    /// Answers `User`; disabling ends the user's connections.
    SetDisabled(UserKey, bool),
    /// Answers `Opened`.
    OpenDirect {
        /// The other user.
        with: UserKey,
        /// A name for a new conversation.
        name: Option<Arc<str>>,
    },
    /// Answers `Opened`; the acting user is the manager.
    CreateGroup {
        /// Its name.
        name: Arc<str>,
        /// The other members.
        members: Vec<UserKey>,
        /// The number to give it; refused if it is taken.
        number: Option<ConversationId>,
    },
    /// Answers `Done`.
    RenameGroup(ConversationId, Arc<str>),
    /// Answers `Done`.
    Leave(ConversationId),
    /// Answers `Done`.
    RemoveMember(ConversationId, UserKey),
    /// Answers `Done`.
    Dissolve(ConversationId),
    /// Answers `Requested`.
    Invite(ConversationId, UserKey, Option<Arc<str>>),
    /// Answers `Requested`.
    Join(ConversationId, Option<Arc<str>>),
    /// Answers `Requested`.
    Befriend(UserKey, Option<Arc<str>>),
    /// Answers `Done`.
    Decide {
        /// The request.
        request: RequestId,
        /// The decision.
        answer: RequestAnswer,
        /// Whether friend requests are not found.
        groups_only: bool,
        /// Whether group requests are not found.
        friends_only: bool,
    },
    /// Answers `Done`.
    Unfriend(UserKey),
    /// Answers `Done`.
    Block(UserKey),
    /// Answers `Done`.
    Unblock(UserKey),
    /// Answers `Sent`.
    Send(SendMessage),
    /// Answers `Marked`.
    MarkRead(ChatKey),
    /// Answers `Done`.
    HideChat(ChatId),
    /// Answers `Done`.
    Confirm {
        /// What was delivered.
        receipt: Receipt,
        /// Whether it was read too.
        read: bool,
        /// Whether it must be durable before the answer, or may wait a second.
        durable: bool,
    },
    /// Answers `Done`.
    Acknowledge(Vec<u64>),
    /// Answers `MessageId`.
    ReserveMessageId,
    /// Answers [`Outcome::Attached`].
    Attach(Attach),
    /// Answers [`Outcome::Token`].
    AddToken {
        /// Whose it is.
        user: UserKey,
        /// SHA-256 of its text.
        hash: [u8; 32],
        /// The only dialect it is good for.
        dialect: Option<DialectName>,
        /// When it stops being good.
        expires: Option<Timestamp>,
    },
    /// Answers `Done`; `false` in [`Outcome::Revoked`] if there was none.
    RevokeToken(u64),
    /// Answers `Done`, or `TooLarge` above a quota.
    AddFile {
        /// The file.
        file: Box<File>,
        /// How many bytes one user may keep.
        user_quota: u64,
        /// How many bytes all users may keep.
        total_quota: u64,
    },
    /// Prepares the read marks of groups for questions about who has read what; answers `Done`.
    LoadMarks(Vec<ConversationId>),
    /// Makes a user of this handle if there is none; answers `User`.
    Ensure(Handle),
}

/// What an [`Op`] came to.
#[derive(Debug)]
pub struct Applied {
    /// The answer.
    pub result: Result<Outcome, Error>,
    /// What is to be told to whom, in order, once the answer is durable.
    pub effects: Vec<Effect>,
}

/// The answer to an [`Op`].
#[derive(Debug)]
pub enum Outcome {
    /// What the command's asker gets.
    Reply(Reply),
    /// What a subscription needs.
    Attached(Attached),
    /// A stored token's id.
    Token(u64),
    /// Whether there was such a token.
    Revoked(bool),
}

/// What a subscription needs.
#[derive(Debug, Clone)]
pub struct Attached {
    /// The user on the other side, for a connection that faces one.
    pub peer: Option<koine_core::UserRef>,
}

/// What is to be told to whom.
#[derive(Debug, Clone)]
pub enum Effect {
    /// A message to a direct conversation.
    Direct {
        /// The message.
        event: Arc<Event>,
        /// The sender.
        sender: Recipient,
        /// The other side; `None` if a block keeps the message from it, or if it is the sender.
        receiver: Option<Recipient>,
    },
    /// A message to a group.
    Group {
        /// The message.
        event: Arc<Event>,
        /// The group.
        group: ConversationId,
        /// Its place there.
        seq: u64,
        /// The sender.
        sender: Recipient,
        /// Members whom a block keeps it from.
        hidden_from: Vec<UserId>,
    },
    /// Something that is not a message.
    Tell {
        /// The event.
        event: Arc<Event>,
        /// The group whose order it keeps, if it is about one.
        group: Option<ConversationId>,
        /// For whom.
        to: Vec<UserId>,
        /// Which of them did it.
        own: Option<UserId>,
    },
    /// A user is a member of a group from here on, with this many unread messages.
    Joined(ConversationId, UserId, u64),
    /// A user is no member of a group from here on.
    Left(ConversationId, UserId),
    /// A user's unread count of a group has changed by reading.
    Unread(ConversationId, UserId, u64),
    /// A user's connections take part in these groups from here on, with unread counts.
    Subscribed(UserId, Vec<(ConversationId, u64)>),
    /// A user's connections end.
    End(UserId, EndReason),
}

/// Somebody a message goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipient {
    /// The user.
    pub user: UserId,
    /// How many messages of the conversation the user has not read, this one included.
    pub unread: u64,
}

impl Op {
    /// A rough size, in bytes, for the bound of the queue.
    pub fn weight(&self) -> usize {
        const BASE: usize = 256;
        BASE + match &self.action {
            Action::Send(send) => send.content.size(),
            Action::CreateGroup { members, .. } => members.len() * 64,
            Action::Acknowledge(ids) => ids.len() * 8,
            Action::Confirm { receipt, .. } => receipt.ranges.len() * 24,
            _ => 0,
        }
    }
}
