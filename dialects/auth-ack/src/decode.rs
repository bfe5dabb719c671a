//! A client's frame, read once without copying; each field is judged when it is needed.

use std::borrow::Cow;
use std::fmt;

use koine_core::{
    Body, Content, ConversationId, Error, ErrorKind, Kind, SendMessage, Target, Token, UserId, UserKey, json,
};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::error::Origin;
use crate::loose;
use crate::shape::Shape;
use crate::wire::{ChatType, RESERVED_MESSAGE_TYPES};

/// Whether a text is a JSON object with a `msgType`.
pub(crate) fn names_a_message_type(text: &str) -> bool {
    Incoming::read(text).is_ok_and(|frame| frame.msg_type.is_some())
}

/// The fields of a frame as they stand in it; of a field given twice, the last. JSON null
/// counts as absent, except as the content of a message.
#[derive(Debug, Default)]
pub(crate) struct Incoming<'a> {
    id: Option<&'a RawValue>,
    msg_type: Option<&'a RawValue>,
    chat_type: Option<&'a RawValue>,
    from_user_id: Option<&'a RawValue>,
    to_user_id: Option<&'a RawValue>,
    team_id: Option<&'a RawValue>,
    content: Option<&'a RawValue>,
}

/// What a frame is about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Word<'a> {
    Auth,
    Ack,
    Heartbeat,
    Ping,
    /// A message, and the word for its content.
    Message(Cow<'a, str>),
}

impl<'a> Incoming<'a> {
    /// Reads a frame; `BadRequest` if it is not a JSON object.
    pub(crate) fn read(text: &'a str) -> Result<Self, Error> {
        serde_json::from_str(text).map_err(|_| Error::bad_request("the frame is not a JSON object"))
    }

    /// What an error about this frame can say of it.
    pub(crate) fn origin(&self) -> Origin {
        let chat_type = self.chat_type().unwrap_or_default();
        Origin { chat_type, id: self.id().ok().flatten() }
    }

