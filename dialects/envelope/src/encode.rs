//! How the dialect says what happened (接收后端推送的消息).

use std::borrow::Cow;
use std::sync::Arc;

use koine_core::{
    Event, Frame, GroupRef, Hole, Message, MessageEvent, Place, Request, RequestKind, RequestState, Timestamp, User,
    UserRef, View,
};
use serde::Serialize;

use crate::wire::{
    Date, FriendDecision, FriendRemoved, FriendRequest, GroupDecision, GroupRemoved, GroupRequest, Push, apply_state,
    msg_type,
};
use crate::{Dates, Options};

/// What a message's frame holds beside its text, in bytes, with handles of usual length.
const AROUND_A_MESSAGE: usize = 160;

/// An event as a frame; `None` for what this dialect has no frame for.
///
/// One's own messages are told only in notes to oneself. A removal is told to whoever is removed, also
/// to the manager who dissolved the group.
pub(crate) fn event(event: &Event, view: View, options: &Options) -> Option<Frame> {
    let other = view == View::Other;
    match event {
        Event::Message(MessageEvent { message, .. }) => match &message.place {
            Place::Direct { receiver } => {
                (other || message.is_to_self()).then(|| direct_message(message, receiver, options))
            }
            Place::Group(group) => other.then(|| group_message(message, group, options)),
        },
        Event::Requested(request) => other.then(|| requested(request, options)),
        Event::Decided(request) => other.then(|| decided(request, options)),
        Event::Unfriended { by, time } => other.then(|| friend_removed(by, *time, options)),
        Event::Removed { group, by, time, .. } => Some(group_removed(group, by, *time, options)),
        Event::Opened { .. } | Event::Presence { .. } | Event::Notification { .. } => None,
    }
}

/// 用户聊天消息: the bytes that a [`DirectMessage`](crate::wire::DirectMessage) is written as.
fn direct_message(message: &Message, receiver: &UserRef, options: &Options) -> Frame {
    let frame = sent_by(message, r#"{"msgType":"1","data":{"sendUserId":"#).push_text(receiver.handle.as_str());
    said(frame, message, options).push("}}")
}

/// 群组聊天消息: the same with a [`GroupMessage`](crate::wire::GroupMessage). All but the receiver is the same
/// for every member and written once.
fn group_message(message: &Message, group: &GroupRef, options: &Options) -> Frame {
    let frame = sent_by(message, r#"{"msgType":"2","data":{"sendUserId":"#).push_hole(Hole::Receiver);
    said(frame, message, options).push(r#","groupId":""#).push_number(group.id.get()).push(r#""}}"#)
}

/// The beginning of a message's frame, up to the receiver.
fn sent_by(message: &Message, start: &str) -> Frame {
    Frame::with_capacity(message.content.size() + AROUND_A_MESSAGE)
        .push(start)
        .push_text(message.sender.handle.as_str())
        .push(r#","receiveUserId":"#)
}

/// What a message's frame says after the receiver.
fn said(frame: Frame, message: &Message, options: &Options) -> Frame {
    let frame = frame.push(r#","messageContent":"#).push_text(message.content.as_text()).push(r#","receiveDate":"#);
    match options.dates {
        Dates::Millis => frame.push_millis(message.time),
        Dates::Text => frame.push_date(&options.zone, message.time),
    }
}

/// 好友申请, 入群申请, 邀请入群.
fn requested(request: &Request, options: &Options) -> Frame {
    let id = Cow::Owned(request.id.to_string());
    let apply_user_id = Cow::Borrowed(request.from.handle.as_str());
    let apply_nick_name = Cow::Borrowed(request.from.display_name());
    let apply_date = date(request.created, options);
    let note = note(request);
    let (msg_type, group) = match &request.kind {
        RequestKind::Friend => {
            let data = FriendRequest { apply_friend_id: id, apply_user_id, apply_nick_name, note, apply_date };
            return push(msg_type::FRIEND_REQUEST, data);
        }
        RequestKind::Join(group) => (msg_type::JOIN_REQUEST, group),
        RequestKind::Invitation(group) => (msg_type::INVITATION, group),
    };
    let group_id = group.id.to_string().into();
    push(msg_type, GroupRequest { apply_group_id: id, apply_user_id, apply_nick_name, apply_date, note, group_id })
}

/// 审核好友, and the same for groups.
fn decided(request: &Request, options: &Options) -> Frame {
    let id = Cow::Owned(request.id.to_string());
    let verify_date = date(request.decided.unwrap_or(request.created), options);
    let apply_state = Cow::Borrowed(match request.state {
        RequestState::Accepted => apply_state::ACCEPTED,
        // The document knows two states; what expired was not granted.
        RequestState::Refused | RequestState::Expired | RequestState::Pending => apply_state::REFUSED,
    });
    match request.kind.group() {
        None => push(msg_type::FRIEND_DECISION, FriendDecision { apply_friend_id: id, apply_state, verify_date }),
        Some(group) => {
            let data = GroupDecision {
                apply_group_id: id,
                group_id: group.id.to_string().into(),
                group_name: Cow::Borrowed(&group.name),
                apply_state,
                verify_date,
                note: note(request),
            };
            push(msg_type::GROUP_DECISION, data)
        }
    }
}

/// 移除好友.
fn friend_removed(by: &Arc<User>, time: Timestamp, options: &Options) -> Frame {
    let data = FriendRemoved {
        apply_user_id: by.handle.as_str().into(),
        apply_nick_name: by.display_name().into(),
        apply_date: date(time, options),
    };
    push(msg_type::FRIEND_REMOVED, data)
}

/// 移除群组.
fn group_removed(group: &GroupRef, by: &Arc<User>, time: Timestamp, options: &Options) -> Frame {
    let data = GroupRemoved {
        apply_user_id: by.handle.as_str().into(),
        apply_nick_name: by.display_name().into(),
        apply_date: date(time, options),
        note: None,
        group_id: group.id.to_string().into(),
    };
    push(msg_type::GROUP_REMOVED, data)
}

fn push(msg_type: &str, data: impl Serialize) -> Frame {
    Frame::json(&Push { msg_type: msg_type.into(), data })
}

fn note(request: &Request) -> Option<Cow<'_, str>> {
    request.note.as_deref().map(Cow::Borrowed)
}

fn date(moment: Timestamp, options: &Options) -> Date {
    match options.dates {
        Dates::Millis => Date::Millis(moment),
        Dates::Text => Date::Text(options.zone.text(moment)),
    }
}
