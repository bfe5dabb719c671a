//! The lines of an export. Their form is a promise to other versions: it changes with [`VERSION`] only.

use std::sync::Arc;

use koine_core::Profile;
use serde::{Deserialize, Serialize};

use crate::config::DialectName;
use crate::store::embedded::keys::Sort;
use crate::store::embedded::ranges::RangeSet;
use crate::store::embedded::records::{
    ContentRecord, FileRecord, Head, KindRecord, MemberRecord, MessageRecord, RequestKindRecord, RequestRecord,
    RequestStateRecord, TokenRecord, UserRecord,
};

/// The version of the form.
pub(super) const VERSION: u32 = 2;

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Line {
    Begin(Begin),
    Counters(Counters),
    User(UserLine),
    Token(TokenLine),
    Friends(Friends),
    Block(Block),
    Conversation(ConversationLine),
    Member(MemberLine),
    Message(MessageLine),
    Read(Read),
    Request(RequestLine),
    Key(Key),
    File(FileLine),
    Bytes(Bytes),
    End(End),
}

impl Line {
    /// The name that the line is counted under.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Begin(_) => "begin",
            Self::Counters(_) => "counters",
            Self::User(_) => "user",
            Self::Token(_) => "token",
            Self::Friends(_) => "friends",
            Self::Block(_) => "block",
            Self::Conversation(_) => "conversation",
            Self::Member(_) => "member",
            Self::Message(_) => "message",
            Self::Read(_) => "read",
            Self::Request(_) => "request",
            Self::Key(_) => "key",
            Self::File(_) => "file",
            Self::Bytes(_) => "bytes",
            Self::End(_) => "end",
        }
    }
}

/// The first line. Times are milliseconds since 1970 everywhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Begin {
    pub(super) format: String,
    pub(super) version: u32,
    pub(super) created: i64,
    pub(super) salvaged: bool,
    /// Whether the bytes of uploaded files are in it.
    pub(super) files: bool,
}

