//! Koine's canonical vocabulary, and the traits a dialect implements.
//!
//! A dialect turns what its clients send into a [`Command`], what the hub answers (a [`Reply`] or an
//! [`Error`]) back into its own reply, and every [`Event`] into its own push. Nothing in this crate
//! reads a clock, opens a socket or draws a random number: time, entropy and bytes are handed in.

mod command;
mod content;
mod conversation;
mod dialect;
mod endpoint;
mod error;
mod event;
mod fields;
mod frame;
mod handle;
mod ids;
pub mod json;
mod message;
mod reply;
mod request;
mod session;
mod time;
mod token;
mod user;

pub use command::{
    Attach, Authenticate, ChatKey, Claim, Command, ConfirmBy, Existing, IdempotencyKey, Notify, NotifyTo, Paging, Pull,
    PullFilter, Receipt, Register, RequestAnswer, Scope, Send as SendMessage, Target, UserKey,
};
pub use content::{Body, Content, Kind, compact_json};
pub use conversation::{Conversation, ConversationRow, Group, GroupRef, Shape};
pub use dialect::{Dialect, SocketClaim, SocketRequest};
pub use endpoint::{Access, Call, Context, Endpoint, EndpointKind, HttpRequest, HttpResponse, Payload, ResponseBody};
pub use error::{Error, ErrorKind};
pub use event::{EndReason, Event, MessageEvent, RemovalReason, View};
pub use fields::{Fields, Param};
pub use frame::{Frame, Hole};
pub use handle::{Handle, InvalidHandle};
pub use ids::{ChatId, ConnectionId, ConversationId, FileId, InvalidId, MessageId, RequestId, UserId};
pub use message::{LogEntry, Message, Place};
pub use reply::{Authenticated, File, IssuedToken, MessageList, Opened, Reply, Rows, Sent};
pub use request::{Request, RequestKind, RequestState};
pub use session::{Input, Opening, Output, Outputs, Session, Tag};
pub use time::{Timestamp, Zone};
pub use token::{Purpose, Token};
pub use user::{Profile, ProfileField, ProfilePatch, User, UserRef};
