//! Confirmation by the WebSocket itself: a Pong says that the frames before its Ping were taken in.
//!
//! At most one Ping is in flight. A push after a quiet time is followed by its Ping at once; under load
//! one Ping covers everything pushed since the one before. A Ping that only asks whether anybody is
//! there repeats the one in flight, since a client may answer nothing but the latest.

use std::time::Duration;

use bytes::Bytes;
use koine_core::Receipt;
use tokio::time::Instant;

use super::link::Confirm;
use crate::hub::{Position, Ranges};

/// The shortest time between two Pings that confirm; a push waits no longer for its Ping.
const APART: Duration = Duration::from_millis(250);

/// What was pushed, and what of it a Ping has covered.
#[derive(Debug)]
pub(super) struct Confirmation {
    by: Confirm,
    /// Random, so that no client can answer a Ping it has not received.
    nonce: u64,
    count: u64,
    /// When the Ping that is in flight left.
    in_flight: Option<Instant>,
    last: Option<Instant>,
    /// Pushed after the latest Ping.
    pushed: Ranges,
    /// Pushed before it.
    covered: Ranges,
    warned: bool,
}

impl Confirmation {
    /// Nothing was pushed yet.
    pub(super) fn new(nonce: u64) -> Self {
        Self {
            by: Confirm::Command,
            nonce,
            count: 0,
            in_flight: None,
            last: None,
            pushed: Ranges::default(),
            covered: Ranges::default(),
            warned: false,
        }
    }

    /// A new subscription begins. What was pushed for the one before stays pending.
    pub(super) fn begin(&mut self, by: Confirm) {
        self.by = by;
        self.pushed = Ranges::default();
        self.covered = Ranges::default();
    }

    /// A message is on its way to the client.
    pub(super) fn pushed(&mut self, position: Position) {
        if self.by != Confirm::Command {
            self.pushed.push(position);
        }
    }

    /// When the next Ping is to leave; `None` while nothing needs one, or one is in flight.
    pub(super) fn due(&self) -> Option<Instant> {
        if self.by != Confirm::Pong || self.pushed.is_empty() || self.in_flight.is_some() {
            return None;
        }
        Some(self.last.map_or_else(Instant::now, |last| last + APART))
    }

    /// The payload of a Ping that leaves now.
    pub(super) fn ping(&mut self, now: Instant) -> Bytes {
        if self.in_flight.is_none() {
            self.count += 1;
            self.in_flight = Some(now);
            self.last = Some(now);
            self.covered.append(&mut self.pushed);
        }
        self.payload()
    }

    /// What a Pong confirms. Only the payload of the Ping in flight confirms anything.
    pub(super) fn pong(&mut self, payload: &[u8]) -> Option<Receipt> {
        if self.in_flight.is_none() || payload != self.payload() {
            return None;
        }
        self.in_flight = None;
        (!self.covered.is_empty()).then(|| self.covered.take())
    }

    /// What was pushed and has been written to the socket, where that is enough.
    pub(super) fn written(&mut self) -> Option<Receipt> {
        (self.by == Confirm::Written && !self.pushed.is_empty()).then(|| self.pushed.take())
    }

    /// Whether the Ping in flight has gone unanswered for so long; says so once.
    pub(super) fn goes_unanswered(&mut self, now: Instant, long: Duration) -> bool {
        let silent = self.in_flight.is_some_and(|since| now.duration_since(since) >= long);
        silent && !std::mem::replace(&mut self.warned, true)
    }

    fn payload(&self) -> Bytes {
        let mut payload = [0; 16];
        let (nonce, count) = payload.split_at_mut(8);
        nonce.copy_from_slice(&self.nonce.to_be_bytes());
        count.copy_from_slice(&self.count.to_be_bytes());
        Bytes::copy_from_slice(&payload)
    }
}

#[cfg(test)]
mod tests {
    use koine_core::ConversationId;

    use super::*;

    fn position(seq: u64) -> Position {
        Position { conversation: ConversationId::new(1), seq }
    }

    fn confirmation(by: Confirm) -> Confirmation {
        let mut confirmation = Confirmation::new(7);
        confirmation.begin(by);
        confirmation
    }

    fn ranges(receipt: Option<Receipt>) -> Vec<(u64, u64)> {
        receipt
            .map(|receipt| receipt.ranges)
            .unwrap_or_default()
            .iter()
            .map(|(_, first, last)| (*first, *last))
            .collect()
    }

    #[test]
    fn a_pong_confirms_what_was_pushed_before_its_ping_and_nothing_after() {
        let now = Instant::now();
        let mut confirmation = confirmation(Confirm::Pong);
        confirmation.pushed(position(1));
        confirmation.pushed(position(2));
        let payload = confirmation.ping(now);
        confirmation.pushed(position(3));
        assert_eq!(confirmation.due(), None, "one Ping is in flight");
        assert_eq!(ranges(confirmation.pong(&payload)), [(1, 2)]);
        assert_eq!(confirmation.due(), Some(now + APART));
        let payload = confirmation.ping(now + APART);
        assert_eq!(ranges(confirmation.pong(&payload)), [(3, 3)]);
        assert_eq!(confirmation.due(), None);
    }

    #[test]
    fn other_payloads_confirm_nothing() {
        let mut confirmation = confirmation(Confirm::Pong);
        confirmation.pushed(position(1));
        let payload = confirmation.ping(Instant::now());
        let mut wrong = payload.to_vec();
        wrong[15] ^= 1;
        assert_eq!(confirmation.pong(&wrong), None);
        assert_eq!(confirmation.pong(b""), None);
        assert_eq!(ranges(confirmation.pong(&payload)), [(1, 1)]);
        assert_eq!(confirmation.pong(&payload), None, "a Pong counts once");
    }

    #[test]
    fn an_idle_ping_repeats_the_one_in_flight() {
        let now = Instant::now();
        let mut confirmation = confirmation(Confirm::Pong);
        confirmation.pushed(position(1));
        let first = confirmation.ping(now);
        confirmation.pushed(position(2));
        let second = confirmation.ping(now + Duration::from_secs(30));
        assert_eq!(first, second);
        assert_eq!(ranges(confirmation.pong(&second)), [(1, 1)]);
    }

    #[test]
    fn a_client_that_never_answers_is_told_of_once() {
        let now = Instant::now();
        let mut confirmation = confirmation(Confirm::Pong);
        confirmation.ping(now);
        let long = Duration::from_secs(90);
        assert!(!confirmation.goes_unanswered(now + Duration::from_secs(89), long));
        assert!(confirmation.goes_unanswered(now + long, long));
        assert!(!confirmation.goes_unanswered(now + long * 2, long));
    }

    #[test]
    fn only_the_clients_own_words_confirm_where_it_acknowledges() {
        let mut confirmation = confirmation(Confirm::Command);
        confirmation.pushed(position(1));
        assert_eq!((confirmation.due(), confirmation.written()), (None, None));
        let payload = confirmation.ping(Instant::now());
        assert_eq!(confirmation.pong(&payload), None);
    }

    #[test]
    fn what_was_another_users_is_not_confirmed_by_a_late_pong() {
        let mut confirmation = confirmation(Confirm::Pong);
        confirmation.pushed(position(1));
        let payload = confirmation.ping(Instant::now());
        confirmation.begin(Confirm::Written);
        assert_eq!(confirmation.pong(&payload), None);
        confirmation.pushed(position(5));
        assert_eq!(ranges(confirmation.written()), [(5, 5)]);
    }
}
