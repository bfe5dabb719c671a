//! Tokens written down in the configuration.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use super::Secret;

/// Token → handle. The tokens are secrets: printed and serialised they are `<redacted 1>` and so on.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "BTreeMap<String, Secret>")]
pub struct StaticTokens(BTreeMap<String, String>);

impl StaticTokens {
    /// Adds a token of a user; the last one given for a token wins.
    pub fn insert(&mut self, token: &str, handle: &str) {
        self.0.insert(token.to_owned(), handle.to_owned());
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tokens and handles; the tokens are never to be logged.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(token, handle)| (token.as_str(), handle.as_str()))
    }

    fn redacted(&self) -> impl Iterator<Item = (String, &String)> {
        self.0.values().enumerate().map(|(index, handle)| (format!("<redacted {}>", index + 1), handle))
    }
}

/// Handles that look like numbers are taken as they are written.
impl From<BTreeMap<String, Secret>> for StaticTokens {
    fn from(tokens: BTreeMap<String, Secret>) -> Self {
        let owned = |(token, handle): (String, Secret)| (token, handle.expose().unwrap_or_default().to_owned());
        Self(tokens.into_iter().map(owned).collect())
    }
}

impl fmt::Debug for StaticTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.redacted()).finish()
    }
}

impl Serialize for StaticTokens {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.redacted())
    }
}
