//! What the names of a transcript mean in the model.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use koine_core::{Handle, UserId, UserKey};

use super::describe::Both;
use super::model::Model;
use crate::transcript::{Form, Json, Values, Word};

/// The names of a running transcript, looked at from a line of a dialect.
pub(crate) struct Names<'a> {
    pub(crate) model: &'a Model,
    pub(crate) users: &'a BTreeMap<String, UserId>,
    pub(crate) values: &'a Values,
    pub(crate) dialect: &'a str,
}

impl Names<'_> {
    /// A word as plain text.
    pub(crate) fn plain(&self, word: &Word) -> Result<String> {
        match word {
            Word::Bare(text) => self.values.substitute(text, self.dialect, Form::Plain),
            Word::Json(_) => Ok(self.value(word)?.plain()),
        }
    }

    /// A word as a value.
    pub(crate) fn value(&self, word: &Word) -> Result<Json> {
        word.value(self.values, self.dialect)
    }

    /// A word as a user: a given name, a handle in quotes, `#5`.
    pub(crate) fn user(&self, word: &Word) -> Result<Option<UserKey>> {
        if let Word::Bare(name) = word
            && let Some(id) = self.users.get(name)
        {
            return Ok(Some(UserKey::Id(*id)));
        }
        let text = self.plain(word)?;
        Ok(match text.strip_prefix('#') {
            Some(number) => Some(UserKey::Id(number.parse().context("`#` needs a number")?)),
            None => Handle::new(&text).ok().map(UserKey::Handle),
        })
    }

    /// A word as a number: that of a given name, or itself.
    pub(crate) fn number(&self, word: &Word) -> Result<Option<u64>> {
        let text = match word {
            Word::Bare(name) if self.values.has(name) => self.values.value(name, self.dialect)?.plain(),
            _ => self.plain(word)?,
        };
        Ok(text.parse().ok())
    }

    /// Both identities of a user, if there is such a one.
    pub(crate) fn both(&self, key: &UserKey) -> Option<Both> {
        self.model.find(key).ok().map(|user| (user.id, user.handle.clone()))
    }

    /// A user by the name it was given.
    pub(crate) fn shown_user(&self, key: &UserKey) -> String {
        let id = self.both(key).map(|(id, _)| id);
        let name = self.users.iter().find(|(_, user)| Some(**user) == id).map(|(name, _)| name.clone());
        name.unwrap_or_else(|| match key {
            UserKey::Id(id) => format!("#{id}"),
            UserKey::Handle(handle) => format!("{:?}", handle.as_str()),
        })
    }
}
