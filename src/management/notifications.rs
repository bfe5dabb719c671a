//! Notifications: told to who is online, and kept nowhere.

use std::sync::Arc;

use koine_core::{Command, ConversationId, Handle, Notify, NotifyTo, UserKey};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Management;
use super::answer::Answer;
use super::call::Call;
use super::messages::body_of;
use super::problem::Problem;
use crate::hub::{Actor, Origin};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewNotification {
    to: Option<Handle>,
    group: Option<ConversationId>,
    friends_of: Option<Handle>,
    from: Option<Handle>,
    #[serde(rename = "type")]
    notification_type: Arc<str>,
    content: Box<RawValue>,
}

/// There is nothing to be said about a notification, which has no identity.
#[derive(Serialize)]
struct Told {}

/// `POST /v1/notifications`: for one user, the members of a group, or the friends of a user, except for
/// those who blocked `from`.
pub(super) async fn notify(api: &Management, call: &Call) -> Result<Answer, Problem> {
    let NewNotification { to, group, friends_of, from, notification_type, content } = call.json()?;
    let to = match (to, group, friends_of) {
        (Some(to), None, None) => NotifyTo::User(UserKey::Handle(to)),
        (None, Some(group), None) => NotifyTo::Group(group),
        (None, None, Some(user)) => NotifyTo::FriendsOf(UserKey::Handle(user)),
        _ => return Err(Problem::bad_request("the body: exactly one of `to`, `group` and `friends_of` is wanted")),
    };
    if notification_type.is_empty() {
        return Err(Problem::bad_request("the body: `type` is empty"));
    }
    let notify = Notify { from: from.map(UserKey::Handle), to, notification_type, content: body_of(&content)? };
    let operator = Actor { user: None, origin: Origin::Management };
    api.hub.execute(&operator, Command::Notify(notify)).await?;
    Answer::created(&Told {})
}
