//! The effective configuration as TOML, each value with where it comes from.

use std::fmt::Write as _;

use figment::value::{Dict, Value};

use super::Config;
use super::load::{Origins, at};
use super::problem::Origin;

/// The configuration with its origins as comments. It can be read back, apart from the secrets.
pub(super) fn annotated(config: &Config, origins: &Origins) -> String {
    let mut printer = Printer { text: String::new(), origins, given: origins.tree() };
    if let Ok(Value::Dict(_, tree)) = Value::serialize(config) {
        printer.table(&tree, &mut Vec::new());
    }
    printer.text
}

struct Printer<'a> {
    text: String,
    origins: &'a Origins,
    given: Option<Value>,
}

impl Printer<'_> {
    /// Values first, then tables: what follows a table's header belongs to it.
    fn table(&mut self, table: &Dict, path: &mut Vec<String>) {
        for (index, (key, value)) in table.iter().enumerate() {
            if !is_table(value) {
                path.push(key.clone());
                self.value(key, value, path, index);
                path.pop();
            }
        }
        for (key, value) in table {
            path.push(key.clone());
            match value {
                Value::Dict(_, inner) => {
                    self.header(&format!("[{}]", path.join(".")));
                    self.table(inner, path);
                }
                Value::Array(_, items) if is_table(value) => {
                    for (index, item) in items.iter().enumerate() {
                        self.header(&format!("[[{}]]", path.join(".")));
                        path.push(index.to_string());
                        if let Value::Dict(_, inner) = item {
                            self.table_item(inner, path);
                        }
                        path.pop();
                    }
                }
                _ => {}
            }
            path.pop();
        }
    }

    /// A table in an array: its own tables are written inline, for a header cannot name a number.
    fn table_item(&mut self, table: &Dict, path: &mut Vec<String>) {
        for (index, (key, value)) in table.iter().enumerate() {
            path.push(key.clone());
            self.value(key, value, path, index);
            path.pop();
        }
    }

    fn value(&mut self, key: &str, value: &Value, path: &[String], index: usize) {
        // Writing to a String cannot fail.
        let _ = match value {
            Value::Empty(..) => writeln!(self.text, "# {} is not set", quoted_key(key)),
            _ => writeln!(self.text, "{} = {}  # {}", quoted_key(key), literal(value), self.origin(path, index)),
        };
    }

    fn header(&mut self, header: &str) {
        let _ = writeln!(self.text, "\n{header}");
    }

    /// A redacted key cannot be looked up by its name, but by its place: tables are in order.
    fn origin(&self, path: &[String], index: usize) -> Origin {
        match path.split_last() {
            Some((last, parents)) if last.starts_with("<redacted") => {
                let tokens = self.given.as_ref().and_then(|tree| at(tree, parents)).and_then(Value::as_dict);
                let token = tokens.and_then(|tokens| tokens.keys().nth(index));
                let mut path = parents.to_vec();
                path.extend(token.cloned());
                self.origins.of(&path)
            }
            _ => self.origins.of(path),
        }
    }
}

fn is_table(value: &Value) -> bool {
    match value {
        Value::Dict(..) => true,
        Value::Array(_, items) => !items.is_empty() && items.iter().all(|item| matches!(item, Value::Dict(..))),
        _ => false,
    }
}

fn literal(value: &Value) -> String {
    match value {
        Value::String(_, text) => quoted(text),
        Value::Char(_, c) => quoted(&c.to_string()),
        Value::Bool(_, truth) => truth.to_string(),
        Value::Num(_, number) => number.to_i128().map_or_else(
            || number.to_u128().map_or_else(|| number.to_f64().unwrap_or_default().to_string(), |n| n.to_string()),
            |n| n.to_string(),
        ),
        Value::Array(_, items) => format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", ")),
        Value::Dict(_, table) => {
            let pairs = table.iter().map(|(key, value)| format!("{} = {}", quoted_key(key), literal(value)));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
        Value::Empty(..) => String::new(),
    }
}

fn quoted_key(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { key.to_owned() } else { quoted(key) }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
