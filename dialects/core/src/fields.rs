//! Parameters with the leniency that all dialects share: a number where a string is documented is
//! its decimal text, and a decimal string where an integer is documented is that integer.

use serde_json::{Map, Value};

use crate::Error;

/// One parameter as it came: text from a query or form, or a JSON value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Param<'a> {
    /// From a query, a form or a path.
    Text(&'a str),
    /// From a JSON body or frame.
    Json(&'a Value),
}

impl<'a> Param<'a> {
    /// As a string; JSON numbers become their decimal text. `None` for other JSON values.
    pub fn as_string(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.to_owned()),
            Self::Json(Value::String(text)) => Some(text.clone()),
            Self::Json(Value::Number(number)) => Some(number.to_string()),
            Self::Json(_) => None,
        }
    }

    /// As an integer; decimal text becomes its number. All 64 bits are kept.
    pub fn as_u64(self) -> Option<u64> {
        let text = match self {
            Self::Text(text) => text,
            Self::Json(Value::String(text)) => text,
            Self::Json(Value::Number(number)) => return number.as_u64(),
            Self::Json(_) => return None,
        };
        let text = text.trim();
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
    }

    /// As a truth value: JSON `true`/`false`, or those words, or 1/0.
    pub fn as_bool(self) -> Option<bool> {
        match self {
            Self::Json(Value::Bool(truth)) => Some(*truth),
            other => match other.as_string()?.to_ascii_lowercase().as_str() {
                "true" | "1" => Some(true),
                "false" | "0" => Some(false),
                _ => None,
            },
        }
    }

    /// Whether it is JSON `null`.
    pub const fn is_null(self) -> bool {
        matches!(self, Self::Json(Value::Null))
    }

    /// The JSON value, where it came as one.
    pub const fn json(self) -> Option<&'a Value> {
        match self {
            Self::Json(value) => Some(value),
            Self::Text(_) => None,
        }
    }
}

/// Named parameters in order of precedence.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fields<'a> {
    /// From the path.
    pub path: &'a [(String, String)],
    /// From the query.
    pub query: &'a [(String, String)],
    /// From a form.
    pub form: &'a [(String, String)],
    /// From a JSON object.
    pub json: Option<&'a Map<String, Value>>,
}

impl<'a> Fields<'a> {
    /// The parameters of a JSON object.
    pub fn of_json(json: &'a Map<String, Value>) -> Self {
        Self { json: Some(json), ..Self::default() }
    }

    /// The first parameter of this name.
    pub fn first(&self, name: &str) -> Option<Param<'a>> {
        let text = |list: &'a [(String, String)]| list.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        text(self.path)
            .or_else(|| text(self.query))
            .or_else(|| text(self.form))
            .map(|value| Param::Text(value))
            .or_else(|| self.json.and_then(|map| map.get(name)).map(Param::Json))
    }

    /// Every text parameter of this name (also spelled `name[]`), for repeated fields.
    pub fn every_text(&self, name: &str) -> Vec<&'a str> {
        let lists = [self.path, self.query, self.form];
        lists
            .into_iter()
            .flatten()
            .filter(|(key, _)| key == name || key.strip_suffix("[]") == Some(name))
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// A string that may be absent (or JSON `null`); `BadRequest` if it is something else.
    pub fn optional_string(&self, name: &str) -> Result<Option<String>, Error> {
        match self.first(name) {
            None => Ok(None),
            Some(param) if param.is_null() => Ok(None),
            Some(param) => param.as_string().map(Some).ok_or_else(|| wrong(name, "a string")),
        }
    }

    /// A string that must be there and not empty.
    pub fn string(&self, name: &str) -> Result<String, Error> {
        match self.optional_string(name)? {
            Some(text) if !text.is_empty() => Ok(text),
            _ => Err(missing(name)),
        }
    }

    /// An integer that may be absent (or JSON `null`); `BadRequest` if it is something else.
    pub fn optional_u64(&self, name: &str) -> Result<Option<u64>, Error> {
        match self.first(name) {
            None => Ok(None),
            Some(param) if param.is_null() => Ok(None),
            Some(param) => param.as_u64().map(Some).ok_or_else(|| wrong(name, "an integer")),
        }
    }

    /// An integer that must be there.
    pub fn u64(&self, name: &str) -> Result<u64, Error> {
        self.optional_u64(name)?.ok_or_else(|| missing(name))
    }

    /// A truth value that may be absent; `BadRequest` if it is something else.
    pub fn optional_bool(&self, name: &str) -> Result<Option<bool>, Error> {
        match self.first(name) {
            None => Ok(None),
            Some(param) if param.is_null() => Ok(None),
            Some(param) => param.as_bool().map(Some).ok_or_else(|| wrong(name, "true or false")),
        }
    }
}

fn missing(name: &str) -> Error {
    Error::bad_request(format!("{name} is missing"))
}

fn wrong(name: &str, what: &str) -> Error {
    Error::bad_request(format!("{name} is not {what}"))
}
