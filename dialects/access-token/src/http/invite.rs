//! POST `/api/request`: invite a user into a group (邀请成员).

use http::Method;
use koine_core::{Access, Call, Command, Context, Endpoint, Error, HttpRequest, HttpResponse, Reply};

use crate::{decode, token};

pub(super) struct Invite;

impl Endpoint for Invite {
    fn method(&self) -> Method {
        Method::POST
    }

    fn path(&self) -> &'static str {
        super::REQUESTS
    }

    fn access(&self) -> Access {
        token::ACCESS
    }

    fn request(&self, _: &Context<'_>, request: &HttpRequest) -> Result<Call, Error> {
        let fields = request.fields()?;
        let (group, user) = (fields.string("groupId")?, fields.string("userId")?);
        Ok(Command::Invite { group: decode::group(&group)?, user: decode::user(&user)?, note: None }.into())
    }

    fn response(&self, _: &Context<'_>, _: &HttpRequest, result: Result<Reply, Error>) -> HttpResponse {
        super::done(result)
    }
}
