//! What is given and what happens on the server's side, done to the model.

use anyhow::{Context as _, Result, anyhow};
use koine_core::{
    Body, Command, Content, ConversationId, EndReason, Error, Handle, Kind, Notify, NotifyTo, Profile, ProfileField,
    Reply, RequestAnswer, RequestId, SendMessage, Target, UserId, UserKey,
};
use serde_json::value::RawValue;

use super::model::{access_token, rule_key, user_sig};
use super::runner::Runner;
use crate::transcript::{Audience, Fact, Json, words};

impl Runner {
    /// Makes a fact so, and tells everybody concerned.
    pub(super) fn happens(&mut self, fact: &Fact, dialect: &str) -> Result<()> {
        self.make_so(fact, dialect)?;
        self.settle()?;
        self.tell()
    }

    fn make_so(&mut self, fact: &Fact, dialect: &str) -> Result<()> {
        match fact {
            Fact::User { name, handle, number, profile } => self.add_user(name, handle, *number, profile),
            Fact::Disabled { user, disabled } => {
                let id = self.user(user)?;
                self.model.disable(id, *disabled);
                if *disabled {
                    self.end_connections(Some(id), EndReason::Disabled);
                }
                Ok(())
            }
            Fact::Friends { first, second } => {
                let (first, second) = (self.user(first)?, self.user(second)?);
                self.model.make_friends(first, second);
                Ok(())
            }
            Fact::Unfriend { by, friend } => {
                let with = UserKey::Id(self.user(friend)?);
                self.act(by, &Command::Unfriend { with }).map(|_| ())
            }
            Fact::Block { by, blocked, on } => {
                let user = UserKey::Id(self.user(blocked)?);
                self.act(by, &if *on { Command::Block { user } } else { Command::Unblock { user } }).map(|_| ())
            }
            Fact::Kick { user } => {
                let user = self.user(user)?;
                self.end_connections(Some(user), EndReason::Kicked);
                Ok(())
            }
            Fact::Drain => {
                self.end_connections(None, EndReason::Draining);
                Ok(())
            }
            Fact::Config { .. } => Ok(()),
            Fact::Group { .. } | Fact::Rename { .. } | Fact::Remove { .. } | Fact::Dissolve { .. } => self.group(fact),
            Fact::Befriend { .. } | Fact::Invite { .. } | Fact::Join { .. } | Fact::Decide { .. } => self.asked(fact),
            Fact::Message { name, from, to, kind, content } => {
                let content = words::resolved(content, &self.values, dialect)?;
                self.message(name.as_deref(), from, to, kind.as_deref(), &content)
            }
            Fact::Notify { from, to, notification_type, content } => {
                let content = body(&words::resolved(content, &self.values, dialect)?)?;
                let to = match to {
                    Audience::User(user) => NotifyTo::User(UserKey::Id(self.user(user)?)),
                    Audience::Group(group) => NotifyTo::Group(self.number(group).map(ConversationId::new)?),
                    Audience::FriendsOf(user) => NotifyTo::FriendsOf(UserKey::Id(self.user(user)?)),
                };
                let from = from.as_ref().map(|from| self.user(from).map(UserKey::Id)).transpose()?;
                let notification_type = notification_type.as_str().into();
                let notify = Command::Notify(Notify { from, to, notification_type, content });
                self.execute(None, &notify).map_err(told)?;
                Ok(())
            }
        }
    }

    fn add_user(&mut self, name: &str, handle: &str, number: Option<u64>, fields: &[(String, String)]) -> Result<()> {
        let mut profile = Profile::default();
        for (field, value) in fields {
            let known = ProfileField::ALL.iter().find(|known| known.name() == field);
            profile.set(*known.with_context(|| format!("`{field}` is no profile field"))?, Some(value.as_str().into()));
        }
        let id = self.model.add_user(&Handle::new(handle)?, number, profile).map_err(told)?;
        self.users.insert(name.to_owned(), id);
        let (access, sig, key) = (access_token(id), user_sig(id), rule_key(id));
        self.values.set(name, Json::string(access.as_str()));
        self.values.set(format!("{name}@user-sig"), Json::string(sig.as_str()));
        self.values.set(format!("{name}.token"), Json::string(access));
        self.values.set(format!("{name}.sig"), Json::string(sig));
        self.values.set(format!("{name}.key"), Json::string(key));
        self.values.set(format!("{name}.id"), Json::number(id));
        self.values.set(format!("{name}.handle"), Json::string(handle));
        Ok(())
    }

