//! Streams of messages over connections: who sends when, what has arrived, how long it took, what went wrong.
//!
//! ```text
//!   due ──► sent ──► accepted (where the dialect acknowledges)
//!             └────► arrived at every receiver ──► both: the next may go
//! ```
//!
//! A closed stream has so many messages in flight and no more; a paced one sends when a message is due, whatever has
//! become of those before. Latency counts from when a message was due, so that a server that stalls pays for what it
//! kept from being sent.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::frame::{self, Template};
use super::http::Response;
use super::links::{Handler, LinkId, Links};
use super::number::nanos;
use super::tally::{Faults, Tally};
use super::text::Stamp;
use super::wire::{Heard, Wire};

/// The longest latency that is told apart, in nanoseconds.
const LONGEST: u64 = 60_000_000_000;

/// When a stream sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As soon as fewer than so many are in flight.
    Closed(u64),
    /// So many at once, then nothing.
    Once(u64),
    /// Every so many nanoseconds, the first after so many.
    Every {
        /// The first one's offset.
        first: u64,
        /// The distance between two.
        period: u64,
    },
}

/// A connection's part in the traffic.
pub struct Role {
    wire: &'static dyn Wire,
    opening: Vec<u8>,
    /// Its place among the receivers of its group.
    place: usize,
    ready: bool,
}

/// Messages from one connection to others.
pub struct Stream {
    /// Which of the kinds of traffic it belongs to; each has its own figures.
    pub kind: usize,
    sender: LinkId,
    template: Template,
    pace: Pace,
    acknowledges: bool,
    tallies: Vec<Tally>,
    sent: u64,
    accepted: u64,
    /// How many receivers each message still has to reach, from the oldest that has not reached all.
    open: VecDeque<usize>,
    complete: u64,
}

impl Stream {
    /// A stream from a connection to so many receivers.
    pub fn new(kind: usize, sender: LinkId, template: Template, pace: Pace, receivers: usize) -> Self {
        let tallies = std::iter::repeat_with(Tally::default).take(receivers).collect();
        let (open, acknowledges) = (VecDeque::new(), false);
        Self { kind, sender, template, pace, acknowledges, tallies, sent: 0, accepted: 0, open, complete: 0 }
    }

    fn in_flight(&self) -> u64 {
        let done = if self.acknowledges { self.complete.min(self.accepted) } else { self.complete };
        self.sent - done
    }

    fn send(&mut self, number: usize, due: u64, links: &mut Links) {
        let stamp = Stamp { stream: u32::try_from(number).unwrap_or(u32::MAX), sequence: self.sent, due };
        links.send(self.sender, self.template.fill(stamp));
        self.sent += 1;
        if self.tallies.is_empty() {
            // Nobody is there to receive it: being accepted is all that becomes of it here.
            self.complete += 1;
        } else {
            self.open.push_back(self.tallies.len());
        }
    }

    /// Notes that a message has reached one more receiver.
    fn reached(&mut self, sequence: u64) {
        let place = sequence.checked_sub(self.complete).and_then(|place| usize::try_from(place).ok());
        if let Some(left) = place.and_then(|place| self.open.get_mut(place)) {
            *left = left.saturating_sub(1);
        }
        while self.open.front() == Some(&0) {
            self.open.pop_front();
            self.complete += 1;
        }
    }

    fn lost(&self) -> u64 {
        self.tallies.iter().map(|tally| tally.missing(self.sent)).sum()
    }
}

/// What one kind of traffic came to.
#[derive(Debug, Clone)]
pub struct Figures {
    /// How many messages arrived, each receiver's counted.
    pub delivered: u64,
    /// From due to arrived, in nanoseconds.
    pub latency: Histogram<u64>,
}

impl Figures {
    fn new() -> Self {
        Self { delivered: 0, latency: histogram() }
    }
}

/// A histogram of nanoseconds, to three digits; what takes longer than a minute counts as a minute.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, 3)
        .unwrap_or_else(|_| unreachable!("the bounds are constants that make sense"))
}

/// All the streams.
pub struct Traffic {
    start: Instant,
    roles: Vec<Option<Role>>,
    streams: Vec<Stream>,
    figures: Vec<Figures>,
    faults: Faults,
    sending: bool,
    due: BinaryHeap<Reverse<(u64, usize)>>,
    waiting: usize,
    failure: Option<String>,
}

impl Traffic {
    /// Nothing yet, of so many kinds.
    pub fn new(kinds: usize) -> Self {
        Self {
            start: Instant::now(),
            roles: Vec::new(),
            streams: Vec::new(),
            figures: vec![Figures::new(); kinds],
            faults: Faults::default(),
            sending: false,
            due: BinaryHeap::new(),
            waiting: 0,
            failure: None,
        }
    }

    /// Gives a connection its part. `place` is its place among the receivers of a stream.
    pub fn join(&mut self, link: LinkId, wire: &'static dyn Wire, opening: &[String], place: usize) {
        if self.roles.len() <= link {
            self.roles.resize_with(link + 1, || None);
        }
        let opening = opening.iter().flat_map(|text| frame::text(text)).collect();
        if let Some(role) = self.roles.get_mut(link) {
            *role = Some(Role { wire, opening, place, ready: false });
            self.waiting += 1;
        }
    }

    /// Adds a stream.
    pub fn add(&mut self, mut stream: Stream) {
        stream.acknowledges =
            self.roles.get(stream.sender).and_then(Option::as_ref).is_some_and(|role| role.wire.acknowledges());
        self.streams.push(stream);
    }

