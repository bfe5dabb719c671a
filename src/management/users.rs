//! Users: added, listed, shown, changed, disabled, enabled, and their connections.

use std::net::IpAddr;
use std::sync::Arc;

use koine_core::{ConnectionId, Handle, Profile, ProfileField, ProfilePatch, User, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Management;
use super::answer::Answer;
use super::call::Call;
use super::paging::{List, Page};
use super::problem::Problem;
use super::show::{UserView, moment, user_path};
use crate::config::DialectName;

/// The highest number that can be chosen, so that there is room for the ones allocated above it.
pub(super) const HIGHEST_NUMBER: u64 = 1 << 62;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUser {
    handle: Handle,
    profile: Option<Map<String, Value>>,
    number: Option<u64>,
}

/// `POST /v1/users`: a given number is kept, and allocation goes on above it.
pub(super) async fn add(api: &Management, call: &Call) -> Result<Answer, Problem> {
    let NewUser { handle, profile, number } = call.json()?;
    let number = number.map(|number| checked_number("number", number)).transpose()?.map(UserId::new);
    let mut known = Profile::default();
    patch(profile.unwrap_or_default())?.apply(&mut known);
    let user = api.hub.add_user(handle, known, number).await?;
    Ok(Answer::created(&UserView::of(&user))?.at(&user_path(&user.handle)))
}

/// `GET /v1/users`, by number.
pub(super) async fn list(api: &Management, call: &Call) -> Result<Answer, Problem> {
    let Page { after, limit } = Page::of(call)?;
    let page = api.hub.users(after.map(UserId::new), limit).await?;
    let next = page.users.last().filter(|_| page.more).map(|user| user.id.get());
    Answer::ok(&List::new(page.users.iter().map(|user| UserView::of(user)).collect(), next))
}

/// `GET /v1/users/{user}`
pub(super) async fn show(api: &Management, call: &Call) -> Result<Answer, Problem> {
    shown(&api.hub.find_user(&call.user()?).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserPatch {
    #[serde(default)]
    profile: Map<String, Value>,
}

/// `PATCH /v1/users/{user}`: what the profile does not name stays, null clears.
pub(super) async fn change(api: &Management, call: &Call) -> Result<Answer, Problem> {
    let UserPatch { profile } = call.json()?;
    shown(&api.hub.update_user(call.user()?, patch(profile)?).await?)
}

/// `POST /v1/users/{user}/disable`: ends the user's connections, and no token of the user's is good.
pub(super) async fn disable(api: &Management, call: &Call) -> Result<Answer, Problem> {
    shown(&api.hub.set_disabled(call.user()?, true).await?)
}

/// `POST /v1/users/{user}/enable`
pub(super) async fn enable(api: &Management, call: &Call) -> Result<Answer, Problem> {
    shown(&api.hub.set_disabled(call.user()?, false).await?)
}

#[derive(Serialize)]
struct Kicked {
    /// How many connections ended.
    closed: usize,
}

/// `POST /v1/users/{user}/kick`: ends the user's connections.
pub(super) async fn kick(api: &Management, call: &Call) -> Result<Answer, Problem> {
    let closed = api.hub.kick(&call.user()?).await?;
    Answer::ok(&Kicked { closed })
}

#[derive(Serialize)]
struct Connection {
    id: ConnectionId,
    dialect: DialectName,
    address: IpAddr,
    /// The only user whose messages it carries, if it is of that kind.
    faces: Option<Handle>,
    since: Option<String>,
}

/// `GET /v1/users/{user}/connections`, the oldest first.
pub(super) async fn connections(api: &Management, call: &Call) -> Result<Answer, Problem> {
    let page = Page::of(call)?;
    let live = api.hub.connections(&call.user()?).await?;
    let list = List::cut(
        live,
        page,
        |live| live.id.get(),
        |live| Connection {
            id: live.id,
            dialect: live.dialect,
            address: live.address,
            faces: live.faces.clone(),
            since: moment(live.since),
        },
    );
    Answer::ok(&list)
}

/// A number that was chosen by the operator.
pub(super) fn checked_number(field: &str, number: u64) -> Result<u64, Problem> {
    if (1..=HIGHEST_NUMBER).contains(&number) {
        return Ok(number);
    }
    Err(Problem::bad_request(format!("the body: `{field}` is not a number from 1 to {HIGHEST_NUMBER}")))
}

fn patch(profile: Map<String, Value>) -> Result<ProfilePatch, Problem> {
    let mut changes = Vec::new();
    for (name, value) in profile {
        let Some(field) = ProfileField::ALL.iter().find(|field| field.name() == name) else {
            return Err(Problem::bad_request(format!("the body: unknown field `profile.{name}`")));
        };
        let value = match value {
            Value::Null => None,
            Value::String(text) => Some(text.into()),
            _ => return Err(Problem::bad_request(format!("the body: `profile.{name}` is not a string"))),
        };
        changes.push((*field, value));
    }
    Ok(ProfilePatch { changes })
}

fn shown(user: &Arc<User>) -> Result<Answer, Problem> {
    Answer::ok(&UserView::of(user))
}
