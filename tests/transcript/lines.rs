//! A text as logical lines: indented lines belong to the one above.

use anyhow::{Result, bail};

/// A line and the indented ones below it.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub(crate) number: usize,
    pub(crate) text: &'a str,
    pub(crate) parts: Vec<(usize, &'a str)>,
}

impl Line<'_> {
    /// What follows the first `taken` bytes, and the indented lines.
    pub(crate) fn joined(&self, rest: &str) -> String {
        let mut joined = rest.trim().to_owned();
        for (_, part) in &self.parts {
            joined.push('\n');
            joined.push_str(part);
        }
        joined
    }
}

/// Splits a text; comments and empty lines are left out.
pub(crate) fn split(text: &str) -> Result<Vec<Line<'_>>, (usize, anyhow::Error)> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (index, text) in text.lines().enumerate() {
        let number = index + 1;
        let trimmed = text.trim();
        if trimmed.is_empty() || text.starts_with('#') {
            continue;
        }
        if !text.starts_with([' ', '\t']) {
            lines.push(Line { number, text: trimmed, parts: Vec::new() });
            continue;
        }
        match lines.last_mut() {
            Some(line) => line.parts.push((number, trimmed)),
            None => return Err((number, anyhow::anyhow!("an indented line continues nothing"))),
        }
    }
    Ok(lines)
}

/// `Name: value`, if the line is one.
pub(crate) fn header(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once(':')?;
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (is_name && (value.is_empty() || value.starts_with(' '))).then(|| (name.to_owned(), value.trim().to_owned()))
}

/// `name = value` of a form.
pub(crate) fn field(text: &str) -> Result<(String, String)> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.trim().to_owned())),
        _ => bail!("`name = value` was expected, not `{text}`"),
    }
}
