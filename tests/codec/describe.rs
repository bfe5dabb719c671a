//! Canonical commands in the words of a `=` line, and whether they are the ones that were written.

use std::fmt::{Display, Write as _};

use anyhow::{Result, bail, ensure};
use koine_core::{
    Body, ChatKey, Claim, Command, ConfirmBy, Content, ConversationId, Existing, Handle, Kind, NotifyTo, Paging,
    Profile, ProfileField, PullFilter, Purpose, RequestAnswer, RequestId, Scope, Target, UserId, UserKey,
};

use super::names::Names;
use crate::transcript::{Json, Word, Words};

/// A command in words.
#[derive(Debug, Default)]
pub(crate) struct Described {
    pub(crate) verb: &'static str,
    words: Vec<Value>,
    options: Vec<(&'static str, Value)>,
}

/// One word of a description.
#[derive(Debug)]
enum Value {
    Word(String),
    Json(Json),
    User(UserKey),
    Users(Vec<UserKey>),
    Conversation(ConversationId),
    Request(RequestId),
}

/// Whom the token of a command belongs to, for the commands that hold one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    User(UserId),
    Nobody,
}

impl Described {
    /// Puts a command into words; `owner` is whose secret it holds.
    pub(crate) fn new(command: &Command, owner: Owner) -> Self {
        let mut it = Self::default();
        it.describe(command, owner);
        it
    }

    /// Compares with a line.
    pub(crate) fn compare(&self, line: &Words, names: &Names<'_>) -> Result<()> {
        let Some((verb, words)) = line.words.split_first() else { bail!("a command was expected") };
        ensure!(verb.text() == self.verb && words.len() >= self.words.len(), "the command was {}", self.shown(names));
        let (words, flags) = words.split_at_checked(self.words.len()).unwrap_or((words, &[]));
        for flag in flags {
            let there = self.options.iter().any(|(name, _)| *name == flag.text());
            ensure!(there, "`{}` does not fit: the command was {}", flag.shown(), self.shown(names));
        }
        for (word, value) in words.iter().zip(&self.words) {
            ensure!(value.fits(word, names)?, "`{}` does not fit: the command was {}", word.shown(), self.shown(names));
        }
        for (name, word) in &line.options {
            let value = self.options.iter().find(|(option, _)| option == name).map(|(_, value)| value);
            let fits = match value {
                None => word.text() == "-",
                Some(value) => value.fits(word, names)?,
            };
            ensure!(fits, "`{name}={}` does not fit: the command was {}", word.shown(), self.shown(names));
        }
        Ok(())
    }

    /// The words, for a message.
    pub(crate) fn shown(&self, names: &Names<'_>) -> String {
        let mut shown = format!("`{}", self.verb);
        for word in &self.words {
            let _ = write!(shown, " {}", word.shown(names));
        }
        for (name, value) in &self.options {
            let _ = write!(shown, " {name}={}", value.shown(names));
        }
        shown.push('`');
        shown
    }

    fn word(&mut self, word: impl Display) -> &mut Self {
        self.words.push(Value::Word(word.to_string()));
        self
    }

    fn push(&mut self, value: Value) -> &mut Self {
        self.words.push(value);
        self
    }

    fn option(&mut self, name: &'static str, value: Option<Value>) -> &mut Self {
        self.options.extend(value.map(|value| (name, value)));
        self
    }

    fn text(&mut self, name: &'static str, value: Option<&impl AsRef<str>>) -> &mut Self {
        self.option(name, value.map(|value| Value::Json(Json::string(value.as_ref()))))
    }

    /// A bare flag of the line is a word; here it is an option that is there or not.
    fn flag(&mut self, name: &'static str, on: bool) -> &mut Self {
        self.option(name, on.then(|| Value::Word(name.to_owned())))
    }

