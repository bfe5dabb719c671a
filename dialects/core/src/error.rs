//! Why a command was not carried out.

use std::borrow::Cow;
use std::fmt;

/// Why a command was not carried out. Each dialect has one exhaustive table from kind to wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    detail: Option<Cow<'static, str>>,
}

/// The closed set of reasons. A new one breaks every dialect's table until somebody has thought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The input cannot be understood; the detail says why.
    BadRequest,
    /// No token, or one that is not good (wrong, expired, of another purpose, of another user).
    Unauthenticated,
    /// Good credentials that do not allow this.
    Forbidden,
    /// The user is disabled.
    UserDisabled,
    /// No such user.
    UserNotFound,
    /// The handle or number is taken.
    UserExists,
    /// Registration is only possible through the management API.
    RegistrationClosed,
    /// No such conversation.
    ConversationNotFound,
    /// No such group.
    GroupNotFound,
    /// The user is not a member.
    NotMember,
    /// Only the group's manager may.
    NotManager,
    /// The user is a member already.
    AlreadyMember,
    /// No such request, or it is decided.
    RequestNotFound,
    /// The request is somebody else's to decide.
    NotAddressee,
    /// `policy.direct = "friends"`, and they are not.
    NotFriends,
    /// The idempotency key or message id was used for something else.
    KeyConflict,
    /// No such row in the chat list.
    ChatNotFound,
    /// No such file, or no file in the upload.
    FileNotFound,
    /// No such address.
    RouteNotFound,
    /// Larger than the limit.
    TooLarge,
    /// More often than the limit.
    RateLimited,
    /// The server cannot take it now (stopping, or the disk is full or broken); try again later.
    Unavailable,
    /// A fault of the server's own.
    Internal,
}

impl Error {
    /// An error without detail.
    pub const fn new(kind: ErrorKind) -> Self {
        Self { kind, detail: None }
    }

    /// An error whose detail is safe to show to the client.
    pub fn with_detail(kind: ErrorKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, detail: Some(detail.into()) }
    }

    /// Input that cannot be understood, and why.
    pub fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::with_detail(ErrorKind::BadRequest, detail)
    }

    /// The hub answered a command with the wrong kind of reply.
    pub const fn internal() -> Self {
        Self::new(ErrorKind::Internal)
    }

    /// The reason.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The detail, else a sentence for the kind. Never internal text.
    pub fn message(&self) -> &str {
        self.detail.as_deref().unwrap_or(self.kind.sentence())
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind)
    }
}

impl ErrorKind {
    /// Every kind, for tests of the tables.
    pub const ALL: &'static [Self] = &[
        Self::BadRequest,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::UserDisabled,
        Self::UserNotFound,
        Self::UserExists,
        Self::RegistrationClosed,
        Self::ConversationNotFound,
        Self::GroupNotFound,
        Self::NotMember,
        Self::NotManager,
        Self::AlreadyMember,
        Self::RequestNotFound,
        Self::NotAddressee,
        Self::NotFriends,
        Self::KeyConflict,
        Self::ChatNotFound,
        Self::FileNotFound,
        Self::RouteNotFound,
        Self::TooLarge,
        Self::RateLimited,
        Self::Unavailable,
        Self::Internal,
    ];

    /// A plain sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::BadRequest => "bad request",
            Self::Unauthenticated => "authentication failed",
            Self::Forbidden => "not allowed",
            Self::UserDisabled => "the user is disabled",
            Self::UserNotFound => "no such user",
            Self::UserExists => "the user id is taken",
            Self::RegistrationClosed => "registration is closed",
            Self::ConversationNotFound => "no such conversation",
            Self::GroupNotFound => "no such group",
            Self::NotMember => "not a member",
            Self::NotManager => "not the manager of the group",
            Self::AlreadyMember => "a member already",
            Self::RequestNotFound => "no such request",
            Self::NotAddressee => "the request is addressed to another user",
            Self::NotFriends => "not friends",
            Self::KeyConflict => "the id was already used for another message",
            Self::ChatNotFound => "no such chat",
            Self::FileNotFound => "no such file",
            Self::RouteNotFound => "no such address",
            Self::TooLarge => "too large",
            Self::RateLimited => "too many requests",
            Self::Unavailable => "temporarily unavailable",
            Self::Internal => "internal error",
        }
    }

    /// A stable word for logs, counters and the management API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::BadRequest => "bad-request",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::UserDisabled => "user-disabled",
            Self::UserNotFound => "user-not-found",
            Self::UserExists => "user-exists",
            Self::RegistrationClosed => "registration-closed",
            Self::ConversationNotFound => "conversation-not-found",
            Self::GroupNotFound => "group-not-found",
            Self::NotMember => "not-member",
            Self::NotManager => "not-manager",
            Self::AlreadyMember => "already-member",
            Self::RequestNotFound => "request-not-found",
            Self::NotAddressee => "not-addressee",
            Self::NotFriends => "not-friends",
            Self::KeyConflict => "key-conflict",
            Self::ChatNotFound => "chat-not-found",
            Self::FileNotFound => "file-not-found",
            Self::RouteNotFound => "route-not-found",
            Self::TooLarge => "too-large",
            Self::RateLimited => "rate-limited",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for Error {}