    fn group(&mut self, fact: &Fact) -> Result<()> {
        match fact {
            Fact::Group { name, title, manager, members } => {
                let members = members.iter().map(|member| self.user(member).map(UserKey::Id)).collect::<Result<_>>()?;
                let command = Command::CreateGroup { name: title.as_str().into(), members };
                let opened = self.act(manager, &command)?.into_opened().map_err(told)?;
                self.name(name, opened.row.conversation.id.get());
                Ok(())
            }
            Fact::Rename { group, title } => {
                let group = ConversationId::new(self.number(group)?);
                let command = Command::RenameGroup { group, name: title.as_str().into() };
                self.as_manager(group, &command)
            }
            Fact::Remove { group, user } => {
                let (group, user) = (ConversationId::new(self.number(group)?), UserKey::Id(self.user(user)?));
                self.as_manager(group, &Command::RemoveMember { group, user })
            }
            Fact::Dissolve { group } => {
                let group = ConversationId::new(self.number(group)?);
                self.as_manager(group, &Command::Leave { group })
            }
            _ => Ok(()),
        }
    }

    fn asked(&mut self, fact: &Fact) -> Result<()> {
        let note = |note: &Option<String>| note.as_deref().map(Into::into);
        let (request, by, command) = match fact {
            Fact::Befriend { request, from, to, note: text } => {
                (request, from, Command::Befriend { with: UserKey::Id(self.user(to)?), note: note(text) })
            }
            Fact::Invite { request, group, by, user, note: text } => {
                let group = ConversationId::new(self.number(group)?);
                (request, by, Command::Invite { group, user: UserKey::Id(self.user(user)?), note: note(text) })
            }
            Fact::Join { request, group, user, note: text } => {
                (request, user, Command::Join { group: ConversationId::new(self.number(group)?), note: note(text) })
            }
            Fact::Decide { request, accept } => {
                let request = RequestId::new(self.number(request)?);
                let user = self.model.addressee(request).context("no such request")?;
                let answer = if *accept { RequestAnswer::Accept } else { RequestAnswer::Refuse };
                self.execute(Some(user), &Command::Decide { request, answer, groups_only: false }).map_err(told)?;
                return Ok(());
            }
            _ => return Ok(()),
        };
        let Reply::Requested(made) = self.act(by, &command)? else { return Ok(()) };
        self.name(request, made.id.get());
        Ok(())
    }

    fn message(
        &mut self,
        name: Option<&str>,
        from: &str,
        to: &Audience,
        kind: Option<&str>,
        content: &Json,
    ) -> Result<()> {
        let kind = match kind {
            None | Some("text") => Kind::Text,
            Some("image") => Kind::Image,
            Some("file") => Kind::File,
            Some(word) => Kind::Other(word.into()),
        };
        let target = match to {
            Audience::User(user) | Audience::FriendsOf(user) => Target::User(UserKey::Id(self.user(user)?)),
            Audience::Group(group) => Target::Group(ConversationId::new(self.number(group)?)),
        };
        let content = Content::Present { kind, body: body(content)? };
        let message = SendMessage { target, content, client_id: None, key: None, reads: false };
        let Reply::Sent(sent) = self.act(from, &Command::Send(message))? else { return Ok(()) };
        if let Some(name) = name {
            self.name(name, sent.id.get());
            self.values.set(format!("{name}.seq"), Json::number(sent.seq));
            self.values.set(format!("{name}.conversation"), Json::number(sent.conversation));
        }
        Ok(())
    }

    fn name(&mut self, name: &str, number: u64) {
        self.values.set(name, Json::number(number));
        self.values.set(format!("{name}.id"), Json::number(number));
    }

    fn act(&mut self, user: &str, command: &Command) -> Result<Reply> {
        let user = self.user(user)?;
        self.execute(Some(user), command).map_err(told)
    }

    fn as_manager(&mut self, group: ConversationId, command: &Command) -> Result<()> {
        let manager = self.model.manager(group).map_err(told)?;
        self.execute(Some(manager), command).map_err(told)?;
        Ok(())
    }

    fn user(&self, name: &str) -> Result<UserId> {
        self.users.get(name).copied().with_context(|| format!("`{name}` is no given user"))
    }

    fn number(&self, name: &str) -> Result<u64> {
        self.values.value(name, "")?.plain().parse().with_context(|| format!("`{name}` has no number"))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "handed to `map_err`")]
fn told(error: Error) -> anyhow::Error {
    anyhow!("{}: {error}", error.kind().word())
}

fn body(content: &Json) -> Result<Body> {
    let raw = RawValue::from_string(content.to_string())?;
    Body::from_raw(&raw).context("no content")
}
