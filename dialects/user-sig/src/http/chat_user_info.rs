//! GET `/chat/chat-user-info/`.

use http::Method;
use koine_core::{Access, Call, Command, Context, Endpoint, Error, HttpRequest, HttpResponse, Purpose, Reply, UserKey};

use super::{failure, shown_to_caller, success, user_sig};
use crate::params;
use crate::wire::ChatUserData;

/// 用户信息: shows a user to anybody, and all of it to the user, who says so with a `user_sig`.
pub(super) struct ChatUserInfo {
    /// Whether everyone sees all of it.
    pub(super) full_profiles: bool,
}

impl Endpoint for ChatUserInfo {
    fn method(&self) -> Method {
        Method::GET
    }

    fn path(&self) -> &'static str {
        "/chat/chat-user-info/"
    }

    fn access(&self) -> Access {
        Access::Optional { find: user_sig, purpose: Purpose::UserSig }
    }

    fn request(&self, _: &Context<'_>, request: &HttpRequest) -> Result<Call, Error> {
        let user = params::required(&request.fields()?, "user_id")?;
        Ok(Command::FindUser(UserKey::Handle(params::known_user(&user, "user_id")?)).into())
    }

    fn response(&self, context: &Context<'_>, _: &HttpRequest, result: Result<Reply, Error>) -> HttpResponse {
        match result.and_then(Reply::into_user) {
            Ok(user) => success(&ChatUserData { chat_user: shown_to_caller(context, self.full_profiles).user(&user) }),
            Err(error) => failure(&error),
        }
    }
}
