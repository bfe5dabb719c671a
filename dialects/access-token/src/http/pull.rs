//! GET `/api/message`: pull what is pending (获取离线私聊消息).

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{Method, StatusCode};
use koine_core::{
    Access, Body, Call, Command, Context, Endpoint, Error, Fields, HttpRequest, HttpResponse, Message, MessageList,
    PullFilter, Reply, Rows, UserId,
};
use serde::{Serialize, Serializer};

use crate::{encode, error, token, wire};

pub(super) struct Pull;

impl Endpoint for Pull {
    fn method(&self) -> Method {
        Method::GET
    }

    fn path(&self) -> &'static str {
        "/api/message"
    }

    fn access(&self) -> Access {
        token::ACCESS
    }

    fn request(&self, _: &Context<'_>, request: &HttpRequest) -> Result<Call, Error> {
        let fields = request.fields()?;
        let filter = filter(&fields)?;
        let drop = fields.optional_bool("drop")?.unwrap_or(true);
        let newest_first = newest_first(&fields)?;
        let pull = koine_core::Pull { filter, limit: None, newest_first, acknowledge: Vec::new() };
        Ok(Call { command: Command::Pull(pull), after: if drop { Some(consume) } else { None } })
    }

    fn response(&self, _: &Context<'_>, _: &HttpRequest, result: Result<Reply, Error>) -> HttpResponse {
        match result.and_then(Reply::into_messages).and_then(by_sender) {
            Ok(senders) => HttpResponse::json_rows(StatusCode::OK, "[".to_owned(), Rows::from(senders), "]"),
            Err(why) => error::response(&why),
        }
    }
}

/// Reads `sort`; `BadRequest` for a word that is not the document's.
fn newest_first(fields: &Fields<'_>) -> Result<bool, Error> {
    match lowercase(fields, "sort")?.as_deref() {
        None | Some("asc") => Ok(false),
        Some("desc") => Ok(true),
        Some(_) => Err(Error::bad_request("sort is neither asc nor desc")),
    }
}

fn filter(fields: &Fields<'_>) -> Result<PullFilter, Error> {
    match lowercase(fields, "type")?.as_deref() {
        None | Some("all") => Ok(PullFilter::All),
        Some("unicast") => Ok(PullFilter::Direct),
        Some("multicast") => Ok(PullFilter::Group),
        Some(_) => Err(Error::bad_request("type is neither all, unicast nor multicast")),
    }
}

fn lowercase(fields: &Fields<'_>, name: &str) -> Result<Option<String>, Error> {
    Ok(fields.optional_string(name)?.map(|word| word.to_ascii_lowercase()))
}

/// With `drop`: exactly what was returned is taken.
fn consume(reply: &Reply) -> Option<Command> {
    match reply {
        Reply::Messages(list) if !list.receipt.ranges.is_empty() => Some(Command::Confirm(list.receipt.clone())),
        _ => None,
    }
}

/// The messages by sender, in the order they were listed in; the senders by the first message of each.
///
/// Grouping needs the whole list at hand; it is as long as the gateway's `max_pull` allows. The text
/// of the response is written sender by sender.
fn by_sender(list: MessageList) -> Result<Vec<Sender>, Error> {
    let mut senders: Vec<Sender> = Vec::new();
    let mut places: BTreeMap<UserId, usize> = BTreeMap::new();
    for row in list.rows {
        let message = row?.message;
        let place = *places.entry(message.sender.id).or_insert(senders.len());
        match senders.get_mut(place) {
            Some(sender) => sender.more.push(message),
            None => senders.push(Sender { first: message, more: Vec::new() }),
        }
    }
    Ok(senders)
}

/// One sender's messages, of which there is at least one.
struct Sender {
    first: Arc<Message>,
    more: Vec<Arc<Message>>,
}

impl Serialize for Sender {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let messages: Vec<wire::Message<'_, Body>> =
            std::iter::once(&self.first).chain(&self.more).map(|message| encode::message(message)).collect();
        wire::FromSender { id: self.first.sender.handle.as_str().into(), messages }.serialize(serializer)
    }
}
