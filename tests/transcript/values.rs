//! What `$x` stands for.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};

use super::json::{Json, quoted, variable_length};

/// What can follow the dot in `$tom.id`.
pub(crate) const FIELDS: &[&str] = &["id", "handle", "token", "sig", "key", "seq", "conversation"];

/// The values of a running transcript.
#[derive(Debug, Default)]
pub(crate) struct Values {
    values: BTreeMap<String, Json>,
}

/// How a value is written where it is inserted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Escaped inside JSON strings, as JSON elsewhere.
    Json,
    /// As its plain text.
    Plain,
    /// Percent-encoded.
    Path,
}

impl Values {
    /// Gives a name a value; a name that says `tom@user-sig` is what `$tom` is in that dialect.
    pub(crate) fn set(&mut self, name: impl Into<String>, value: Json) {
        self.values.insert(name.into(), value);
    }

    /// The value of `x`, `x.field` or `repeat(a,3)` on a line of a dialect.
    pub(crate) fn value(&self, name: &str, dialect: &str) -> Result<Json> {
        if let Some(arguments) = name.strip_prefix("repeat(").and_then(|rest| rest.strip_suffix(')')) {
            let (text, times) = arguments.rsplit_once(',').context("`$repeat(text,times)` needs two arguments")?;
            return Ok(Json::String(text.repeat(times.trim().parse().context("how often?")?)));
        }
        let known = self.values.get(&format!("{name}@{dialect}")).or_else(|| self.values.get(name));
        known.cloned().with_context(|| format!("`${name}` has no value here"))
    }

    /// The values as another place knows them, for messages: names only, values may be secrets.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Replaces every `$x` in a text.
    pub(crate) fn substitute(&self, text: &str, dialect: &str, form: Form) -> Result<String> {
        let mut done = String::with_capacity(text.len());
        let mut rest = text;
        let (mut in_string, mut escaped) = (false, false);
        while let Some(character) = rest.chars().next() {
            let after = rest.get(character.len_utf8()..).unwrap_or_default();
            if character != '$' {
                if character == '"' && !escaped {
                    in_string = !in_string;
                }
                escaped = character == '\\' && !escaped;
                done.push(character);
                rest = after;
                continue;
            }
            escaped = false;
            if let Some(after) = after.strip_prefix('$') {
                done.push('$');
                rest = after;
                continue;
            }
            let (name, after) = after.split_at_checked(variable_length(after)).unwrap_or((after, ""));
            if name.is_empty() {
                bail!("a name is missing after `$`; a dollar sign is `$$`");
            }
            done.push_str(&written(&self.value(name, dialect)?, form, in_string));
            rest = after;
        }
        Ok(done)
    }
}

/// The names that a text mentions with `$`.
pub(crate) fn mentioned(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('$') {
        let (name, after) = match after.strip_prefix('$') {
            Some(after) => ("", after),
            None => after.split_at_checked(variable_length(after)).unwrap_or((after, "")),
        };
        if !name.is_empty() {
            names.push(name);
        }
        rest = after;
    }
    names
}

fn written(value: &Json, form: Form, in_string: bool) -> String {
    match form {
        Form::Json if in_string => {
            let quoted = quoted(&value.plain());
            quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default().to_owned()
        }
        Form::Json => value.to_string(),
        Form::Plain => value.plain(),
        Form::Path => percent_encoded(&value.plain()),
    }
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Percent-encodes what is not ASCII and what a request line cannot hold; leaves the rest as it is.
pub(crate) fn ascii_path(text: &str) -> String {
    let mut encoded = String::new();
    for character in text.chars() {
        if character.is_ascii_graphic() {
            encoded.push(character);
        } else {
            encoded.push_str(&percent_encoded(character.to_string().as_str()));
        }
    }
    encoded
}
