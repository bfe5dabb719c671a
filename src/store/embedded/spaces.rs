//! The spaces of the store: one sort of key each.
//!
//! What is `counted` or `growing` is in the engine's tally, so that `koine store check` notices whatever goes missing
//! from it. Heads, memberships and steps of reading are not: they change with every message, and the log and each
//! other tell what they should be.

use crate::store::engine::Space;

macro_rules! spaces {
    ($($(#[$doc:meta])* $name:ident = $text:literal $(. $counting:ident)?),+ $(,)?) => {
        $(
            $(#[$doc])*
            pub(crate) const $name: Space = Space::fixed($text)$(.$counting())?;
        )+

        /// All of them.
        pub(crate) const ALL: &[Space] = &[$($name),+];
    };
}

spaces! {
    /// Name → number: counters, high-water marks, the schema version.
    META = "meta",
    /// User → [`super::records::UserRecord`]
    USERS = "users".counted,
    /// Handle → user
    HANDLES = "handles".counted,
    /// Conversation → [`super::records::ConversationRecord`]
    CONVERSATIONS = "conversations".counted,
    /// Conversation → [`super::records::Head`]
    HEADS = "heads",
    /// Two users, lower first → conversation
    PAIRS = "pairs".counted,
    /// User, sort, conversation → [`super::records::MemberRecord`]
    CHATS = "chats",
    /// Chat id → user, conversation, sort
    CHAT_IDS = "chat_ids".counted,
    /// Group, chat id → user
    MEMBERS = "members".counted,
    /// Conversation, seq → [`super::records::MessageRecord`]
    LOG = "log".growing,
    /// First message id of a batch → [`super::records::PlacesRecord`] of its messages
    PLACES = "places".growing,
    /// Client's id on auth-ack → conversation, seq
    WIRE_IDS = "wire_ids".growing,
    /// Conversation, user, seq → time at which everything up to seq was read
    READS = "reads",
    /// Request → [`super::records::RequestRecord`]
    REQUESTS = "requests".counted,
    /// Addressee, pending request
    REQUESTS_TO = "requests_to".counted,
    /// Kind, from, to, group → pending request
    REQUESTS_OPEN = "requests_open".counted,
    /// Group, pending request
    REQUESTS_ABOUT = "requests_about".counted,
    /// User, friend → since
    FRIENDS = "friends".counted,
    /// Blocked, blocker → since
    BLOCKED_BY = "blocked_by".counted,
    /// Token id → [`super::records::TokenRecord`]
    TOKENS = "tokens".counted,
    /// SHA-256 of a token → token id
    TOKEN_HASHES = "token_hashes".counted,
    /// File → [`super::records::FileRecord`]
    FILES = "files".counted,
    /// SHA-256 in hexadecimal → how many files have these bytes
    BLOBS = "blobs".counted,
    /// User (0: all) → bytes kept
    FILE_USAGE = "file_usage".counted,
}
