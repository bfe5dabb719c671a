//! GET `/api/group`: the groups one is in (获取加入的所有群聊).

use http::{Method, StatusCode};
use koine_core::{Access, Call, Command, Context, Endpoint, Error, Group, HttpRequest, HttpResponse, Reply};
use serde::{Serialize, Serializer};

use crate::{encode, error, token};

pub(super) struct Groups;

impl Endpoint for Groups {
    fn method(&self) -> Method {
        Method::GET
    }

    fn path(&self) -> &'static str {
        super::GROUPS
    }

    fn access(&self) -> Access {
        token::ACCESS
    }

    fn request(&self, _: &Context<'_>, request: &HttpRequest) -> Result<Call, Error> {
        let detailed = request.fields()?.optional_bool("detailed")?.unwrap_or(true);
        Ok(Command::Groups { detailed }.into())
    }

    fn response(&self, _: &Context<'_>, _: &HttpRequest, result: Result<Reply, Error>) -> HttpResponse {
        match result {
            Ok(Reply::Groups(groups)) => {
                let rows: Vec<Row<'_>> = groups.iter().map(|group| Row(group)).collect();
                HttpResponse::json(StatusCode::OK, &rows)
            }
            Ok(_) => error::response(&Error::internal()),
            Err(why) => error::response(&why),
        }
    }
}

/// An object, or only the id. A group has its manager as a member at least, so one that comes without
/// members was asked for by `detailed=false`.
struct Row<'a>(&'a Group);

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.members.is_empty() {
            serializer.collect_str(&self.0.id)
        } else {
            encode::group(self.0).serialize(serializer)
        }
    }
}
