//! Messages as they leave for clients.

use std::borrow::Cow;

use koine_core::{
    Content, ConversationRow, Event, Frame, Kind, LogEntry, Message, Place, Sent, Shape, UserId, View, Zone, json,
};

use crate::AckContent;
use crate::wire::{ChatRow, ChatType, LastMessage, MessageRow, RESERVED_MESSAGE_TYPES, State};

/// What a message's frame holds beside its content, in bytes.
const AROUND_A_MESSAGE: usize = 192;

/// The size of an acknowledgement with the longest numbers, in bytes.
const ACK: usize = 128;

/// An event as a push. Only messages can be said, to those who did not send them; a note to oneself is
/// received by its sender.
pub(crate) fn event(event: &Event, view: View) -> Option<Frame> {
    match event {
        Event::Message(event) if view == View::Other || event.message.is_to_self() => {
            Some(message_frame(&event.message))
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

/// The acknowledgement of a committed message (服务器返回ack消息): the bytes that an
/// [`AckFrame`](crate::wire::AckFrame) is written as.
pub(crate) fn ack(sent: &Sent, chat_type: ChatType, form: AckContent) -> String {
    let start = match form {
        AckContent::Json => r#"{\"srcId\": "#,
        AckContent::Documented => "{'srcId': ",
    };
    let chat_type = match chat_type {
        ChatType::Single => "Single",
        ChatType::Group => "Group",
    };
    let mut text = String::with_capacity(ACK);
    text.push_str(r#"{"id":"#);
    json::push_number(&mut text, sent.ack_id.get());
    text.push_str(r#","chatType":""#);
    text.push_str(chat_type);
    text.push_str(r#"","msgType":"Ack","content":""#);
    text.push_str(start);
    json::push_number(&mut text, sent.wire_id());
    text.push_str(r#"}"}"#);
    text
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

/// A message as it is pushed: the bytes that a [`MessageFrame`](crate::wire::MessageFrame) is written as.
fn message_frame(message: &Message) -> Frame {
    let frame = Frame::with_capacity(message.content.size() + AROUND_A_MESSAGE)
        .push(r#"{"id":"#)
        .push_number(message.wire_id())
        .push(r#","fromUserId":"#)
        .push_number(message.sender.id.get());
    let frame = match &message.place {
        Place::Direct { receiver } => {
            frame.push(r#","toUserId":"#).push_number(receiver.id.get()).push(r#","chatType":"Single""#)
        }
        Place::Group(group) => frame.push(r#","teamId":"#).push_number(group.id.get()).push(r#","chatType":"Group""#),
    };
    frame
        .push(r#","msgType":"#)
        .push_text(message_type(&message.content))
        .push(r#","content":"#)
        .push_text(message.content.as_text())
        .push(r#","timestamp":"#)
        .push_millis(message.time)
        .push("}")
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

#[cfg(test)]
mod tests {
    use koine_core::{ConversationId, MessageId, Timestamp};

    use super::*;
    use crate::wire::AckFrame;

    #[test]
    fn an_ack_is_written_as_its_type() {
        for (form, content) in [(AckContent::Json, "{\"srcId\": 9}"), (AckContent::Documented, "{'srcId': 9}")] {
            for chat_type in [ChatType::Single, ChatType::Group] {
                let (conversation, time) = (ConversationId::new(3), Timestamp::from_millis(0));
                let (id, ack_id) = (MessageId::new(5), MessageId::new(u64::MAX));
                let sent = Sent { id, client_id: Some(9), conversation, seq: 1, time, ack_id };
                let frame = AckFrame { id: Some(u64::MAX), chat_type, msg_type: "Ack".into(), content: content.into() };
                assert_eq!(ack(&sent, chat_type, form), serde_json::to_string(&frame).expect("JSON"));
            }
        }
    }
}
