//! The HTTP endpoints (HTTP接口), one file per verb.

mod change_chat_user_info;
mod chat_log_info;
mod chat_user_info;
mod create_chat_user;
mod create_session;
mod get_user_sig;
mod mark_as_read;
mod session_info;
mod upload_chat_file;

use std::borrow::Cow;
use std::fmt::Write as _;

use http::StatusCode;
use koine_core::{Access, Context, Endpoint, Error, HttpRequest, HttpResponse, Paging, Purpose, Rows, Token};
use serde::Serialize;

use crate::error;
use crate::params;
use crate::show::Show;
use crate::wire::{Nothing, ReplyBody};

/// What a reply says that did what was asked.
const SUCCESS: &str = "成功";
/// The `code` of such a reply.
const OK: u16 = 200;

/// Every endpoint of the dialect.
pub(crate) fn endpoints(full_profiles: bool) -> Vec<Box<dyn Endpoint>> {
    vec![
        Box::new(create_chat_user::CreateChatUser),
        Box::new(chat_user_info::ChatUserInfo { full_profiles }),
        Box::new(get_user_sig::GetUserSig),
        Box::new(change_chat_user_info::ChangeChatUserInfo),
        Box::new(create_session::CreateSession { full_profiles }),
        Box::new(session_info::SessionInfo { full_profiles }),
        Box::new(chat_log_info::ChatLogInfo),
        Box::new(mark_as_read::MarkAsRead),
        Box::new(upload_chat_file::UploadChatFile),
    ]
}

/// The reply to what failed; its HTTP status is 200 like every other's.
pub(crate) fn failure(error: &Error) -> HttpResponse {
    let code = error::wire(error.kind()).http;
    reply(code, error::message(error), &Nothing {})
}

/// The reply to what was done.
fn success(data: &impl Serialize) -> HttpResponse {
    reply(OK, SUCCESS, data)
}

fn reply(code: u16, message: &str, data: &impl Serialize) -> HttpResponse {
    HttpResponse::json(StatusCode::OK, &ReplyBody { code, message: Cow::Borrowed(message), data })
}

/// The names under which a list, the number of its rows and the number of its pages are shown.
struct ListNames {
    total: &'static str,
    rows: &'static str,
}

/// The reply with one page of a list, written as its rows are read.
fn page<T: Serialize + 'static>(names: &ListNames, total: u64, paging: Paging, rows: Rows<T>) -> HttpResponse {
    let mut open = String::new();
    let pages = params::pages(total, paging);
    // Writing to a string cannot fail.
    let _ = write!(
        open,
        r#"{{"code":{OK},"message":"{SUCCESS}","data":{{"{}":{total},"num_of_pages":{pages},"{}":["#,
        names.total, names.rows,
    );
    HttpResponse::json_rows(StatusCode::OK, open, rows, "]}}")
}

/// Whoever has a good `user_sig` in `Authorization`.
const fn by_user_sig() -> Access {
    Access::Token { find: user_sig, purpose: Purpose::UserSig }
}

/// The `user_sig` of a request: the header's bare value, or what follows `Bearer`.
fn user_sig(request: &HttpRequest) -> Option<Token> {
    request.authorization(true)
}

/// How the caller sees things.
fn shown_to_caller<'a>(context: &Context<'a>, full_profiles: bool) -> Show<'a> {
    Show { zone: context.zone, full_profiles, reader: context.user.map(|user| user.id) }
}
