//! Friendships: asked for, decided, listed, ended.

use std::sync::Arc;

use koine_core::{ErrorKind, Handle, RequestAnswer, RequestId, UserKey};
use serde::{Deserialize, Serialize};

use super::Management;
use super::answer::Answer;
use super::call::Call;
use super::paging::{List, Page};
use super::problem::Problem;
use super::show::UserView;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRequest {
    from: Handle,
    to: Handle,
    note: Option<Arc<str>>,
}

/// A request that was made, or was pending already.
#[derive(Serialize)]
pub(super) struct Asked {
    pub(super) id: RequestId,
}

/// What is decided.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Decision {
    accept: bool,
}

/// What became of a request.
#[derive(Serialize)]
pub(super) struct Decided {
    id: RequestId,
    state: &'static str,
}

impl Decision {
    pub(super) const fn answer(&self) -> RequestAnswer {
        if self.accept { RequestAnswer::Accept } else { RequestAnswer::Refuse }
    }

    pub(super) const fn of(self, id: RequestId) -> Decided {
        Decided { id, state: if self.accept { "accepted" } else { "refused" } }
    }
}

/// `POST /v1/friend-requests`
pub(super) async fn ask(api: &Management, call: &Call) -> Result<Answer, Problem> {
    let NewRequest { from, to, note } = call.json()?;
    let request = api.hub.befriend(&UserKey::Handle(from), UserKey::Handle(to), note).await?;
    Answer::created(&Asked { id: request.id })
}

/// `POST /v1/friend-requests/{request}/decision`, whoever it is addressed to.
pub(super) async fn decide(api: &Management, call: &Call) -> Result<Answer, Problem> {
    let decision: Decision = call.json()?;
    let id = call.request()?;
    api.hub.decide_friend_request(id, decision.answer()).await?;
    Answer::ok(&decision.of(id))
}

/// `GET /v1/users/{user}/friends`, by number.
pub(super) async fn list(api: &Management, call: &Call) -> Result<Answer, Problem> {
    let page = Page::of(call)?;
    let friends = api.hub.friends(&call.user()?).await?;
    let rows: Vec<_> = friends.iter().map(AsRef::as_ref).collect();
    Answer::ok(&List::cut(rows, page, |user| user.id.get(), |user| UserView::of(user)))
}

/// `DELETE /v1/users/{user}/friends/{other}`, in the name of the first.
pub(super) async fn end(api: &Management, call: &Call) -> Result<Answer, Problem> {
    match api.hub.unfriend(&call.user()?, call.other()?).await {
        Ok(()) => Ok(Answer::nothing()),
        Err(error) if error.kind() == ErrorKind::NotFriends => Err(Problem::missing(&error)),
        Err(error) => Err(error.into()),
    }
}
