//! Errors that would come with every request while something is broken.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a complaint that was logged speaks for those after it.
const PAUSE: Duration = Duration::from_secs(1);

/// A complaint that is logged at most once a second.
#[derive(Debug)]
pub(crate) struct Complaint(Mutex<State>);

#[derive(Debug)]
struct State {
    logged: Option<Instant>,
    unlogged: u64,
}

impl Complaint {
    /// One that was never made.
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(State { logged: None, unlogged: 0 }))
    }

    /// Whether to log it this time; then how often it was made without being logged.
    pub(crate) fn due(&self) -> Option<u64> {
        self.due_at(Instant::now())
    }

    fn due_at(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.logged.is_some_and(|logged| now.saturating_duration_since(logged) < PAUSE) {
            state.unlogged += 1;
            return None;
        }
        state.logged = Some(now);
        Some(std::mem::take(&mut state.unlogged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_is_logged_once_a_second_with_the_number_of_those_in_between() {
        let (complaint, begun) = (Complaint::new(), Instant::now());
        let due = |millis| complaint.due_at(begun + Duration::from_millis(millis));
        assert_eq!([due(0), due(1), due(999), due(1_000), due(2_500)], [Some(0), None, None, Some(2), Some(0)]);
    }
}