    /// What it is about; `BadRequest` without a `msgType`, or with one that only the server uses.
    pub(crate) fn word(&self) -> Result<Word<'a>, Error> {
        let raw = self.msg_type.ok_or_else(|| missing("msgType"))?;
        let word = json::text(raw).ok_or_else(|| Error::bad_request("msgType is not a string"))?;
        match word.as_ref() {
            "Auth" => Ok(Word::Auth),
            "Ack" => Ok(Word::Ack),
            "Heartbeat" => Ok(Word::Heartbeat),
            "Ping" => Ok(Word::Ping),
            "" => Err(Error::bad_request("msgType is empty")),
            reserved if RESERVED_MESSAGE_TYPES.contains(&reserved) => {
                Err(Error::bad_request(format!("{reserved} is the server's own msgType")))
            }
            _ => Ok(Word::Message(word)),
        }
    }

    /// Who the frame says it is from; `BadRequest` if it says so and it is no user's number.
    pub(crate) fn sender(&self) -> Result<Option<UserId>, Error> {
        Ok(optional_id(self.from_user_id, "fromUserId")?.map(UserId::new))
    }

    /// The claim and the token of an `Auth` frame (鉴权消息); `Unauthenticated` where they cannot be read.
    pub(crate) fn credentials(&self) -> Result<(UserId, Token), Error> {
        let refused = |detail: &'static str| Error::with_detail(ErrorKind::Unauthenticated, detail);
        let user = self.sender().map_err(|_| refused("fromUserId is not a user's number"))?;
        let user = user.ok_or_else(|| refused("fromUserId is missing"))?;
        let content = self.content.and_then(scalar_or_object).ok_or_else(|| refused("content holds no token"))?;
        let token = loose::token(&content).ok_or_else(|| refused("content holds no token"))?;
        Ok((user, Token::new(&token)))
    }

    /// The message that an `Ack` frame names (向服务器发送ack确认消息).
    pub(crate) fn acknowledged(&self) -> Result<u64, Error> {
        let plain = self.content.and_then(|raw| loose::escaped_source_id(raw.get()));
        plain
            .or_else(|| loose::source_id(&scalar_or_object(self.content?)?))
            .ok_or_else(|| Error::bad_request("content names no srcId"))
    }

    /// What other Acks of the client's look like, if this one, which was read from `text`, names this message in a form
    /// that tells.
    pub(crate) fn shape(&self, text: &str, acknowledged: u64) -> Option<Shape> {
        Shape::of(text, (self.content?, acknowledged), self.id.zip(self.origin().id))
    }

    /// The send that a message from `user` asks for (发送消息); `word` is its type.
    pub(crate) fn message(&self, user: UserId, word: &str) -> Result<SendMessage, Error> {
        if self.sender()?.is_some_and(|from| from != user) {
            return Err(Error::with_detail(ErrorKind::Forbidden, "fromUserId is not the authenticated user"));
        }
        let client_id = self.id()?;
        let target = match self.chat_type()? {
            ChatType::Single => Target::User(UserKey::Id(UserId::new(required_id(self.to_user_id, "toUserId")?))),
            ChatType::Group => Target::Group(ConversationId::new(required_id(self.team_id, "teamId")?)),
        };
        let body = self.content.ok_or_else(|| missing("content"))?;
        let body = Body::from_raw(body).ok_or_else(|| Error::bad_request("content is not Unicode text"))?;
        let content = Content::Present { kind: kind(word), body };
        Ok(SendMessage { target, content, client_id, key: None, reads: false })
    }

    fn id(&self) -> Result<Option<u64>, Error> {
        optional_id(self.id, "id")
    }

    fn chat_type(&self) -> Result<ChatType, Error> {
        let raw = present(self.chat_type).ok_or_else(|| missing("chatType"))?;
        match raw.get() {
            r#""Single""# => Ok(ChatType::Single),
            r#""Group""# => Ok(ChatType::Group),
            other => {
                serde_json::from_str(other).map_err(|_| Error::bad_request("chatType is neither Single nor Group"))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Incoming<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(IncomingVisitor)
    }
}

struct IncomingVisitor;

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Field {
    Id,
    MsgType,
    ChatType,
    FromUserId,
    ToUserId,
    TeamId,
    Content,
    #[serde(other)]
    Unknown,
}

impl<'de> Visitor<'de> for IncomingVisitor {
    type Value = Incoming<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut frame = Incoming::default();
        while let Some(field) = map.next_key()? {
            let place = match field {
                Field::Id => &mut frame.id,
                Field::MsgType => &mut frame.msg_type,
                Field::ChatType => &mut frame.chat_type,
                Field::FromUserId => &mut frame.from_user_id,
                Field::ToUserId => &mut frame.to_user_id,
                Field::TeamId => &mut frame.team_id,
                Field::Content => &mut frame.content,
                Field::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *place = Some(map.next_value()?);
        }
        Ok(frame)
    }
}

/// The kind of content a word stands for.
fn kind(word: &str) -> Kind {
    match word {
        "Text" => Kind::Text,
        "Image" => Kind::Image,
        "File" => Kind::File,
        other => Kind::Other(other.into()),
    }
}

fn present(raw: Option<&RawValue>) -> Option<&RawValue> {
    raw.filter(|raw| raw.get() != "null")
}

/// A JSON string's text, or the JSON text of a number or an object.
fn scalar_or_object(raw: &RawValue) -> Option<Cow<'_, str>> {
    match raw.get().as_bytes().first()? {
        b'"' => json::text(raw),
        b'{' | b'0'..=b'9' => Some(Cow::Borrowed(raw.get())),
        _ => None,
    }
}

/// A positive integer of 64 bits, which may be written as a decimal string, or nothing.
fn optional_id(raw: Option<&RawValue>, name: &str) -> Result<Option<u64>, Error> {
    let Some(raw) = present(raw) else { return Ok(None) };
    let text = match raw.get().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(text) => text.trim(),
        None => raw.get(),
    };
    match loose::positive(text) {
        Some(number) => Ok(Some(number)),
        None => Err(Error::bad_request(format!("{name} is not a positive integer"))),
    }
}

fn required_id(raw: Option<&RawValue>, name: &str) -> Result<u64, Error> {
    optional_id(raw, name)?.ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Error {
    Error::bad_request(format!("{name} is missing"))
}
