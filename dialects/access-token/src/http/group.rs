//! GET `/api/group/{groupId}`: look at a group (获取某个群聊信息).

use http::{Method, StatusCode};
use koine_core::{Access, Call, Command, Context, Endpoint, Error, HttpRequest, HttpResponse, Reply};

use crate::{encode, error, token};

pub(super) struct Group;

impl Endpoint for Group {
    fn method(&self) -> Method {
        Method::GET
    }

    fn path(&self) -> &'static str {
        super::GROUP
    }

    fn access(&self) -> Access {
        token::ACCESS
    }

    fn request(&self, _: &Context<'_>, request: &HttpRequest) -> Result<Call, Error> {
        Ok(Command::Group { group: super::group_in_path(request)? }.into())
    }

    fn response(&self, _: &Context<'_>, _: &HttpRequest, result: Result<Reply, Error>) -> HttpResponse {
        match result {
            Ok(Reply::Group(group)) => HttpResponse::json(StatusCode::OK, &encode::group(&group)),
            Ok(_) => error::response(&Error::internal()),
            Err(why) => error::response(&why),
        }
    }
}
