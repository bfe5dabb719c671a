//! POST `/notification`: a backend tells online users something (消息推送接口).

use http::{Method, StatusCode};
use koine_core::{
    Access, Body, Call, Command, Context, Endpoint, Error, Fields, HttpRequest, HttpResponse, NotifyTo, Param, Reply,
};

use crate::{decode, error, token};

pub(super) struct Notify;

impl Endpoint for Notify {
    fn method(&self) -> Method {
        Method::POST
    }

    fn path(&self) -> &'static str {
        "/notification"
    }

    fn access(&self) -> Access {
        Access::Service { find: token::bearer_of_request }
    }

    fn request(&self, _: &Context<'_>, request: &HttpRequest) -> Result<Call, Error> {
        let fields = request.fields()?;
        let kind = fields.optional_string("type")?;
        let kind = Cast::of_word(kind.as_deref().unwrap_or("unicast"))?;
        let from = given(&fields, "from")?.map(|id| decode::user(&id)).transpose()?;
        let to = match kind {
            Cast::Unicast => NotifyTo::User(decode::user(&fields.string("to")?)?),
            Cast::Multicast => NotifyTo::Group(decode::group(&fields.string("to")?)?),
            Cast::Broadcast => {
                let from = from.clone().ok_or_else(|| Error::bad_request("a broadcast needs from"))?;
                NotifyTo::FriendsOf(from)
            }
        };
        let notification_type = fields.string("notificationType")?.into();
        let content = match fields.first("content") {
            Some(Param::Text(text)) => Body::Text(text.into()),
            Some(Param::Json(value)) => {
                request.raw_member("content").and_then(Body::from_raw).unwrap_or_else(|| Body::from_value(value))
            }
            None => return Err(Error::bad_request("content is missing")),
        };
        Ok(Command::Notify(koine_core::Notify { from, to, notification_type, content }).into())
    }

    fn response(&self, _: &Context<'_>, _: &HttpRequest, result: Result<Reply, Error>) -> HttpResponse {
        match result {
            Ok(_) => HttpResponse::empty(StatusCode::OK),
            Err(why) => error::notification_response(&why),
        }
    }
}

/// To how many a notification goes.
enum Cast {
    Unicast,
    Multicast,
    Broadcast,
}

impl Cast {
    fn of_word(word: &str) -> Result<Self, Error> {
        match word.to_ascii_lowercase().as_str() {
            "unicast" => Ok(Self::Unicast),
            "multicast" => Ok(Self::Multicast),
            "broadcast" => Ok(Self::Broadcast),
            _ => Err(Error::bad_request("type is neither unicast, multicast nor broadcast")),
        }
    }
}

/// A string that may be left out or empty, which is the same here.
fn given(fields: &Fields<'_>, name: &str) -> Result<Option<String>, Error> {
    Ok(fields.optional_string(name)?.filter(|text| !text.is_empty()))
}
