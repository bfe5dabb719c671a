//! Events as frames.

use koine_core::{Conversation, Event, Frame, MessageEvent, Place, Shape, UserId, UserRef, View};

use crate::show::Show;
use crate::wire::CreatedFrame;
use crate::{Options, write};

/// How this dialect says an event; `None` for what its document has no word for (the README lists it).
pub(crate) fn encode(options: &Options, event: &Event, view: View) -> Option<Frame> {
    match event {
        Event::Message(event) => Some(message(options, event, view)),
        Event::Opened { conversation, by } => {
            options.announce_sessions.then(|| opened(options, conversation, by, view))
        }
        Event::Presence { .. }
        | Event::Requested(_)
        | Event::Decided(_)
        | Event::Unfriended { .. }
        | Event::Removed { .. }
        | Event::Notification { .. } => None,
    }
}

/// `MESSAGE_SEND_SUCCESS` for the sender's devices, `MESSAGE_RECEIVED` for everyone else's (发消息, 收消息).
fn message(options: &Options, event: &MessageEvent, view: View) -> Frame {
    let message = &event.message;
    let side = match (view, &message.place) {
        (View::Own, _) | (View::Other, Place::Group(_)) => message.sender.id,
        (View::Other, Place::Direct { receiver }) => receiver.id,
    };
    let show =
        Show { zone: &options.zone, full_profiles: options.full_profiles, reader: reader(&event.conversation, side) };
    let name = match view {
        View::Own => "MESSAGE_SEND_SUCCESS",
        View::Other => "MESSAGE_RECEIVED",
    };
    write::message(name, message, &event.conversation, side, &show)
}

/// `CONVERSATION_CREATED`, for the opener's devices too.
fn opened(options: &Options, conversation: &Conversation, by: &UserRef, view: View) -> Frame {
    let side = match (view, &conversation.shape) {
        (View::Other, Shape::Direct { .. }) => conversation.peer_of(by.id).map_or(by.id, |peer| peer.id),
        _ => by.id,
    };
    let show = Show { zone: &options.zone, full_profiles: options.full_profiles, reader: reader(conversation, side) };
    Frame::json(&CreatedFrame::new(show.session(conversation, side, None, 0)))
}

/// Who reads a frame for one side: known in direct conversations, where only one user is on that side.
fn reader(conversation: &Conversation, side: UserId) -> Option<UserId> {
    matches!(conversation.shape, Shape::Direct { .. }).then_some(side)
}
