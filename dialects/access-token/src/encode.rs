//! Events as frames, and the core's things as the wire's.

use koine_core::{Body, Content, Event, Frame, Group, Message, Place, Request, View};

use crate::wire;

/// What a message's frame holds beside its content, in bytes, with handles of usual length.
const AROUND_A_MESSAGE: usize = 160;

/// How an event is said (接受消息回调函数; 消息推送接口, WebSocket 收到的消息格式). Messages go to those who did
/// not send them, a note to oneself to its only reader. Everything about friends, groups, requests and
/// presence has no frame in the document.
pub(crate) fn event(event: &Event, view: View) -> Option<Frame> {
    match event {
        Event::Message(said) if view == View::Other || said.message.is_to_self() => Some(push(&said.message)),
        Event::Notification { notification_type, content } => Some(Frame::json(&wire::Notification {
            kind: wire::NotificationType::Notification,
            notification_type: (&**notification_type).into(),
            content,
        })),
        Event::Message(_)
        | Event::Opened { .. }
        | Event::Presence { .. }
        | Event::Requested(_)
        | Event::Decided(_)
        | Event::Unfriended { .. }
        | Event::Removed { .. } => None,
    }
}

/// A message as it is pushed: the bytes that [`message`] is written as.
fn push(message: &Message) -> Frame {
    let word = match &message.place {
        Place::Direct { .. } => "unicast",
        Place::Group(_) => "multicast",
    };
    let frame = Frame::with_capacity(message.content.size() + AROUND_A_MESSAGE)
        .push(r#"{"type":""#)
        .push(word)
        .push(r#"","senderId":"#)
        .push_text(message.sender.handle.as_str());
    let frame = match &message.place {
        Place::Direct { receiver } => frame.push(r#","receiverId":"#).push_text(receiver.handle.as_str()),
        Place::Group(group) => frame.push(r#","groupId":""#).push_number(group.id.get()).push("\""),
    };
    let frame = frame.push(r#","content":"#);
    let frame = match &message.content {
        Content::Present { body, .. } => frame.push_body(body),
        Content::Erased => frame.push_text(Content::ERASED_TEXT),
    };
    frame.push(r#","timestamp":"#).push_millis(message.time).push("}")
}

/// A message as it is pulled.
pub(crate) fn message(message: &Message) -> wire::Message<'_, Body> {
    let (kind, receiver_id, group_id) = match &message.place {
        Place::Direct { receiver } => (wire::MessageType::Unicast, Some(receiver.handle.as_str().into()), None),
        Place::Group(group) => (wire::MessageType::Multicast, None, Some(group.id.to_string().into())),
    };
    wire::Message {
        kind,
        sender_id: message.sender.handle.as_str().into(),
        receiver_id,
        group_id,
        content: message.content.as_json(),
        timestamp: message.time.as_millis(),
    }
}

/// A group as its members see it.
pub(crate) fn group(group: &Group) -> wire::Group<'_> {
    wire::Group {
        id: group.id.to_string().into(),
        name: (&*group.name).into(),
        manager_id: group.manager.handle.as_str().into(),
        users_id: group.members.iter().map(|member| member.handle.as_str().into()).collect(),
        avatar_url: None,
    }
}

/// A request as the invited user sees it; `None` if it is about no group.
pub(crate) fn invitation(request: &Request) -> Option<wire::Invitation<'_>> {
    let group = request.kind.group()?;
    Some(wire::Invitation {
        id: request.id.to_string().into(),
        group_name: (&*group.name).into(),
        group_id: group.id.to_string().into(),
        user_id: request.to.handle.as_str().into(),
        invited_by: request.from.handle.as_str().into(),
    })
}
