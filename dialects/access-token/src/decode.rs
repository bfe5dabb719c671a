//! A client's frame as something to say (发送消息).

use std::borrow::Cow;
use std::fmt;

use koine_core::{Content, ConversationId, Error, ErrorKind, Handle, SendMessage, Target, UserKey, json};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::wire::MessageType;

/// Reads a frame. Fails with `BadRequest` if it is not one the document knows, with `UserNotFound` or
/// `GroupNotFound` if the id cannot be anybody's.
pub(crate) fn message(text: &str) -> Result<SendMessage, Error> {
    let said: Said<'_> =
        serde_json::from_str(text).map_err(|_| Error::bad_request("the frame is not a JSON object"))?;
    let word = string("type", said.kind)?;
    let target = match MessageType::of_word(&word) {
        Some(MessageType::Unicast) => Target::User(user(&string("receiverId", said.receiver_id)?)?),
        Some(MessageType::Multicast) => Target::Group(group(&string("groupId", said.group_id)?)?),
        None => return Err(Error::bad_request("type is neither unicast nor multicast")),
    };
    let content = said.content.ok_or_else(|| Error::bad_request("content is missing"))?;
    let content = Content::json(content).ok_or_else(|| Error::bad_request("content is not text"))?;
    // The dialect cannot say that something was read, so replying says it.
    Ok(SendMessage { target, content, client_id: None, key: None, reads: true })
}

/// The user an id names; what cannot be a handle is nobody.
pub(crate) fn user(id: &str) -> Result<UserKey, Error> {
    Handle::new(id).map(UserKey::Handle).map_err(|_| ErrorKind::UserNotFound.into())
}

/// The group an id names; what is not a decimal number is no group.
pub(crate) fn group(id: &str) -> Result<ConversationId, Error> {
    id.parse().map_err(|_| ErrorKind::GroupNotFound.into())
}

/// A frame's fields as they came. Of a field that comes twice the last counts, as in browsers.
#[derive(Default)]
struct Said<'a> {
    kind: Option<&'a RawValue>,
    receiver_id: Option<&'a RawValue>,
    group_id: Option<&'a RawValue>,
    content: Option<&'a RawValue>,
}

/// A string that must be there and not empty; a number is taken as its decimal text.
fn string<'a>(name: &'static str, value: Option<&'a RawValue>) -> Result<Cow<'a, str>, Error> {
    let raw = match value.map(|raw| (raw, raw.get())) {
        None | Some((_, "null" | "\"\"")) => return Err(Error::bad_request(format!("{name} is missing"))),
        Some((raw, _)) => raw,
    };
    let is_number = raw.get().starts_with(|first: char| first == '-' || first.is_ascii_digit());
    let text = if is_number { Some(Cow::Borrowed(raw.get())) } else { json::text(raw) };
    text.ok_or_else(|| Error::bad_request(format!("{name} is not a string")))
}

#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Field {
    Type,
    ReceiverId,
    GroupId,
    Content,
    #[serde(other)]
    Other,
}

impl<'de: 'a, 'a> Deserialize<'de> for Said<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SaidVisitor;

        impl<'de> Visitor<'de> for SaidVisitor {
            type Value = Said<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut said = Said::default();
                while let Some(field) = map.next_key()? {
                    match field {
                        Field::Type => said.kind = Some(map.next_value()?),
                        Field::ReceiverId => said.receiver_id = Some(map.next_value()?),
                        Field::GroupId => said.group_id = Some(map.next_value()?),
                        Field::Content => said.content = Some(map.next_value()?),
                        Field::Other => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(said)
            }
        }

        deserializer.deserialize_map(SaidVisitor)
    }
}
