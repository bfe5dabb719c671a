//! Messages as they leave for clients.

use std::borrow::Cow;

use koine_core::{
    Content, ConversationRow, Event, Frame, Kind, LogEntry, Message, Place, Sent, Shape, UserId, View, Zone,
};

use crate::AckContent;
use crate::wire::{AckFrame, ChatRow, ChatType, LastMessage, MessageFrame, MessageRow, RESERVED_MESSAGE_TYPES, State};

/// An event as a push. Only messages can be said, to those who did not send them; a note to oneself is
/// received by its sender.
pub(crate) fn event(event: &Event, view: View) -> Option<Frame> {
    match event {
        Event::Message(event) if view == View::Other || event.message.is_to_self() => {
            Some(Frame::json(&message_frame(&event.message)))
        }
        Event::Message(_)
        | Event::Opened { .. }
        | Event::Presence { .. }
        | Event::Requested(_)
        | Event::Decided(_)
        | Event::Unfriended { .. }
        | Event::Removed { .. }
        | Event::Notification { .. } => None,
    }
}

/// The acknowledgement of a committed message (服务器返回ack消息).
pub(crate) fn ack(sent: &Sent, chat_type: ChatType, form: AckContent) -> AckFrame<'static> {
    let source = sent.wire_id();
    let content = match form {
        AckContent::Json => format!("{{\"srcId\": {source}}}"),
        AckContent::Documented => format!("{{'srcId': {source}}}"),
    };
    AckFrame { id: Some(sent.ack_id.get()), chat_type, msg_type: Cow::Borrowed("Ack"), content: content.into() }
}

/// A message in a list, as the user who looks sees it.
pub(crate) fn message_row(entry: &LogEntry, state: State) -> MessageRow<'_> {
    let message = &*entry.message;
    let place = Placed::of(message);
    MessageRow {
        msg_type: message_type(&message.content).into(),
        from_user_id: message.sender.id.get(),
        is_read: entry.read,
        event_type: None,
        to_user_id: place.to_user_id,
        content: message.content.as_text().into(),
        state_enum: state,
        team_id: place.team_id,
        name: place.name.map(Cow::Borrowed),
        server_send_time: None,
        id: message.wire_id(),
        chat_type: place.chat_type,
        timestamp: message.time.as_millis(),
    }
}

/// A row of the chat list of `owner`.
pub(crate) fn chat_row<'a>(row: &'a ConversationRow, owner: UserId, zone: &Zone) -> ChatRow<'a> {
    let (chat_type, team_id) = match &row.conversation.shape {
        Shape::Direct { .. } => (ChatType::Single, None),
        Shape::Group { .. } => (ChatType::Group, Some(row.conversation.id.get())),
    };
    ChatRow {
        top: false,
        last_msg_id: row.last.as_ref().map(|entry| last_message(&entry.message)),
        create_time: zone.text(row.created),
        from_user_id: owner.get(),
        team_id,
        update_time: zone.text(row.updated),
        id: row.chat.get(),
        un_read_count: row.unread,
        to_user_id: row.conversation.peer_of(owner).map(|peer| peer.id.get()),
        chat_type,
    }
}

fn message_frame(message: &Message) -> MessageFrame<'_> {
    let place = Placed::of(message);
    MessageFrame {
        id: Some(message.wire_id()),
        from_user_id: message.sender.id.get(),
        to_user_id: place.to_user_id,
        team_id: place.team_id,
        chat_type: place.chat_type,
        msg_type: message_type(&message.content).into(),
        content: message.content.as_text().into(),
        timestamp: Some(message.time.as_millis()),
    }
}

fn last_message(message: &Message) -> LastMessage<'_> {
    LastMessage {
        msg_type: message_type(&message.content).into(),
        id: message.wire_id(),
        content: message.content.as_text().into(),
        timestamp: message.time.as_millis(),
    }
}

/// A message's place in the wire's terms.
struct Placed<'a> {
    chat_type: ChatType,
    to_user_id: Option<u64>,
    team_id: Option<u64>,
    name: Option<&'a str>,
}

impl<'a> Placed<'a> {
    fn of(message: &'a Message) -> Self {
        match &message.place {
            Place::Direct { receiver } => {
                Self { chat_type: ChatType::Single, to_user_id: Some(receiver.id.get()), team_id: None, name: None }
            }
            Place::Group(group) => Self {
                chat_type: ChatType::Group,
                to_user_id: None,
                team_id: Some(group.id.get()),
                name: Some(&group.name),
            },
        }
    }
}

/// The word for a content. Nobody's word can pass for one of the protocol's own.
fn message_type(content: &Content) -> &str {
    match content {
        Content::Present { kind: Kind::Image, .. } => "Image",
        Content::Present { kind: Kind::File, .. } => "File",
        Content::Present { kind: Kind::Other(word), .. } if !RESERVED_MESSAGE_TYPES.contains(&&**word) => word,
        Content::Present { kind: Kind::Text | Kind::Other(_), .. } | Content::Erased => "Text",
    }
}
