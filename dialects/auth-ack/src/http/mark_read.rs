//! `POST /user/chat/clear/unread`: everything in a chat is read (清空消息列表的未读消息).

use http::{Method, StatusCode};
use koine_core::{Access, Call, ChatKey, Command, Context, Endpoint, Error, HttpRequest, HttpResponse, Reply};

use super::{BY_CHAT, chat};
use crate::error;

/// Marks the chat of a row as read; the reply has no body. The document gives 删除聊天列表 this address
/// too: it clears all the same, and [`super::hide_chat::HideChat`] has an address of its own.
pub(super) struct MarkRead;

impl Endpoint for MarkRead {
    fn method(&self) -> Method {
        Method::POST
    }

    fn path(&self) -> &'static str {
        "/user/chat/clear/unread"
    }

    fn access(&self) -> Access {
        BY_CHAT
    }

    fn request(&self, _context: &Context<'_>, request: &HttpRequest) -> Result<Call, Error> {
        Ok(Command::MarkRead(ChatKey::Chat(chat(request)?)).into())
    }

    fn response(&self, _context: &Context<'_>, _: &HttpRequest, result: Result<Reply, Error>) -> HttpResponse {
        match result {
            Ok(_) => HttpResponse::empty(StatusCode::OK),
            Err(error) => error::response(&error),
        }
    }
}
