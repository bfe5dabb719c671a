//! Turns taken by key: whoever holds a key's gate keeps others with the same key waiting.

use std::hash::Hash;
use std::sync::Arc;

use dashmap::DashMap;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Gates by key. A gate that nobody holds or waits for takes no memory. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Gates<K: Hash + Eq> {
    gates: Arc<DashMap<K, Arc<Mutex<()>>>>,
}

/// A gate that is held until this is dropped.
#[derive(Debug)]
pub(crate) struct Pass<K: Hash + Eq + Clone> {
    gates: Gates<K>,
    key: K,
    held: Option<OwnedMutexGuard<()>>,
}

impl<K: Hash + Eq> Default for Gates<K> {
    fn default() -> Self {
        Self { gates: Arc::default() }
    }
}

impl<K: Hash + Eq + Clone> Gates<K> {
    /// Waits for the key's gate and takes it. First come, first served.
    pub(crate) async fn enter(&self, key: K) -> Pass<K> {
        let gate = Arc::clone(&self.gates.entry(key.clone()).or_default());
        // Made before waiting, so that giving up while waiting cleans up as well.
        let mut pass = Pass { gates: Self { gates: Arc::clone(&self.gates) }, key, held: None };
        pass.held = Some(gate.lock_owned().await);
        pass
    }
}

impl<K: Hash + Eq + Clone> Drop for Pass<K> {
    fn drop(&mut self) {
        self.held = None;
        // Taking a gate happens under the same lock of the map: one that only the map knows has no takers.
        self.gates.gates.remove_if(&self.key, |_, gate| Arc::strong_count(gate) == 1);
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_second_one_waits_until_the_first_has_left() {
        let gates = Gates::default();
        let Poll::Ready(first) = poll(pin!(gates.enter(1))) else { panic!("the gate was free") };
        let mut second = pin!(gates.enter(1));
        assert!(poll(second.as_mut()).is_pending());
        assert!(poll(pin!(gates.enter(2))).is_ready(), "another key has a gate of its own");
        drop(first);
        assert!(poll(second.as_mut()).is_ready());
    }

    #[test]
    fn a_gate_is_forgotten_when_nobody_wants_it() {
        let gates = Gates::default();
        let Poll::Ready(first) = poll(pin!(gates.enter(1))) else { panic!("the gate was free") };
        {
            let mut impatient = Box::pin(gates.enter(1));
            assert!(poll(impatient.as_mut()).is_pending());
        }
        assert_eq!(gates.gates.len(), 1);
        drop(first);
        assert!(gates.gates.is_empty());
    }
}
