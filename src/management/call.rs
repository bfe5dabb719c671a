//! What a request says: parameters of its path, its query, its body.

use std::str::FromStr;

use bytes::Bytes;
use koine_core::{ConversationId, ErrorKind, Handle, RequestId, UserKey};
use matchit::Params;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// What a request says.
pub(super) struct Call {
    params: Vec<(String, String)>,
    query: Vec<(String, String)>,
    body: Bytes,
}

impl Call {
    /// Decodes the parameters of a path, once; a `%2F` becomes a slash within its segment.
    pub(super) fn new(params: &Params<'_, '_>, query: Option<&str>, body: Bytes) -> Result<Self, Problem> {
        let mut decoded = Vec::new();
        for (name, raw) in params.iter() {
            let value = percent_decode_str(raw).decode_utf8();
            let value = value.map_err(|_| Problem::bad_request("the path is not UTF-8 once it is decoded"))?;
            decoded.push((name.to_owned(), value.into_owned()));
        }
        let query = form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
        Ok(Self { params: decoded, query, body })
    }

    /// The user of the path.
    pub(super) fn user(&self) -> Result<UserKey, Problem> {
        self.user_at("user")
    }

    /// The second user of the path.
    pub(super) fn other(&self) -> Result<UserKey, Problem> {
        self.user_at("other")
    }

    /// The group of the path.
    pub(super) fn group(&self) -> Result<ConversationId, Problem> {
        self.number_at("group", ErrorKind::GroupNotFound)
    }

    /// The conversation of the path.
    pub(super) fn conversation(&self) -> Result<ConversationId, Problem> {
        self.number_at("conversation", ErrorKind::ConversationNotFound)
    }

    /// The request of the path.
    pub(super) fn request(&self) -> Result<RequestId, Problem> {
        self.number_at("request", ErrorKind::RequestNotFound)
    }

    /// The text of a parameter of the path.
    pub(super) fn param(&self, name: &str) -> Result<&str, Problem> {
        let found = self.params.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).ok_or_else(|| ErrorKind::Internal.into())
    }

    /// The query's parameters in the order of `names`; others, and one that is there twice, are problems.
    pub(super) fn query<const N: usize>(&self, names: [&str; N]) -> Result<[Option<&str>; N], Problem> {
        let mut values = [None; N];
        for (key, value) in &self.query {
            let slot = names.iter().zip(&mut values).find(|(name, _)| **name == key.as_str());
            match slot {
                Some((_, slot)) if slot.is_none() => *slot = Some(value.as_str()),
                Some((name, _)) => return Err(Problem::bad_request(format!("the query has `{name}` twice"))),
                None => {
                    let known = names.join("`, `");
                    return Err(Problem::bad_request(format!("the query's `{key}` is unknown, expected `{known}`")));
                }
            }
        }
        Ok(values)
    }

    /// The body, a JSON object. A field that is unknown, missing or of a wrong type is named.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        // A struct could also be read from an array, which nobody means.
        if self.body.trim_ascii_start().first() != Some(&b'{') {
            return Err(Problem::bad_request("the body is not a JSON object"));
        }
        serde_json::from_slice(&self.body).map_err(|error| Problem::bad_request(format!("the body: {error}")))
    }

    /// The same, where no body at all means an empty object.
    pub(super) fn json_if_any<T: DeserializeOwned + Default>(&self) -> Result<T, Problem> {
        if self.body.trim_ascii().is_empty() { Ok(T::default()) } else { self.json() }
    }

    fn user_at(&self, name: &str) -> Result<UserKey, Problem> {
        // What cannot be a handle is nobody's.
        Handle::new(self.param(name)?).map(UserKey::Handle).map_err(|_| ErrorKind::UserNotFound.into())
    }

    fn number_at<T: FromStr>(&self, name: &str, not_found: ErrorKind) -> Result<T, Problem> {
        self.param(name)?.parse().map_err(|_| not_found.into())
    }
}
