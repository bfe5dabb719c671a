//! A dialect's session and the commands it has asked for.
//!
//! Commands are carried out one after the other in the order the session put them out: the next one is
//! handed to the hub only once the one before has been. Answers go back to the session in that order
//! too.

mod steps;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::StatusCode;
use koine_core::{
    Attach, Command, ErrorKind, HttpResponse, Input, Opening, Output, Outputs, Purpose, Reply, Session, SocketRequest,
    Tag, Timestamp, Token, UserId,
};
use tokio::time::{Instant, timeout, timeout_at};

use self::steps::Step;
use super::super::connection::Connection;
use super::super::shared::now;
use super::acks::Acks;
use crate::auth::Grant;
use crate::dialects::Mounted;
use crate::hub::{Actor, ConnectionInfo, Origin, Pending, Position, Receipts, Subscription};

thread_local! {
    /// What sessions put out. Not kept by each: an idle connection would hold room that it rarely needs.
    static OUTPUTS: RefCell<Outputs> = const { RefCell::new(Outputs::new()) };
}

/// A session, whoever is bound to it, and what it waits for.
pub(super) struct Link {
    pub(super) connection: Arc<Connection>,
    mounted: Arc<Mounted>,
    id: koine_core::ConnectionId,
    info: Arc<ConnectionInfo>,
    session: Box<dyn Session>,
    actor: Arc<Actor>,
    bound: Option<Box<Bound>>,
    /// Boxed, since commands are large and the queue keeps its room.
    queue: VecDeque<Box<Queued>>,
    step: Option<Step>,
    answers: VecDeque<(Tag, Pending)>,
    /// Who is subscribed, and how.
    subscribed: Option<(UserId, Attach)>,
    /// What a subscriber that acknowledges was sent.
    acks: Option<Box<Acks>>,
    /// Where what it has acknowledged is gathered.
    receipts: Option<Arc<Receipts>>,
    /// What has become of the subscription since the driver looked last.
    pub(super) change: Option<Change>,
    /// When the session wants to be woken.
    pub(super) wake: Option<Instant>,
    /// Text frames it has put out.
    pub(super) frames: VecDeque<String>,
    state: State,
}

/// Who is bound to a connection.
struct Bound {
    grant: Grant,
    purpose: Purpose,
}

/// What has become of a connection's subscription.
pub(super) enum Change {
    /// It has ended.
    Detached,
    /// There is a new one.
    Attached(Box<Attached>),
}

/// A subscription and how it is to be confirmed.
pub(super) struct Attached {
    pub(super) subscription: Subscription,
    pub(super) user: koine_core::UserRef,
    pub(super) confirm: Confirm,
    pub(super) read: bool,
}

/// What confirms a live push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Confirm {
    /// A Pong.
    Pong,
    /// Having been written.
    Written,
    /// The client's own words.
    Command,
}

/// How far a connection has come.
#[derive(Debug)]
enum State {
    Opening,
    Open,
    Rejected(Option<Box<HttpResponse>>),
    Closed(u16, &'static str),
}

/// How an upgrade request is to be answered.
pub(super) enum Opened {
    Accepted,
    Rejected(HttpResponse),
}

struct Queued {
    tag: Tag,
    token: Option<Token>,
    command: Command,
}

impl Link {
    /// Opens a session of a dialect for an upgrade request.
    pub(super) fn open(
        connection: &Arc<Connection>,
        mounted: &Arc<Mounted>,
        info: ConnectionInfo,
        request: &SocketRequest,
        entropy: [u8; 16],
    ) -> Self {
        let shared = &connection.listener.shared;
        let id = shared.hub.next_connection();
        let opening = Opening { connection: id, entropy, zone: shared.zone.clone() };
        let mut link = Self {
            connection: Arc::clone(connection),
            mounted: Arc::clone(mounted),
            id,
            info: Arc::new(info),
            session: mounted.dialect.open(request, opening),
            actor: Arc::new(Actor { user: None, origin: Origin::Dialect(mounted.name) }),
            bound: None,
            queue: VecDeque::new(),
            step: None,
            answers: VecDeque::new(),
            subscribed: None,
            acks: None,
            receipts: None,
            change: None,
            wake: None,
            frames: VecDeque::new(),
            state: State::Opening,
        };
        link.feed(Input::Opened);
        link
    }

