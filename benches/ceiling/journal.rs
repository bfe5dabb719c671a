//! The file that everything is appended to: what waits is written and synchronised together, then forwarded.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};

use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::room::Room;

/// A message on its way.
pub(crate) struct Entry {
    /// Whom it is from.
    pub(crate) from: u64,
    /// Whom it is for.
    pub(crate) to: u64,
    /// What its receivers get, and the file.
    pub(crate) frame: Utf8Bytes,
    /// What its sender gets, if anything.
    pub(crate) ack: Option<Utf8Bytes>,
}

/// The way to the file's thread.
#[derive(Clone)]
pub(crate) struct Journal(Sender<Entry>);

impl Journal {
    /// Opens the file and starts its thread.
    pub(crate) fn open(path: &Path, room: Arc<Room>) -> anyhow::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        let (sender, entries) = mpsc::channel();
        std::thread::Builder::new().name("journal".to_owned()).spawn(move || {
            if let Err(error) = write(file, &entries, &room) {
                eprintln!("the file cannot be written: {error}");
                std::process::exit(1);
            }
        })?;
        Ok(Self(sender))
    }

    /// Appends a message; it is forwarded once it is on the disk.
    pub(crate) fn append(&self, entry: Entry) {
        // The thread ends with the process.
        let _ = self.0.send(entry);
    }
}

fn write(mut file: File, entries: &Receiver<Entry>, room: &Room) -> std::io::Result<()> {
    let (mut batch, mut bytes) = (Vec::new(), Vec::new());
    while let Ok(first) = entries.recv() {
        batch.push(first);
        batch.extend(entries.try_iter());
        bytes.clear();
        for entry in &batch {
            bytes.extend_from_slice(entry.frame.as_bytes());
            bytes.push(b'\n');
        }
        file.write_all(&bytes)?;
        file.sync_data()?;
        for entry in batch.drain(..) {
            if let Some(ack) = &entry.ack {
                room.send(0, entry.from, ack);
            }
            room.send(entry.from, entry.to, &entry.frame);
        }
    }
    Ok(())
}
