//! What is given and what happens on the server's side, done through the management API.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use super::http::Outgoing;
use crate::transcript::received::Received;
use crate::transcript::{Audience, Fact, Form, Json, Values, words};

/// A client of the management API.
pub(crate) struct Management {
    address: SocketAddr,
    key: String,
    patience: Duration,
    /// Given names of users to handles.
    handles: BTreeMap<String, String>,
    /// Given names of requests to where they are decided.
    decisions: BTreeMap<String, &'static str>,
}

impl Management {
    /// A client with the key.
    pub(crate) const fn new(address: SocketAddr, key: String, patience: Duration) -> Self {
        Self { address, key, patience, handles: BTreeMap::new(), decisions: BTreeMap::new() }
    }

    /// Makes a fact so. Configuration and drain are not for here.
    pub(crate) fn make_so(&mut self, fact: &Fact, values: &mut Values, dialect: &str) -> Result<()> {
        match fact {
            Fact::User { name, handle, number, profile } => self.add_user(name, handle, *number, profile, values),
            Fact::Disabled { user, disabled } => {
                let path = format!("{}/{}", self.user_path(user)?, if *disabled { "disable" } else { "enable" });
                self.call("POST", &path, None).map(|_| ())
            }
            Fact::Kick { user } => self.call("POST", &format!("{}/kick", self.user_path(user)?), None).map(|_| ()),
            Fact::Friends { first, second } => {
                let body = object(&[("from", Some(self.handle(first)?)), ("to", Some(self.handle(second)?))]);
                let made = self.call("POST", "/v1/friend-requests", Some(&body))?;
                self.decide("/v1/friend-requests", &number(&made, "id")?, true)
            }
            Fact::Unfriend { by, friend } => {
                let path = format!("{}/friends/{}", self.user_path(by)?, encoded(self.handle(friend)?));
                self.call("DELETE", &path, None).map(|_| ())
            }
            Fact::Block { by, blocked, on } => {
                let path = format!("{}/blocks/{}", self.user_path(by)?, encoded(self.handle(blocked)?));
                self.call(if *on { "PUT" } else { "DELETE" }, &path, None).map(|_| ())
            }
            Fact::Group { .. } | Fact::Rename { .. } | Fact::Remove { .. } | Fact::Dissolve { .. } => {
                self.group(fact, values)
            }
            Fact::Befriend { .. } | Fact::Invite { .. } | Fact::Join { .. } => self.ask(fact, values),
            Fact::Decide { request, accept } => {
                let path = self.decisions.get(request).copied().context("no such request")?;
                self.decide(path, &values.value(request, "")?.plain(), *accept)
            }
            Fact::Message { name, from, to, kind, content } => {
                let content = words::resolved(content, values, dialect)?;
                let mut entries = vec![entry("from", Json::string(self.handle(from)?)), self.audience(to, values)?];
                entries.push(entry("content", content));
                entries.extend(kind.as_deref().map(|kind| entry("kind", Json::string(kind))));
                let sent = self.call("POST", "/v1/messages", Some(&Json::Object { entries, open: false }))?;
                if let Some(name) = name {
                    values.set(name, Json::number(number(&sent, "id")?));
                    values.set(format!("{name}.id"), Json::number(number(&sent, "id")?));
                    values.set(format!("{name}.seq"), Json::number(number(&sent, "seq")?));
                    values.set(format!("{name}.conversation"), Json::number(number(&sent, "conversation")?));
                }
                Ok(())
            }
            Fact::Notify { from, to, notification_type, content } => {
                let content = words::resolved(content, values, dialect)?;
                let mut entries = vec![self.audience(to, values)?, entry("content", content)];
                entries.push(entry("type", Json::string(notification_type.as_str())));
                if let Some(from) = from {
                    entries.push(entry("from", Json::string(self.handle(from)?)));
                }
                let body = Json::Object { entries, open: false };
                self.call("POST", "/v1/notifications", Some(&body)).map(|_| ())
            }
            Fact::Config { .. } | Fact::Drain => Ok(()),
        }
    }

    /// The handle of a given user.
    pub(crate) fn handle(&self, name: &str) -> Result<&str> {
        self.handles.get(name).map(String::as_str).with_context(|| format!("`{name}` is no given user"))
    }

    /// A secret for a user's client: the rule key where the dialect is user-sig, else an access token.
    pub(crate) fn token(&self, handle: &str, dialect: Option<&str>) -> Result<String> {
        let path = format!("/v1/users/{}/tokens", encoded(handle));
        let made = self.call("POST", &path, Some(&object(&[("dialect", dialect)])))?;
        Ok(made.get("token").context("no `token` in the answer")?.plain())
    }

    fn add_user(
        &mut self,
        name: &str,
        handle: &str,
        wanted: Option<u64>,
        profile: &[(String, String)],
        values: &mut Values,
    ) -> Result<()> {
        let mut entries = vec![entry("handle", Json::string(handle))];
        entries.extend(wanted.map(|number| entry("number", Json::number(number))));
        if !profile.is_empty() {
            let fields = profile.iter().map(|(field, value)| entry(field, Json::string(value.as_str())));
            entries.push(entry("profile", Json::Object { entries: fields.collect(), open: false }));
        }
        let made = self.call("POST", "/v1/users", Some(&Json::Object { entries, open: false }))?;
        let id = number(&made, "number").or_else(|_| number(&made, "id"))?;
        self.handles.insert(name.to_owned(), handle.to_owned());
        let token = Json::string(self.token(handle, None)?);
        values.set(name, token.clone());
        values.set(format!("{name}.token"), token);
        values.set(format!("{name}.id"), Json::number(id));
        values.set(format!("{name}.handle"), Json::string(handle));
        Ok(())
    }

