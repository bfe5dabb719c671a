//! A connection's stream of events.
//!
//! ```text
//! attach ─► presence of the peer ─► what is pending, from the store ─► live, from the mailbox
//!                                        ▲                  │
//!                                        └── a message was ─┘
//!                                            missed meanwhile
//! ```

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use koine_core::{ConversationId, EndReason, Error, Event, MessageEvent, Request, RequestId, View};
use rustc_hash::FxHashMap;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::Inner;
use super::broadcast::Broadcast;
use super::mailbox::{End, Item};
use super::registry::Slot;
use crate::store::{MessagePage, PendingScope};

/// Messages read from the store at a time while catching up.
const PORTION: usize = 256;

/// What comes to one connection, in order: the peer's presence, what is pending, live events.
pub struct Subscription {
    hub: Arc<Inner>,
    slot: Arc<Slot>,
    /// What is left of catching up; `None` once live.
    catching_up: Option<Box<CatchUp>>,
    /// What has been taken out of the mailbox.
    taken: VecDeque<Item>,
    /// The last `seq` that went out, per conversation.
    sent: FxHashMap<ConversationId, u64>,
    /// Requests that were said while catching up, and may have been made meanwhile.
    requests: Vec<RequestId>,
}

struct CatchUp {
    scope: PendingScope,
    greeted: bool,
    ready: VecDeque<Item>,
    /// The portion that was read last was full, so that there may be more.
    more: bool,
    /// Pending requests have been said.
    requests: bool,
    /// The portion that is being read; kept here, so that waiting for it can be given up and taken up.
    reading: Option<Reading>,
}

/// Some of what is pending, on its way from the store.
type Reading = Pin<Box<dyn Future<Output = Result<Portion, Error>> + Send>>;

/// Some of what is pending.
struct Portion {
    page: MessagePage,
    /// Nothing follows.
    last: bool,
    /// With the last portion, unless they have been said.
    requests: Vec<Arc<Request>>,
}

impl CatchUp {
    fn new(slot: &Slot) -> Self {
        let (scope, requests) = match &slot.faces {
            Some(peer) => (PendingScope::Peer(peer.id), true),
            None => (PendingScope::All, false),
        };
        Self { scope, greeted: false, ready: VecDeque::new(), more: true, requests, reading: None }
    }
}

