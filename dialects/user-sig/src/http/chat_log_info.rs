//! GET `/chat/chat-log-info/`.

use http::Method;
use koine_core::{Access, Call, Command, Context, Endpoint, Error, HttpRequest, HttpResponse, Paging, Reply, Rows};

use super::{ListNames, by_user_sig, failure, page};
use crate::params;
use crate::show::LogRow;

const NAMES: ListNames = ListNames { total: "num_of_chat_logs", rows: "chat_log_info_list" };

/// 获取聊天记录: a session's messages, the newest first. What a page held counts as delivered once the page has
/// been handed over: this is how a device catches up.
pub(super) struct ChatLogInfo;

impl Endpoint for ChatLogInfo {
    fn method(&self) -> Method {
        Method::GET
    }

    fn path(&self) -> &'static str {
        "/chat/chat-log-info/"
    }

    fn access(&self) -> Access {
        by_user_sig()
    }

    fn request(&self, _: &Context<'_>, request: &HttpRequest) -> Result<Call, Error> {
        let fields = request.fields()?;
        let conversation = params::session_id(&fields)?;
        let paging = params::paging(&fields)?;
        Ok(Call { command: Command::History { conversation, paging }, after: Some(confirmation) })
    }

    fn response(&self, context: &Context<'_>, request: &HttpRequest, result: Result<Reply, Error>) -> HttpResponse {
        let paging = request.fields().and_then(|fields| params::paging(&fields));
        Self::answer(context, paging.unwrap_or(params::FIRST_PAGE), result)
    }
}

impl ChatLogInfo {
    /// The reply for the page that was asked for.
    fn answer(context: &Context<'_>, paging: Paging, result: Result<Reply, Error>) -> HttpResponse {
        let list = match result.and_then(Reply::into_messages) {
            Ok(list) => list,
            Err(error) => return failure(&error),
        };
        let zone = context.zone.clone();
        let rows = list.rows.map(move |entry| Ok(LogRow { zone: zone.clone(), entry: entry? }));
        page(&NAMES, list.total, paging, Rows::new(rows))
    }
}

/// What follows a page that was handed over whole: its messages are delivered.
fn confirmation(reply: &Reply) -> Option<Command> {
    match reply {
        Reply::Messages(list) if !list.receipt.ranges.is_empty() => Some(Command::Confirm(list.receipt.clone())),
        _ => None,
    }
}
