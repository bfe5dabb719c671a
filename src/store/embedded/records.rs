//! What the store keeps, as it is written: one version byte, then postcard.

use std::sync::Arc;

use koine_core::{Body, Content, Kind, Profile};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::ranges::RangeSet;
use crate::store::StoreError;

/// The version that every record written now begins with.
const VERSION: u8 = 1;

/// A value in the form it is written in.
pub(crate) trait Record: Serialize + DeserializeOwned {
    /// About how many bytes it takes, so that they are set aside at once.
    fn size_hint(&self) -> usize {
        48
    }

    /// The bytes to write.
    fn encode(&self) -> Result<Vec<u8>, StoreError> {
        let mut bytes = Vec::with_capacity(self.size_hint());
        bytes.push(VERSION);
        postcard::to_extend(self, bytes).map_err(|_| StoreError::corrupt("a record cannot be written"))
    }

    /// Reads what was written; anything else is corruption.
    fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        match bytes.split_first() {
            Some((&VERSION, rest)) => {
                postcard::from_bytes(rest).map_err(|_| StoreError::corrupt("a record cannot be read"))
            }
            _ => Err(StoreError::corrupt("a record is of an unknown version")),
        }
    }
}

/// A user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct UserRecord {
    pub(crate) handle: String,
    pub(crate) profile: Profile,
    pub(crate) disabled: bool,
    pub(crate) created: i64,
    pub(crate) login: Option<i64>,
    /// auth-ack's `app` that registered the handle first.
    pub(crate) app: Option<String>,
}

/// A conversation, without what changes with every message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ConversationRecord {
    pub(crate) created: i64,
    pub(crate) shape: ShapeRecord,
}

/// Between whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum ShapeRecord {
    /// The lower user number first.
    Direct { name: Option<Arc<str>>, users: [u64; 2] },
    /// A dissolved group keeps its record, so that management can read it.
    Group { name: Arc<str>, manager: u64, member_count: u64, dissolved: bool },
}

/// What changes with every message of a conversation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// The last message's `seq`; 0 before the first.
    pub(crate) seq: u64,
    /// Its id.
    pub(crate) id: u64,
    /// Its time, in ms.
    pub(crate) time: i64,
}

/// One user's membership of one conversation, from joining on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MemberRecord {
    /// The row number of the chat list.
    pub(crate) chat: u64,
    pub(crate) created: i64,
    /// The user is entitled to what comes after this `seq`.
    pub(crate) joined: u64,
    /// Everything up to this `seq` is read.
    pub(crate) read: u64,
    /// When the mark was last moved by reading.
    pub(crate) read_time: Option<i64>,
    /// How many messages after the mark are the user's own.
    pub(crate) own: u64,
    /// What was delivered, what the user sent, and what was hidden.
    pub(crate) delivered: RangeSet,
    /// What a block kept from the user.
    pub(crate) hidden: RangeSet,
    /// The row is hidden while the conversation's head is not above this.
    pub(crate) row_hidden: Option<u64>,
}

impl MemberRecord {
    /// A membership that begins after `joined`.
    pub(crate) fn new(chat: u64, created: i64, joined: u64) -> Self {
        Self {
            chat,
            created,
            joined,
            read: joined,
            read_time: None,
            own: 0,
            delivered: RangeSet::up_to(joined),
            hidden: RangeSet::default(),
            row_hidden: None,
        }
    }

    /// How many messages up to `head` the user has not read.
    pub(crate) fn unread(&self, head: u64) -> u64 {
        head.saturating_sub(self.read)
            .saturating_sub(self.own)
            .saturating_sub(self.hidden.count(self.read.saturating_add(1), head))
    }

    /// How many messages up to `head` the user may see.
    pub(crate) fn visible(&self, head: u64) -> u64 {
        head.saturating_sub(self.joined).saturating_sub(self.hidden.count(self.joined.saturating_add(1), head))
    }

