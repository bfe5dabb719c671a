//! GET `/api/request`: the pending invitations addressed to oneself (获取群聊请求).

use http::{Method, StatusCode};
use koine_core::{Access, Call, Command, Context, Endpoint, Error, HttpRequest, HttpResponse, Reply};

use crate::{encode, error, token, wire};

pub(super) struct Invitations;

impl Endpoint for Invitations {
    fn method(&self) -> Method {
        Method::GET
    }

    fn path(&self) -> &'static str {
        super::REQUESTS
    }

    fn access(&self) -> Access {
        token::ACCESS
    }

    fn request(&self, _: &Context<'_>, _: &HttpRequest) -> Result<Call, Error> {
        Ok(Command::Invitations.into())
    }

    fn response(&self, _: &Context<'_>, _: &HttpRequest, result: Result<Reply, Error>) -> HttpResponse {
        match result {
            Ok(Reply::Requests(requests)) => {
                let rows: Vec<wire::Invitation<'_>> =
                    requests.iter().filter_map(|request| encode::invitation(request)).collect();
                HttpResponse::json(StatusCode::OK, &rows)
            }
            Ok(_) => error::response(&Error::internal()),
            Err(why) => error::response(&why),
        }
    }
}
