//! What clients of the five dialects say and hear.

use std::fmt;

use serde_json::{Value, json};

/// The dialects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Dialect {
    UserSig,
    AccessToken,
    StatusCode,
    Envelope,
    AuthAck,
}

/// A message of a test: the how-manieth of which stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Mark {
    pub(crate) stream: u32,
    pub(crate) number: u32,
}

/// Somebody with a client of one dialect.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) dialect: Dialect,
    pub(crate) handle: String,
    pub(crate) number: u64,
    pub(crate) token: String,
}

/// Where messages go.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) conversation: u64,
    /// The other side's handle and number; `None` in a group.
    pub(crate) peer: Option<(String, u64)>,
}

/// What a frame says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Heard {
    /// Somebody else's message, with the id that auth-ack names it by.
    Message(Mark, Option<u64>),
    /// A send is durable.
    Accepted(Mark),
    /// A send, if it is known which, has failed.
    Refused(Option<Mark>),
    /// user-sig's word before the server ends a connection.
    KickedOut,
    /// Something else.
    Other,
}

/// Ids below 2^53 are the server's.
const OWN_IDS: u64 = 1 << 53;

impl Mark {
    /// As a text, filled up to a size.
    pub(crate) fn text(self, size: usize) -> String {
        let mut text = format!("{self} ");
        text.extend(std::iter::repeat_n('x', size.saturating_sub(text.len())));
        text
    }

    /// Found in a text again.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let (stream, number) = text.split(' ').next()?.strip_prefix('m')?.split_once('n')?;
        Some(Self { stream: stream.parse().ok()?, number: number.parse().ok()? })
    }

    fn id(self) -> u64 {
        OWN_IDS | u64::from(self.stream) << 32 | u64::from(self.number)
    }

    fn of_id(id: u64) -> Option<Self> {
        let own = id.checked_sub(OWN_IDS)?;
        Some(Self { stream: u32::try_from(own >> 32).ok()?, number: u32::try_from(own & 0xffff_ffff).ok()? })
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m{}n{}", self.stream, self.number)
    }
}

impl Dialect {
    pub(crate) const ALL: [Self; 5] =
        [Self::UserSig, Self::AccessToken, Self::StatusCode, Self::Envelope, Self::AuthAck];

    /// The dialect's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::UserSig => "user-sig",
            Self::AccessToken => "access-token",
            Self::StatusCode => "status-code",
            Self::Envelope => "envelope",
            Self::AuthAck => "auth-ack",
        }
    }

    /// Whether a sender is told that its message is durable.
    pub(crate) const fn acknowledges(self) -> bool {
        matches!(self, Self::UserSig | Self::Envelope | Self::AuthAck)
    }

    /// Whether a send can be repeated under its key.
    pub(crate) const fn has_keys(self) -> bool {
        matches!(self, Self::Envelope | Self::AuthAck)
    }

    /// Whether it has groups.
    pub(crate) const fn has_groups(self) -> bool {
        !matches!(self, Self::StatusCode)
    }

    /// The frame that sends a message of so many bytes.
    pub(crate) fn say(self, me: &Person, to: &Target, mark: Mark, size: usize) -> Value {
        let text = mark.text(size);
        match (self, &to.peer) {
            (Self::UserSig, _) => json!({"to_session": to.conversation, "content": text}),
            (Self::AccessToken, Some((peer, _))) => json!({"type": "unicast", "receiverId": peer, "content": text}),
            (Self::AccessToken, None) => {
                json!({"type": "multicast", "groupId": to.conversation.to_string(), "content": text})
            }
            (Self::StatusCode, _) => json!({"msg": text}),
            (Self::Envelope, Some((peer, _))) => json!({"url": "/chat/sendMessage", "params": {
                "token": me.token, "uniqueNo": mark.to_string(), "receiveUserId": peer, "messageContent": text}}),
            (Self::Envelope, None) => json!({"url": "/chat/sendGroupMessage", "params": {
                "token": me.token, "uniqueNo": mark.to_string(), "groupId": to.conversation.to_string(),
                "messageContent": text}}),
            (Self::AuthAck, Some((_, peer))) => json!({"id": mark.id(), "fromUserId": me.number, "toUserId": peer,
                "chatType": "Single", "msgType": "Text", "content": text}),
            (Self::AuthAck, None) => json!({"id": mark.id(), "fromUserId": me.number, "teamId": to.conversation,
                "chatType": "Group", "msgType": "Text", "content": text}),
        }
    }

    /// What a frame says.
    pub(crate) fn hear(self, frame: &Value) -> Heard {
        match self {
            Self::UserSig => match word(frame, "/type") {
                "MESSAGE_RECEIVED" => message(frame, "/content"),
                "MESSAGE_SEND_SUCCESS" => Mark::of(word(frame, "/content")).map_or(Heard::Other, Heard::Accepted),
                "ERROR" => Heard::Refused(None),
                "KICKED_OUT" => Heard::KickedOut,
                _ => Heard::Other,
            },
            Self::AccessToken => match word(frame, "/type") {
                "unicast" | "multicast" => message(frame, "/content"),
                "ERROR" => Heard::Refused(None),
                _ => Heard::Other,
            },
            Self::StatusCode => match frame.pointer("/status").and_then(Value::as_u64) {
                Some(30_001) => message(frame, "/body/msg"),
                Some(30_400..) => Heard::Refused(None),
                _ => Heard::Other,
            },
            Self::Envelope => match word(frame, "/msgType") {
                "1" | "2" => message(frame, "/data/messageContent"),
                _ => match (Mark::of(word(frame, "/obj/uniqueNo")), frame.pointer("/code").and_then(Value::as_u64)) {
                    (Some(mark), Some(200)) => Heard::Accepted(mark),
                    (mark, Some(_)) => Heard::Refused(mark),
                    _ => Heard::Other,
                },
            },
            Self::AuthAck => match word(frame, "/msgType") {
                "Text" => match (Mark::of(word(frame, "/content")), number(frame, "/id")) {
                    (Some(mark), id) => Heard::Message(mark, id),
                    _ => Heard::Other,
                },
                "Ack" => {
                    let content: Value = serde_json::from_str(word(frame, "/content")).unwrap_or_default();
                    let mark = number(&content, "/srcId").and_then(Mark::of_id);
                    mark.map_or(Heard::Other, Heard::Accepted)
                }
                "Error" => Heard::Refused(number(frame, "/srcId").and_then(Mark::of_id)),
                _ => Heard::Other,
            },
        }
    }
}

/// auth-ack's word that a message has arrived.
pub(crate) fn acknowledgement(id: u64) -> Value {
    let content = json!({"srcId": id}).to_string();
    json!({"id": 1, "chatType": "Single", "msgType": "Ack", "content": content})
}

fn message(frame: &Value, at: &str) -> Heard {
    Mark::of(word(frame, at)).map_or(Heard::Other, |mark| Heard::Message(mark, None))
}

fn word<'a>(frame: &'a Value, at: &str) -> &'a str {
    frame.pointer(at).and_then(Value::as_str).unwrap_or_default()
}

fn number(frame: &Value, at: &str) -> Option<u64> {
    frame.pointer(at).and_then(Value::as_u64)
}
