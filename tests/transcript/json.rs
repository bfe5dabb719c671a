//! JSON as transcripts need it: numbers keep their digits, a repeated key is an error, and an expected
//! value may hold `...` and `$x`.

use std::fmt::{self, Write as _};

use anyhow::{Context as _, Result, bail};

/// A JSON value, or an expected one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// Its digits as they were written.
    Number(String),
    String(String),
    Array {
        items: Vec<Json>,
        /// It ended in `...`: more may follow.
        open: bool,
    },
    Object {
        entries: Vec<(String, Json)>,
        /// It held `...`: there may be more keys.
        open: bool,
    },
    /// `$x` or `$x.field` or `$repeat(a,3)`, without the dollar sign.
    Variable(String),
}

impl Json {
    /// Reads plain JSON, as it came from a server.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        whole(text, false)
    }

    /// Reads an expected value, which may hold `...` and `$x`.
    pub(crate) fn parse_pattern(text: &str) -> Result<Self> {
        whole(text, true)
    }

    /// Reads the expected value that `text` begins with, and says how many bytes it took.
    pub(crate) fn parse_prefix(text: &str) -> Result<(Self, usize)> {
        let mut reader = Reader { rest: text, pattern: true };
        let value = reader.value()?;
        Ok((value, text.len() - reader.rest.len()))
    }

    /// An integer.
    pub(crate) fn number(number: impl fmt::Display) -> Self {
        Self::Number(number.to_string())
    }

    /// A string.
    pub(crate) fn string(text: impl Into<String>) -> Self {
        Self::String(text.into())
    }

    /// A string's text, or the JSON text of another value.
    pub(crate) fn plain(&self) -> String {
        match self {
            Self::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    /// The value under a key of an object.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object { entries, .. } => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Number(digits) => f.write_str(digits),
            Self::String(text) => f.write_str(&quoted(text)),
            Self::Variable(name) => write!(f, "${name}"),
            Self::Array { items, open } => {
                f.write_char('[')?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index > 0 { "," } else { "" })?;
                }
                f.write_str(match (open, items.is_empty()) {
                    (false, _) => "]",
                    (true, true) => "...]",
                    (true, false) => ",...]",
                })
            }
            Self::Object { entries, open } => {
                f.write_char('{')?;
                for (index, (key, value)) in entries.iter().enumerate() {
                    write!(f, "{}{}:{value}", if index > 0 { "," } else { "" }, quoted(key))?;
                }
                f.write_str(match (open, entries.is_empty()) {
                    (false, _) => "}",
                    (true, true) => "...}",
                    (true, false) => ",...}",
                })
            }
        }
    }
}

/// A text as a JSON string with its quotes.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The length of the variable's name that `text`, which follows a dollar sign, begins with.
pub(crate) fn variable_length(text: &str) -> usize {
    let word = |text: &str| text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    let name = word(text);
    let after = text.get(name..).unwrap_or_default();
    if text.get(..name) == Some("repeat") && after.starts_with('(') {
        return after.find(')').map_or(name, |end| name + end + 1);
    }
    let field = after.strip_prefix('.').unwrap_or_default();
    let field = field.get(..word(field)).unwrap_or_default();
    if name > 0 && super::values::FIELDS.contains(&field) { name + 1 + field.len() } else { name }
}

fn whole(text: &str, pattern: bool) -> Result<Json> {
    let mut reader = Reader { rest: text, pattern };
    let value = reader.value()?;
    reader.space();
    if !reader.rest.is_empty() {
        bail!("something follows the JSON value: {}", shortened(reader.rest));
    }
    Ok(value)
}

fn shortened(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    if short.is_empty() { "the end".to_owned() } else { format!("`{short}`") }
}

struct Reader<'a> {
    rest: &'a str,
    pattern: bool,
}

impl Reader<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn take(&mut self, word: &str) -> bool {
        self.space();
        match self.rest.strip_prefix(word) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn advance(&mut self, bytes: usize) -> String {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken.to_owned()
    }

    fn value(&mut self) -> Result<Json> {
        self.space();
        match self.rest.bytes().next() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => self.string().map(Json::String),
            Some(b'$') if self.pattern => {
                self.rest = self.rest.get(1..).unwrap_or_default();
                match variable_length(self.rest) {
                    0 => bail!("a name is missing after `$`, before {}", shortened(self.rest)),
                    length => Ok(Json::Variable(self.advance(length))),
                }
            }
            _ => self.scalar(),
        }
    }

    fn scalar(&mut self) -> Result<Json> {
        let length = self.rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte)).count();
        let word = self.rest.get(..length).unwrap_or_default();
        let value = match word {
            "null" => Json::Null,
            "true" => Json::Bool(true),
            "false" => Json::Bool(false),
            number if serde_json::from_str::<&serde_json::value::RawValue>(number).is_ok() => {
                Json::Number(number.to_owned())
            }
            _ => bail!("a JSON value was expected at {}", shortened(self.rest)),
        };
        self.advance(length);
        Ok(value)
    }

    fn string(&mut self) -> Result<String> {
        let mut escaped = false;
        let end = self.rest.char_indices().skip(1).find(|&(_, character)| {
            let ends = character == '"' && !escaped;
            escaped = character == '\\' && !escaped;
            ends
        });
        let (end, _) = end.with_context(|| format!("a string does not end: {}", shortened(self.rest)))?;
        let raw = self.rest.get(..=end).unwrap_or_default();
        let text = serde_json::from_str(raw).with_context(|| format!("no JSON string: {}", shortened(raw)))?;
        self.advance(end + 1);
        Ok(text)
    }

    fn array(&mut self) -> Result<Json> {
        self.take("[");
        let mut items = Vec::new();
        let mut open = false;
        if self.take("]") {
            return Ok(Json::Array { items, open });
        }
        loop {
            if self.pattern && self.take("...") {
                open = true;
            } else {
                items.push(self.value()?);
            }
            if self.take("]") {
                return Ok(Json::Array { items, open });
            }
            if open || !self.take(",") {
                bail!("`]` was expected at {}", shortened(self.rest));
            }
        }
    }

    fn object(&mut self) -> Result<Json> {
        self.take("{");
        let mut entries: Vec<(String, Json)> = Vec::new();
        let mut open = false;
        if self.take("}") {
            return Ok(Json::Object { entries, open });
        }
        loop {
            self.space();
            if self.pattern && self.take("...") {
                open = true;
            } else if self.rest.starts_with('"') {
                let key = self.string()?;
                if entries.iter().any(|(name, _)| *name == key) {
                    bail!("the key {key:?} is there twice");
                }
                if !self.take(":") {
                    bail!("`:` was expected at {}", shortened(self.rest));
                }
                entries.push((key, self.value()?));
            } else {
                bail!("a key was expected at {}", shortened(self.rest));
            }
            if self.take("}") {
                return Ok(Json::Object { entries, open });
            }
            if !self.take(",") {
                bail!("`,` or `}}` was expected at {}", shortened(self.rest));
            }
        }
    }
}
