//! `POST /message/get/id`: an id for a message to come (获取消息id).

use http::{Method, StatusCode};
use koine_core::{Access, Call, Command, Context, Endpoint, Error, HttpRequest, HttpResponse, Reply};

use crate::error;
use crate::wire::FreshId;

/// Hands an id out that no message has; it needs no credentials.
pub(super) struct ReserveMessageId;

impl Endpoint for ReserveMessageId {
    fn method(&self) -> Method {
        Method::POST
    }

    fn path(&self) -> &'static str {
        "/message/get/id"
    }

    fn access(&self) -> Access {
        Access::Open
    }

    fn request(&self, _context: &Context<'_>, request: &HttpRequest) -> Result<Call, Error> {
        request.fields()?;
        Ok(Command::ReserveMessageId.into())
    }

    fn response(&self, _context: &Context<'_>, _: &HttpRequest, result: Result<Reply, Error>) -> HttpResponse {
        match result {
            Ok(Reply::MessageId(id)) => HttpResponse::json(StatusCode::OK, &FreshId { id: id.get() }),
            Ok(_) => error::response(&Error::internal()),
            Err(error) => error::response(&error),
        }
    }
}
