//! `POST /user/register`: a number for a user (注册用户).

use http::{Method, StatusCode};
use koine_core::{
    Access, Call, Command, Context, Endpoint, Error, Existing, Handle, HttpRequest, HttpResponse, Profile, Reply,
};

use crate::error;
use crate::wire::RegisteredUser;

/// Gives the user of a `thirdUserId` a number, always the same. `company` says nothing here.
pub(super) struct Register;

impl Endpoint for Register {
    fn method(&self) -> Method {
        Method::POST
    }

    fn path(&self) -> &'static str {
        "/user/register"
    }

    fn access(&self) -> Access {
        Access::Open
    }

    fn request(&self, _context: &Context<'_>, request: &HttpRequest) -> Result<Call, Error> {
        let fields = request.fields()?;
        let handle = Handle::new(&fields.string("thirdUserId")?)
            .map_err(|why| Error::bad_request(format!("thirdUserId: {why}")))?;
        let app = fields.optional_string("app")?.filter(|app| !app.is_empty()).map(Into::into);
        let register = koine_core::Register { handle, profile: Profile::default(), app, existing: Existing::Return };
        Ok(Command::Register(Box::new(register)).into())
    }

    fn response(&self, _context: &Context<'_>, _: &HttpRequest, result: Result<Reply, Error>) -> HttpResponse {
        match result.and_then(Reply::into_user) {
            Ok(user) => HttpResponse::json(StatusCode::OK, &RegisteredUser { user_id: user.id.get() }),
            Err(error) => error::response(&error),
        }
    }
}
