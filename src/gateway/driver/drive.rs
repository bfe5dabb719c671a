//! The loop of a WebSocket connection.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use koine_core::{EndReason, Error, ErrorKind, Input, Receipt, Timestamp};
use tokio::time::{Instant, Sleep};
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_util::sync::WaitForCancellationFuture;

use super::super::shared::{Shared, now};
use super::super::transport::{Transport, Watched};
use super::closing::{self, Parting};
use super::confirm::Confirmation;
use super::link::{Attached, Change, Link};
use super::socket::{Received, Socket};
use crate::hub::Delivery;

/// How long a connection that is to end waits for what is under way on it.
const FINISHING: Duration = Duration::from_secs(2);

/// How often a connection whose socket takes nothing is looked after, so that a full mailbox is noticed.
const LOOKING_AFTER: Duration = Duration::from_secs(1);

/// As many frames are read before others have their turn.
const HEARD_TOGETHER: usize = 32;

/// A connection's socket.
pub(super) type Stream = Socket<Watched<Transport>>;

/// A connection, from the handshake to its end.
pub(super) struct Driver {
    shared: Arc<Shared>,
    link: Link,
    socket: Stream,
    /// Where the user's events come from.
    attached: Option<Box<Attached>>,
    confirmation: Confirmation,
    started: Instant,
    heard: Instant,
    pinged: Instant,
    timer: Pin<Box<Sleep>>,
    /// Set once the connection is to end and only waits for what is under way.
    ending: Option<(EndReason, Instant)>,
    stopped: bool,
    /// When it is given up although the hub has not ended it: the gateway's stop is as good as over.
    cut: Option<Instant>,
    /// When a connection whose socket takes nothing is looked after.
    look_after: Option<Instant>,
}

/// What happens to a connection.
enum Happening {
    /// The session has been told something.
    Progress,
    Received(Received),
    Delivered(Delivery),
    /// The socket takes nothing any more.
    Gone,
    Timer,
    /// The gateway begins to stop.
    Stopping,
}

impl Driver {
    /// A connection whose handshake is done.
    pub(super) fn new(link: Link, socket: Stream, nonce: u64) -> Self {
        let now = Instant::now();
        Self {
            shared: Arc::clone(&link.connection.listener.shared),
            link,
            socket,
            attached: None,
            confirmation: Confirmation::new(nonce),
            started: now,
            heard: now,
            pinged: now,
            timer: Box::pin(tokio::time::sleep_until(now)),
            ending: None,
            stopped: false,
            cut: None,
            look_after: None,
        }
    }

    /// The same, with a first frame that has been read already.
    pub(super) fn hearing(mut self, first: &Utf8Bytes) -> Self {
        self.link.hear(first, now());
        self
    }

    /// Drives the connection until it is to end, and says how.
    pub(super) async fn run(&mut self) -> Parting {
        let shared = Arc::clone(&self.shared);
        let mut stopping = pin!(shared.stopping.cancelled());
        loop {
            self.pass_on();
            if let Some((code, reason)) = self.link.closed() {
                return Parting::Close(code, reason);
            }
            let happening = poll_fn(|context| self.poll_next(stopping.as_mut(), context)).await;
            if let Some(parting) = self.take(happening) {
                return parting;
            }
        }
    }

    /// Ends the connection.
    pub(super) async fn part(self, parting: Parting) {
        let Self { shared, link, socket, attached, .. } = self;
        // The user is gone from here now, however long the farewell takes.
        drop(attached);
        let patience = shared.farewell();
        closing::part(Some(link), socket, parting, patience).await;
    }

    /// Passes on what the session has put out.
    fn pass_on(&mut self) {
        for text in self.link.frames.drain(..) {
            self.socket.send(text.into());
        }
        match self.link.change.take() {
            None => {}
            Some(Change::Detached) => self.attached = None,
            Some(Change::Attached(attached)) => {
                self.confirmation.begin(attached.confirm);
                self.attached = Some(attached);
            }
        }
    }

