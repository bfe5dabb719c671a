//! The spaces of the store: one sort of key each.

use crate::store::engine::Space;

macro_rules! spaces {
    ($($(#[$doc:meta])* $name:ident = $text:literal),+ $(,)?) => { $(
        $(#[$doc])*
        pub(crate) const $name: Space = Space::fixed($text);
    )+ };
}

spaces! {
    /// Name → number: counters, high-water marks, the schema version.
    META = "meta",
    /// User → [`super::records::UserRecord`]
    USERS = "users",
    /// Handle → user
    HANDLES = "handles",
    /// Conversation → [`super::records::ConversationRecord`]
    CONVERSATIONS = "conversations",
    /// Conversation → [`super::records::Head`]
    HEADS = "heads",
    /// Two users, lower first → conversation
    PAIRS = "pairs",
    /// User, sort, conversation → [`super::records::MemberRecord`]
    CHATS = "chats",
    /// Chat id → user, conversation, sort
    CHAT_IDS = "chat_ids",
    /// Group, chat id → user
    MEMBERS = "members",
    /// Conversation, seq → [`super::records::MessageRecord`]
    LOG = "log",
    /// Id on auth-ack → conversation, seq
    WIRE_IDS = "wire_ids",
    /// Conversation, user, seq → time at which everything up to seq was read
    READS = "reads",
    /// Request → [`super::records::RequestRecord`]
    REQUESTS = "requests",
    /// Addressee, pending request
    REQUESTS_TO = "requests_to",
    /// Kind, from, to, group → pending request
    REQUESTS_OPEN = "requests_open",
    /// Group, pending request
    REQUESTS_ABOUT = "requests_about",
    /// User, friend → since
    FRIENDS = "friends",
    /// Blocked, blocker → since
    BLOCKED_BY = "blocked_by",
    /// Token id → [`super::records::TokenRecord`]
    TOKENS = "tokens",
    /// SHA-256 of a token → token id
    TOKEN_HASHES = "token_hashes",
    /// File → [`super::records::FileRecord`]
    FILES = "files",
    /// SHA-256 in hexadecimal → how many files have these bytes
    BLOBS = "blobs",
    /// User (0: all) → bytes kept
    FILE_USAGE = "file_usage",
}