    /// Carries commands out until the session has rejected the request, or has accepted it and nothing is
    /// under way any more: a client whose handshake is done can rely on being subscribed. Whatever is
    /// known after `limit` decides.
    pub(super) async fn opened(&mut self, limit: Duration) -> Opened {
        // Too slow: then the state tells.
        let _ = timeout(limit, self.settle()).await;
        match &mut self.state {
            State::Open | State::Closed(..) => Opened::Accepted,
            State::Rejected(response) => {
                let response = response.take().map(|boxed| *boxed);
                Opened::Rejected(response.unwrap_or_else(|| HttpResponse::empty(StatusCode::FORBIDDEN)))
            }
            State::Opening => Opened::Rejected(HttpResponse::empty(StatusCode::SERVICE_UNAVAILABLE)),
        }
    }

    async fn settle(&mut self) {
        while matches!(self.state, State::Opening) || (matches!(self.state, State::Open) && self.under_way() > 0) {
            let wake = self.wake;
            let progress = std::future::poll_fn(|context| self.poll(context));
            match wake {
                None => progress.await,
                Some(moment) => {
                    if timeout_at(moment, progress).await.is_err() {
                        self.woken();
                    }
                }
            }
        }
    }

    /// Hands one input to the session and takes in what it puts out. After its end nothing is handed in.
    pub(super) fn feed(&mut self, input: Input<'_>) {
        self.hand_in(now(), input);
    }

    fn hand_in(&mut self, now: Timestamp, input: Input<'_>) {
        if matches!(self.state, State::Rejected(_) | State::Closed(..)) {
            return;
        }
        OUTPUTS.with_borrow_mut(|outputs| {
            // A session that has panicked must leave nothing to others.
            drop(outputs.drain());
            self.session.handle(now, input, outputs);
            self.take(outputs);
            // Acks are done where they are noted.
            while let Some(tag) = self.acks.as_mut().and_then(|acks| acks.next_noted()) {
                self.session.handle(now, Input::Reply(tag, Ok(Reply::Done)), outputs);
                self.take(outputs);
            }
        });
    }

    /// Takes in what the session has put out.
    fn take(&mut self, outputs: &mut Outputs) {
        for output in outputs.drain() {
            match output {
                Output::Accept => self.state = State::Open,
                Output::Reject(response) => {
                    self.state = State::Rejected(Some(Box::new(response)));
                    break;
                }
                Output::Command { tag, token: None, command: Command::Acknowledge { wire_id } }
                    if self.note_ack(tag, wire_id) => {}
                Output::Command { tag, token, command } => self.take_command(Queued { tag, token, command }),
                Output::Send(text) => self.frames.push_back(text),
                Output::WakeAt(moment) => {
                    let away = moment.as_millis().saturating_sub(now().as_millis());
                    let away = Duration::from_millis(u64::try_from(away).unwrap_or(0));
                    self.wake = Some(Instant::now() + away);
                }
                Output::NoWake => self.wake = None,
                Output::Close(code, reason) => {
                    self.state = State::Closed(code, reason);
                    break;
                }
            }
        }
    }

    /// Whether a frame only acknowledges what was pushed here and not acknowledged before: then that is passed on.
    fn is_done(&mut self, text: &str) -> bool {
        matches!(self.state, State::Open)
            && self.acks.is_some()
            && self.session.acknowledges(text).is_some_and(|wire_id| self.acknowledge(wire_id))
    }

    /// Passes on what the client has acknowledged; whether that was pushed here and not acknowledged before.
    fn acknowledge(&mut self, wire_id: u64) -> bool {
        let (Some(acks), Some(receipts)) = (&mut self.acks, &self.receipts) else { return false };
        let Some(position) = acks.take(wire_id) else { return false };
        self.connection.listener.shared.hub.acknowledge(receipts, position);
        true
    }

