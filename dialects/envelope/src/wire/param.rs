//! Parameters with the leniency of the door, and objects whose keys may repeat.

use std::borrow::Cow;
use std::fmt;

use koine_core::{Error, compact_json, json};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

/// A parameter that is documented as a string. A number is taken as its decimal text, digit for
/// digit; `null` is taken as absent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Param<'a> {
    /// Not there.
    #[default]
    Absent,
    /// There.
    Text(Cow<'a, str>),
    /// Something that is no string.
    Wrong,
}

impl<'a> Param<'a> {
    /// Reads a parameter.
    pub fn from_raw(raw: &'a RawValue) -> Self {
        match raw.get().as_bytes().first() {
            Some(b'"') => string(raw),
            Some(b'-' | b'0'..=b'9') => Self::Text(Cow::Borrowed(raw.get())),
            Some(b'n') => Self::Absent,
            _ => Self::Wrong,
        }
    }

    /// Reads a message's content, which may be any value: what is no string is its compact text.
    pub fn content_from_raw(raw: &'a RawValue) -> Self {
        if raw.get().starts_with('"') { string(raw) } else { Self::Text(compact_json(raw.get())) }
    }

    /// The text; nothing where it is absent, empty or no string.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// The text, which must be there and not empty; `BadRequest` names the parameter.
    pub fn required(&self, name: &str) -> Result<&str, Error> {
        match self {
            Self::Wrong => Err(Error::bad_request(format!("{name} is not a string"))),
            _ => self.text().ok_or_else(|| Error::bad_request(format!("{name} is missing"))),
        }
    }

    /// Whether it is not there at all.
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

impl Serialize for Param<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Absent | Self::Wrong => serializer.serialize_unit(),
        }
    }
}

impl<'a> From<&'a str> for Param<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

fn string(raw: &RawValue) -> Param<'_> {
    json::text(raw).map_or(Param::Wrong, Param::Text)
}

/// A JSON string, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads an object, entry by entry; a repeated key is handed over again.
pub(super) fn each_entry<'de, D, F>(deserializer: D, take: F) -> Result<(), D::Error>
where
    D: Deserializer<'de>,
    F: FnMut(&str, &'de RawValue),
{
    deserializer.deserialize_map(Entries(take))
}

struct Entries<F>(F);

impl<'de, F: FnMut(&str, &'de RawValue)> Visitor<'de> for Entries<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(key)) = map.next_key()? {
            (self.0)(&key, map.next_value()?);
        }
        Ok(())
    }
}
