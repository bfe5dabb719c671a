//! PUT and DELETE `/api/request/{requestId}`: accept or decline an invitation (接受群聊请求, 删除群聊请求).

use http::Method;
use koine_core::{
    Access, Call, Command, Context, Endpoint, Error, ErrorKind, HttpRequest, HttpResponse, Reply, RequestAnswer,
};

use crate::token;

pub(super) struct Accept;

pub(super) struct Decline;

impl Endpoint for Accept {
    fn method(&self) -> Method {
        Method::PUT
    }

    fn path(&self) -> &'static str {
        super::REQUEST
    }

    fn access(&self) -> Access {
        token::ACCESS
    }

    fn request(&self, _: &Context<'_>, request: &HttpRequest) -> Result<Call, Error> {
        decide(request, RequestAnswer::Accept)
    }

    fn response(&self, _: &Context<'_>, _: &HttpRequest, result: Result<Reply, Error>) -> HttpResponse {
        super::done(result)
    }
}

impl Endpoint for Decline {
    fn method(&self) -> Method {
        Method::DELETE
    }

    fn path(&self) -> &'static str {
        super::REQUEST
    }

    fn access(&self) -> Access {
        token::ACCESS
    }

    fn request(&self, _: &Context<'_>, request: &HttpRequest) -> Result<Call, Error> {
        decide(request, RequestAnswer::Refuse)
    }

    fn response(&self, _: &Context<'_>, _: &HttpRequest, result: Result<Reply, Error>) -> HttpResponse {
        super::done(result)
    }
}

/// What is not a decimal number is no request. Friend requests are none either: this dialect never
/// shows their ids.
fn decide(request: &HttpRequest, answer: RequestAnswer) -> Result<Call, Error> {
    let id = request.path.iter().find(|(name, _)| name == "requestId").map_or("", |(_, id)| id.as_str());
    let request = id.parse().map_err(|_| ErrorKind::RequestNotFound)?;
    Ok(Command::Decide { request, answer, groups_only: true }.into())
}
