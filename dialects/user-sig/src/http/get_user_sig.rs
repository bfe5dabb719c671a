//! POST `/chat/get-user-sig/`.

use std::borrow::Cow;

use http::Method;
use koine_core::{
    Access, Call, Command, Context, Endpoint, Error, ErrorKind, Handle, HttpRequest, HttpResponse, Reply, Token,
};

use super::{failure, success};
use crate::params;
use crate::wire::UserSigData;

/// 获取`user_sig`: exchanges the rule key for a sig. A wrong key and a user nobody knows are one failure, so that
/// nobody can find out who exists.
pub(super) struct GetUserSig;

impl Endpoint for GetUserSig {
    fn method(&self) -> Method {
        Method::POST
    }

    fn path(&self) -> &'static str {
        "/chat/get-user-sig/"
    }

    fn access(&self) -> Access {
        Access::Open
    }

    fn request(&self, _: &Context<'_>, request: &HttpRequest) -> Result<Call, Error> {
        let fields = request.fields()?;
        let user = params::required(&fields, "user_id")?;
        let key = Token::new(&params::required(&fields, "token")?);
        let user = Handle::new(&user).map_err(|_| ErrorKind::Unauthenticated)?;
        Ok(Command::ExchangeKey { user, key }.into())
    }

    fn response(&self, _: &Context<'_>, _: &HttpRequest, result: Result<Reply, Error>) -> HttpResponse {
        match result {
            Ok(Reply::Token(issued)) => success(&UserSigData { user_sig: Cow::Borrowed(issued.token.expose()) }),
            Ok(_) => failure(&Error::internal()),
            Err(error) if error.kind() == ErrorKind::UserNotFound => failure(&ErrorKind::Unauthenticated.into()),
            Err(error) => failure(&error),
        }
    }
}
