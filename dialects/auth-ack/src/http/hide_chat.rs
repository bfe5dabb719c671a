//! `POST /user/delete/chat/list`: a row of the chat list goes, until its next message (删除聊天列表).

use http::{Method, StatusCode};
use koine_core::{Access, Call, Command, Context, Endpoint, Error, HttpRequest, HttpResponse, Reply};

use super::{BY_CHAT, chat};
use crate::error;

/// Hides a row; the reply has no body.
pub(super) struct HideChat;

impl Endpoint for HideChat {
    fn method(&self) -> Method {
        Method::POST
    }

    fn path(&self) -> &'static str {
        "/user/delete/chat/list"
    }

    fn access(&self) -> Access {
        BY_CHAT
    }

    fn request(&self, _context: &Context<'_>, request: &HttpRequest) -> Result<Call, Error> {
        Ok(Command::HideChat(chat(request)?).into())
    }

    fn response(&self, _context: &Context<'_>, _: &HttpRequest, result: Result<Reply, Error>) -> HttpResponse {
        match result {
            Ok(_) => HttpResponse::empty(StatusCode::OK),
            Err(error) => error::response(&error),
        }
    }
}