    /// What happens next. Answers and events go before reading, so that they are written together and a client that
    /// only talks cannot keep itself from hearing.
    fn poll_next(
        &mut self,
        stopping: Pin<&mut WaitForCancellationFuture<'_>>,
        context: &mut Context<'_>,
    ) -> Poll<Happening> {
        if self.link.poll(context).is_ready() {
            return Poll::Ready(Happening::Progress);
        }
        let had_room = self.socket.has_room();
        if let Some(attached) = &mut self.attached
            && had_room
            && let Poll::Ready(delivery) = attached.subscription.poll_next(context)
        {
            return Poll::Ready(Happening::Delivered(delivery));
        }
        if self.confirmation.due().is_some_and(|due| due <= Instant::now()) {
            self.socket.ping(self.confirmation.ping(Instant::now()));
        }
        if !self.socket.is_idle() {
            match self.socket.poll_write(context) {
                Poll::Ready(Ok(())) => {
                    let receipt = self.confirmation.written();
                    self.confirm(receipt);
                    if !had_room {
                        // Events have not been asked for: now there is room for them.
                        return Poll::Ready(Happening::Progress);
                    }
                }
                Poll::Ready(Err(_)) => return Poll::Ready(Happening::Gone),
                Poll::Pending => {}
            }
        }
        let may_read = self.ending.is_none()
            && self.link.under_way() < self.shared.config.limits.in_flight
            && self.socket.has_room();
        if may_read && let Poll::Ready(happening) = self.hear(context) {
            return Poll::Ready(happening);
        }
        if !self.stopped && stopping.poll(context).is_ready() {
            return Poll::Ready(Happening::Stopping);
        }
        self.schedule();
        self.timer.as_mut().poll(context).map(|()| Happening::Timer)
    }

