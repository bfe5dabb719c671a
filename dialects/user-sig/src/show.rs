//! Canonical things as this dialect shows them to one reader.

use std::borrow::Cow;
use std::sync::Arc;

use koine_core::{
    Body, Content, Conversation, ConversationRow, LogEntry, Message, Shape, Timestamp, User, UserId, Zone,
};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::wire::{ChatLog, ChatUser, GroupInfo, Session, SessionInfo};

/// The name of a direct session that was opened by a dialect without such names.
const UNNAMED: &str = "未命名单聊";

/// Who reads, and what a reader may see.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Show<'a> {
    /// The zone of dates.
    pub(crate) zone: &'a Zone,
    /// Whether everyone's private fields are shown.
    pub(crate) full_profiles: bool,
    /// The reader, where there is exactly one.
    pub(crate) reader: Option<UserId>,
}

impl Show<'_> {
    /// A user; birthday, identity card number, phone and email are for the user's own eyes.
    pub(crate) fn user<'a>(&self, user: &'a User) -> ChatUser<'a> {
        let shown = |value: &'a Option<Arc<str>>| value.as_deref().map(Cow::Borrowed);
        let private = |value| if self.shows_all_of(user) { shown(value) } else { None };
        let profile = &user.profile;
        ChatUser {
            user_id: Cow::Borrowed(user.handle.as_str()),
            name: shown(&profile.name),
            nickname: shown(&profile.nickname),
            username: shown(&profile.username),
            gender: shown(&profile.gender),
            birthday: private(&profile.birthday),
            id_card_num: private(&profile.id_card_num),
            phone: private(&profile.phone),
            email: private(&profile.email),
            province: shown(&profile.province),
            city: shown(&profile.city),
            avatar: shown(&profile.avatar),
            description: shown(&profile.description),
            is_disable: user.disabled,
            login_time: user.login.map(|moment| self.date(moment)),
            create_time: self.date(user.created),
        }
    }

    /// Whether the reader may see what is private about a user.
    pub(crate) fn shows_all_of(&self, user: &User) -> bool {
        self.full_profiles || self.reader == Some(user.id)
    }

    /// A conversation, a direct one as `side` (one of its two users) sees it.
    pub(crate) fn session<'a>(
        &self,
        conversation: &'a Conversation,
        side: UserId,
        recently_chat_log: Option<ChatLog<'a>>,
        unread_count: u64,
    ) -> Session<'a> {
        let (kind, session_info) = match &conversation.shape {
            Shape::Direct { users, .. } => {
                (Session::DIRECT, SessionInfo::Direct(Box::new(self.user(peer(users, side)))))
            }
            Shape::Group { manager, member_count, .. } => {
                let info = GroupInfo {
                    manager: Cow::Borrowed(manager.handle.as_str()),
                    member_count: *member_count,
                    chat_user_list: None,
                };
                (Session::GROUP, SessionInfo::Group(info))
            }
        };
        Session {
            session_id: conversation.id.get(),
            kind,
            name: Cow::Borrowed(name(&conversation.shape)),
            session_info,
            create_time: self.date(conversation.created),
            recently_chat_log,
            unread_count,
        }
    }

    /// A row of the reader's list, with the members of groups.
    pub(crate) fn row<'a>(&self, row: &'a ConversationRow, side: UserId) -> Session<'a> {
        let last = row.last.as_ref().map(|entry| self.entry(entry));
        let mut session = self.session(&row.conversation, side, last, row.unread);
        if let SessionInfo::Group(info) = &mut session.session_info {
            info.chat_user_list = Some(row.members.iter().map(|member| self.user(member)).collect());
        }
        session
    }

    /// A message of a log.
    pub(crate) fn entry<'a>(&self, entry: &'a LogEntry) -> ChatLog<'a> {
        let mut log = self.message(&entry.message);
        log.have_read = entry.read_by_others;
        log.read_time = entry.read_time.map(|moment| self.date(moment));
        log
    }

    /// A message that nobody has read yet.
    fn message<'a>(&self, message: &'a Message) -> ChatLog<'a> {
        ChatLog {
            id: message.id.get(),
            have_read: false,
            read_time: None,
            content: content(&message.content),
            sender: Cow::Borrowed(message.sender.handle.as_str()),
            create_time: self.date(message.time),
            create_timestamp: message.time.as_millis(),
        }
    }

    /// A date as text.
    pub(crate) fn date(&self, moment: Timestamp) -> Cow<'static, str> {
        Cow::Owned(self.zone.text(moment))
    }
}

/// The name of a session.
pub(crate) fn name(shape: &Shape) -> &str {
    match shape {
        Shape::Direct { name, .. } => name.as_deref().filter(|name| !name.is_empty()).unwrap_or(UNNAMED),
        Shape::Group { name, .. } => name,
    }
}

/// The user whom a direct session is with, as `side` sees it.
pub(crate) fn peer([first, second]: &[Arc<User>; 2], side: UserId) -> &User {
    if first.id == side { second } else { first }
}

/// Content as JSON; a value other than a string is kept as it came.
fn content(content: &Content) -> Cow<'_, RawValue> {
    let text = match content {
        Content::Present { body: Body::Json(raw), .. } => return Cow::Borrowed(raw),
        Content::Present { body: Body::Text(text), .. } => text,
        Content::Erased => Content::ERASED_TEXT,
    };
    // Text can always be written as JSON.
    serde_json::value::to_raw_value(text).map_or(Cow::Borrowed(RawValue::NULL), Cow::Owned)
}

/// A session of a list that is written as it is read.
pub(crate) struct SessionRow {
    /// The zone of dates.
    pub(crate) zone: Zone,
    /// Whether everyone's private fields are shown.
    pub(crate) full_profiles: bool,
    /// Who reads.
    pub(crate) reader: UserId,
    /// The row.
    pub(crate) row: ConversationRow,
}

impl Serialize for SessionRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let show = Show { zone: &self.zone, full_profiles: self.full_profiles, reader: Some(self.reader) };
        show.row(&self.row, self.reader).serialize(serializer)
    }
}

/// A message of a list that is written as it is read.
pub(crate) struct LogRow {
    /// The zone of dates.
    pub(crate) zone: Zone,
    /// The message.
    pub(crate) entry: LogEntry,
}

impl Serialize for LogRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Show { zone: &self.zone, full_profiles: false, reader: None }.entry(&self.entry).serialize(serializer)
    }
}