    fn group(&self, fact: &Fact, values: &mut Values) -> Result<()> {
        match fact {
            Fact::Group { name, title, manager, members } => {
                let members = members.iter().map(|member| self.handle(member).map(Json::string));
                let members = Json::Array { items: members.collect::<Result<_>>()?, open: false };
                let entries = vec![
                    entry("name", Json::string(title.as_str())),
                    entry("manager", Json::string(self.handle(manager)?)),
                    entry("members", members),
                ];
                let made = self.call("POST", "/v1/groups", Some(&Json::Object { entries, open: false }))?;
                let id = number(&made, "id")?;
                values.set(name, Json::number(&id));
                values.set(format!("{name}.id"), Json::number(id));
                Ok(())
            }
            Fact::Rename { group, title } => {
                let body = object(&[("name", Some(title))]);
                self.call("PATCH", &group_path(group, values)?, Some(&body)).map(|_| ())
            }
            Fact::Remove { group, user } => {
                let path = format!("{}/members/{}", group_path(group, values)?, encoded(self.handle(user)?));
                self.call("DELETE", &path, None).map(|_| ())
            }
            Fact::Dissolve { group } => self.call("DELETE", &group_path(group, values)?, None).map(|_| ()),
            _ => Ok(()),
        }
    }

    fn ask(&mut self, fact: &Fact, values: &mut Values) -> Result<()> {
        let (request, path, body, decision) = match fact {
            Fact::Befriend { request, from, to, note } => {
                let names =
                    [("from", Some(self.handle(from)?)), ("to", Some(self.handle(to)?)), ("note", note.as_deref())];
                (request, "/v1/friend-requests".to_owned(), object(&names), "/v1/friend-requests")
            }
            Fact::Invite { request, group, by, user, note } => {
                let names =
                    [("by", Some(self.handle(by)?)), ("user", Some(self.handle(user)?)), ("note", note.as_deref())];
                let path = format!("{}/invitations", group_path(group, values)?);
                (request, path, object(&names), "/v1/group-requests")
            }
            Fact::Join { request, group, user, note } => {
                let names = [("user", Some(self.handle(user)?)), ("note", note.as_deref())];
                let path = format!("{}/join-requests", group_path(group, values)?);
                (request, path, object(&names), "/v1/group-requests")
            }
            _ => bail!("no request"),
        };
        let id = number(&self.call("POST", &path, Some(&body))?, "id")?;
        self.decisions.insert(request.clone(), decision);
        values.set(request, Json::number(&id));
        values.set(format!("{request}.id"), Json::number(id));
        Ok(())
    }

    fn decide(&self, path: &str, id: &str, accept: bool) -> Result<()> {
        let body = Json::Object { entries: vec![entry("accept", Json::Bool(accept))], open: false };
        self.call("POST", &format!("{path}/{id}/decision"), Some(&body)).map(|_| ())
    }

    fn audience(&self, to: &Audience, values: &Values) -> Result<(String, Json)> {
        Ok(match to {
            Audience::User(user) => entry("to", Json::string(self.handle(user)?)),
            Audience::Group(group) => entry("group", values.value(group, "")?),
            Audience::FriendsOf(user) => entry("friends_of", Json::string(self.handle(user)?)),
        })
    }

    fn user_path(&self, name: &str) -> Result<String> {
        Ok(format!("/v1/users/{}", encoded(self.handle(name)?)))
    }

    fn call(&self, method: &str, path: &str, body: Option<&Json>) -> Result<Json> {
        let body = body.map(ToString::to_string).unwrap_or_default();
        let request = Outgoing::json(method, path, &body).header("Authorization", &format!("Bearer {}", self.key));
        let Received { status, body, .. } = request.send(self.address, self.patience)?;
        let body = String::from_utf8(body).context("the answer is not UTF-8")?;
        ensure!((200..300).contains(&status), "management answered {method} {path} with {status}: {body}");
        if body.is_empty() { Ok(Json::Null) } else { Json::parse(&body) }
    }
}

fn group_path(group: &str, values: &Values) -> Result<String> {
    Ok(format!("/v1/groups/{}", values.value(group, "")?.plain()))
}

fn entry(name: &str, value: Json) -> (String, Json) {
    (name.to_owned(), value)
}

fn object(entries: &[(&str, Option<&str>)]) -> Json {
    let entries = entries.iter().filter_map(|(name, value)| value.map(|value| entry(name, Json::string(value))));
    Json::Object { entries: entries.collect(), open: false }
}

/// A number of an answer; ids may be shown as strings.
fn number(answer: &Json, name: &str) -> Result<String> {
    let text = answer.get(name).with_context(|| format!("no `{name}` in {answer}"))?.plain();
    ensure!(text.bytes().all(|byte| byte.is_ascii_digit()), "`{name}` is no number in {answer}");
    Ok(text)
}

/// A path segment.
pub(crate) fn encoded(segment: &str) -> String {
    let mut values = Values::default();
    values.set("segment", Json::string(segment));
    values.substitute("$segment", "", Form::Path).unwrap_or_default()
}
