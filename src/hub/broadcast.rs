//! One event on its way to many connections, encoded once per dialect and view.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use koine_core::{Dialect, Event, Frame, Handle, View};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::config::DialectName;

const VIEWS: usize = View::ALL.len();
const PLACES: usize = DialectName::ALL.len() * VIEWS;

/// What all connections share: the dialects, and how many bytes wait for all of them.
pub(super) struct Speakers {
    dialects: Vec<Arc<dyn Dialect>>,
    waiting: AtomicUsize,
}

impl Speakers {
    /// The dialects in the order of [`DialectName::ALL`].
    pub(super) fn new(dialects: Vec<Arc<dyn Dialect>>) -> Self {
        Self { dialects, waiting: AtomicUsize::new(0) }
    }

    /// Bytes of frames that are waiting for any connection, shared ones counted once.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// One event on its way.
pub(super) struct Broadcast {
    event: Arc<Event>,
    speakers: Arc<Speakers>,
    frames: [OnceLock<Option<Encoded>>; PLACES],
}

/// An event as one dialect says it.
enum Encoded {
    /// The same for all.
    Shared(Utf8Bytes),
    /// With places to fill in.
    Template(Frame),
}

impl Encoded {
    fn len(&self) -> usize {
        match self {
            Self::Shared(text) => text.len(),
            Self::Template(frame) => frame.len(),
        }
    }
}

impl Broadcast {
    pub(super) fn new(event: Arc<Event>, speakers: &Arc<Speakers>) -> Arc<Self> {
        Arc::new(Self { event, speakers: speakers.clone(), frames: [const { OnceLock::new() }; PLACES] })
    }

    /// The event.
    pub(super) fn event(&self) -> &Event {
        &self.event
    }

    /// The size of the frame for a dialect and view, in bytes; `None` if the dialect cannot say it.
    pub(super) fn size(&self, dialect: DialectName, view: View) -> Option<usize> {
        self.encoded(dialect, view).map(Encoded::len)
    }

    /// The frame for one receiver.
    pub(super) fn text(&self, dialect: DialectName, view: View, receiver: &Handle, unread: u64) -> Option<Utf8Bytes> {
        self.encoded(dialect, view).map(|encoded| match encoded {
            Encoded::Shared(text) => text.clone(),
            Encoded::Template(frame) => frame.fill(receiver, unread).into(),
        })
    }

    fn encoded(&self, dialect: DialectName, view: View) -> Option<&Encoded> {
        let place = dialect as usize * VIEWS + view as usize;
        let encode = || {
            let frame = self.speakers.dialects.get(dialect as usize)?.encode(&self.event, view)?;
            let encoded = match frame.into_shared() {
                Ok(text) => Encoded::Shared(text.into()),
                Err(frame) => Encoded::Template(frame),
            };
            self.speakers.waiting.fetch_add(encoded.len(), Ordering::Relaxed);
            Some(encoded)
        };
        self.frames.get(place)?.get_or_init(encode).as_ref()
    }
}

impl Drop for Broadcast {
    fn drop(&mut self) {
        let bytes: usize = self.frames.iter_mut().filter_map(|frame| frame.get_mut()?.as_ref()).map(Encoded::len).sum();
        self.speakers.waiting.fetch_sub(bytes, Ordering::Relaxed);
    }
}
