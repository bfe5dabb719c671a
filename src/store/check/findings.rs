//! What was found.

use std::fmt;

use serde::Serialize;

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The space it is in, or `store` for the whole.
    pub space: String,
    /// The key, for people to read; empty for a whole space.
    pub key: String,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.space)?;
        if !self.key.is_empty() {
            write!(f, " {}", self.key)?;
        }
        write!(f, ": {}", self.what)
    }
}

/// What a check came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The findings, as many as were to be kept.
    pub findings: Vec<Finding>,
    /// How many there were.
    pub found: u64,
    /// How many users there are.
    pub users: u64,
    /// How many conversations.
    pub conversations: u64,
    /// How many messages.
    pub messages: u64,
    /// How many records of all sorts were looked at.
    pub records: u64,
}

impl Report {
    /// Whether nothing was found.
    pub const fn is_clean(&self) -> bool {
        self.found == 0
    }

    /// Takes a finding in; past `cap` it is only counted.
    pub fn add(&mut self, cap: usize, space: &str, key: String, what: impl Into<String>) {
        self.found += 1;
        if self.findings.len() < cap {
            self.findings.push(Finding { space: space.to_owned(), key, what: what.into() });
        }
    }
}