    /// Reads on until something has to be done about it: frames that ask for nothing, as Acks do, are taken in one
    /// after the other.
    fn hear(&mut self, context: &mut Context<'_>) -> Poll<Happening> {
        let (mut frames, mut read) = (0, Timestamp::from_millis(0));
        loop {
            match self.socket.poll_read(context) {
                Poll::Ready(Received::Text(text)) => {
                    if frames == 0 {
                        (self.heard, read) = (Instant::now(), now());
                    }
                    self.link.hear(&text, read);
                    frames += 1;
                    if !self.link.is_quiet() || frames == HEARD_TOGETHER {
                        return Poll::Ready(Happening::Progress);
                    }
                }
                Poll::Ready(received) => return Poll::Ready(Happening::Received(received)),
                // Nothing came, or nothing that anything has to be done about.
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Takes in what has happened; how the connection parts, if it does.
    fn take(&mut self, happening: Happening) -> Option<Parting> {
        match happening {
            Happening::Progress => self.end_if_done(),
            Happening::Received(received) => self.received(received),
            Happening::Delivered(delivery) => self.delivered(delivery),
            Happening::Gone => Some(Parting::Gone),
            Happening::Timer => self.time_has_come(),
            Happening::Stopping => self.stop(),
        }
    }

    fn received(&mut self, received: Received) -> Option<Parting> {
        self.heard = Instant::now();
        match received {
            Received::Text(text) => self.link.hear(&text, now()),
            // The suite that WebSockets are tested with wants to hear them back.
            #[cfg(test)]
            Received::Binary(payload) if self.link.echoes() => self.socket.send_binary(payload),
            Received::Binary(payload) => {
                tracing::debug!(bytes = payload.len(), "a binary frame was refused");
                let error = Error::bad_request("binary frames are not understood");
                self.link.feed(Input::Refused(None, error));
            }
            Received::Ping => {}
            Received::Pong(payload) => {
                let receipt = self.confirmation.pong(&payload);
                self.confirm(receipt);
            }
            Received::Close => {
                self.link.feed(Input::Closing);
                return Some(Parting::ByClient);
            }
            Received::NotText => {
                self.link.feed(Input::Refused(None, Error::bad_request("the frame is not UTF-8")));
                self.pass_on();
                return Some(Parting::Fault(1007, "text that is not UTF-8"));
            }
            Received::Broken => return Some(Parting::Fault(1002, "not a WebSocket frame")),
            Received::TooLarge => {
                self.link.feed(Input::Refused(None, ErrorKind::TooLarge.into()));
                self.pass_on();
                let (code, reason) = self.link.closed().unwrap_or((1009, "too large"));
                return Some(Parting::Fault(code, reason));
            }
            Received::End => return Some(Parting::Gone),
        }
        None
    }

    fn delivered(&mut self, delivery: Delivery) -> Option<Parting> {
        let mut next = Some(delivery);
        while let Some(delivery) = next {
            match delivery {
                Delivery::Frame { text, message } => {
                    self.socket.send(text);
                    if let Some((id, position)) = message {
                        self.confirmation.pushed(position);
                        self.link.pushed(id, position);
                    }
                }
                Delivery::End(reason) => return self.end(reason),
                Delivery::Overflow => return Some(Parting::Close(1013, "reads too slowly")),
            }
            let more = self.attached.as_mut().filter(|_| self.socket.has_room());
            next = more.and_then(|attached| attached.subscription.try_next());
        }
        None
    }

    /// The server ends the connection; a stop first lets what is under way be answered.
    fn end(&mut self, reason: EndReason) -> Option<Parting> {
        self.attached = None;
        let patience = match reason {
            EndReason::Draining => FINISHING,
            EndReason::Kicked | EndReason::Disabled => Duration::ZERO,
        };
        self.ending = Some((reason, Instant::now() + patience));
        self.end_if_done()
    }

    fn end_if_done(&mut self) -> Option<Parting> {
        let (reason, by) = self.ending?;
        if self.link.under_way() > 0 && Instant::now() < by {
            return None;
        }
        self.link.feed(Input::Ended(reason));
        self.pass_on();
        let (code, word) = self.link.closed().unwrap_or((reason.close_code(), reason.word()));
        Some(Parting::Close(code, word))
    }

    /// The gateway stops. Subscriptions are ended by the hub, in the dialect, which may have happened by
    /// now; others have nobody to tell.
    fn stop(&mut self) -> Option<Parting> {
        self.stopped = true;
        self.cut = Some(Instant::now() + self.shared.config.drain);
        let reason = EndReason::Draining;
        (self.attached.is_none() && self.ending.is_none()).then(|| Parting::Close(reason.close_code(), reason.word()))
    }

    fn confirm(&self, receipt: Option<Receipt>) {
        if let (Some(receipt), Some(attached)) = (receipt, &self.attached) {
            self.shared.hub.confirm(&attached.user, receipt, attached.read);
        }
    }

    fn time_has_come(&mut self) -> Option<Parting> {
        let now = Instant::now();
        let limits = &self.shared.config.limits;
        if self.cut.is_some_and(|cut| cut <= now) {
            return Some(Parting::Gone);
        }
        if now >= self.heard + limits.dead {
            tracing::debug!("nothing was heard from the client for too long");
            return Some(Parting::Gone);
        }
        if !self.link.is_bound() && now >= self.started + limits.unauthenticated {
            return Some(Parting::Close(4008, "not authenticated"));
        }
        if now >= self.heard.max(self.pinged) + limits.idle_ping {
            self.pinged = now;
            if self.confirmation.goes_unanswered(now, limits.dead) {
                let user = self.attached.as_ref().map(|attached| attached.user.handle.as_str());
                let client = self.link.connection.peer;
                tracing::warn!(user, client.addr = %client, "the client answers no Pings: what is pushed to it stays pending");
            }
            let payload = self.confirmation.ping(now);
            self.socket.ping(payload);
            self.socket.shrink();
            self.link.shrink();
        }
        if self.look_after.is_some_and(|moment| moment <= now) {
            self.look_after = None;
            // Nothing that waits can be written: an end does not wait for it.
            if let Some(end) = self.attached.as_ref().and_then(|attached| attached.subscription.ended()) {
                return self.delivered(end);
            }
        }
        if self.link.wake.is_some_and(|wake| wake <= now) {
            self.link.woken();
        }
        self.end_if_done()
    }

    /// Sets the one timer to the earliest of what waits for a moment. A moment that has only moved away
    /// is looked at again when the timer has run.
    fn schedule(&mut self) {
        let limits = &self.shared.config.limits;
        self.look_after = match self.look_after {
            _ if !self.socket.is_blocked() => None,
            // A timer that has run is set again here.
            None => Some(Instant::now() + LOOKING_AFTER),
            set => set,
        };
        let unauthenticated = (!self.link.is_bound()).then(|| self.started + limits.unauthenticated);
        let others = [
            Some(self.heard.max(self.pinged) + limits.idle_ping),
            unauthenticated,
            self.link.wake,
            self.confirmation.due(),
            self.ending.map(|(_, by)| by),
            self.look_after,
            self.cut,
        ];
        let earliest = others.into_iter().flatten().fold(self.heard + limits.dead, Instant::min);
        if self.timer.is_elapsed() || earliest < self.timer.deadline() {
            self.timer.as_mut().reset(earliest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run(driver: &mut Driver) -> Parting {
        driver.run().await
    }

    const fn size_of_output<'a, F>(_: fn(&'a mut Driver) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn an_idle_connection_is_small() {
        let size = size_of::<Driver>() + size_of_output(run);
        assert!(size <= 1_536, "an idle connection takes {size} bytes beside its buffers");
    }
}
