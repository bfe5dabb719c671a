//! What happened, as the hub tells it to connections.

use std::sync::Arc;

use crate::{Body, Conversation, GroupRef, Message, Request, Timestamp, User, UserRef};

/// What happened. A dialect turns it into a push, or into nothing if it cannot say it.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A message was committed.
    Message(MessageEvent),
    /// A conversation was opened ([`View::Own`] for whoever opened it).
    Opened {
        /// The conversation.
        conversation: Arc<Conversation>,
        /// Who opened it.
        by: UserRef,
    },
    /// A user became reachable or stopped being so.
    Presence {
        /// The user.
        user: UserRef,
        /// Which of the two.
        reachable: bool,
    },
    /// Somebody asks the receiver of this event to decide.
    Requested(Arc<Request>),
    /// What the receiver of this event had asked for was decided.
    Decided(Arc<Request>),
    /// A friend ended the friendship.
    Unfriended {
        /// Who ended it.
        by: Arc<User>,
        /// When.
        time: Timestamp,
    },
    /// The receiver is no longer a member of a group.
    Removed {
        /// The group.
        group: GroupRef,
        /// Who did it.
        by: Arc<User>,
        /// When.
        time: Timestamp,
        /// In which way.
        reason: RemovalReason,
    },
    /// A backend's notification (access-token).
    Notification {
        /// The backend's own word.
        notification_type: Arc<str>,
        /// Anything.
        content: Body,
    },
}

/// A committed message and the conversation it was said in.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageEvent {
    /// The message.
    pub message: Arc<Message>,
    /// The conversation as it stood when the message was committed.
    pub conversation: Arc<Conversation>,
}

/// From which side an event is seen. What differs further between receivers is a [`crate::Hole`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum View {
    /// The user who did it: the sender of a message, the opener of a conversation. In notes to
    /// oneself, where both sides are one user, every connection gets the event once, with this view.
    Own,
    /// Everyone else.
    Other,
}

impl View {
    /// Both sides.
    pub const ALL: [Self; 2] = [Self::Own, Self::Other];
}

/// Why a user is no longer a member of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RemovalReason {
    /// The manager removed the member.
    Removed,
    /// The group was dissolved.
    Dissolved,
}

/// Why the server ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// An operator ended it: close 1008.
    Kicked,
    /// The user was disabled: close 1008.
    Disabled,
    /// The server is stopping: close 1001.
    Draining,
}

impl EndReason {
    /// The close code of RFC 6455 to end with.
    pub const fn close_code(self) -> u16 {
        match self {
            Self::Kicked | Self::Disabled => 1008,
            Self::Draining => 1001,
        }
    }

    /// A plain word for the close frame.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Kicked => "kicked",
            Self::Disabled => "disabled",
            Self::Draining => "going away",
        }
    }
}
