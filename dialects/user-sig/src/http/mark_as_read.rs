//! POST `/chat/single-chat-mark-as-read/`.

use http::Method;
use koine_core::{
    Access, Call, ChatKey, Command, Context, Endpoint, Error, ErrorKind, HttpRequest, HttpResponse, Reply,
};

use super::{by_user_sig, failure, success};
use crate::params;
use crate::wire::MarkedData;

/// 单聊标记为已读: everything in a session is read. Groups too, for nothing else could clear their unread count.
pub(super) struct MarkAsRead;

impl Endpoint for MarkAsRead {
    fn method(&self) -> Method {
        Method::POST
    }

    fn path(&self) -> &'static str {
        "/chat/single-chat-mark-as-read/"
    }

    fn access(&self) -> Access {
        by_user_sig()
    }

    fn request(&self, _: &Context<'_>, request: &HttpRequest) -> Result<Call, Error> {
        let session = params::session_id(&request.fields()?)?;
        Ok(Command::MarkRead(ChatKey::Conversation(session)).into())
    }

    fn response(&self, _: &Context<'_>, _: &HttpRequest, result: Result<Reply, Error>) -> HttpResponse {
        match result {
            Ok(Reply::Marked(marked_count)) => success(&MarkedData { marked_count }),
            Ok(_) => failure(&Error::internal()),
            Err(error) if error.kind() == ErrorKind::UserNotFound => {
                failure(&Error::with_detail(ErrorKind::UserNotFound, "未取到当前用户"))
            }
            Err(error) => failure(&error),
        }
    }
}
