//! The words of a line: bare words, JSON values, and options (`name=value`).

use anyhow::{Context as _, Result, bail};

use super::json::Json;
use super::values::{Form, Values};

/// One word of a line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Word {
    /// As it stands; may hold `$x`.
    Bare(String),
    /// A JSON value that begins with a quote, a brace or a bracket; may hold `$x`.
    Json(Json),
}

/// The words of a line in order, and its options.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Words {
    pub(crate) words: Vec<Word>,
    pub(crate) options: Vec<(String, Word)>,
}

impl Words {
    /// Splits a line.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut words = Self::default();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let name_length = rest.bytes().take_while(|byte| byte.is_ascii_lowercase() || b"-_".contains(byte)).count();
            let (name, after) = rest.split_at_checked(name_length).unwrap_or((rest, ""));
            let word = if let Some(after) = after.strip_prefix('=').filter(|_| !name.is_empty()) {
                let (word, after) = one(after).with_context(|| format!("in the value of `{name}`"))?;
                words.options.push((name.to_owned(), word));
                after
            } else {
                let (word, after) = one(rest)?;
                words.words.push(word);
                after
            };
            if !word.is_empty() && !word.starts_with([' ', '\n', '\t']) {
                bail!("a space was expected at `{word}`");
            }
            rest = word.trim_start();
        }
        Ok(words)
    }

    /// Takes an option out.
    pub(crate) fn take(&mut self, name: &str) -> Option<Word> {
        let at = self.options.iter().position(|(option, _)| option == name)?;
        Some(self.options.swap_remove(at).1)
    }

    /// Takes an option out that is a plain name.
    pub(crate) fn take_name(&mut self, name: &str) -> Result<Option<String>> {
        self.take(name).map(|word| word.name().map(str::to_owned)).transpose()
    }

    /// Takes an option out as text.
    pub(crate) fn take_text(&mut self, name: &str) -> Option<String> {
        self.take(name).map(|word| word.text())
    }

    /// Refuses options that nobody took.
    pub(crate) fn finish(self) -> Result<()> {
        match self.options.first() {
            Some((name, _)) => bail!("`{name}` is not known here"),
            None => Ok(()),
        }
    }
}

impl Word {
    /// A bare word that names something.
    pub(crate) fn name(&self) -> Result<&str> {
        match self {
            Self::Bare(word) => Ok(word),
            Self::Json(json) => bail!("a name was expected, not {json}"),
        }
    }

    /// The text of a bare word or of a JSON string, without substitution.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Bare(word) => word.clone(),
            Self::Json(json) => json.plain(),
        }
    }

    /// The value: `$x` alone is that value, other bare words are JSON or else text.
    pub(crate) fn value(&self, values: &Values, dialect: &str) -> Result<Json> {
        match self {
            Self::Bare(word) => {
                if let Ok(Json::Variable(name)) = Json::parse_pattern(word) {
                    return values.value(&name, dialect);
                }
                let text = values.substitute(word, dialect, Form::Plain)?;
                Ok(Json::parse(&text).unwrap_or(Json::String(text)))
            }
            Self::Json(json) => resolved(json, values, dialect),
        }
    }

    /// What the word looks like in a message.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Bare(word) => word.clone(),
            Self::Json(json) => json.to_string(),
        }
    }
}

/// A value with every `$x` in it replaced.
pub(crate) fn resolved(json: &Json, values: &Values, dialect: &str) -> Result<Json> {
    Ok(match json {
        Json::Variable(name) => values.value(name, dialect)?,
        Json::String(text) => Json::String(values.substitute(text, dialect, Form::Plain)?),
        Json::Array { items, open } => {
            let items = items.iter().map(|item| resolved(item, values, dialect)).collect::<Result<_>>()?;
            Json::Array { items, open: *open }
        }
        Json::Object { entries, open } => {
            let entry = |(key, value): &(String, Json)| Ok((key.clone(), resolved(value, values, dialect)?));
            Json::Object { entries: entries.iter().map(entry).collect::<Result<_>>()?, open: *open }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => json.clone(),
    })
}

fn one(text: &str) -> Result<(Word, &str)> {
    if text.starts_with(['"', '{', '[']) {
        let (json, length) = Json::parse_prefix(text)?;
        return Ok((Word::Json(json), text.get(length..).unwrap_or_default()));
    }
    let (word, rest) = match text.find([' ', '\n', '\t']) {
        Some(end) => text.split_at_checked(end).unwrap_or((text, "")),
        None => (text, ""),
    };
    Ok((Word::Bare(word.to_owned()), rest))
}
