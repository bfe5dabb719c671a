//! The configuration file, and the lines its keys stand on.

use std::path::{Path, PathBuf};

use figment::value::Dict;
use toml::de::{DeTable, DeValue};

use super::problem::{Origin, Problem};

/// A configuration file.
#[derive(Debug, Clone)]
pub(super) struct File {
    path: PathBuf,
    text: String,
}

impl File {
    /// Reads a file and the tree of its values.
    pub(super) fn read(path: &Path) -> Result<(Self, Dict), Problem> {
        let problem =
            |line, message| Problem { origin: Origin::File(path.to_owned(), line), key: String::new(), message };
        let text = std::fs::read_to_string(path)
            .map_err(|error| problem(None, format!("the configuration file cannot be read: {error}")))?;
        let tree = toml::from_str(&text).map_err(|error| {
            let line = error.span().map(|span| line(&text, span.start));
            // The message alone: the lines around it may hold secrets.
            problem(line, error.message().replace('\n', "; "))
        })?;
        Ok((Self { path: path.to_owned(), text }, tree))
    }

    /// Where a key stands; the nearest key above it if it does not stand there itself.
    pub(super) fn origin(&self, path: &[String]) -> Origin {
        let line = DeTable::parse(&self.text).ok().and_then(|table| {
            let offset = in_table(table.get_ref(), path)?;
            Some(line(&self.text, offset))
        });
        Origin::File(self.path.clone(), line)
    }
}

fn in_table(table: &DeTable<'_>, path: &[String]) -> Option<usize> {
    let (first, rest) = path.split_first()?;
    let (key, value) = table.iter().find(|(key, _)| key.get_ref().as_ref() == first.as_str())?;
    Some(in_value(value.get_ref(), rest).unwrap_or(key.span().start))
}

fn in_value(value: &DeValue<'_>, path: &[String]) -> Option<usize> {
    match value {
        DeValue::Table(table) => in_table(table, path),
        DeValue::Array(array) => {
            let (first, rest) = path.split_first()?;
            let item = array.get(first.parse::<usize>().ok()?)?;
            Some(in_value(item.get_ref(), rest).unwrap_or(item.span().start))
        }
        _ => None,
    }
}

/// The line, from 1, that a place in the text is on.
fn line(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}
