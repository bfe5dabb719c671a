//! The HTTP endpoints, one file per verb. Parameters come from the query, a form or a JSON body alike.

mod create_group;
mod decide;
mod group;
mod groups;
mod invitations;
mod invite;
mod leave;
mod notify;
pub(crate) mod pull;
mod rename_group;

use http::StatusCode;
use koine_core::{ConversationId, Endpoint, Error, Fields, HttpRequest, HttpResponse, Reply};

use crate::{decode, error};

pub(crate) fn endpoints() -> Vec<Box<dyn Endpoint>> {
    vec![
        Box::new(pull::Pull),
        Box::new(create_group::CreateGroup),
        Box::new(rename_group::RenameGroup),
        Box::new(group::Group),
        Box::new(groups::Groups),
        Box::new(leave::Leave),
        Box::new(invite::Invite),
        Box::new(invitations::Invitations),
        Box::new(decide::Accept),
        Box::new(decide::Decline),
        Box::new(notify::Notify),
    ]
}

const GROUPS: &str = "/api/group";
const GROUP: &str = "/api/group/{groupId}";
const REQUESTS: &str = "/api/request";
const REQUEST: &str = "/api/request/{requestId}";

/// The group that the path or a parameter names.
fn group_of(fields: &Fields<'_>) -> Result<ConversationId, Error> {
    decode::group(&fields.string("groupId")?)
}

/// The group that the path alone names, whatever the body is.
fn group_in_path(request: &HttpRequest) -> Result<ConversationId, Error> {
    group_of(&Fields { path: &request.path, ..Fields::default() })
}

/// Success without a body (返回值: 无).
fn done(result: Result<Reply, Error>) -> HttpResponse {
    match result {
        Ok(_) => HttpResponse::empty(StatusCode::OK),
        Err(why) => error::response(&why),
    }
}
