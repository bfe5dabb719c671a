//! Messages.

use std::sync::Arc;

use crate::{Content, ConversationId, GroupRef, MessageId, Timestamp, UserRef};

/// A message as it was committed. Nothing in it depends on who looks.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Strictly increasing on a node; the order of time between conversations.
    pub id: MessageId,
    /// The id the sender's client gave it (auth-ack); on that dialect it is the message's id for all.
    pub client_id: Option<u64>,
    /// The conversation it was said in.
    pub conversation: ConversationId,
    /// Its place there: from 1, without gaps. The order everyone sees.
    pub seq: u64,
    /// Who said it.
    pub sender: UserRef,
    /// To whom.
    pub place: Place,
    /// When it reached the server; never before an earlier message's.
    pub time: Timestamp,
    /// What it says.
    pub content: Content,
}

/// To whom a message was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// To the other user of a direct conversation (the sender itself in notes to oneself).
    Direct {
        /// The other user.
        receiver: UserRef,
    },
    /// To a group, by the name it has now.
    Group(GroupRef),
}

impl Message {
    /// The message's id on auth-ack: the one its sender's client gave it, else its own.
    pub fn wire_id(&self) -> u64 {
        self.client_id.unwrap_or(self.id.get())
    }

    /// Whether the sender wrote to itself.
    pub fn is_to_self(&self) -> bool {
        matches!(&self.place, Place::Direct { receiver } if receiver.id == self.sender.id)
    }
}

/// A message in a log, with what depends on who looks.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// The message.
    pub message: Arc<Message>,
    /// When the other side of a direct conversation read it; for groups, whether every other entitled
    /// member has is told by [`LogEntry::read_by_others`] alone.
    pub read_time: Option<Timestamp>,
    /// Whether the other side (in a group: every other entitled member) has read it.
    pub read_by_others: bool,
    /// Whether the user who looks has read it. One's own messages are.
    pub read: bool,
    /// Whether it was delivered to the user who looks. One's own messages were.
    pub delivered: bool,
}
