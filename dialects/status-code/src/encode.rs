//! How the dialect says what happened.

use std::borrow::Cow;

use koine_core::{Event, Frame, Message, MessageEvent, Place, UserRef, View, Zone};

use crate::wire::{Body, Chat, ServerFrame, status};

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

/// 普通消息(30001).
fn chat(message: &Message, zone: &Zone) -> Frame {
    let body = Body::Chat(Chat {
        msg: Cow::Borrowed(message.content.as_text()),
        from_user: Cow::Borrowed(message.sender.handle.as_str()),
        send_time: Cow::Owned(zone.text(message.time)),
    });
    Frame::json(&ServerFrame { status: status::MESSAGE, msg: Cow::Borrowed("OK"), body })
}

/// 对端用户上线通知(30098) and 对端用户离线通知(30099).
fn presence(user: &UserRef, reachable: bool) -> Frame {
    let (status, word) = if reachable { (status::LOGIN, "login") } else { (status::LOGOUT, "logout") };
    let msg = Cow::Owned(format!("Target user {} {word}", user.handle));
    Frame::json(&ServerFrame { status, msg, body: Body::Nothing {} })
}
