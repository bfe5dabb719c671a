//! DELETE `/api/group/{groupId}`: leave a group (退出群聊), or with `userId` remove a member (移除群成员).

use http::Method;
use koine_core::{Access, Call, Command, Context, Endpoint, Error, HttpRequest, HttpResponse, Reply};

use crate::{decode, token};

pub(super) struct Leave;

impl Endpoint for Leave {
    fn method(&self) -> Method {
        Method::DELETE
    }

    fn path(&self) -> &'static str {
        super::GROUP
    }

    fn access(&self) -> Access {
        token::ACCESS
    }

    /// An empty `userId` is refused: a slip of the manager's client must not dissolve the group.
    fn request(&self, _: &Context<'_>, request: &HttpRequest) -> Result<Call, Error> {
        let fields = request.fields()?;
        let group = super::group_of(&fields)?;
        Ok(match fields.optional_string("userId")? {
            None => Command::Leave { group },
            Some(id) if id.is_empty() => return Err(Error::bad_request("userId is empty")),
            Some(id) => Command::RemoveMember { group, user: decode::user(&id)? },
        }
        .into())
    }

    fn response(&self, _: &Context<'_>, _: &HttpRequest, result: Result<Reply, Error>) -> HttpResponse {
        super::done(result)
    }
}
