//! PUT `/api/group/{groupId}`: rename a group (修改群名).

use http::Method;
use koine_core::{Access, Call, Command, Context, Endpoint, Error, HttpRequest, HttpResponse, Reply};

use crate::token;

pub(super) struct RenameGroup;

impl Endpoint for RenameGroup {
    fn method(&self) -> Method {
        Method::PUT
    }

    fn path(&self) -> &'static str {
        super::GROUP
    }

    fn access(&self) -> Access {
        token::ACCESS
    }

    fn request(&self, _: &Context<'_>, request: &HttpRequest) -> Result<Call, Error> {
        let fields = request.fields()?;
        let group = super::group_of(&fields)?;
        Ok(Command::RenameGroup { group, name: fields.string("name")?.into() }.into())
    }

    fn response(&self, _: &Context<'_>, _: &HttpRequest, result: Result<Reply, Error>) -> HttpResponse {
        super::done(result)
    }
}