/// One thing to do for the connection.
#[derive(Debug)]
pub enum Delivery {
    /// Send a frame.
    Frame {
        /// The text, shared between receivers where nothing in it differs.
        text: Utf8Bytes,
        /// The message it shows, if it shows one: its id on auth-ack, which an Ack names, and its place,
        /// which a Pong confirms.
        message: Option<(u64, Position)>,
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
    pub(super) fn new(hub: Arc<Inner>, slot: Arc<Slot>, catch_up: bool) -> Self {
        let catching_up = catch_up.then(|| Box::new(CatchUp::new(&slot)));
        let (taken, sent) = (VecDeque::new(), FxHashMap::default());
        Self { hub, slot, catching_up, taken, sent, requests: Vec::new() }
    }

    /// The next thing. Cancel-safe.
    pub async fn next(&mut self) -> Delivery {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// The next thing, or whoever polls is woken once there is one.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Delivery> {
        loop {
            if let Some(delivery) = self.try_next() {
                return Poll::Ready(delivery);
            }
            if self.catching_up.is_some() {
                if let Err(delivery) = ready!(self.poll_read_on(context)) {
                    return Poll::Ready(delivery);
                }
            } else if let Err(end) = ready!(self.slot.mailbox.poll_take(&mut self.taken, context)) {
                return Poll::Ready(end.into());
            }
        }
    }

    /// What is already here, so that frames can be written together.
    pub fn try_next(&mut self) -> Option<Delivery> {
        loop {
            // What is no message (presence above all) waits in the mailbox from the beginning.
            let held = self.catching_up.as_ref().is_some_and(|catching_up| catching_up.greeted);
            let next = match &mut self.catching_up {
                Some(catching_up) if held => match catching_up.ready.pop_front() {
                    Some(item) => Some(Ok(item)),
                    None => match self.slot.mailbox.ended() {
                        Some(end) => Some(Err(end)),
                        None => return None,
                    },
                },
                Some(_) => self.slot.mailbox.pop(),
                None => self.taken.pop_front().map(Ok),
            };
            match next {
                Some(Ok(item)) => {
                    if let Some(delivery) = self.deliver(&item) {
                        return Some(delivery);
                    }
                }
                Some(Err(end)) => return Some(end.into()),
                None => match &mut self.catching_up {
                    Some(catching_up) => catching_up.greeted = true,
                    None => return None,
                },
            }
        }
    }

    /// Why nothing more comes, whether or not something still waits.
    pub fn ended(&self) -> Option<Delivery> {
        self.slot.mailbox.ended().map(Delivery::from)
    }

    /// A frame, unless the message has gone out already.
    fn deliver(&mut self, item: &Item) -> Option<Delivery> {
        if let Some(position) = item.position {
            let last = self.sent.entry(position.conversation).or_insert(0);
            if position.seq <= *last {
                return None;
            }
            *last = position.seq;
        }
        if let Event::Requested(request) = item.broadcast.event()
            && !self.requests.is_empty()
            && item.view == View::Other
            && !item.caught_up
            && self.requests.contains(&request.id)
        {
            return None;
        }
        let text = item.broadcast.text(self.slot.info.dialect, item.view, &self.slot.user.handle, item.unread)?;
        let message = item.position.and_then(|position| match item.broadcast.event() {
            Event::Message(event) => Some((event.message.wire_id(), position)),
            _ => None,
        });
        Some(Delivery::Frame { text, message })
    }

    /// Reads the next portion of what is pending, or goes live.
    fn poll_read_on(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Delivery>> {
        let Some(catching_up) = &mut self.catching_up else { return Poll::Ready(Ok(())) };
        if catching_up.reading.is_none() && !catching_up.more && self.slot.mailbox.go_live() {
            self.catching_up = None;
            return Poll::Ready(Ok(()));
        }
        let (scope, said) = (catching_up.scope, catching_up.requests);
        let reading = catching_up.reading.get_or_insert_with(|| {
            self.slot.mailbox.begin_round();
            let (hub, user, above) = (self.hub.clone(), self.slot.user.id, self.sent.clone());
            Box::pin(async move {
                let portion = hub.ask(move |store| {
                    let page = store.pending(user, scope, &above, PORTION)?;
                    let last = page.messages.len() < PORTION;
                    let requests = if last && !said { store.requests(user)? } else { Vec::new() };
                    Ok(Portion { page, last, requests })
                });
                portion.await
            })
        });
        let portion = ready!(reading.as_mut().poll(context));
        catching_up.reading = None;
        let Portion { page, last, requests } = portion.map_err(|error| failed(&error))?;
        catching_up.more = !last;
        catching_up.requests |= last;
        for (message, conversation, unread) in page.messages {
            let position = Position { conversation: message.conversation, seq: message.seq };
            let event = Event::Message(MessageEvent { message, conversation });
            let broadcast = Broadcast::new(Arc::new(event), &self.hub.speakers);
            catching_up.ready.extend(item(&self.slot, broadcast, unread, Some(position)));
        }
        for request in requests {
            self.requests.push(request.id);
            let broadcast = Broadcast::new(Arc::new(Event::Requested(request)), &self.hub.speakers);
            catching_up.ready.extend(item(&self.slot, broadcast, 0, None));
        }
        Poll::Ready(Ok(()))
    }
}

impl From<End> for Delivery {
    fn from(end: End) -> Self {
        match end {
            End::Reason(reason) => Self::End(reason),
            End::Overflow => Self::Overflow,
        }
    }
}

/// The store cannot be read: the client is told to come back later.
fn failed(error: &Error) -> Delivery {
    tracing::error!(%error, "what is pending could not be read");
    Delivery::Overflow
}

fn item(slot: &Slot, broadcast: Arc<Broadcast>, unread: u64, position: Option<Position>) -> Option<Item> {
    let size = broadcast.size(slot.info.dialect, View::Other)?;
    Some(Item { broadcast, view: View::Other, unread, position, size, caught_up: true })
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hub.part(&self.slot);
    }
}
