//! What the hub can be asked to do: one vocabulary for all dialects and the management API.

use std::sync::Arc;

use crate::{Body, ChatId, Content, ConversationId, Handle, Profile, ProfilePatch, Purpose, RequestId, Token, UserId};

/// What the hub can be asked to do, on behalf of the user the connection or request was
/// authenticated as. Where a variant names a reply, the hub answers with that [`crate::Reply`].
#[derive(Debug, Clone)]
pub enum Command {
    /// Say who a token belongs to → `Authenticated`. On a socket it binds the connection.
    Authenticate(Authenticate),
    /// Exchange a rule key for a `user_sig` (user-sig, 获取 `user_sig`) → `Token`. A wrong key and an
    /// unknown user are the same `Unauthenticated`.
    ExchangeKey {
        /// Whom the sig is for.
        user: Handle,
        /// The rule key.
        key: Token,
    },
    /// Subscribe this connection to its user's live events → `Attached`. Events follow the reply.
    Attach(Attach),

    /// Register a user → `Registered`.
    Register(Box<Register>),
    /// Look a user up → `User`.
    FindUser(UserKey),
    /// Change the acting user's profile → `User`.
    UpdateUser(ProfilePatch),

    /// Open the direct conversation with a user, or find it → `Opened`.
    OpenDirect {
        /// The other user.
        with: UserKey,
        /// A name, kept if the conversation is new.
        name: Option<Arc<str>>,
    },
    /// Make a group whose manager is the acting user → `Opened`.
    CreateGroup {
        /// Its name, not empty.
        name: Arc<str>,
        /// Members besides the acting user, who join at once.
        members: Vec<UserKey>,
    },
    /// Rename a group; manager only → `Done`.
    RenameGroup {
        /// The group.
        group: ConversationId,
        /// The new name, not empty.
        name: Arc<str>,
    },
    /// Leave a group; the manager's leaving dissolves it → `Done`.
    Leave {
        /// The group.
        group: ConversationId,
    },
    /// Remove a member; manager only; the manager removing itself dissolves the group → `Done`.
    RemoveMember {
        /// The group.
        group: ConversationId,
        /// The member.
        user: UserKey,
    },
    /// Look at a group; members only → `Group`.
    Group {
        /// The group.
        group: ConversationId,
    },
    /// The groups the user is in → `Groups`.
    Groups {
        /// With members, or only who they are.
        detailed: bool,
    },

    /// Invite a user into a group; members only → `Requested`.
    Invite {
        /// The group.
        group: ConversationId,
        /// Who is invited.
        user: UserKey,
        /// What the inviter wrote along.
        note: Option<Arc<str>>,
    },
    /// Apply to join a group; the manager decides → `Requested`.
    Join {
        /// The group.
        group: ConversationId,
        /// What the applicant wrote along.
        note: Option<Arc<str>>,
    },
    /// Apply to become a user's friend → `Requested`.
    Befriend {
        /// The user.
        with: UserKey,
        /// What the applicant wrote along.
        note: Option<Arc<str>>,
    },
    /// Pending invitations to the user → `Requests`.
    Invitations,
    /// Decide a request addressed to the user → `Done`.
    Decide {
        /// The request.
        request: RequestId,
        /// The decision.
        answer: RequestAnswer,
        /// Only requests about groups (the others are "not found"), where the dialect has only those.
        groups_only: bool,
    },
    /// End a friendship → `Done`.
    Unfriend {
        /// The friend.
        with: UserKey,
    },
    /// Never hear from a user again, silently → `Done`.
    Block {
        /// The user to block.
        user: UserKey,
    },
    /// Take a block back → `Done`.
    Unblock {
        /// The blocked user.
        user: UserKey,
    },

    /// Say something → `Sent`.
    Send(Send),
    /// A conversation's messages that the user may see, newest first → `Messages`.
    History {
        /// The conversation.
        conversation: ConversationId,
        /// Which of them.
        paging: Paging,
    },
    /// The user's messages over all conversations, newest first → `Messages`.
    Timeline {
        /// Only the direct conversation of these two, of whom the user must be one.
        between: Option<[UserKey; 2]>,
        /// Which of them.
        paging: Paging,
    },
    /// Messages that are pending for the user → `Messages`.
    Pull(Pull),
    /// The user's conversations, the one with the newest activity first → `Conversations`.
    Conversations {
        /// Which of them.
        paging: Paging,
        /// With the members of groups.
        members: bool,
        /// Also rows the user has hidden since their last message.
        hidden: bool,
    },
    /// What is named was delivered to the user, durably → `Done`.
    Confirm(Receipt),
    /// The message with this auth-ack id was delivered to the user, durably → `Done`. An id that is not of the
    /// user's messages is ignored and counted.
    Acknowledge {
        /// The id, as the wire has it.
        wire_id: u64,
    },
    /// Everything in the conversation is read → `Marked`.
    MarkRead(ChatKey),
    /// Hide a row of the chat list until its next message → `Done`.
    HideChat(ChatId),
    /// A fresh message id for a client to use → `MessageId`.
    ReserveMessageId,
    /// Tell online users something; nothing is stored → `Done`. For backends, not users.
    Notify(Notify),
}

