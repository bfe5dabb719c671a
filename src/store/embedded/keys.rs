//! How keys are laid out. Numbers are big-endian, so that the order of keys is the order of numbers.

use aws_lc_rs::digest;
use koine_core::{ChatId, ConversationId, FileId, RequestId, UserId};

/// What a sender names its sends with is kept as it is up to this many bytes, and as its hash beyond.
const LONGEST_NAME: usize = 64;

/// Which sort of conversation a row of `chats` is for; a user's rows of one sort lie together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Sort {
    Direct,
    Group,
}

impl Sort {
    const fn byte(self) -> u8 {
        match self {
            Self::Direct => 0,
            Self::Group => 1,
        }
    }
}

macro_rules! join {
    ($($part:expr),+ $(,)?) => {{
        let mut key = Vec::with_capacity(32);
        $(key.extend_from_slice(&$part);)+
        key
    }};
}

/// One number.
pub(crate) fn number(number: u64) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

/// `users`
pub(crate) fn user(user: UserId) -> Vec<u8> {
    number(user.get())
}

/// `conversations`, `heads`
pub(crate) fn conversation(conversation: ConversationId) -> Vec<u8> {
    number(conversation.get())
}

/// `pairs`, `friends`, `blocked_by`: two users in the given order.
pub(crate) fn two_users(first: UserId, second: UserId) -> Vec<u8> {
    two_numbers(first.get(), second.get())
}

/// Two numbers, whatever they are.
pub(crate) fn two_numbers(first: u64, second: u64) -> Vec<u8> {
    join!(first.to_be_bytes(), second.to_be_bytes())
}

/// `chats`: the row of a user's membership.
pub(crate) fn chat(user: UserId, sort: Sort, conversation: ConversationId) -> Vec<u8> {
    join!(user.get().to_be_bytes(), [sort.byte()], conversation.get().to_be_bytes())
}

/// The beginning of a user's rows of one sort.
pub(crate) fn chats_of_sort(user: UserId, sort: Sort) -> Vec<u8> {
    join!(user.get().to_be_bytes(), [sort.byte()])
}

/// What a key of `chats` names.
pub(crate) fn read_chat(key: &[u8]) -> Option<(UserId, Sort, ConversationId)> {
    let (user, rest) = key.split_first_chunk::<8>()?;
    let (sort, rest) = rest.split_first()?;
    let (conversation, rest) = rest.split_first_chunk::<8>()?;
    let sort = match sort {
        0 => Sort::Direct,
        1 => Sort::Group,
        _ => return None,
    };
    rest.is_empty().then_some((
        UserId::new(u64::from_be_bytes(*user)),
        sort,
        ConversationId::new(u64::from_be_bytes(*conversation)),
    ))
}

/// `members`: by joining, so that lists of members are too.
pub(crate) fn member(group: ConversationId, chat: ChatId) -> Vec<u8> {
    join!(group.get().to_be_bytes(), chat.get().to_be_bytes())
}

/// `log`
pub(crate) fn log(conversation: ConversationId, seq: u64) -> Vec<u8> {
    join!(conversation.get().to_be_bytes(), seq.to_be_bytes())
}

/// `reads`: up to which `seq` a user had read, by `seq`.
pub(crate) fn read(conversation: ConversationId, user: UserId, seq: u64) -> Vec<u8> {
    join!(conversation.get().to_be_bytes(), user.get().to_be_bytes(), seq.to_be_bytes())
}

/// `requests_to`: the addressee's pending requests.
pub(crate) fn request_to(to: UserId, request: RequestId) -> Vec<u8> {
    join!(to.get().to_be_bytes(), request.get().to_be_bytes())
}

/// `requests_open`: at most one pending request of a kind between the same.
pub(crate) fn request_open(kind: u8, from: UserId, to: UserId, group: u64) -> Vec<u8> {
    join!([kind], from.get().to_be_bytes(), to.get().to_be_bytes(), group.to_be_bytes())
}

/// `requests_about`: pending requests about a group.
pub(crate) fn request_about(group: ConversationId, request: RequestId) -> Vec<u8> {
    join!(group.get().to_be_bytes(), request.get().to_be_bytes())
}

/// `keys`: a sender's own name for a send. By sender, since what one client names in a row lies close together then.
pub(crate) fn idempotency(sender: UserId, key: &str) -> Vec<u8> {
    if key.len() <= LONGEST_NAME {
        return join!(sender.get().to_be_bytes(), [0], key.as_bytes());
    }
    join!(sender.get().to_be_bytes(), [1], digest::digest(&digest::SHA256, key.as_bytes()).as_ref())
}

/// Whether a key of `keys` is one, and whose.
pub(crate) fn read_idempotency(key: &[u8]) -> Option<UserId> {
    let (sender, rest) = key.split_first_chunk::<8>()?;
    let is_one = match rest.split_first()? {
        (0, name) => name.len() <= LONGEST_NAME,
        (1, hash) => hash.len() == digest::SHA256_OUTPUT_LEN,
        _ => false,
    };
    is_one.then(|| UserId::new(u64::from_be_bytes(*sender)))
}

/// `files`
pub(crate) fn file(file: FileId) -> Vec<u8> {
    file.get().to_be_bytes().to_vec()
}

/// The first and the second number of a key made of numbers.
pub(crate) fn numbers(key: &[u8]) -> Option<(u64, u64)> {
    let (first, rest) = key.split_first_chunk::<8>()?;
    let (second, rest) = rest.split_first_chunk::<8>()?;
    rest.is_empty().then_some((u64::from_be_bytes(*first), u64::from_be_bytes(*second)))
}

/// A key of one number.
pub(crate) fn read_number(key: &[u8]) -> Option<u64> {
    key.try_into().ok().map(u64::from_be_bytes)
}
