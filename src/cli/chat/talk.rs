//! What a dialect's client has to be able to do.

use std::pin::Pin;

use anyhow::anyhow;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// A client of one dialect: it knows the frames, and nothing of sockets and terminals.
pub(super) trait Talk: Send {
    /// Does over HTTP what comes before the connection; gives what happened in the meantime.
    fn prepare(&mut self) -> Step<'_, Vec<Line>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// The path and query the WebSocket is opened on.
    fn path(&self) -> String;

    /// What is sent first.
    fn opening(&mut self) -> anyhow::Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// Whether it may say something already.
    fn ready(&self) -> bool {
        true
    }

    /// The frame that says something.
    fn say<'a>(&'a mut self, text: &'a str) -> Step<'a, String>;

    /// Takes a frame in.
    ///
    /// # Errors
    /// If it cannot be understood.
    fn hear(&mut self, frame: &str) -> anyhow::Result<Heard>;

    /// How much of what was said the server has not answered yet; 0 where the dialect has no answers.
    fn unanswered(&self) -> usize {
        0
    }
}

/// Something that takes its time.
pub(super) type Step<'a, T> = Pin<Box<dyn Future<Output = anyhow::Result<T>> + Send + 'a>>;

/// Who talks, and to whom.
pub(super) struct Party {
    /// The user.
    pub(super) user: String,
    /// Whom to write to, if to anybody.
    pub(super) peer: Option<Peer>,
    /// The user's token.
    pub(super) token: String,
}

/// Whom to write to.
pub(super) enum Peer {
    /// A user.
    User(String),
    /// A group.
    Group(String),
}

/// What follows from a frame.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// What to tell the user.
    pub(super) lines: Vec<Line>,
    /// What to send back.
    pub(super) replies: Vec<String>,
    /// Why the conversation is over, if it is.
    pub(super) refused: Option<String>,
}

/// Something to tell the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// Somebody said something.
    Said {
        /// Who.
        who: String,
        /// What.
        text: String,
    },
    /// Something else happened.
    Notice(String),
    /// The server did not do something.
    Problem(String),
}

impl Heard {
    /// Nothing follows.
    pub(super) fn nothing() -> Self {
        Self::default()
    }

    /// Somebody said something.
    pub(super) fn said(who: &str, text: String) -> Self {
        Self { lines: vec![Line::Said { who: who.to_owned(), text }], ..Self::default() }
    }

    /// Something else happened.
    pub(super) fn notice(text: impl Into<String>) -> Self {
        Self { lines: vec![Line::Notice(text.into())], ..Self::default() }
    }

    /// The server did not do something.
    pub(super) fn problem(text: impl Into<String>) -> Self {
        Self { lines: vec![Line::Problem(text.into())], ..Self::default() }
    }

    /// The server does not want to talk.
    pub(super) fn refused(why: impl Into<String>) -> Self {
        Self { refused: Some(why.into()), ..Self::default() }
    }
}

/// There is nobody to write to.
pub(super) fn nobody() -> anyhow::Error {
    anyhow!("there is nobody to write to; name a user with --with or a group with --group")
}

/// A content as text: a string itself, any other JSON as it is.
pub(super) fn plain(content: &RawValue) -> String {
    serde_json::from_str(content.get()).unwrap_or_else(|_| content.get().to_owned())
}

/// Reads a reply whose form is known.
pub(super) fn reply<T: DeserializeOwned>(body: &[u8]) -> anyhow::Result<T> {
    serde_json::from_slice(body).map_err(|error| anyhow!("the server answers in a form that is not known: {error}"))
}