    /// How many connections do not take part yet.
    pub const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Why a connection ended, if one did.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Lets all streams send from now on.
    pub fn go(&mut self, links: &mut Links) {
        self.sending = true;
        let now = self.now();
        for number in 0..self.streams.len() {
            match self.streams.get(number).map(|stream| stream.pace) {
                Some(Pace::Closed(_) | Pace::Once(_)) => self.pump(number, links),
                Some(Pace::Every { first, .. }) => self.due.push(Reverse((now + first, number))),
                None => {}
            }
        }
    }

    /// Sends nothing more.
    pub fn stop(&mut self) {
        self.sending = false;
        self.due.clear();
    }

    /// Forgets the figures, not what is in flight.
    pub fn reset(&mut self) {
        for figures in &mut self.figures {
            *figures = Figures::new();
        }
    }

    /// What has come of each kind since the last reset.
    pub fn figures(&self) -> &[Figures] {
        &self.figures
    }

    /// Whether nothing is in flight.
    pub fn is_quiet(&self) -> bool {
        self.streams.iter().all(|stream| stream.in_flight() == 0)
    }

    /// What went wrong since the start; what is still in flight counts as lost.
    pub fn faults(&self) -> Faults {
        let lost = self.streams.iter().map(Stream::lost).sum();
        Faults { lost, ..self.faults }
    }

    /// Sends what is due, and says how long until the next is.
    pub fn tick(&mut self, links: &mut Links) -> Option<Duration> {
        let now = self.now();
        while let Some(Reverse((due, number))) = self.due.peek().copied() {
            if due > now {
                return Some(Duration::from_nanos(due - now));
            }
            self.due.pop();
            if let Some(stream) = self.streams.get_mut(number)
                && let Pace::Every { period, .. } = stream.pace
            {
                stream.send(number, due, links);
                self.due.push(Reverse((due + period, number)));
            }
        }
        None
    }

    fn now(&self) -> u64 {
        nanos(self.start.elapsed())
    }

    fn pump(&mut self, number: usize, links: &mut Links) {
        if !self.sending {
            return;
        }
        let now = self.now();
        let Some(stream) = self.streams.get_mut(number) else { return };
        match stream.pace {
            Pace::Closed(window) => {
                while stream.in_flight() < window {
                    stream.send(number, now, links);
                }
            }
            Pace::Once(all) => {
                while stream.sent < all {
                    stream.send(number, now, links);
                }
            }
            Pace::Every { .. } => {}
        }
    }

    fn arrived(&mut self, stamp: Stamp, place: usize, links: &mut Links) {
        let now = self.now();
        let number = usize::try_from(stamp.stream).unwrap_or(usize::MAX);
        let Some(stream) = self.streams.get_mut(number) else { return };
        let place = if stream.tallies.len() == 1 { 0 } else { place };
        let Some(tally) = stream.tallies.get_mut(place) else { return };
        if tally.arrived(stamp.sequence, &mut self.faults) {
            stream.reached(stamp.sequence);
        }
        if let Some(figures) = self.figures.get_mut(stream.kind) {
            figures.delivered += 1;
            figures.latency.saturating_record(now.saturating_sub(stamp.due));
        }
        self.pump(number, links);
    }

    fn accepted(&mut self, number: u32, sequence: u64, links: &mut Links) {
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        let Some(stream) = self.streams.get_mut(number) else { return };
        // Acknowledgements come in order, on one connection. Ids hold eight digits of the place.
        if sequence % 100_000_000 == stream.accepted % 100_000_000 && stream.accepted < stream.sent {
            stream.accepted += 1;
        } else {
            self.faults.refused += 1;
        }
        self.pump(number, links);
    }

    fn ready(&mut self, link: LinkId) {
        if let Some(role) = self.roles.get_mut(link).and_then(Option::as_mut)
            && !role.ready
        {
            role.ready = true;
            self.waiting = self.waiting.saturating_sub(1);
        }
    }
}

impl Handler for Traffic {
    fn opened(&mut self, link: LinkId, links: &mut Links) {
        let Some(role) = self.roles.get_mut(link).and_then(Option::as_mut) else { return };
        links.send(link, &std::mem::take(&mut role.opening));
        if role.wire.is_ready_when_open() {
            self.ready(link);
        }
    }

    fn heard(&mut self, link: LinkId, text: &[u8], links: &mut Links) {
        let Some(role) = self.roles.get(link).and_then(Option::as_ref) else { return };
        let (wire, place) = (role.wire, role.place);
        match wire.hear(text) {
            Heard::Message(stamp, id) => {
                if let Some(confirmation) = id.and_then(|id| wire.confirmation(id)) {
                    links.send(link, &frame::text(&confirmation));
                }
                self.arrived(stamp, place, links);
            }
            Heard::Accepted(stream, sequence) => self.accepted(stream, sequence, links),
            Heard::Ready => self.ready(link),
            Heard::Refused if !role.ready && wire.is_ready_when_refused() => self.ready(link),
            Heard::Refused => {
                self.faults.refused += 1;
                self.failure
                    .get_or_insert_with(|| format!("{} was told: {}", wire.name(), String::from_utf8_lossy(text)));
            }
            Heard::Nothing => {}
        }
    }

    fn answered(&mut self, _: LinkId, _: &Response, _: &mut Links) {}

    fn ended(&mut self, link: LinkId, why: &str, _: &mut Links) {
        self.faults.closed += 1;
        let name = self.roles.get(link).and_then(Option::as_ref).map_or("?", |role| role.wire.name());
        self.failure.get_or_insert_with(|| format!("a connection of {name}: {why}"));
    }
}
