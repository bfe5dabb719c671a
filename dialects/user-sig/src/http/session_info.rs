//! GET `/chat/session-info/`.

use http::Method;
use koine_core::{Access, Call, Command, Context, Endpoint, Error, HttpRequest, HttpResponse, Paging, Reply, Rows};

use super::{ListNames, by_user_sig, failure, page};
use crate::params;
use crate::show::SessionRow;

const NAMES: ListNames = ListNames { total: "num_of_sessions", rows: "session_info_list" };

/// 获取当前用户的会话信息列表: the caller's sessions, the one with the newest activity first.
pub(super) struct SessionInfo {
    /// Whether everyone sees all of everyone's profile.
    pub(super) full_profiles: bool,
}

impl Endpoint for SessionInfo {
    fn method(&self) -> Method {
        Method::GET
    }

    fn path(&self) -> &'static str {
        "/chat/session-info/"
    }

    fn access(&self) -> Access {
        by_user_sig()
    }

    fn request(&self, _: &Context<'_>, request: &HttpRequest) -> Result<Call, Error> {
        let paging = params::paging(&request.fields()?)?;
        // Hiding a row is another dialect's habit; here a member's sessions are all of them.
        Ok(Command::Conversations { paging, members: true, hidden: true }.into())
    }

    fn response(&self, context: &Context<'_>, request: &HttpRequest, result: Result<Reply, Error>) -> HttpResponse {
        let paging = request.fields().and_then(|fields| params::paging(&fields));
        self.answer(context, paging.unwrap_or(params::FIRST_PAGE), result)
    }
}

impl SessionInfo {
    /// The reply for the page that was asked for.
    fn answer(&self, context: &Context<'_>, paging: Paging, result: Result<Reply, Error>) -> HttpResponse {
        let (total, rows) = match result {
            Ok(Reply::Conversations { total, rows }) => (total, rows),
            Ok(_) => return failure(&Error::internal()),
            Err(error) => return failure(&error),
        };
        let Some(caller) = context.user else { return failure(&Error::internal()) };
        let (zone, full_profiles, reader) = (context.zone.clone(), self.full_profiles, caller.id);
        let rows = rows.map(move |row| Ok(SessionRow { zone: zone.clone(), full_profiles, reader, row: row? }));
        page(&NAMES, total, paging, Rows::new(rows))
    }
}
