//! Secrets in the configuration.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// A secret from the configuration; printed and serialised as `<redacted>`. Empty means: not set.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "LenientText")]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The secret, if it is set; never to be logged.
    pub fn expose(&self) -> Option<&str> {
        (!self.0.is_empty()).then_some(self.0.as_str())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "\"\"" } else { "<redacted>" })
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.0.is_empty() { "" } else { "<redacted>" })
    }
}

/// An environment variable that looks like a number arrives as one.
#[derive(Deserialize)]
#[serde(untagged)]
enum LenientText {
    Text(String),
    Integer(i64),
    Float(f64),
    Truth(bool),
}

impl From<LenientText> for Secret {
    fn from(text: LenientText) -> Self {
        Self(match text {
            LenientText::Text(text) => text,
            LenientText::Integer(number) => number.to_string(),
            LenientText::Float(number) => number.to_string(),
            LenientText::Truth(truth) => truth.to_string(),
        })
    }
}
