//! A connection's stream of events.

use koine_core::{ConversationId, EndReason};
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// What comes to one connection, in order: the peer's presence, what is pending, live events.
pub struct Subscription {}

/// One thing to do for the connection.
#[derive(Debug)]
pub enum Delivery {
    /// Send a frame.
    Frame {
        /// The text, shared between receivers where nothing in it differs.
        text: Utf8Bytes,
        /// The message it shows, if it shows one: what a Pong after it confirms.
        position: Option<Position>,
    },
    /// End the connection in the dialect.
    End(EndReason),
    /// The connection reads too slowly: close with 1013.
    Overflow,
}

/// A message's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The conversation.
    pub conversation: ConversationId,
    /// Its place there.
    pub seq: u64,
}

impl Subscription {
    /// The next thing. Cancel-safe.
    pub async fn next(&mut self) -> Delivery {
        std::future::pending().await
    }

    /// What is already there after [`Subscription::next`], so that frames can be written together.
    pub fn try_next(&mut self) -> Option<Delivery> {
        None
    }
}
