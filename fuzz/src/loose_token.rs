//! The content of `Auth` and `Ack` frames, seen through a connection.

use ::http::{HeaderMap, Uri};
use koine::config::DialectName;
use koine_core::{Command, ConnectionId, Input, Opening, Output, Outputs, Session, Tag, Zone};
use serde_json::json;

use crate::hub::{Hub, NOW};
use crate::paths;

/// Reads a text as a token, bare and in the document's `{'token'}`, and as a message id.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let read = token(&text);
    let bare = text.trim();
    if !bare.starts_with('{') {
        assert_eq!(read.as_deref().unwrap_or_default(), bare, "a bare token is read as it is");
    }
    if !text.is_empty() && !text.contains(['\'', '\\']) {
        assert_eq!(token(&format!("{{'{text}'}}")).as_deref(), Some(&*text), "in braces and quotes it is the same");
        assert_eq!(token(&format!("{{'token' : '{text}'}}")).as_deref(), Some(&*text), "and under its name");
    }
    let whole = token(&json!({"token": text}).to_string());
    assert_eq!(whole.unwrap_or_default(), text, "and in real JSON");
    let id = message_id(&text);
    if let Ok(number @ 1..) = bare.parse::<u64>()
        && !bare.starts_with('+')
    {
        assert_eq!(id, Some(number), "digits are an id");
        assert_eq!(message_id(&format!("{{'srcId':{bare}}}")), Some(number), "and under its name");
    }
}

/// The token that an `Auth` frame with this content asks about.
fn token(content: &str) -> Option<String> {
    let frame = json!({"msgType": "Auth", "fromUserId": 1, "content": content}).to_string();
    match asked(&mut *session(), Input::Frame(&frame))? {
        (_, Command::Authenticate(request)) => Some(request.token.expose().to_owned()),
        (_, other) => panic!("{other:?} for an Auth"),
    }
}

/// The message id that an `Ack` frame with this content acknowledges.
fn message_id(content: &str) -> Option<u64> {
    let (mut session, hub) = (session(), Hub::new("text"));
    let mut command = asked(&mut *session, Input::Frame(r#"{"msgType": "Auth", "fromUserId": 1, "content": "a"}"#));
    while let Some((tag, before)) = command {
        command = asked(&mut *session, Input::Reply(tag, Ok(hub.answer(&before))));
    }
    let frame = json!({"msgType": "Ack", "fromUserId": 1, "content": content}).to_string();
    match asked(&mut *session, Input::Frame(&frame))? {
        (_, Command::Acknowledge { wire_id }) => Some(wire_id),
        (_, other) => panic!("{other:?} for an Ack"),
    }
}

/// A connection that is open.
fn session() -> Box<dyn Session> {
    let paths = paths::of(DialectName::AuthAck);
    let request = paths.upgrade(&Uri::from_static("/ws"), HeaderMap::new()).expect("its own path");
    let opening = Opening { connection: ConnectionId::new(1), entropy: [7; 16], zone: Zone::utc() };
    let mut session = paths.dialect().open(&request, opening);
    asked(&mut *session, Input::Opened);
    session
}

/// The command that follows from an input.
fn asked(session: &mut dyn Session, input: Input<'_>) -> Option<(Tag, Command)> {
    let mut outputs = Outputs::new();
    session.handle(NOW, input, &mut outputs);
    outputs.drain().find_map(|output| match output {
        Output::Command { tag, command, .. } => Some((tag, command)),
        _ => None,
    })
}
