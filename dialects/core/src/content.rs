//! What a message says.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::json;

/// The content of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// What the sender wrote.
    Present {
        /// The word the client used for it.
        kind: Kind,
        /// The thing itself.
        body: Body,
    },
    /// Taken away by retention or erasure; the place in the conversation stays.
    Erased,
}

/// What sort of thing a message carries.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Plain text; also what JSON values travel as.
    Text,
    /// The body is the address of an image.
    Image,
    /// The body is the address of a file.
    File,
    /// A word of the client's own (auth-ack `Video`, `Location`, ...), passed through as it is.
    Other(Arc<str>),
}

/// The thing a message carries.
#[derive(Debug, Clone)]
pub enum Body {
    /// A string.
    Text(Arc<str>),
    /// Any other JSON value, kept as its own compact text, so that no digit of a number is lost.
    Json(Arc<RawValue>),
}

impl Content {
    /// How deep arrays and objects may be nested in each other. Common parsers of receivers give up beyond, some by
    /// ending their program.
    pub const DEEPEST: usize = 128;

    /// The text every dialect shows in the place of an erased message.
    pub const ERASED_TEXT: &'static str = "[erased]";

    /// Plain text.
    pub fn text(text: &str) -> Self {
        Self::Present { kind: Kind::Text, body: Body::Text(text.into()) }
    }

    /// Any JSON value as text content: a JSON string becomes a string, the rest is kept as it is.
    /// `None` if the raw text is not JSON.
    pub fn json(raw: &RawValue) -> Option<Self> {
        Some(Self::Present { kind: Kind::Text, body: Body::from_raw(raw)? })
    }

    /// What a dialect that can only show a string shows.
    pub fn as_text(&self) -> &str {
        match self {
            Self::Present { body, .. } => body.as_text(),
            Self::Erased => Self::ERASED_TEXT,
        }
    }

    /// What a dialect that carries any JSON value shows.
    pub fn as_json(&self) -> Body {
        match self {
            Self::Present { body, .. } => body.clone(),
            Self::Erased => Body::Text(Self::ERASED_TEXT.into()),
        }
    }

    /// The size that counts against the message limit, in bytes.
    pub fn size(&self) -> usize {
        match self {
            Self::Present { kind: Kind::Other(word), body } => word.len() + body.as_text().len(),
            Self::Present { body, .. } => body.as_text().len(),
            Self::Erased => 0,
        }
    }

    /// How deep arrays and objects are nested in each other; 0 for what is neither.
    pub fn depth(&self) -> usize {
        match self {
            Self::Present { body: Body::Json(raw), .. } => depth(raw.get()),
            _ => 0,
        }
    }
}

impl Body {
    /// Takes a JSON value over: a JSON string becomes [`Body::Text`]. `None` if a string in it has
    /// an escape that is no character.
    pub fn from_raw(raw: &RawValue) -> Option<Self> {
        if raw.get().starts_with('"') {
            return json::text(raw).map(|text| Self::Text(text.as_ref().into()));
        }
        RawValue::from_string(compact_json(raw.get()).into_owned()).ok().map(|raw| Self::Json(raw.into()))
    }

    /// Takes a parsed JSON value over.
    pub fn from_value(value: &serde_json::Value) -> Self {
        match value {
            serde_json::Value::String(text) => Self::Text(text.as_str().into()),
            other => match serde_json::value::to_raw_value(other) {
                Ok(raw) => Self::Json(raw.into()),
                // Serialising a `Value` cannot fail; its text is the closest honest answer.
                Err(_) => Self::Text(other.to_string().into()),
            },
        }
    }

    /// The string, or the JSON text of any other value (42 → `42`).
    pub fn as_text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Json(raw) => raw.get(),
        }
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Json(a), Self::Json(b)) => a.get() == b.get(),
            _ => false,
        }
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Json(raw) => raw.serialize(serializer),
        }
    }
}

/// The same JSON without the white space between its tokens.
pub fn compact_json(json: &str) -> Cow<'_, str> {
    let space = |byte: u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    if !json.bytes().any(space) {
        return Cow::Borrowed(json);
    }
    let mut compact = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for character in json.chars() {
        if in_string {
            in_string = escaped || character != '"';
            escaped = !escaped && character == '\\';
        } else if character == '"' {
            in_string = true;
        } else if matches!(character, ' ' | '\t' | '\n' | '\r') {
            continue;
        }
        compact.push(character);
    }
    Cow::Owned(compact)
}

/// How deep the arrays and objects of a JSON text are nested in each other.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if in_string => {
                in_string = escaped || byte != b'"';
                escaped = !escaped && byte == b'\\';
            }
            b'"' => in_string = true,
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_that_of_the_value_and_not_of_what_its_strings_say() {
        let nested = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
        for (json, depth) in [
            ("1", 0),
            ("[]", 1),
            (r#""[[[""#, 0),
            (r#"[{"a": []}, {"b": [1]}]"#, 3),
            (r#"{"[[": "\\\"[[[", "\\": [1]}"#, 2),
            (nested.as_str(), 20_000),
        ] {
            let raw: &RawValue = serde_json::from_str(json).expect("JSON");
            assert_eq!(Content::json(raw).expect("content").depth(), depth, "{json:.40}");
        }
    }
}
