//! How the hub answers.

use std::fmt;
use std::sync::Arc;

use crate::{
    ConversationId, ConversationRow, Error, FileId, Group, LogEntry, MessageId, Receipt, Request, Timestamp, Token,
    User, UserRef,
};

/// How the hub answers a [`crate::Command`] it has carried out.
#[derive(Debug)]
pub enum Reply {
    /// It is done.
    Done,
    /// Who a token belongs to.
    Authenticated(Authenticated),
    /// A token to give to the client.
    Token(IssuedToken),
    /// The connection is subscribed; events follow.
    Attached,
    /// A user.
    User(Arc<User>),
    /// A user and whether it is new.
    Registered {
        /// The user.
        user: Arc<User>,
        /// False: it existed already.
        new: bool,
    },
    /// A conversation.
    Opened(Opened),
    /// A group.
    Group(Arc<Group>),
    /// Groups, oldest membership first.
    Groups(Vec<Arc<Group>>),
    /// A request was made, or was already pending.
    Requested(Arc<Request>),
    /// Requests, oldest first.
    Requests(Vec<Arc<Request>>),
    /// A message was committed and is durable.
    Sent(Sent),
    /// Messages.
    Messages(MessageList),
    /// Conversations.
    Conversations {
        /// How many there are in all.
        total: u64,
        /// The rows of the page.
        rows: Rows<ConversationRow>,
    },
    /// How many messages became read.
    Marked(u64),
    /// A fresh message id.
    MessageId(MessageId),
    /// An uploaded file.
    File(Arc<File>),
}

/// Who a token belongs to.
#[derive(Debug, Clone)]
pub struct Authenticated {
    /// The user.
    pub user: Arc<User>,
    /// When the token stops being good, if it does.
    pub expires: Option<Timestamp>,
}

/// A token that the gateway minted.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// The token.
    pub token: Token,
    /// When it stops being good.
    pub expires: Timestamp,
}

/// A conversation that was opened, as the opener's row.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// The opener's row, members included.
    pub row: ConversationRow,
    /// False: it existed already.
    pub new: bool,
}

/// A committed message's identities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The message's id.
    pub id: MessageId,
    /// The id the client gave it, if it did.
    pub client_id: Option<u64>,
    /// Where it was said.
    pub conversation: ConversationId,
    /// Its place there.
    pub seq: u64,
    /// When.
    pub time: Timestamp,
    /// A fresh id for the acknowledgement itself (auth-ack's Ack frame has one of its own).
    pub ack_id: MessageId,
}

impl Sent {
    /// The message's id on auth-ack.
    pub fn wire_id(&self) -> u64 {
        self.client_id.unwrap_or(self.id.get())
    }
}

/// Messages as they were asked for.
#[derive(Debug)]
pub struct MessageList {
    /// How many there are in all (over all pages); for pulls, how many are listed.
    pub total: u64,
    /// The messages.
    pub rows: Rows<LogEntry>,
    /// What a [`crate::Command::Confirm`] needs to say that exactly these were taken.
    pub receipt: Receipt,
}

/// Rows that are read from the store as they are needed; a row may be the fault that ends the list.
pub struct Rows<T>(Box<dyn Iterator<Item = Result<T, Error>> + Send>);

impl<T> Rows<T> {
    /// Wraps what reads the rows.
    pub fn new(rows: impl Iterator<Item = Result<T, Error>> + Send + 'static) -> Self {
        Self(Box::new(rows))
    }

    /// Reads them all; for lists that are known to be short.
    pub fn collect_all(self) -> Result<Vec<T>, Error> {
        self.0.collect()
    }
}

impl<T: Send + 'static> From<Vec<T>> for Rows<T> {
    fn from(rows: Vec<T>) -> Self {
        Self::new(rows.into_iter().map(Ok))
    }
}

impl<T> Iterator for Rows<T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

impl<T> fmt::Debug for Rows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rows(..)")
    }
}

/// An uploaded file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its random id.
    pub id: FileId,
    /// MD5 of its bytes, 32 hexadecimal digits.
    pub md5: String,
    /// SHA-256 of its bytes, 64 hexadecimal digits.
    pub sha256: String,
    /// The name it was uploaded under, without folders.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// Its media type, as far as its bytes tell.
    pub media_type: String,
    /// When it was uploaded.
    pub created: Timestamp,
    /// Who uploaded it.
    pub owner: UserRef,
    /// Where it can be fetched: absolute if the gateway knows its public address.
    pub url: String,
}

impl Reply {
    /// The user of a [`Reply::User`] or [`Reply::Registered`].
    pub fn into_user(self) -> Result<Arc<User>, Error> {
        match self {
            Self::User(user) | Self::Registered { user, .. } => Ok(user),
            _ => Err(Error::internal()),
        }
    }

    /// The messages of a [`Reply::Messages`].
    pub fn into_messages(self) -> Result<MessageList, Error> {
        match self {
            Self::Messages(list) => Ok(list),
            _ => Err(Error::internal()),
        }
    }

    /// The conversation and row of a [`Reply::Opened`].
    pub fn into_opened(self) -> Result<Opened, Error> {
        match self {
            Self::Opened(opened) => Ok(opened),
            _ => Err(Error::internal()),
        }
    }
}