    /// The same for a command of the session's, which is done with it.
    fn note_ack(&mut self, tag: Tag, wire_id: u64) -> bool {
        let acknowledged = self.acknowledge(wire_id);
        if let (true, Some(acks)) = (acknowledged, &mut self.acks) {
            acks.note(tag);
        }
        acknowledged
    }

    /// Hands a command over at once where none is before it.
    fn take_command(&mut self, queued: Queued) {
        let first = self.queue.is_empty() && self.step.is_none();
        if let Err(queued) = if first { self.submit(queued) } else { Err(Box::new(queued)) } {
            self.queue.push_back(queued);
        }
    }

    /// A message is on its way to the client.
    pub(super) fn pushed(&mut self, id: u64, position: Position) {
        if let Some(acks) = &mut self.acks {
            acks.pushed(id, position);
        }
    }

    /// Hands a frame of the client's, which was read at this time, to the session, unless it talks too much.
    pub(super) fn hear(&mut self, text: &str, read: Timestamp) {
        let input = if self.connection.pace.allows() {
            if self.is_done(text) {
                return;
            }
            Input::Frame(text)
        } else {
            Input::Refused(Some(text), ErrorKind::RateLimited.into())
        };
        self.hand_in(read, input);
    }

    /// Whether nothing has to be done for the session: no frame waits to be sent, and no command to be carried out.
    pub(super) fn is_quiet(&self) -> bool {
        self.frames.is_empty()
            && self.queue.is_empty()
            && self.step.is_none()
            && self.answers.is_empty()
            && self.change.is_none()
            && matches!(self.state, State::Open)
    }

    /// The moment the session waited for has come.
    pub(super) fn woken(&mut self) {
        self.wake = None;
        self.feed(Input::Wake);
    }

    /// With which code and reason the session has closed the connection, if it has.
    pub(super) const fn closed(&self) -> Option<(u16, &'static str)> {
        match self.state {
            State::Closed(code, reason) => Some((code, reason)),
            // Too late for a plain response: the WebSocket was opened to find out whose it is.
            State::Rejected(_) => Some((1008, "refused")),
            State::Opening | State::Open => None,
        }
    }

    /// Whether somebody has authenticated.
    pub(super) const fn is_bound(&self) -> bool {
        self.bound.is_some()
    }

    /// How many commands wait for their answer.
    pub(super) fn under_way(&self) -> usize {
        self.queue.len() + usize::from(self.step.is_some()) + self.answers.len()
    }

    /// Whether the session is the one that tests hear everything back from.
    #[cfg(test)]
    pub(super) fn echoes(&self) -> bool {
        self.mounted.dialect.name() == "echo"
    }

    /// Gives back what a burst has taken.
    pub(super) fn shrink(&mut self) {
        if self.under_way() == 0 {
            self.queue = VecDeque::new();
            self.answers = VecDeque::new();
        }
        if self.frames.is_empty() {
            self.frames = VecDeque::new();
        }
        if let Some(acks) = &mut self.acks {
            acks.shrink();
        }
    }

    /// Carries commands out; ready whenever the session has been told something.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.step.is_none() {
                // The old one ends before the new one begins: nothing is heard twice, or of somebody else.
                if let Some(Command::Attach(attach)) = self.queue.front().map(|next| &next.command)
                    && !self.is_subscribed(attach)
                    && self.detach()
                {
                    return Poll::Ready(());
                }
                if let Some(next) = self.queue.pop_front()
                    && let Err(next) = self.submit(*next)
                {
                    self.step = Some(self.begin(*next));
                }
            }
            let Some(step) = &mut self.step else {
                if self.queue.is_empty() {
                    break;
                }
                continue;
            };
            let Poll::Ready(stepped) = step.as_mut().poll(context) else { break };
            self.step = None;
            if self.finish(stepped) {
                return Poll::Ready(());
            }
        }
        let Some((_, pending)) = self.answers.front_mut() else { return Poll::Pending };
        let Poll::Ready(result) = Pin::new(pending).poll(context) else { return Poll::Pending };
        if let Some((tag, _)) = self.answers.pop_front() {
            self.feed(Input::Reply(tag, result));
        }
        Poll::Ready(())
    }
}
