//! `KOINE_*` environment variables: `KOINE_DIALECTS__AUTH_ACK__HTTP_AUTH=open` sets
//! `dialects.auth_ack.http_auth`.

use std::collections::BTreeMap;

use figment::value::{Dict, Value};

/// What every variable of ours begins with.
const PREFIX: &str = "KOINE_";
const SEPARATOR: &str = "__";

/// The variables that begin with `KOINE_`, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// This process's.
    pub fn of_process() -> Self {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        Self::from_vars(std::env::vars_os().map(|(name, value)| (text(name), text(value))))
    }

    /// Those among these.
    pub fn from_vars(vars: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(vars.into_iter().filter(|(name, _)| name.len() > PREFIX.len() && name.starts_with(PREFIX)).collect())
    }

    /// The variable that sets a key, or the nearest key above it.
    pub(super) fn name_of(&self, path: &[String]) -> Option<&str> {
        (1..=path.len()).rev().find_map(|length| {
            let name = format!("{PREFIX}{}", path.get(..length)?.join(SEPARATOR).to_uppercase());
            self.0.get_key_value(&name).map(|(name, _)| name.as_str())
        })
    }

    /// The values as a tree. A variable has no type of its own, so each takes that of the default it
    /// replaces: where that is a text, `12345` and `true` are texts as well.
    pub(super) fn tree(&self, defaults: &Value) -> Dict {
        let mut tree = Dict::new();
        for (name, text) in &self.0 {
            let keys: Vec<String> =
                name.get(PREFIX.len()..).unwrap_or_default().split(SEPARATOR).map(str::to_lowercase).collect();
            let value = typed(text, defaults.find_ref(&keys.join(".")));
            insert(&mut tree, &keys, value);
        }
        tree
    }
}

fn typed(text: &str, default: Option<&Value>) -> Value {
    match default {
        Some(Value::Bool(..) | Value::Num(..) | Value::Dict(..)) => parsed(text),
        Some(Value::Array(..)) if text.trim_start().starts_with('[') => parsed(text),
        Some(Value::Array(..)) => {
            text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect::<Vec<_>>().into()
        }
        Some(Value::String(..) | Value::Char(..) | Value::Empty(..)) | None => text.into(),
    }
}

fn parsed(text: &str) -> Value {
    text.parse().unwrap_or_else(|never: std::convert::Infallible| match never {})
}

fn insert(tree: &mut Dict, keys: &[String], value: Value) {
    match keys {
        [] => {}
        [last] => {
            tree.insert(last.clone(), value);
        }
        [first, rest @ ..] => {
            let inner = tree.entry(first.clone()).or_insert_with(|| Dict::new().into());
            if let Value::Dict(_, inner) = inner {
                insert(inner, rest, value);
            } else {
                let mut replaced = Dict::new();
                insert(&mut replaced, rest, value);
                *inner = replaced.into();
            }
        }
    }
}
