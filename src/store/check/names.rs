//! Keys, for people to read.

use data_encoding::HEXLOWER;

use crate::store::embedded::keys::{self, Sort};
use crate::store::embedded::spaces;
use crate::store::engine::Space;

/// A key in the form in which its numbers or texts are known elsewhere.
pub(in crate::store) fn key(space: Space, key: &[u8]) -> String {
    match space {
        spaces::META | spaces::HANDLES | spaces::BLOBS => String::from_utf8_lossy(key).escape_debug().to_string(),
        spaces::TOKEN_HASHES | spaces::FILES => HEXLOWER.encode(key),
        spaces::CHATS => match keys::read_chat(key) {
            Some((user, Sort::Direct, conversation)) => format!("user {user}, direct conversation {conversation}"),
            Some((user, Sort::Group, conversation)) => format!("user {user}, group {conversation}"),
            None => HEXLOWER.encode(key),
        },
        spaces::REQUESTS_OPEN => match key.split_first() {
            Some((kind, rest)) => numbers(rest).map(|rest| format!("{kind}/{rest}")),
            None => None,
        }
        .unwrap_or_else(|| HEXLOWER.encode(key)),
        _ if space.day().is_some() => HEXLOWER.encode(key),
        _ => numbers(key).unwrap_or_else(|| HEXLOWER.encode(key)),
    }
}

fn numbers(key: &[u8]) -> Option<String> {
    let (numbers, rest) = key.as_chunks::<8>();
    let numbers: Vec<_> = numbers.iter().map(|number| u64::from_be_bytes(*number).to_string()).collect();
    rest.is_empty().then(|| numbers.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use koine_core::{ConversationId, UserId};

    #[test]
    fn keys_are_shown_by_the_numbers_they_are_made_of() {
        assert_eq!(key(spaces::LOG, &keys::log(ConversationId::new(7), 300)), "7/300");
        let chat = keys::chat(UserId::new(1), Sort::Group, ConversationId::new(7));
        assert_eq!(key(spaces::CHATS, &chat), "user 1, group 7");
        assert_eq!(key(spaces::HANDLES, b"tom"), "tom");
        assert_eq!(key(spaces::REQUESTS_OPEN, &keys::request_open(1, UserId::new(2), UserId::new(3), 4)), "1/2/3/4");
        assert_eq!(key(spaces::USERS, b"odd"), "6f6464");
    }
}
