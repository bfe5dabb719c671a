//! The name a user is known by in the dialects with string ids.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

/// A user's unique name: 1 to 128 characters, no control characters, compared byte for byte.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Handle(Arc<str>);

/// Why a text cannot be a [`Handle`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHandle {
    /// No characters at all.
    #[error("the user id is empty")]
    Empty,
    /// More than [`Handle::MAX_CHARS`] characters.
    #[error("the user id is longer than 128 characters")]
    TooLong,
    /// A control character, which no client could show.
    #[error("the user id holds a control character")]
    Control,
}

impl Handle {
    /// The longest handle, in characters.
    pub const MAX_CHARS: usize = 128;

    /// Checks a text and makes it a handle.
    pub fn new(text: &str) -> Result<Self, InvalidHandle> {
        if text.is_empty() {
            return Err(InvalidHandle::Empty);
        }
        if text.chars().count() > Self::MAX_CHARS {
            return Err(InvalidHandle::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidHandle::Control);
        }
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl AsRef<str> for Handle {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Handle {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Handle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}
