//! The frame of a message, field by field: the bytes that a [`MessageFrame`](crate::wire::MessageFrame) is written
//! as, for less, since every message of everybody becomes one.

use std::ops::Range;

use koine_core::{Content, Conversation, Frame, Hole, Message, Shape, User, UserId};

use crate::show::{self, Show};
use crate::wire::Session;

/// What a frame holds beside its content, in bytes: two logs, a session and a profile of usual length.
const AROUND_A_MESSAGE: usize = 1_024;

/// A message's frame, as one side of its conversation sees it. The unread count is left open for each receiver.
pub(crate) fn message(
    name: &str,
    message: &Message,
    conversation: &Conversation,
    side: UserId,
    show: &Show<'_>,
) -> Frame {
    let frame = Frame::with_capacity(3 * message.content.size() + AROUND_A_MESSAGE)
        .push(r#"{"type":""#)
        .push(name)
        .push(r#"","content":"#);
    let (frame, content) = marked(frame, |frame| match &message.content {
        Content::Present { body, .. } => frame.push_body(body),
        Content::Erased => frame.push_text(Content::ERASED_TEXT),
    });
    let (frame, sender) = marked(frame.push(r#","sender":"#), |frame| frame.push_text(message.sender.handle.as_str()));
    let (frame, log) = marked(frame.push(r#","chat_log":"#), |frame| chat_log(frame, message, (content, sender), show));
    session(frame.push(r#","session":"#), conversation, side, log, show).push("}")
}

/// Appends something, and says where it stands.
fn marked(frame: Frame, write: impl FnOnce(Frame) -> Frame) -> (Frame, Range<usize>) {
    let start = frame.len();
    let frame = write(frame);
    let end = frame.len();
    (frame, start..end)
}

/// A message that nobody has read yet, whose content and sender stand in the frame already.
fn chat_log(
    frame: Frame,
    message: &Message,
    (content, sender): (Range<usize>, Range<usize>),
    show: &Show<'_>,
) -> Frame {
    frame
        .push(r#"{"id":"#)
        .push_number(message.id.get())
        .push(r#","have_read":false,"read_time":null,"content":"#)
        .push_again(content)
        .push(r#","sender":"#)
        .push_again(sender)
        .push(r#","create_time":"#)
        .push_date(show.zone, message.time)
        .push(r#","create_timestamp":"#)
        .push_millis(message.time)
        .push("}")
}

/// A session whose last message stands in the frame already.
fn session(frame: Frame, conversation: &Conversation, side: UserId, log: Range<usize>, show: &Show<'_>) -> Frame {
    let kind = match &conversation.shape {
        Shape::Direct { .. } => Session::DIRECT,
        Shape::Group { .. } => Session::GROUP,
    };
    let frame = frame
        .push(r#"{"session_id":"#)
        .push_number(conversation.id.get())
        .push(r#","type":"#)
        .push_number(kind.into())
        .push(r#","name":"#)
        .push_text(show::name(&conversation.shape))
        .push(r#","session_info":"#);
    let frame = match &conversation.shape {
        Shape::Direct { users, .. } => user(frame, show::peer(users, side), show),
        Shape::Group { manager, member_count, .. } => frame
            .push(r#"{"manager":"#)
            .push_text(manager.handle.as_str())
            .push(r#","member_count":"#)
            .push_number(*member_count)
            .push("}"),
    };
    frame
        .push(r#","create_time":"#)
        .push_date(show.zone, conversation.created)
        .push(r#","recently_chat_log":"#)
        .push_again(log)
        .push(r#","unread_count":"#)
        .push_hole(Hole::Unread)
        .push("}")
}

/// A user; birthday, identity card number, phone and email are for the user's own eyes.
fn user(frame: Frame, user: &User, show: &Show<'_>) -> Frame {
    let profile = &user.profile;
    let private = |value| if show.shows_all_of(user) { value } else { None };
    let frame = frame
        .push(r#"{"user_id":"#)
        .push_text(user.handle.as_str())
        .push(r#","name":"#)
        .push_optional_text(profile.name.as_deref())
        .push(r#","nickname":"#)
        .push_optional_text(profile.nickname.as_deref())
        .push(r#","username":"#)
        .push_optional_text(profile.username.as_deref())
        .push(r#","gender":"#)
        .push_optional_text(profile.gender.as_deref())
        .push(r#","birthday":"#)
        .push_optional_text(private(profile.birthday.as_deref()))
        .push(r#","id_card_num":"#)
        .push_optional_text(private(profile.id_card_num.as_deref()))
        .push(r#","phone":"#)
        .push_optional_text(private(profile.phone.as_deref()))
        .push(r#","email":"#)
        .push_optional_text(private(profile.email.as_deref()))
        .push(r#","province":"#)
        .push_optional_text(profile.province.as_deref())
        .push(r#","city":"#)
        .push_optional_text(profile.city.as_deref())
        .push(r#","avatar":"#)
        .push_optional_text(profile.avatar.as_deref())
        .push(r#","description":"#)
        .push_optional_text(profile.description.as_deref())
        .push(r#","is_disable":"#)
        .push(if user.disabled { "true" } else { "false" })
        .push(r#","login_time":"#);
    let frame = match user.login {
        Some(moment) => frame.push_date(show.zone, moment),
        None => frame.push("null"),
    };
    frame.push(r#","create_time":"#).push_date(show.zone, user.created).push("}")
}