/// A token and what is claimed of it.
#[derive(Debug, Clone)]
pub struct Authenticate {
    /// The token.
    pub token: Token,
    /// What it must be good for.
    pub purpose: Purpose,
    /// Whom it must belong to, where the dialect names the user beside the token.
    pub claim: Option<Claim>,
}

/// Whom a client says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The user of this handle or number.
    User(UserKey),
    /// The owner of this chat list row (auth-ack).
    Chat(ChatId),
}

/// One of a user's two identities.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum UserKey {
    /// The number.
    Id(UserId),
    /// The handle.
    Handle(Handle),
}

/// How a connection takes part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attach {
    /// Which messages come to it.
    pub scope: Scope,
    /// Whether what is pending is pushed before live messages (dialects without a pull endpoint),
    /// and pending requests with it.
    pub catch_up: bool,
    /// What confirms delivery.
    pub confirm: ConfirmBy,
    /// Whether a confirmed message is also read (status-code: the chat is open).
    pub confirmed_is_read: bool,
}

/// Which messages come to a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All of the user's.
    All,
    /// Those of the direct conversation with one user, and that user's presence (status-code).
    /// Attaching fails with `UserNotFound` if there is none.
    Peer(UserKey),
}

/// What confirms the delivery of a live push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConfirmBy {
    /// The WebSocket's own Pong.
    Pong,
    /// Only a command ([`Command::Acknowledge`]).
    Command,
}

/// A user to register.
#[derive(Debug, Clone)]
pub struct Register {
    /// The handle; for auth-ack the `thirdUserId`.
    pub handle: Handle,
    /// What is known of the user.
    pub profile: Profile,
    /// auth-ack's `app`, which the gateway's `identity` setting makes something of.
    pub app: Option<Arc<str>>,
    /// What to do if the user exists.
    pub existing: Existing,
}

/// What registering an existing user means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Existing {
    /// An error (`UserExists`).
    Refuse,
    /// The user as it is.
    Return,
}

/// The answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestAnswer {
    /// Yes.
    Accept,
    /// No.
    Refuse,
}

/// A message to send.
#[derive(Debug, Clone)]
pub struct Send {
    /// To whom.
    pub target: Target,
    /// What.
    pub content: Content,
    /// The id the client gave the message; also its idempotency key, for good (auth-ack `id`).
    pub client_id: Option<u64>,
    /// A key under which a repeat is the same send (envelope `uniqueNo`).
    pub key: Option<IdempotencyKey>,
    /// Whether sending also reads what came before in the conversation (dialects that cannot mark).
    pub reads: bool,
}

/// To whom a message is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A user, through the direct conversation, which is opened if need be.
    User(UserKey),
    /// A group; other conversations are `GroupNotFound`.
    Group(ConversationId),
    /// Any conversation of the user's (user-sig `to_session`).
    Conversation(ConversationId),
}

/// A sender's own name for a send, at most [`IdempotencyKey::MAX_BYTES`] bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(Arc<str>);

impl IdempotencyKey {
    /// The longest key, in bytes.
    pub const MAX_BYTES: usize = 128;

    /// Checks a key; `None` if it is empty or too long.
    pub fn new(key: &str) -> Option<Self> {
        (!key.is_empty() && key.len() <= Self::MAX_BYTES).then(|| Self(key.into()))
    }

    /// The same within a scope of the client's (envelope's `unique_no = "connection"`): keys of one scope
    /// never meet those of another.
    #[must_use]
    pub fn within(&self, scope: &str) -> Self {
        Self(format!("{scope}\u{0}{}", self.0).into())
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Which part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    /// Everything.
    All,
    /// One page.
    Page {
        /// From 1.
        number: u64,
        /// Rows per page, at least 1.
        size: u64,
    },
}

/// Which pending messages to pull.
#[derive(Debug, Clone)]
pub struct Pull {
    /// Of which kind of conversation.
    pub filter: PullFilter,
    /// How many at most; `None`: the dialect's configured `max_pull`. The oldest come first into the
    /// limit, whatever the order shown.
    pub limit: Option<u64>,
    /// Whether the newest of them is listed first.
    pub newest_first: bool,
    /// auth-ack ids that are acknowledged first, in the same command.
    pub acknowledge: Vec<u64>,
}

/// Of which kind of conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PullFilter {
    /// Any.
    All,
    /// Direct.
    Direct,
    /// Groups.
    Group,
}

/// Exactly which messages were handed over: closed ranges of `seq` per conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Conversation, first and last `seq`; what in between the user is not entitled to does not matter.
    pub ranges: Vec<(ConversationId, u64, u64)>,
}

/// A row of the user's chat list, by either of its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChatKey {
    /// The conversation.
    Conversation(ConversationId),
    /// The row.
    Chat(ChatId),
}

/// A backend's notification.
#[derive(Debug, Clone)]
pub struct Notify {
    /// Whom it is from, so that users who blocked that user do not get it.
    pub from: Option<UserKey>,
    /// Whom it is for.
    pub to: NotifyTo,
    /// The backend's own word.
    pub notification_type: Arc<str>,
    /// Anything.
    pub content: Body,
}

/// Whom a notification is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotifyTo {
    /// One user.
    User(UserKey),
    /// The members of a group.
    Group(ConversationId),
    /// The friends of a user.
    FriendsOf(UserKey),
}
