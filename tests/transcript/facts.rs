//! What is given, and what happens on the server's side.

use anyhow::{Context as _, Result, bail};

use super::json::Json;
use super::words::{Word, Words};

/// Something that is so, or that happens on the server's side.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fact {
    User { name: String, handle: String, number: Option<u64>, profile: Vec<(String, String)> },
    Disabled { user: String, disabled: bool },
    Friends { first: String, second: String },
    Unfriend { by: String, friend: String },
    Block { by: String, blocked: String, on: bool },
    Group { name: String, title: String, manager: String, members: Vec<String> },
    Rename { group: String, title: String },
    Remove { group: String, user: String },
    Dissolve { group: String },
    Befriend { request: String, from: String, to: String, note: Option<String> },
    Invite { request: String, group: String, by: String, user: String, note: Option<String> },
    Join { request: String, group: String, user: String, note: Option<String> },
    Decide { request: String, accept: bool },
    Message { name: Option<String>, from: String, to: Audience, kind: Option<String>, content: Json },
    Notify { from: Option<String>, to: Audience, notification_type: String, content: Json },
    Kick { user: String },
    Drain,
    Config { path: String, value: String },
}

/// Whom something is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Audience {
    User(String),
    Group(String),
    FriendsOf(String),
}

impl Fact {
    /// Reads what follows `given` or `*`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        if let Some(setting) = text.strip_prefix("config ") {
            let (path, value) = setting.split_once('=').context("`config <path> = <value>` was expected")?;
            return Ok(Self::Config { path: path.trim().to_owned(), value: value.trim().to_owned() });
        }
        let mut line = Words::parse(text)?;
        let words = std::mem::take(&mut line.words);
        let fact = Self::of(&words, &mut line)?;
        line.finish()?;
        Ok(fact)
    }

    /// The names it gives meaning to.
    pub(crate) fn defines(&self) -> Option<&str> {
        match self {
            Self::User { name, .. } | Self::Group { name, .. } => Some(name),
            Self::Befriend { request, .. } | Self::Invite { request, .. } | Self::Join { request, .. } => Some(request),
            Self::Message { name, .. } => name.as_deref(),
            _ => None,
        }
    }

    /// The names it speaks of.
    pub(crate) fn mentions(&self) -> Vec<&str> {
        let mut names: Vec<&str> = match self {
            Self::User { .. } | Self::Drain | Self::Config { .. } => Vec::new(),
            Self::Disabled { user, .. } | Self::Kick { user } => vec![user],
            Self::Friends { first, second } => vec![first, second],
            Self::Unfriend { by, friend } => vec![by, friend],
            Self::Block { by, blocked, .. } => vec![by, blocked],
            Self::Group { manager, members, .. } => {
                std::iter::once(manager).chain(members).map(String::as_str).collect()
            }
            Self::Rename { group, .. } | Self::Dissolve { group } => vec![group],
            Self::Remove { group, user } | Self::Join { group, user, .. } => vec![group, user],
            Self::Befriend { from, to, .. } => vec![from, to],
            Self::Invite { group, by, user, .. } => vec![group, by, user],
            Self::Decide { request, .. } => vec![request],
            Self::Message { from, .. } => vec![from],
            Self::Notify { from, .. } => from.iter().map(String::as_str).collect(),
        };
        if let Self::Message { to, .. } | Self::Notify { to, .. } = self {
            let (Audience::User(name) | Audience::Group(name) | Audience::FriendsOf(name)) = to;
            names.push(name);
        }
        names
    }

    fn of(words: &[Word], options: &mut Words) -> Result<Self> {
        let (verb, rest) = words.split_first().context("a fact was expected")?;
        let names: Vec<String> = rest.iter().map(Word::text).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let own = str::to_owned;
        Ok(match (verb.name()?, names.as_slice()) {
            ("user", [name]) => {
                let handle = options.take_text("handle").unwrap_or_else(|| own(name));
                let number = options.take_text("number").map(|number| number.parse()).transpose()?;
                let profile = options.options.drain(..).map(|(name, value)| (name, value.text())).collect();
                Self::User { name: own(name), handle, number, profile }
            }
            ("disabled", [user]) => Self::Disabled { user: own(user), disabled: true },
            ("enabled", [user]) => Self::Disabled { user: own(user), disabled: false },
            ("friends", [first, second]) => Self::Friends { first: own(first), second: own(second) },
            ("unfriend", [by, friend]) => Self::Unfriend { by: own(by), friend: own(friend) },
            ("block", [by, blocked]) => Self::Block { by: own(by), blocked: own(blocked), on: true },
            ("unblock", [by, blocked]) => Self::Block { by: own(by), blocked: own(blocked), on: false },
            ("group", [name, title]) => {
                let members = options.take_name("members")?.unwrap_or_default();
                let members = members.split(',').filter(|member| !member.is_empty()).map(own).collect();
                let manager = options.take_name("manager")?.context("`manager=` is missing")?;
                Self::Group { name: own(name), title: own(title), manager, members }
            }
            ("rename", [group, title]) => Self::Rename { group: own(group), title: own(title) },
            ("remove", [group, user]) => Self::Remove { group: own(group), user: own(user) },
            ("dissolve", [group]) => Self::Dissolve { group: own(group) },
            ("befriend", [request, from, to]) => {
                let note = options.take_text("note");
                Self::Befriend { request: own(request), from: own(from), to: own(to), note }
            }
            ("invite", [request, group, by, user]) => {
                let note = options.take_text("note");
                Self::Invite { request: own(request), group: own(group), by: own(by), user: own(user), note }
            }
            ("join", [request, group, user]) => {
                let note = options.take_text("note");
                Self::Join { request: own(request), group: own(group), user: own(user), note }
            }
            ("accept", [request]) => Self::Decide { request: own(request), accept: true },
            ("refuse", [request]) => Self::Decide { request: own(request), accept: false },
            ("message", [from, way @ ("to" | "in"), name, _]) => {
                let to = if *way == "to" { Audience::User(own(name)) } else { Audience::Group(own(name)) };
                let content = content(rest.get(3).context("the content is missing")?);
                let (name, kind) = (options.take_name("as")?, options.take_text("kind"));
                Self::Message { name, from: own(from), to, kind, content }
            }
            ("notify", []) => {
                let to = match (options.take_name("to")?, options.take_name("in")?, options.take_name("friends-of")?) {
                    (Some(user), None, None) => Audience::User(user),
                    (None, Some(group), None) => Audience::Group(group),
                    (None, None, Some(user)) => Audience::FriendsOf(user),
                    _ => bail!("one of `to=`, `in=`, `friends-of=` was expected"),
                };
                let from = options.take_name("from")?;
                let notification_type = options.take_text("type").context("`type=` is missing")?;
                let content = content(&options.take("content").context("`content=` is missing")?);
                Self::Notify { from, to, notification_type, content }
            }
            ("kick", [user]) => Self::Kick { user: own(user) },
            ("drain", []) => Self::Drain,
            (verb, _) => bail!("`{verb}` with {} words is no fact", names.len()),
        })
    }
}

fn content(word: &Word) -> Json {
    match word {
        Word::Json(json) => json.clone(),
        Word::Bare(text) => Json::parse(text).unwrap_or_else(|_| Json::string(text.as_str())),
    }
}
