//! POST `/chat/change-chat-user-info/`.

use http::Method;
use koine_core::{Access, Call, Command, Context, Endpoint, Error, HttpRequest, HttpResponse, Reply};

use super::{by_user_sig, failure, success};
use crate::params;
use crate::show::Show;
use crate::wire::ChatUserData;

/// 更改用户信息: changes what is carried of the caller's profile and nothing else. Whom `user_id` names does not
/// matter: it is always the caller.
pub(super) struct ChangeChatUserInfo;

impl Endpoint for ChangeChatUserInfo {
    fn method(&self) -> Method {
        Method::POST
    }

    fn path(&self) -> &'static str {
        "/chat/change-chat-user-info/"
    }

    fn access(&self) -> Access {
        by_user_sig()
    }

    fn request(&self, _: &Context<'_>, request: &HttpRequest) -> Result<Call, Error> {
        Ok(Command::UpdateUser(params::profile(&request.fields()?)?).into())
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