    /// The `seq` of the message that `skip` visible ones lie above, counted from `head` down.
    pub(crate) fn visible_from_top(&self, head: u64, skip: u64) -> Option<u64> {
        if skip >= self.visible(head) {
            return None;
        }
        // The largest seq with more than `skip` visible ones from it up to the head.
        let (mut low, mut high) = (self.joined + 1, head);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if (head - middle + 1) - self.hidden.count(middle, head) > skip {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        Some(low)
    }

    /// Whether the user may see the message of this `seq`.
    pub(crate) fn may_see(&self, seq: u64) -> bool {
        seq > self.joined && !self.hidden.contains(seq)
    }

    /// The `seq` of the last message the user may see.
    pub(crate) fn last_visible(&self, head: u64) -> Option<u64> {
        self.visible_from_top(head, 0)
    }

    /// Whether the chat list shows the row.
    pub(crate) fn row_shown(&self, head: u64) -> bool {
        self.row_hidden.is_none_or(|at| self.last_visible(head).is_some_and(|last| last > at))
    }

    /// Whether a list that shows hidden rows, too, shows the row: one that was hidden before there was a message to see
    /// in it, as that which somebody blocked has opened, is nowhere until there is.
    pub(crate) fn row_begun(&self, head: u64) -> bool {
        self.row_hidden != Some(0) || self.last_visible(head).is_some()
    }

    /// How many messages the user had not read when the message of this `seq` was the last; where the
    /// user has written since the mark, how many there are now.
    pub(crate) fn unread_at(&self, seq: u64, head: u64) -> u64 {
        self.unread(if self.own == 0 { seq } else { head })
    }

    /// The greatest `seq` that it knows of.
    pub(crate) fn highest(&self) -> u64 {
        let (delivered, hidden) = (self.delivered.last().unwrap_or(0), self.hidden.last().unwrap_or(0));
        self.joined.max(self.read).max(delivered).max(hidden).max(self.row_hidden.unwrap_or(0))
    }

    /// Takes in a message the user has sent.
    pub(crate) fn sent(&mut self, seq: u64) {
        if self.unread(seq - 1) == 0 {
            self.read = seq;
            self.own = 0;
        } else {
            self.own += 1;
        }
        self.delivered.insert(seq, seq);
    }

    /// Takes in a message that a block keeps from the user.
    pub(crate) fn hide(&mut self, seq: u64) {
        if self.unread(seq - 1) == 0 {
            self.read = seq;
            self.own = 0;
        }
        self.hidden.insert(seq, seq);
        self.delivered.insert(seq, seq);
    }

    /// Reads everything up to `head`, which is thereby delivered; how many messages became read.
    pub(crate) fn mark_all_read(&mut self, head: u64, time: i64) -> u64 {
        self.delivered.insert(self.joined.saturating_add(1), head);
        self.read_up_to(head, time)
    }

    /// Moves the read mark to the head; how many messages became read.
    pub(crate) fn read_up_to(&mut self, head: u64, time: i64) -> u64 {
        let marked = self.unread(head);
        if self.read < head {
            self.read = head;
            self.own = 0;
            self.read_time = Some(time);
        }
        marked
    }

    /// Up to where everything up to `last` is delivered without a gap.
    pub(crate) fn delivered_to(&self, last: u64) -> u64 {
        self.delivered.gaps(self.joined.saturating_add(1), last).first().map_or(last, |gap| gap.0 - 1)
    }
}

/// A message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MessageRecord {
    pub(crate) id: u64,
    pub(crate) client_id: Option<u64>,
    pub(crate) sender: u64,
    pub(crate) time: i64,
    pub(crate) content: ContentRecord,
}

/// Where the messages of a batch are: one record for them all, since the id of one is looked for far less often than
/// another is sent. After a crash it also tells which heads and senders' memberships were not written yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlacesRecord(pub(crate) Vec<PlaceRecord>);

/// Where a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlaceRecord {
    /// How far the message's id lies above that of the record.
    pub(crate) above: u64,
    pub(crate) conversation: u64,
    pub(crate) seq: u64,
    /// Whether the message has an id of its client's, and so is not found by this one.
    pub(crate) client: bool,
    /// Whether its sender has read everything before it by sending it.
    pub(crate) reads: bool,
}

impl PlacesRecord {
    /// Where a message is; `above` is how far its id lies above that of the record.
    pub(crate) fn find(&self, above: u64) -> Option<PlaceRecord> {
        let at = self.0.binary_search_by_key(&above, |place| place.above).ok()?;
        self.0.get(at).copied()
    }
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum ContentRecord {
    Text(KindRecord, Arc<str>),
    Json(KindRecord, Arc<str>),
    Erased,
}

/// The kind of content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum KindRecord {
    Text,
    Image,
    File,
    Other(Arc<str>),
}

