//! POST `/chat/create-session/`.

use http::Method;
use koine_core::{
    Access, Call, Command, Context, Endpoint, Error, ErrorKind, Fields, Handle, HttpRequest, HttpResponse, Param,
    Reply, UserKey,
};
use serde_json::Value;

use super::{OK, SUCCESS, by_user_sig, failure, reply, shown_to_caller};
use crate::params;
use crate::wire::{Session, SessionData};

/// What the reply says where the session of two existed already; it is returned as it is.
const EXISTS: &str = "已存在";

const LIST: &str = "chat_user_id_list";

/// 创建会话: opens the session of two users, or makes a group whose manager is the caller.
pub(super) struct CreateSession {
    /// Whether everyone sees all of everyone's profile.
    pub(super) full_profiles: bool,
}

impl Endpoint for CreateSession {
    fn method(&self) -> Method {
        Method::POST
    }

    fn path(&self) -> &'static str {
        "/chat/create-session/"
    }

    fn access(&self) -> Access {
        by_user_sig()
    }

    fn request(&self, context: &Context<'_>, request: &HttpRequest) -> Result<Call, Error> {
        let caller = &context.user.ok_or(ErrorKind::Unauthenticated)?.handle;
        let fields = request.fields()?;
        let kind = kind(&fields)?;
        let name = params::required(&fields, "name")?;
        let users = users(&fields)?;
        if !users.contains(caller) {
            return Err(Error::bad_request("chat_user_id_list需要包含自己的user_id"));
        }
        let others = others(&users, caller);
        if kind == Session::GROUP {
            let members = others.into_iter().map(UserKey::Handle).collect();
            return Ok(Command::CreateGroup { name: name.into(), members }.into());
        }
        let with = match others.as_slice() {
            [other] => other.clone(),
            // The caller twice: notes to oneself.
            [] if users.len() == 2 => caller.clone(),
            _ => return Err(Error::bad_request("单聊的chat_user_id_list需要两个用户")),
        };
        Ok(Command::OpenDirect { with: UserKey::Handle(with), name: Some(name.into()) }.into())
    }

    fn response(&self, context: &Context<'_>, _: &HttpRequest, result: Result<Reply, Error>) -> HttpResponse {
        let opened = match result.and_then(Reply::into_opened) {
            Ok(opened) => opened,
            Err(error) if error.kind() == ErrorKind::UserNotFound => {
                return failure(&Error::with_detail(ErrorKind::UserNotFound, "未取到用户"));
            }
            Err(error) => return failure(&error),
        };
        let Some(caller) = context.user else { return failure(&Error::internal()) };
        let session = shown_to_caller(context, self.full_profiles).row(&opened.row, caller.id);
        reply(OK, if opened.new { SUCCESS } else { EXISTS }, &SessionData { session })
    }
}

/// `type`: 1 or 2, as an integer or in a string.
fn kind(fields: &Fields<'_>) -> Result<u8, Error> {
    match fields.first("type").and_then(Param::as_u64) {
        Some(1) => Ok(Session::DIRECT),
        Some(2) => Ok(Session::GROUP),
        _ => Err(params::malformed("type")),
    }
}

/// `chat_user_id_list`: a JSON array, also as the text of a form field, or a field for each user.
fn users(fields: &Fields<'_>) -> Result<Vec<Handle>, Error> {
    let texts = fields.every_text(LIST);
    match texts.as_slice() {
        [] => match fields.first(LIST).or_else(|| fields.first("chat_user_id_list[]")).and_then(Param::json) {
            Some(Value::String(text)) => written_list(text).unwrap_or_else(|| handles([Some(text.clone())])),
            Some(Value::Array(values)) => handles(values.iter().map(|value| Param::Json(value).as_string())),
            Some(Value::Null) | None => Err(params::empty(LIST)),
            Some(Value::Number(number)) => handles([Some(number.to_string())]),
            Some(Value::Bool(_) | Value::Object(_)) => Err(params::malformed(LIST)),
        },
        [one] => written_list(one).unwrap_or_else(|| handles([Some((*one).to_owned())])),
        many => handles(many.iter().map(|text| Some((*text).to_owned()))),
    }
}

/// The list that a text is, if it is a JSON array; any other text is one user's id.
fn written_list(text: &str) -> Option<Result<Vec<Handle>, Error>> {
    let values: Vec<Value> = serde_json::from_str(text).ok()?;
    Some(handles(values.iter().map(|value| Param::Json(value).as_string())))
}

fn handles(texts: impl IntoIterator<Item = Option<String>>) -> Result<Vec<Handle>, Error> {
    let users: Vec<Handle> = texts
        .into_iter()
        .map(|text| params::known_user(&text.ok_or_else(|| params::malformed(LIST))?, LIST))
        .collect::<Result<_, _>>()?;
    if users.is_empty() { Err(params::empty(LIST)) } else { Ok(users) }
}

/// Everyone besides the caller, each once, in the order they were named.
fn others(users: &[Handle], caller: &Handle) -> Vec<Handle> {
    let mut seen = std::collections::HashSet::new();
    users.iter().filter(|user| *user != caller && seen.insert(*user)).cloned().collect()
}
