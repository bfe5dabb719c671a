//! `POST /message/offline`: what is pending for the user, oldest first (获取离线消息).

use http::{Method, StatusCode};
use koine_core::{
    Access, Call, Command, Context, Endpoint, Error, Fields, HttpRequest, HttpResponse, Param, PullFilter, Reply, Rows,
};
use serde_json::Value;

use super::{BY_USER, Listed};
use crate::error;
use crate::wire::State;

/// Returning messages does not confirm them: an `Ack` frame does, or the ids under `ack` in the next call.
pub(super) struct Pull;

impl Endpoint for Pull {
    fn method(&self) -> Method {
        Method::POST
    }

    fn path(&self) -> &'static str {
        "/message/offline"
    }

    fn access(&self) -> Access {
        BY_USER
    }

    fn request(&self, _context: &Context<'_>, request: &HttpRequest) -> Result<Call, Error> {
        let acknowledge = acknowledged(&request.fields()?)?;
        Ok(Command::Pull(koine_core::Pull { filter: PullFilter::All, limit: None, newest_first: false, acknowledge })
            .into())
    }

    fn response(&self, _context: &Context<'_>, _: &HttpRequest, result: Result<Reply, Error>) -> HttpResponse {
        match result.and_then(Reply::into_messages) {
            Ok(list) => {
                let rows = list.rows.map(|entry| entry.map(|entry| Listed { entry, state: State::Server }));
                HttpResponse::json_rows(StatusCode::OK, "[".into(), Rows::new(rows), "]")
            }
            Err(error) => error::response(&error),
        }
    }
}

/// The ids under `ack`: a list, or a single one.
fn acknowledged(fields: &Fields<'_>) -> Result<Vec<u64>, Error> {
    let repeated = fields.every_text("ack");
    let ids: Option<Vec<u64>> = if repeated.is_empty() {
        match fields.first("ack") {
            None | Some(Param::Json(Value::Null)) => return Ok(Vec::new()),
            Some(Param::Json(Value::Array(ids))) => ids.iter().map(|id| positive(Param::Json(id))).collect(),
            Some(id) => positive(id).map(|id| vec![id]),
        }
    } else {
        repeated.into_iter().map(|id| positive(Param::Text(id))).collect()
    };
    ids.ok_or_else(|| Error::bad_request("ack is not a list of positive integers"))
}

fn positive(id: Param<'_>) -> Option<u64> {
    id.as_u64().filter(|id| *id > 0)
}
