//! How the dialect says what happened.

use std::borrow::Cow;

use koine_core::{Event, Frame, Message, MessageEvent, Place, UserRef, View, Zone};

use crate::wire::{Body, ServerFrame, status};

/// What a message's frame holds beside its text, in bytes, with a handle of usual length.
const AROUND_A_MESSAGE: usize = 128;

/// An event as a frame; `None` for what this dialect has no frame for.
pub(crate) fn event(event: &Event, view: View, zone: &Zone) -> Option<Frame> {
    match event {
        Event::Message(MessageEvent { message, .. }) => match (&message.place, view) {
            (Place::Direct { .. }, View::Other) => Some(chat(message, zone)),
            (Place::Direct { .. }, View::Own) => message.is_to_self().then(|| chat(message, zone)),
            (Place::Group(_), _) => None,
        },
        // Whoever gets it is facing that user, in a chat with oneself too.
        Event::Presence { user, reachable } => Some(presence(user, *reachable)),
        Event::Opened { .. }
        | Event::Requested(_)
        | Event::Decided(_)
        | Event::Unfriended { .. }
        | Event::Removed { .. }
        | Event::Notification { .. } => None,
    }
}

/// 普通消息(30001): the bytes that a [`ServerFrame`] is written as.
fn chat(message: &Message, zone: &Zone) -> Frame {
    let text = message.content.as_text();
    Frame::with_capacity(text.len() + AROUND_A_MESSAGE)
        .push(r#"{"status":"#)
        .push_number(status::MESSAGE.into())
        .push(r#","msg":"OK","body":{"msg":"#)
        .push_text(text)
        .push(r#","from_user":"#)
        .push_text(message.sender.handle.as_str())
        .push(r#","send_time":"#)
        .push_date(zone, message.time)
        .push("}}")
}

/// 对端用户上线通知(30098) and 对端用户离线通知(30099).
fn presence(user: &UserRef, reachable: bool) -> Frame {
    let (status, word) = if reachable { (status::LOGIN, "login") } else { (status::LOGOUT, "logout") };
    let msg = Cow::Owned(format!("Target user {} {word}", user.handle));
    Frame::json(&ServerFrame { status, msg, body: Body::Nothing {} })
}