    fn paging(&mut self, paging: Paging) -> &mut Self {
        match paging {
            Paging::All => self.word("all"),
            Paging::Page { number, size } => self.word(number).word(size),
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each command, none of them long")]
    fn describe(&mut self, command: &Command, owner: Owner) {
        self.verb = verb(command);
        match command {
            Command::Authenticate(authenticate) => {
                match owner {
                    Owner::User(user) => self.push(Value::User(UserKey::Id(user))),
                    Owner::Nobody => self.word("bad"),
                };
                let purpose = match authenticate.purpose {
                    Purpose::UserSig => "sig",
                    Purpose::Access => "access",
                };
                self.option("purpose", Some(Value::Word(purpose.to_owned())));
                let claim = authenticate.claim.as_ref().map(|claim| match claim {
                    Claim::User(key) => Value::User(key.clone()),
                    Claim::Chat(chat) => Value::Word(format!("chat:{chat}")),
                });
                self.option("claim", claim);
            }
            Command::ExchangeKey { user, .. } => {
                self.push(Value::User(UserKey::Handle(user.clone())));
                self.word(if owner == Owner::Nobody { "bad" } else { "good" });
            }
            Command::Attach(attach) => {
                match &attach.scope {
                    Scope::All => self.word("all"),
                    Scope::Peer(peer) => self.word("peer").push(Value::User(peer.clone())),
                };
                let confirm = match attach.confirm {
                    ConfirmBy::Pong => "pong",
                    ConfirmBy::Command => "command",
                };
                self.option("confirm", Some(Value::Word(confirm.to_owned())));
                self.flag("catch-up", attach.catch_up).flag("read", attach.confirmed_is_read);
            }
            Command::Register(register) => {
                self.push(Value::Json(Json::string(register.handle.as_str())));
                let existing = match register.existing {
                    Existing::Refuse => "refuse",
                    Existing::Return => "return",
                };
                self.option("existing", Some(Value::Word(existing.to_owned()))).text("app", register.app.as_ref());
                self.profile(&register.profile);
            }
            Command::FindUser(key)
            | Command::Unfriend { with: key }
            | Command::Block { user: key }
            | Command::Unblock { user: key } => {
                self.push(Value::User(key.clone()));
            }
            Command::UpdateUser(patch) => {
                for (field, value) in &patch.changes {
                    let value = value.as_ref().map_or(Json::Null, |value| Json::string(&**value));
                    self.option(field.name(), Some(Value::Json(value)));
                }
            }
            Command::OpenDirect { with, name } => {
                self.push(Value::User(with.clone())).text("name", name.as_ref());
            }
            Command::CreateGroup { name, members } => {
                self.push(Value::Json(Json::string(&**name)));
                self.words.extend(members.iter().cloned().map(Value::User));
            }
            Command::RenameGroup { group, name } => {
                self.push(Value::Conversation(*group)).push(Value::Json(Json::string(&**name)));
            }
            Command::Leave { group } | Command::Group { group } => {
                self.push(Value::Conversation(*group));
            }
            Command::RemoveMember { group, user } => {
                self.push(Value::Conversation(*group)).push(Value::User(user.clone()));
            }
            Command::Groups { detailed } => {
                self.flag("detailed", *detailed);
            }
            Command::Invite { group, user, note } => {
                self.push(Value::Conversation(*group)).push(Value::User(user.clone())).text("note", note.as_ref());
            }
            Command::Join { group, note } => {
                self.push(Value::Conversation(*group)).text("note", note.as_ref());
            }
            Command::Befriend { with, note } => {
                self.push(Value::User(with.clone())).text("note", note.as_ref());
            }
            Command::Decide { request, answer, groups_only } => {
                let answer = match answer {
                    RequestAnswer::Accept => "accept",
                    RequestAnswer::Refuse => "refuse",
                };
                self.push(Value::Request(*request)).word(answer).flag("groups-only", *groups_only);
            }
            Command::Send(send) => {
                match &send.target {
                    Target::User(key) => self.word("direct").push(Value::User(key.clone())),
                    Target::Group(id) => self.word("group").push(Value::Conversation(*id)),
                    Target::Conversation(id) => self.word("conversation").push(Value::Conversation(*id)),
                };
                self.content(&send.content);
                self.option("client-id", send.client_id.map(|id| Value::Word(id.to_string())));
                self.text("key", send.key.as_ref().map(koine_core::IdempotencyKey::as_str).as_ref());
                self.flag("reads", send.reads);
            }
            Command::History { conversation, paging } => {
                self.push(Value::Conversation(*conversation)).paging(*paging);
            }
            Command::Timeline { between, paging } => {
                self.paging(*paging);
                self.option("between", between.as_ref().map(|users| Value::Users(users.to_vec())));
            }
            Command::Pull(pull) => {
                self.word(match pull.filter {
                    PullFilter::All => "all",
                    PullFilter::Direct => "direct",
                    PullFilter::Group => "group",
                });
                self.option("limit", pull.limit.map(|limit| Value::Word(limit.to_string())));
                let ids: Vec<String> = pull.acknowledge.iter().map(u64::to_string).collect();
                self.option("acknowledge", (!ids.is_empty()).then(|| Value::Word(ids.join(","))));
                self.flag("newest-first", pull.newest_first);
            }
            Command::Conversations { paging, members, hidden } => {
                self.paging(*paging).flag("members", *members).flag("hidden", *hidden);
            }
            Command::Acknowledge { wire_id } => {
                self.words.push(Value::Word(wire_id.to_string()));
            }
            Command::MarkRead(ChatKey::Conversation(id)) => {
                self.push(Value::Conversation(*id));
            }
            Command::MarkRead(ChatKey::Chat(chat)) => {
                self.word(format!("chat:{chat}"));
            }
            Command::HideChat(chat) => {
                self.word(chat);
            }
            Command::Notify(notify) => {
                match &notify.to {
                    NotifyTo::User(key) => self.option("to", Some(Value::User(key.clone()))),
                    NotifyTo::Group(group) => self.option("in", Some(Value::Conversation(*group))),
                    NotifyTo::FriendsOf(key) => self.option("friends-of", Some(Value::User(key.clone()))),
                };
                self.option("from", notify.from.clone().map(Value::User));
                self.text("type", Some(&notify.notification_type));
                self.option("content", Some(Value::Json(body(&notify.content))));
            }
            Command::Invitations | Command::Confirm(_) | Command::ReserveMessageId => {}
        }
    }

    fn content(&mut self, content: &Content) {
        match content {
            Content::Erased => {
                self.word("erased");
            }
            Content::Present { kind, body: what } => {
                let kind = match kind {
                    Kind::Text => "text",
                    Kind::Image => "image",
                    Kind::File => "file",
                    Kind::Other(word) => word,
                };
                self.push(Value::Json(body(what))).option("kind", Some(Value::Word(kind.to_owned())));
            }
        }
    }

    fn profile(&mut self, profile: &Profile) {
        for field in ProfileField::ALL {
            self.text(field.name(), profile.field(*field));
        }
    }
}

impl Value {
    fn fits(&self, word: &Word, names: &Names<'_>) -> Result<bool> {
        Ok(match self {
            Self::Word(text) => names.plain(word)? == *text,
            Self::Json(json) => names.value(word)? == *json,
            Self::User(key) => names.user(word)?.is_some_and(|known| same_user(&known, key, names)),
            Self::Users(keys) => {
                let text = word.text();
                let words: Vec<Word> = text.split(',').map(|name| Word::Bare(name.to_owned())).collect();
                let mut fits = words.len() == keys.len();
                for (word, key) in words.iter().zip(keys) {
                    fits &= names.user(word)?.is_some_and(|known| same_user(&known, key, names));
                }
                fits
            }
            Self::Conversation(id) => names.number(word)? == Some(id.get()),
            Self::Request(id) => names.number(word)? == Some(id.get()),
        })
    }

    fn shown(&self, names: &Names<'_>) -> String {
        match self {
            Self::Word(text) => text.clone(),
            Self::Json(json) => json.to_string(),
            Self::User(key) => names.shown_user(key),
            Self::Users(keys) => keys.iter().map(|key| names.shown_user(key)).collect::<Vec<_>>().join(","),
            Self::Conversation(id) => id.to_string(),
            Self::Request(id) => id.to_string(),
        }
    }
}

/// A user is the same by number and by handle.
fn same_user(known: &UserKey, key: &UserKey, names: &Names<'_>) -> bool {
    known == key
        || names.both(known).is_some_and(|(id, handle)| match key {
            UserKey::Id(other) => id == *other,
            UserKey::Handle(other) => handle == *other,
        })
}

/// A user's two identities.
pub(crate) type Both = (UserId, Handle);

fn body(body: &Body) -> Json {
    match body {
        Body::Text(text) => Json::string(&**text),
        Body::Json(raw) => Json::parse(raw.get()).unwrap_or_else(|_| Json::string(raw.get())),
    }
}

/// The word a command is known by.
pub(crate) const fn verb(command: &Command) -> &'static str {
    match command {
        Command::Authenticate(_) => "authenticate",
        Command::ExchangeKey { .. } => "exchange-key",
        Command::Attach(_) => "attach",
        Command::Register(_) => "register",
        Command::FindUser(_) => "find-user",
        Command::UpdateUser(_) => "update-user",
        Command::OpenDirect { .. } => "open-direct",
        Command::CreateGroup { .. } => "create-group",
        Command::RenameGroup { .. } => "rename-group",
        Command::Leave { .. } => "leave",
        Command::RemoveMember { .. } => "remove-member",
        Command::Group { .. } => "group",
        Command::Groups { .. } => "groups",
        Command::Invite { .. } => "invite",
        Command::Join { .. } => "join",
        Command::Befriend { .. } => "befriend",
        Command::Invitations => "invitations",
        Command::Decide { .. } => "decide",
        Command::Unfriend { .. } => "unfriend",
        Command::Block { .. } => "block",
        Command::Unblock { .. } => "unblock",
        Command::Send(_) => "send",
        Command::History { .. } => "history",
        Command::Timeline { .. } => "timeline",
        Command::Pull(_) => "pull",
        Command::Conversations { .. } => "conversations",
        Command::Confirm(_) => "confirm",
        Command::Acknowledge { .. } => "acknowledge",
        Command::MarkRead(_) => "mark-read",
        Command::HideChat(_) => "hide-chat",
        Command::ReserveMessageId => "reserve-message-id",
        Command::Notify(_) => "notify",
    }
}
