//! What a client proves itself with.

use std::fmt;
use std::sync::Arc;

/// A secret a client presented or is given. It never shows its text in logs or panics.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Token(Arc<str>);

impl Token {
    /// Wraps the text as it came.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The secret itself; never to be logged.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// What a token is good for. A token of one purpose is never accepted for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// user-sig's short-lived `user_sig`.
    UserSig,
    /// A client's token in the other dialects.
    Access,
}
