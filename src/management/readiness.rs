//! Whether the server takes work.

use parking_lot::Mutex;

/// Where the server's life is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not everything listens yet.
    Starting,
    /// At work.
    Serving,
    /// On its way out.
    Draining,
}

/// Where the server's life is; it only goes on.
#[derive(Debug)]
pub(super) struct Readiness(Mutex<Phase>);

impl Readiness {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Phase::Starting))
    }

    /// Goes on to a phase. Who drains does not come back.
    pub(super) fn enter(&self, phase: Phase) {
        let mut now = self.0.lock();
        if *now != Phase::Draining {
            *now = phase;
        }
    }

    /// Why no work is taken, as far as the phase tells.
    pub(super) fn obstacle(&self) -> Option<&'static str> {
        match *self.0.lock() {
            Phase::Starting => Some("the server is starting"),
            Phase::Serving => None,
            Phase::Draining => Some("the server is stopping"),
        }
    }
}
