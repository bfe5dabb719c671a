//! `POST /message/user/get/page`: a page of the user's messages, newest first (分页获取用户消息).

use http::{Method, StatusCode};
use koine_core::{
    Access, Call, Claim, Command, Context, Endpoint, Error, Fields, HttpRequest, HttpResponse, Paging, Reply, UserKey,
};

use super::{Listed, positive, token, user};
use crate::error;
use crate::wire::State;

/// Messages of all conversations; of one direct conversation where the body has `fromUserId` and
/// `toUserId`. A page with fewer than `pageSize` messages is the last.
pub(super) struct Timeline;

impl Endpoint for Timeline {
    fn method(&self) -> Method {
        Method::POST
    }

    fn path(&self) -> &'static str {
        "/message/user/get/page"
    }

    fn access(&self) -> Access {
        Access::Claimed { find: token, claim }
    }

    fn request(&self, _context: &Context<'_>, request: &HttpRequest) -> Result<Call, Error> {
        let fields = request.fields()?;
        let paging = Paging::Page { number: positive(&fields, "pageNum")?, size: positive(&fields, "pageSize")? };
        Ok(Command::Timeline { between: between(&fields)?, paging }.into())
    }

    fn response(&self, _context: &Context<'_>, _: &HttpRequest, result: Result<Reply, Error>) -> HttpResponse {
        match result.and_then(Reply::into_messages) {
            Ok(list) => {
                let rows = list.rows.map(|entry| entry.map(listed));
                HttpResponse::json_rows(StatusCode::OK, "[".into(), koine_core::Rows::new(rows), "]")
            }
            Err(error) => error::response(&error),
        }
    }
}

/// Old clients that ask for one conversation may leave `userId` out; then `fromUserId` says who asks.
fn claim(request: &HttpRequest) -> Result<Claim, Error> {
    let fields = request.fields()?;
    let name = match (fields.optional_u64("userId")?, between(&fields)?) {
        (None, Some(_)) => "fromUserId",
        _ => "userId",
    };
    user(&fields, name).map(Claim::User)
}

fn between(fields: &Fields<'_>) -> Result<Option<[UserKey; 2]>, Error> {
    match (fields.optional_u64("fromUserId")?, fields.optional_u64("toUserId")?) {
        (Some(_), Some(_)) => Ok(Some([user(fields, "fromUserId")?, user(fields, "toUserId")?])),
        _ => Ok(None),
    }
}

fn listed(entry: koine_core::LogEntry) -> Listed {
    let state = if entry.delivered { State::Client } else { State::Server };
    Listed { entry, state }
}
