//! What the store is asked.

use std::sync::Arc;

use koine_core::{
    ChatId, Conversation, ConversationId, ConversationRow, Error, File, FileId, Group, Handle, Message, MessageList,
    Paging, PullFilter, Request, Rows, User, UserId, UserKey,
};
use rustc_hash::FxHashMap;

use crate::auth::OpaqueToken;

/// What the store is asked. Every call is answered from one snapshot; calls block.
pub trait Queries {
    /// A user.
    fn user(&self, key: &UserKey) -> Result<Option<Arc<User>>, Error>;

    /// Users by number, after one of them.
    fn users(&self, after: Option<UserId>, limit: usize) -> Result<UserPage, Error>;

    /// A user's conversations, the one with the newest activity first, and how many there are.
    fn conversations(
        &self,
        user: UserId,
        paging: Paging,
        members: bool,
        hidden: bool,
    ) -> Result<(u64, Rows<ConversationRow>), Error>;

    /// A conversation's messages that a user may see, newest first.
    fn history(&self, user: UserId, conversation: ConversationId, paging: Paging) -> Result<MessageList, Error>;

    /// A user's messages over all conversations, newest first.
    fn timeline(&self, user: UserId, between: Option<&[UserKey; 2]>, paging: Paging) -> Result<MessageList, Error>;

    /// Messages that are pending for a user, oldest first, leaving out what lies at or below a `seq`
    /// per conversation.
    fn pending(
        &self,
        user: UserId,
        scope: PendingScope,
        above: &FxHashMap<ConversationId, u64>,
        limit: usize,
    ) -> Result<MessagePage, Error>;

    /// The messages of [`Queries::pending`] as a list that can be confirmed.
    fn pull(&self, user: UserId, filter: PullFilter, limit: usize) -> Result<MessageList, Error>;

    /// A group and its members, if the user is one of them (or nobody asks).
    fn group(&self, user: Option<UserId>, group: ConversationId) -> Result<Arc<Group>, Error>;

    /// The groups a user is in, oldest membership first.
    fn groups(&self, user: UserId, detailed: bool) -> Result<Vec<Arc<Group>>, Error>;

    /// The groups whose read marks are not prepared, of those that a question about `only` (or all of
    /// the user's groups) would need.
    fn unprepared_marks(&self, user: UserId, only: Option<ConversationId>) -> Result<Vec<ConversationId>, Error>;

    /// A user's pending requests, oldest first: those it has to decide.
    fn requests(&self, user: UserId) -> Result<Vec<Arc<Request>>, Error>;

    /// A request by its number.
    fn request(&self, request: koine_core::RequestId) -> Result<Option<Arc<Request>>, Error>;

    /// A user's friends by number.
    fn friends(&self, user: UserId) -> Result<Vec<Arc<User>>, Error>;

    /// Those of `users` who have blocked `blocked`.
    fn blockers(&self, blocked: UserId) -> Result<Vec<UserId>, Error>;

    /// A stored token by the SHA-256 of its text.
    fn token(&self, hash: &[u8; 32]) -> Result<Option<OpaqueToken>, Error>;

    /// The owner of a chat list row.
    fn chat_owner(&self, chat: ChatId) -> Result<Option<UserId>, Error>;

    /// An uploaded file; its `url` is empty.
    fn file(&self, file: FileId) -> Result<Option<File>, Error>;

    /// A conversation's log for management: messages before a `seq`, newest first.
    fn log(
        &self,
        conversation: ConversationId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<(Arc<Conversation>, Vec<Arc<Message>>), Error>;

    /// How much there is.
    fn stats(&self) -> Result<Stats, Error>;

    /// Whether a handle is taken.
    fn is_known(&self, handle: &Handle) -> Result<bool, Error> {
        Ok(self.user(&UserKey::Handle(handle.clone()))?.is_some())
    }
}

/// Whose pending messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PendingScope {
    /// All of the user's conversations.
    All,
    /// The direct conversation with one user.
    Peer(UserId),
}

/// Messages with their conversations.
#[derive(Debug, Clone, Default)]
pub struct MessagePage {
    /// The messages, in order.
    pub messages: Vec<(Arc<Message>, Arc<Conversation>, u64)>,
}

/// Some of the users.
#[derive(Debug, Clone, Default)]
pub struct UserPage {
    /// The users.
    pub users: Vec<Arc<User>>,
    /// Whether there are more.
    pub more: bool,
}

/// How much there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Registered users.
    pub users: u64,
    /// Conversations that were opened.
    pub conversations: u64,
    /// Messages since this process started.
    pub messages: u64,
    /// Acknowledgements since then that named no message of their user.
    pub ignored_acks: u64,
}
