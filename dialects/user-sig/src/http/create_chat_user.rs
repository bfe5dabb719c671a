//! POST `/chat/create-chat-user/`.

use http::Method;
use koine_core::{
    Access, Call, Command, Context, Endpoint, Error, Existing, HttpRequest, HttpResponse, Profile, Register, Reply,
};

use super::{failure, success};
use crate::params;
use crate::show::Show;
use crate::wire::ChatUserData;

/// 创建用户: registers a user. The reply shows all that was said, for who registers it knows it.
pub(super) struct CreateChatUser;

impl Endpoint for CreateChatUser {
    fn method(&self) -> Method {
        Method::POST
    }

    fn path(&self) -> &'static str {
        "/chat/create-chat-user/"
    }

    fn access(&self) -> Access {
        Access::Open
    }

    fn request(&self, _: &Context<'_>, request: &HttpRequest) -> Result<Call, Error> {
        let fields = request.fields()?;
        let handle = params::new_user(&params::required(&fields, "user_id")?)?;
        let mut profile = Profile::default();
        params::profile(&fields)?.apply(&mut profile);
        let register = Register { handle, profile, app: None, existing: Existing::Refuse };
        Ok(Command::Register(Box::new(register)).into())
    }

    fn response(&self, context: &Context<'_>, _: &HttpRequest, result: Result<Reply, Error>) -> HttpResponse {
        match result.and_then(Reply::into_user) {
            Ok(user) => {
                let show = Show { zone: context.zone, full_profiles: false, reader: Some(user.id) };
                success(&ChatUserData { chat_user: show.user(&user) })
            }
            Err(error) => failure(&error),
        }
    }
}
