//! POST `/api/group`: make a group (添加群聊).

use http::{Method, StatusCode};
use koine_core::{Access, Call, Command, Context, Endpoint, Error, HttpRequest, HttpResponse, Reply};

use crate::{error, token};

pub(super) struct CreateGroup;

impl Endpoint for CreateGroup {
    fn method(&self) -> Method {
        Method::POST
    }

    fn path(&self) -> &'static str {
        super::GROUPS
    }

    fn access(&self) -> Access {
        token::ACCESS
    }

    fn request(&self, _: &Context<'_>, request: &HttpRequest) -> Result<Call, Error> {
        let name = request.fields()?.string("name")?.into();
        Ok(Command::CreateGroup { name, members: Vec::new() }.into())
    }

    /// The new group's id as a JSON string.
    fn response(&self, _: &Context<'_>, _: &HttpRequest, result: Result<Reply, Error>) -> HttpResponse {
        match result.and_then(Reply::into_opened) {
            Ok(opened) => HttpResponse::json(StatusCode::OK, &opened.row.conversation.id.to_string()),
            Err(why) => error::response(&why),
        }
    }
}