impl From<&Content> for ContentRecord {
    fn from(content: &Content) -> Self {
        let Content::Present { kind, body } = content else { return Self::Erased };
        let kind = match kind {
            Kind::Text => KindRecord::Text,
            Kind::Image => KindRecord::Image,
            Kind::File => KindRecord::File,
            Kind::Other(word) => KindRecord::Other(word.clone()),
        };
        match body {
            Body::Text(text) => Self::Text(kind, text.clone()),
            Body::Json(raw) => Self::Json(kind, raw.get().into()),
        }
    }
}

impl TryFrom<ContentRecord> for Content {
    type Error = StoreError;

    fn try_from(record: ContentRecord) -> Result<Self, StoreError> {
        let (kind, body) = match record {
            ContentRecord::Text(kind, text) => (kind, Body::Text(text)),
            ContentRecord::Json(kind, text) => {
                let raw = serde_json::value::RawValue::from_string(text.as_ref().to_owned())
                    .map_err(|_| StoreError::corrupt("a message's content is not JSON"))?;
                (kind, Body::Json(raw.into()))
            }
            ContentRecord::Erased => return Ok(Self::Erased),
        };
        let kind = match kind {
            KindRecord::Text => Kind::Text,
            KindRecord::Image => Kind::Image,
            KindRecord::File => Kind::File,
            KindRecord::Other(word) => Kind::Other(word),
        };
        Ok(Self::Present { kind, body })
    }
}

/// A request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RequestRecord {
    pub(crate) kind: RequestKindRecord,
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// The group it is about; 0 for friend requests.
    pub(crate) group: u64,
    pub(crate) note: Option<Arc<str>>,
    pub(crate) created: i64,
    pub(crate) state: RequestStateRecord,
    pub(crate) decided: Option<i64>,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RequestKindRecord {
    Friend,
    Join,
    Invitation,
}

impl RequestKindRecord {
    /// What it is in a key.
    pub(crate) const fn byte(self) -> u8 {
        match self {
            Self::Friend => 0,
            Self::Join => 1,
            Self::Invitation => 2,
        }
    }
}

/// Where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RequestStateRecord {
    Pending,
    Accepted,
    Refused,
    Expired,
}

/// What an idempotency key was used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyRecord {
    /// Hash of target and content.
    pub(crate) fingerprint: [u8; 16],
    pub(crate) conversation: u64,
    pub(crate) seq: u64,
    pub(crate) id: u64,
    pub(crate) time: i64,
}

/// A token that is kept as its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TokenRecord {
    pub(crate) hash: [u8; 32],
    pub(crate) user: u64,
    pub(crate) dialect: Option<crate::config::DialectName>,
    pub(crate) expires: Option<i64>,
    pub(crate) created: i64,
}

/// An uploaded file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileRecord {
    pub(crate) owner: u64,
    pub(crate) md5: String,
    pub(crate) sha256: String,
    pub(crate) name: String,
    pub(crate) size: u64,
    pub(crate) media_type: String,
    pub(crate) created: i64,
}

/// A number that is counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Count(pub(crate) u64);

impl KeyRecord {
    /// What tells one message from another under the same key: against mistakes, as a sender who makes two alike on
    /// purpose deceives nobody else.
    pub(crate) fn fingerprint_of(conversation: u64, content: &ContentRecord) -> Result<[u8; 16], StoreError> {
        Ok(xxh3_128_with_seed(&content.encode()?, conversation).to_be_bytes())
    }
}

impl Record for UserRecord {}
impl Record for ConversationRecord {}
impl Record for Head {}
impl Record for MemberRecord {}
impl Record for ContentRecord {
    fn size_hint(&self) -> usize {
        match self {
            Self::Text(_, text) | Self::Json(_, text) => text.len() + 16,
            Self::Erased => 2,
        }
    }
}
impl Record for MessageRecord {
    fn size_hint(&self) -> usize {
        self.content.size_hint() + 40
    }
}
impl Record for PlacesRecord {
    fn size_hint(&self) -> usize {
        self.0.len() * 12 + 8
    }
}
impl Record for RequestRecord {}
impl Record for KeyRecord {}
impl Record for TokenRecord {}
impl Record for FileRecord {}
impl Record for Count {}
impl Record for i64 {}
impl Record for u64 {}
impl Record for Vec<u64> {}
impl Record for String {}