/// The highest numbers handed out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Counters {
    pub(super) user: u64,
    pub(super) conversation: u64,
    pub(super) chat: u64,
    pub(super) request: u64,
    pub(super) token: u64,
    /// How many users there are.
    pub(super) users: u64,
    /// How many conversations there are.
    pub(super) conversations: u64,
    /// Up to where message ids may have been handed out, in ticks, and the last time that was shown.
    pub(super) message_ids: Option<[u64; 2]>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserLine {
    pub(super) id: u64,
    pub(super) handle: String,
    pub(super) profile: Profile,
    pub(super) disabled: bool,
    pub(super) created: i64,
    pub(super) login: Option<i64>,
    pub(super) app: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenLine {
    pub(super) id: u64,
    /// SHA-256 of the token, in hexadecimal.
    pub(super) hash: String,
    pub(super) user: u64,
    pub(super) dialect: Option<DialectName>,
    pub(super) expires: Option<i64>,
    pub(super) created: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Friends {
    pub(super) users: [u64; 2],
    pub(super) since: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Block {
    pub(super) blocker: u64,
    pub(super) blocked: u64,
    pub(super) since: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConversationLine {
    pub(super) id: u64,
    pub(super) created: i64,
    #[serde(flatten)]
    pub(super) shape: ShapeLine,
    /// The last message, if there is any.
    pub(super) head: Option<HeadLine>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ShapeLine {
    Direct { name: Option<Arc<str>>, users: [u64; 2] },
    Group { name: Arc<str>, manager: u64, members: u64, dissolved: bool },
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeadLine {
    pub(super) seq: u64,
    pub(super) id: u64,
    pub(super) time: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SortLine {
    Direct,
    Group,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MemberLine {
    pub(super) user: u64,
    pub(super) conversation: u64,
    pub(super) sort: SortLine,
    pub(super) chat: u64,
    pub(super) created: i64,
    pub(super) joined: u64,
    pub(super) read: u64,
    pub(super) read_time: Option<i64>,
    pub(super) own: u64,
    pub(super) delivered: RangeSet,
    pub(super) hidden: RangeSet,
    pub(super) row_hidden: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MessageLine {
    pub(super) conversation: u64,
    pub(super) seq: u64,
    pub(super) id: u64,
    pub(super) client_id: Option<u64>,
    pub(super) sender: u64,
    pub(super) time: i64,
    pub(super) content: ContentLine,
}

/// JSON is kept as its text, so that not a digit of it changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum ContentLine {
    Text { kind: KindLine, body: Arc<str> },
    Json { kind: KindLine, body: Arc<str> },
    Erased,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum KindLine {
    Text,
    Image,
    File,
    Other(Arc<str>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Read {
    pub(super) conversation: u64,
    pub(super) user: u64,
    pub(super) seq: u64,
    pub(super) time: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestLine {
    pub(super) id: u64,
    pub(super) kind: RequestKindLine,
    pub(super) from: u64,
    pub(super) to: u64,
    /// 0 for friend requests.
    pub(super) group: u64,
    pub(super) note: Option<Arc<str>>,
    pub(super) created: i64,
    pub(super) state: RequestStateLine,
    pub(super) decided: Option<i64>,
    /// Whether it is on the addressee's list.
    pub(super) listed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RequestKindLine {
    Friend,
    Join,
    Invitation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RequestStateLine {
    Pending,
    Accepted,
    Refused,
    Expired,
}

/// An idempotency key, as its hash and what it was used for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    pub(super) day: u32,
    pub(super) named: String,
    pub(super) fingerprint: String,
    pub(super) conversation: u64,
    pub(super) seq: u64,
    pub(super) id: u64,
    pub(super) time: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileLine {
    /// 32 digits.
    pub(super) id: String,
    pub(super) owner: u64,
    pub(super) md5: String,
    pub(super) sha256: String,
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) media_type: String,
    pub(super) created: i64,
}

/// A part of the bytes of an uploaded file; the parts of one content follow each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bytes {
    pub(super) sha256: String,
    pub(super) offset: u64,
    /// Base64.
    pub(super) data: String,
}

/// The last line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    /// How many lines of each type come before it.
    pub(super) counts: std::collections::BTreeMap<String, u64>,
    /// SHA-256, in hexadecimal, of every byte before this line.
    pub(super) sha256: String,
}

impl UserLine {
    pub(super) fn new(id: u64, record: UserRecord) -> Self {
        let UserRecord { handle, profile, disabled, created, login, app } = record;
        Self { id, handle, profile, disabled, created, login, app }
    }

    pub(super) fn into_record(self) -> UserRecord {
        let Self { handle, profile, disabled, created, login, app, .. } = self;
        UserRecord { handle, profile, disabled, created, login, app }
    }
}

impl TokenLine {
    pub(super) fn new(id: u64, record: &TokenRecord) -> Self {
        let TokenRecord { hash, user, dialect, expires, created } = *record;
        Self { id, hash: data_encoding::HEXLOWER.encode(&hash), user, dialect, expires, created }
    }
}

impl HeadLine {
    pub(super) const fn new(Head { seq, id, time }: Head) -> Self {
        Self { seq, id, time }
    }
}

impl From<Sort> for SortLine {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Direct => Self::Direct,
            Sort::Group => Self::Group,
        }
    }
}

impl From<SortLine> for Sort {
    fn from(sort: SortLine) -> Self {
        match sort {
            SortLine::Direct => Self::Direct,
            SortLine::Group => Self::Group,
        }
    }
}

impl MemberLine {
    pub(super) fn new(user: u64, sort: Sort, conversation: u64, record: MemberRecord) -> Self {
        let MemberRecord { chat, created, joined, read, read_time, own, delivered, hidden, row_hidden } = record;
        let sort = sort.into();
        Self { user, conversation, sort, chat, created, joined, read, read_time, own, delivered, hidden, row_hidden }
    }

    pub(super) fn into_record(self) -> MemberRecord {
        let Self { chat, created, joined, read, read_time, own, delivered, hidden, row_hidden, .. } = self;
        MemberRecord { chat, created, joined, read, read_time, own, delivered, hidden, row_hidden }
    }
}

impl MessageLine {
    pub(super) fn new(conversation: u64, seq: u64, record: MessageRecord) -> Self {
        let MessageRecord { id, client_id, sender, time, content } = record;
        let kind = |kind| match kind {
            KindRecord::Text => KindLine::Text,
            KindRecord::Image => KindLine::Image,
            KindRecord::File => KindLine::File,
            KindRecord::Other(word) => KindLine::Other(word),
        };
        let content = match content {
            ContentRecord::Text(of, body) => ContentLine::Text { kind: kind(of), body },
            ContentRecord::Json(of, body) => ContentLine::Json { kind: kind(of), body },
            ContentRecord::Erased => ContentLine::Erased,
        };
        Self { conversation, seq, id, client_id, sender, time, content }
    }

    pub(super) fn into_record(self) -> MessageRecord {
        let Self { id, client_id, sender, time, content, .. } = self;
        let kind = |kind| match kind {
            KindLine::Text => KindRecord::Text,
            KindLine::Image => KindRecord::Image,
            KindLine::File => KindRecord::File,
            KindLine::Other(word) => KindRecord::Other(word),
        };
        let content = match content {
            ContentLine::Text { kind: of, body } => ContentRecord::Text(kind(of), body),
            ContentLine::Json { kind: of, body } => ContentRecord::Json(kind(of), body),
            ContentLine::Erased => ContentRecord::Erased,
        };
        MessageRecord { id, client_id, sender, time, content }
    }
}

impl RequestLine {
    pub(super) fn new(id: u64, record: RequestRecord, listed: bool) -> Self {
        let RequestRecord { kind, from, to, group, note, created, state, decided } = record;
        let kind = match kind {
            RequestKindRecord::Friend => RequestKindLine::Friend,
            RequestKindRecord::Join => RequestKindLine::Join,
            RequestKindRecord::Invitation => RequestKindLine::Invitation,
        };
        let state = match state {
            RequestStateRecord::Pending => RequestStateLine::Pending,
            RequestStateRecord::Accepted => RequestStateLine::Accepted,
            RequestStateRecord::Refused => RequestStateLine::Refused,
            RequestStateRecord::Expired => RequestStateLine::Expired,
        };
        Self { id, kind, from, to, group, note, created, state, decided, listed }
    }

    pub(super) fn into_record(self) -> RequestRecord {
        let Self { kind, from, to, group, note, created, state, decided, .. } = self;
        let kind = match kind {
            RequestKindLine::Friend => RequestKindRecord::Friend,
            RequestKindLine::Join => RequestKindRecord::Join,
            RequestKindLine::Invitation => RequestKindRecord::Invitation,
        };
        let state = match state {
            RequestStateLine::Pending => RequestStateRecord::Pending,
            RequestStateLine::Accepted => RequestStateRecord::Accepted,
            RequestStateLine::Refused => RequestStateRecord::Refused,
            RequestStateLine::Expired => RequestStateRecord::Expired,
        };
        RequestRecord { kind, from, to, group, note, created, state, decided }
    }
}

impl FileLine {
    pub(super) fn new(id: String, record: FileRecord) -> Self {
        let FileRecord { owner, md5, sha256, name, size, media_type, created } = record;
        Self { id, owner, md5, sha256, name, size, media_type, created }
    }

    pub(super) fn into_record(self) -> FileRecord {
        let Self { owner, md5, sha256, name, size, media_type, created, .. } = self;
        FileRecord { owner, md5, sha256, name, size, media_type, created }
    }
}
