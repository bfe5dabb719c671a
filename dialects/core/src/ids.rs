//! Identities. Every one is a number of its own type, so that none can be taken for another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The text is not a decimal number from 1 to 2^64 - 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a number from 1 to 18446744073709551615")]
pub struct InvalidId;

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(u64);

        impl $name {
            /// Wraps a number.
            pub const fn new(number: u64) -> Self {
                Self(number)
            }

            /// The number itself.
            pub const fn get(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                decimal(text).map(Self)
            }
        }
    };
}

number_id! {
    /// A user, allocated from 1 upwards at registration; what auth-ack clients know a user by.
    UserId
}
number_id! {
    /// A direct conversation or a group; dialects with string ids show it in decimal.
    ConversationId
}
number_id! {
    /// One user's row for one conversation (auth-ack's chat list id).
    ChatId
}
number_id! {
    /// A message: below 2^53, strictly increasing on a node; "by time" means by this number.
    MessageId
}
number_id! {
    /// A friend request, a join request or a group invitation.
    RequestId
}
number_id! {
    /// A live connection of this process.
    ConnectionId
}

/// An uploaded file: 128 random bits, so that holding the address is the right to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileId(u128);

impl FileId {
    /// Wraps a random number.
    pub const fn new(number: u128) -> Self {
        Self(number)
    }

    /// The number itself.
    pub const fn get(self) -> u128 {
        self.0
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for FileId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidId);
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|_| InvalidId)
    }
}

fn decimal(text: &str) -> Result<u64, InvalidId> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(InvalidId);
    }
    match text.parse() {
        Ok(0) | Err(_) => Err(InvalidId),
        Ok(number) => Ok(number),
    }
}
