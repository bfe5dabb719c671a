//! An engine that can be made to wait.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;

use crate::store::engine::{Engine, Hooked};

/// Whether commits are let through. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Gate(Arc<Inner>);

#[derive(Default)]
struct Inner {
    shut: Mutex<bool>,
    opened: Condvar,
    reached: Notify,
}

impl Gate {
    /// An engine whose commits wait while the gate is shut.
    pub(super) fn before(&self, engine: Arc<dyn Engine>) -> Arc<dyn Engine> {
        let gate = self.clone();
        Arc::new(Hooked::new(engine, move |_| gate.pass()))
    }

    pub(super) fn shut(&self) {
        *self.0.shut.lock() = true;
    }

    pub(super) fn open(&self) {
        *self.0.shut.lock() = false;
        self.0.opened.notify_all();
    }

    /// Waits until a commit waits.
    pub(super) async fn reached(&self) {
        self.0.reached.notified().await;
    }

    /// Not for ever, so that a failed test ends.
    fn pass(&self) {
        let mut shut = self.0.shut.lock();
        if *shut {
            self.0.reached.notify_one();
        }
        let _timed_out = self.0.opened.wait_while_for(&mut shut, |shut| *shut, Duration::from_secs(30));
    }
}
