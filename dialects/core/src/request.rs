//! Things one user asks and another decides.

use std::sync::Arc;

use crate::{GroupRef, RequestId, Timestamp, User, UserRef};

/// A friend request, a join request or a group invitation.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Its number.
    pub id: RequestId,
    /// What is asked.
    pub kind: RequestKind,
    /// Who asks: the applicant or the inviter.
    pub from: Arc<User>,
    /// Who decides: the user to befriend, the group's manager, or the invited user.
    pub to: UserRef,
    /// What the asker wrote along.
    pub note: Option<Arc<str>>,
    /// When it was made.
    pub created: Timestamp,
    /// Where it stands.
    pub state: RequestState,
    /// When it was decided.
    pub decided: Option<Timestamp>,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestKind {
    /// To become friends.
    Friend,
    /// To be let into a group.
    Join(GroupRef),
    /// To come into a group.
    Invitation(GroupRef),
}

impl RequestKind {
    /// The group it is about, if any.
    pub const fn group(&self) -> Option<&GroupRef> {
        match self {
            Self::Friend => None,
            Self::Join(group) | Self::Invitation(group) => Some(group),
        }
    }
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestState {
    /// Not decided.
    Pending,
    /// Granted.
    Accepted,
    /// Declined.
    Refused,
    /// Too old, or its group is gone.
    Expired,
}
