//! Groups: made, shown, renamed, dissolved; who comes in and who goes.

use std::sync::Arc;

use koine_core::{ConversationId, ErrorKind, Group, Handle, UserKey};
use serde::{Deserialize, Serialize};

use super::Management;
use super::answer::Answer;
use super::call::Call;
use super::friends::{Asked, Decision};
use super::problem::Problem;
use super::show::moment;
use super::users::checked_number;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewGroup {
    name: Arc<str>,
    manager: Handle,
    #[serde(default)]
    members: Vec<Handle>,
    id: Option<u64>,
}

#[derive(Serialize)]
struct Created {
    id: ConversationId,
}

/// `POST /v1/groups`: the manager is a member, named among them or not. A given id is kept, and
/// allocation goes on above it.
pub(super) async fn create(api: &Management, call: &Call) -> Result<Answer, Problem> {
    let NewGroup { name, manager, members, id } = call.json()?;
    let id = id.map(|id| checked_number("id", id)).transpose()?.map(ConversationId::new);
    let members = members.into_iter().map(UserKey::Handle).collect();
    let id = api.hub.create_group(&UserKey::Handle(manager), name, members, id).await?;
    Ok(Answer::created(&Created { id })?.at(&format!("/v1/groups/{id}")))
}

#[derive(Serialize)]
struct GroupView<'a> {
    id: ConversationId,
    name: &'a str,
    manager: &'a Handle,
    /// By joining, the manager among them.
    members: Vec<&'a Handle>,
    created_at: Option<String>,
}

/// `GET /v1/groups/{group}`
pub(super) async fn show(api: &Management, call: &Call) -> Result<Answer, Problem> {
    shown(&*api.hub.group(call.group()?).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupPatch {
    name: Arc<str>,
}

/// `PATCH /v1/groups/{group}`
pub(super) async fn rename(api: &Management, call: &Call) -> Result<Answer, Problem> {
    let GroupPatch { name } = call.json()?;
    let group = call.group()?;
    api.hub.rename_group(group, name).await?;
    shown(&*api.hub.group(group).await?)
}

/// `DELETE /v1/groups/{group}`: every member is removed and told so; its messages stay readable here.
pub(super) async fn dissolve(api: &Management, call: &Call) -> Result<Answer, Problem> {
    api.hub.dissolve_group(call.group()?).await?;
    Ok(Answer::nothing())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Application {
    user: Handle,
    note: Option<Arc<str>>,
}

/// `POST /v1/groups/{group}/join-requests`: the manager decides.
pub(super) async fn join(api: &Management, call: &Call) -> Result<Answer, Problem> {
    let Application { user, note } = call.json()?;
    let request = api.hub.join_group(&UserKey::Handle(user), call.group()?, note).await?;
    Answer::created(&Asked { id: request.id })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Invitation {
    by: Handle,
    user: Handle,
    note: Option<Arc<str>>,
}

/// `POST /v1/groups/{group}/invitations`: who is invited decides.
pub(super) async fn invite(api: &Management, call: &Call) -> Result<Answer, Problem> {
    let Invitation { by, user, note } = call.json()?;
    let request = api.hub.invite(&UserKey::Handle(by), call.group()?, UserKey::Handle(user), note).await?;
    Answer::created(&Asked { id: request.id })
}

/// `POST /v1/group-requests/{request}/decision`, of either kind, whoever it is addressed to.
pub(super) async fn decide(api: &Management, call: &Call) -> Result<Answer, Problem> {
    let decision: Decision = call.json()?;
    let id = call.request()?;
    api.hub.decide_group_request(id, decision.answer()).await?;
    Answer::ok(&decision.of(id))
}

/// `DELETE /v1/groups/{group}/members/{user}`: without its manager a group is dissolved.
pub(super) async fn remove(api: &Management, call: &Call) -> Result<Answer, Problem> {
    match api.hub.remove_member(call.group()?, call.user()?).await {
        Ok(()) => Ok(Answer::nothing()),
        Err(error) if error.kind() == ErrorKind::NotMember => Err(Problem::missing(&error)),
        Err(error) => Err(error.into()),
    }
}

fn shown(group: &Group) -> Result<Answer, Problem> {
    Answer::ok(&GroupView {
        id: group.id,
        name: &group.name,
        manager: &group.manager.handle,
        members: group.members.iter().map(|member| &member.handle).collect(),
        created_at: moment(group.created),
    })
}
