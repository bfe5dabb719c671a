//! `POST /user/chat/list`: the user's chats, the one with the newest activity first (获取聊天列表).

use http::{Method, StatusCode};
use koine_core::{
    Access, Call, Command, Context, ConversationRow, Endpoint, Error, HttpRequest, HttpResponse, Paging, Reply, Rows,
    UserId, Zone,
};
use serde::{Serialize, Serializer};

use super::BY_USER;
use crate::{encode, error};

/// Lists every row that the user has not deleted.
pub(super) struct Conversations;

impl Endpoint for Conversations {
    fn method(&self) -> Method {
        Method::POST
    }

    fn path(&self) -> &'static str {
        "/user/chat/list"
    }

    fn access(&self) -> Access {
        BY_USER
    }

    fn request(&self, _context: &Context<'_>, request: &HttpRequest) -> Result<Call, Error> {
        request.fields()?;
        Ok(Command::Conversations { paging: Paging::All, members: false, hidden: false }.into())
    }

    fn response(&self, context: &Context<'_>, _: &HttpRequest, result: Result<Reply, Error>) -> HttpResponse {
        match (result, context.user) {
            (Ok(Reply::Conversations { rows, .. }), Some(owner)) => {
                let (owner, zone) = (owner.id, context.zone.clone());
                let rows = rows.map(move |row| row.map(|row| Listed { row, owner, zone: zone.clone() }));
                HttpResponse::json_rows(StatusCode::OK, "[".into(), Rows::new(rows), "]")
            }
            (Ok(_), _) => error::response(&Error::internal()),
            (Err(error), _) => error::response(&error),
        }
    }
}

/// A row that borrows nothing and is written as [`crate::wire::ChatRow`].
struct Listed {
    row: ConversationRow,
    owner: UserId,
    zone: Zone,
}

impl Serialize for Listed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        encode::chat_row(&self.row, self.owner, &self.zone).serialize(serializer)
    }
}
