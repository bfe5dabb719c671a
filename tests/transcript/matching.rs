//! Whether a value is what was expected.

use anyhow::{Context as _, Result, bail};

use super::json::Json;
use super::values::{Form, Values};

/// Compares a value with what was expected on a line of a dialect, and keeps what the kinds capture.
/// The error says where they differ.
pub(crate) fn expect(expected: &Json, actual: &Json, values: &mut Values, dialect: &str) -> Result<()> {
    let mut captures = Vec::new();
    Matcher { values, dialect }.value("", expected, actual, &mut captures)?;
    for (name, value) in captures {
        values.set(name, value);
    }
    Ok(())
}

/// Checks every kind that an expected value names and lists the names it captures.
pub(crate) fn captures(expected: &Json, names: &mut Vec<String>) -> Result<()> {
    match expected {
        Json::String(text) => {
            if let Some(kind) = kind_of(text) {
                kind.split('|').try_for_each(|word| satisfies(word, &Json::Null).map(|_| ()))?;
                names.extend(capture_of(text).map(str::to_owned));
            }
            Ok(())
        }
        Json::Array { items, .. } => items.iter().try_for_each(|item| captures(item, names)),
        Json::Object { entries, .. } => entries.iter().try_for_each(|(_, value)| captures(value, names)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Variable(_) => Ok(()),
    }
}

struct Matcher<'a> {
    values: &'a Values,
    dialect: &'a str,
}

type Captures = Vec<(String, Json)>;

impl Matcher<'_> {
    fn value(&self, at: &str, expected: &Json, actual: &Json, captures: &mut Captures) -> Result<()> {
        match (expected, actual) {
            (Json::Variable(name), _) => {
                let value = self.values.value(name, self.dialect)?;
                same(at, &value, actual)
            }
            (Json::String(text), _) if kind_of(text).is_some() => {
                let kind = kind_of(text).unwrap_or_default();
                let mut fits = false;
                for word in kind.split('|') {
                    fits |= satisfies(word, actual)?;
                }
                if !fits {
                    bail!("{}<{kind}> was expected, not {actual}", place(at));
                }
                captures.extend(capture_of(text).map(|name| (name.to_owned(), actual.clone())));
                Ok(())
            }
            (Json::String(text), _) => {
                let text = text.strip_prefix("<<").map_or_else(|| text.clone(), |rest| format!("<{rest}"));
                same(at, &Json::String(self.values.substitute(&text, self.dialect, Form::Plain)?), actual)
            }
            (Json::Object { entries, .. }, _) if special(entries).is_some() => {
                let (word, inner) = special(entries).context("a special object")?;
                self.special(at, word, inner, actual, captures)
            }
            (Json::Array { items, open }, Json::Array { items: others, .. }) => {
                if others.len() < items.len() || (others.len() > items.len() && !open) {
                    bail!("{}{} items were expected, not {}: {actual}", place(at), items.len(), others.len());
                }
                for (index, (item, other)) in items.iter().zip(others).enumerate() {
                    self.value(&format!("{at}[{index}]"), item, other, captures)?;
                }
                Ok(())
            }
            (Json::Object { entries, open }, Json::Object { entries: others, .. }) => {
                for (key, value) in entries {
                    let other =
                        actual.get(key).with_context(|| format!("{}`{key}` is missing in {actual}", place(at)))?;
                    self.value(&format!("{at}.{key}"), value, other, captures)?;
                }
                match others.iter().find(|(key, _)| !open && expected.get(key).is_none()) {
                    Some((key, value)) => bail!("{}`{key}` was not expected: {value}", place(at)),
                    None => Ok(()),
                }
            }
            _ => same(at, expected, actual),
        }
    }

    fn special(&self, at: &str, word: &str, inner: &Json, actual: &Json, captures: &mut Captures) -> Result<()> {
        match (word, inner, actual) {
            ("<json>", _, Json::String(text)) => {
                let value =
                    Json::parse(text).with_context(|| format!("{}no JSON in the string {actual}", place(at)))?;
                self.value(&format!("{at}.<json>"), inner, &value, captures)
            }
            ("<unordered>", Json::Array { items, .. }, Json::Array { items: others, .. }) => {
                if items.len() != others.len() {
                    bail!("{}{} items were expected, not {}: {actual}", place(at), items.len(), others.len());
                }
                let mut left: Vec<&Json> = others.iter().collect();
                for item in items {
                    let mut found = Captures::new();
                    let fits = left.iter().position(|other| {
                        found.clear();
                        self.value(at, item, other, &mut found).is_ok()
                    });
                    left.swap_remove(fits.with_context(|| format!("{}no {item} in {actual}", place(at)))?);
                    captures.append(&mut found);
                }
                Ok(())
            }
            _ => bail!("{}{word} was expected, not {actual}", place(at)),
        }
    }
}

fn same(at: &str, expected: &Json, actual: &Json) -> Result<()> {
    if expected == actual {
        return Ok(());
    }
    bail!("{}{expected} was expected, not {actual}", place(at))
}

fn place(at: &str) -> String {
    if at.is_empty() { String::new() } else { format!("at {at}: ") }
}

fn special(entries: &[(String, Json)]) -> Option<(&str, &Json)> {
    match entries {
        [(key, value)] if key == "<json>" || key == "<unordered>" => Some((key, value)),
        _ => None,
    }
}

/// What is between the angle brackets, without the name it is captured under.
fn kind_of(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('<')?.strip_suffix('>')?;
    if inner.starts_with('<') {
        return None;
    }
    Some(inner.split_once(':').map_or(inner, |(_, kind)| kind))
}

fn capture_of(text: &str) -> Option<&str> {
    text.strip_prefix('<')?.strip_suffix('>')?.split_once(':').map(|(name, _)| name)
}

fn satisfies(kind: &str, actual: &Json) -> Result<bool> {
    let text = match actual {
        Json::String(text) => Some(text.as_str()),
        _ => None,
    };
    let digits = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let integer = match actual {
        Json::Number(number) if digits(number.strip_prefix('-').unwrap_or(number)) => Some(number.as_str()),
        _ => None,
    };
    Ok(match kind {
        "any" => true,
        "string" => text.is_some(),
        "text" => text.is_some_and(|text| !text.is_empty()),
        "bool" => matches!(actual, Json::Bool(_)),
        "null" => *actual == Json::Null,
        "object" => matches!(actual, Json::Object { .. }),
        "array" => matches!(actual, Json::Array { .. }),
        "int" => integer.is_some(),
        "id" => integer.is_some_and(|number| number.parse::<u64>().is_ok_and(|number| number > 0)),
        "ms" => integer.is_some_and(|number| {
            number.parse::<u64>().is_ok_and(|number| (946_684_800_000..4_102_444_800_000).contains(&number))
        }),
        "datetime" => text.is_some_and(|text| is_shaped(text, "0000-00-00 00:00:00")),
        "date" => text.is_some_and(|text| is_shaped(text, "0000-00-00")),
        "decimal" => text.is_some_and(digits),
        "hex" => text.is_some_and(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())),
        "device" => text.is_some_and(|text| text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())),
        "url" => text.is_some_and(|text| ["/", "http://", "https://"].iter().any(|start| text.starts_with(start))),
        _ => bail!("<{kind}> is no kind; a string that begins with `<` is written with `<<`"),
    })
}

fn is_shaped(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape.bytes()).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            other => byte == other,
        })
}
