//! Knowing that a reply's last byte has been handed to the socket.
//!
//! The body of the reply arms it as it gives its last piece away; the HTTP machinery puts that piece
//! into its buffer in the same breath, and reports the next flush only when the buffer is empty. So
//! the first flush of the socket after arming is the moment when all of the body has left. A reply
//! that is dropped before that has not been handed over.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

/// A connection's place for the reply that waits to be handed over; there is never more than one.
#[derive(Debug, Default)]
pub(super) struct Handover {
    armed: AtomicBool,
    waiting: Mutex<Option<oneshot::Sender<()>>>,
}

/// What a reply's body holds; dropped before it is armed, the reply counts as aborted.
#[derive(Debug)]
pub(super) struct Handing {
    handover: Arc<Handover>,
    tell: Option<oneshot::Sender<()>>,
}

/// Resolves once the reply was handed over, or was not.
#[derive(Debug)]
pub(super) struct Handed(oneshot::Receiver<()>);

impl Handover {
    /// Prepares for one reply.
    pub(super) fn prepare(self: &Arc<Self>) -> (Handing, Handed) {
        let (tell, told) = oneshot::channel();
        (Handing { handover: Arc::clone(self), tell: Some(tell) }, Handed(told))
    }

    /// The socket has taken all that was written to it.
    pub(super) fn flushed(&self) {
        // Most flushes are of something else.
        if self.armed.load(Ordering::Relaxed)
            && self.armed.swap(false, Ordering::AcqRel)
            && let Some(tell) = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            // Nobody waits any more: then nobody needs to know.
            let _ = tell.send(());
        }
    }
}

impl Handing {
    /// The last piece of the body is being given away.
    pub(super) fn arm(&mut self) {
        if let Some(tell) = self.tell.take() {
            *self.handover.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(tell);
            self.handover.armed.store(true, Ordering::Release);
        }
    }
}

impl Handed {
    /// Whether the whole reply was handed to the socket.
    pub(super) async fn wait(self) -> bool {
        self.0.await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_flush_after_the_last_piece_is_the_handing_over() {
        let handover = Arc::new(Handover::default());
        let (mut handing, handed) = handover.prepare();
        handing.arm();
        handover.flushed();
        assert!(handed.wait().await);
    }

    #[tokio::test]
    async fn a_flush_before_the_last_piece_is_not() {
        let handover = Arc::new(Handover::default());
        let (handing, handed) = handover.prepare();
        handover.flushed();
        drop(handing);
        handover.flushed();
        assert!(!handed.wait().await);
    }

    #[tokio::test]
    async fn a_connection_that_ends_before_the_flush_has_handed_nothing_over() {
        let handover = Arc::new(Handover::default());
        let (mut handing, handed) = handover.prepare();
        handing.arm();
        drop(handing);
        drop(handover);
        assert!(!handed.wait().await);
    }
}
