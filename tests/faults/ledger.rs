//! What was sent, accepted and heard, and whether the server kept its promises about it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result, bail, ensure};

use crate::catch_up::Logged;
use crate::dialect::{Mark, Person, Target};

/// One sender's messages in one conversation.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    pub(crate) from: Person,
    pub(crate) to: Target,
    /// The handles of those who receive them.
    pub(crate) receivers: Vec<String>,
}

/// What was sent, accepted and heard. Streams are numbered from 0.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// The engine lets readers see what is not on stable storage yet, so that what somebody was shown while
    /// catching up may be lost, though never what was accepted.
    shows_early: bool,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    sent: HashMap<u32, u32>,
    accepted: HashSet<Mark>,
    /// Sent and not accepted yet.
    open: HashMap<u32, BTreeSet<u32>>,
    refused: u64,
    /// By receiver.
    received: HashMap<String, HashSet<Mark>>,
    /// What every connection was given, and whose it was.
    connections: Vec<(String, Vec<Mark>)>,
}

impl Ledger {
    /// For a store of an engine.
    pub(crate) fn of(engine: &str) -> Self {
        Self { shows_early: engine == "sled", ..Self::default() }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next message of a stream.
    pub(crate) fn next(&self, stream: u32) -> Mark {
        let mut book = self.book();
        let number = book.sent.entry(stream).or_insert(0);
        *number += 1;
        let mark = Mark { stream, number: *number };
        book.open.entry(stream).or_default().insert(mark.number);
        mark
    }

    /// What was sent in a stream and has not been accepted, in order.
    pub(crate) fn open(&self, stream: u32) -> Vec<Mark> {
        let book = self.book();
        let open = book.open.get(&stream).into_iter().flatten();
        open.map(|number| Mark { stream, number: *number }).collect()
    }

    /// How much of a stream was sent and not accepted.
    pub(crate) fn open_count(&self, stream: u32) -> usize {
        self.book().open.get(&stream).map_or(0, BTreeSet::len)
    }

    /// Forgets what was not accepted in a stream: nobody was promised anything about it.
    pub(crate) fn give_up(&self, stream: u32) {
        self.book().open.remove(&stream);
    }

    pub(crate) fn accepted(&self, mark: Mark) {
        let mut book = self.book();
        book.accepted.insert(mark);
        if let Some(open) = book.open.get_mut(&mark.stream) {
            open.remove(&mark.number);
        }
    }

    pub(crate) fn refused(&self, mark: Option<Mark>) {
        let mut book = self.book();
        book.refused += 1;
        if let Some(mark) = mark
            && let Some(open) = book.open.get_mut(&mark.stream)
        {
            open.remove(&mark.number);
        }
    }

    /// A new connection of somebody's; its number.
    pub(crate) fn connection(&self, of: &Person) -> usize {
        let mut book = self.book();
        book.connections.push((of.handle.clone(), Vec::new()));
        book.connections.len() - 1
    }

    pub(crate) fn heard(&self, connection: usize, mark: Mark) {
        let mut book = self.book();
        if let Some((who, marks)) = book.connections.get_mut(connection) {
            marks.push(mark);
            let who = who.clone();
            book.received.entry(who).or_default().insert(mark);
        }
    }

    /// What somebody got on the way of catching up.
    pub(crate) fn caught_up(&self, who: &Person, marks: impl IntoIterator<Item = Mark>) {
        self.book().received.entry(who.handle.clone()).or_default().extend(marks);
    }

    /// How many were accepted, and how many refused.
    pub(crate) fn figures(&self) -> (usize, u64) {
        let book = self.book();
        (book.accepted.len(), book.refused)
    }

    /// Who still misses how many of the messages in the logs.
    pub(crate) fn missing(&self, streams: &[Stream], logs: &BTreeMap<u64, Vec<Logged>>) -> HashMap<String, usize> {
        let book = self.book();
        let mut missing = HashMap::new();
        for mark in logs.values().flatten().filter_map(|logged| logged.mark) {
            for receiver in streams.get(mark.stream as usize).iter().flat_map(|stream| &stream.receivers) {
                if !book.received.get(receiver).is_some_and(|received| received.contains(&mark)) {
                    *missing.entry(receiver.clone()).or_insert(0) += 1;
                }
            }
        }
        missing
    }

    /// Compares what the server keeps with what it has promised.
    pub(crate) fn check(&self, logs: &BTreeMap<u64, Vec<Logged>>) -> Result<()> {
        let book = self.book();
        let mut places = HashMap::<Mark, (u64, u64)>::new();
        let mut last_of = HashMap::<u32, u32>::new();
        for (conversation, log) in logs {
            for (place, logged) in log.iter().enumerate() {
                ensure!(logged.seq == place as u64 + 1, "conversation {conversation} has a gap before {}", logged.seq);
                let Some(mark) = logged.mark else { continue };
                let before = places.insert(mark, (*conversation, logged.seq));
                ensure!(before.is_none(), "{mark} is there twice, at {before:?} and {:?}", logged.seq);
                let last = last_of.insert(mark.stream, mark.number).unwrap_or(0);
                ensure!(last < mark.number, "{mark} comes after {last} of its stream");
            }
            let rising = log.windows(2).all(|pair| matches!(pair, [first, second] if first.id < second.id));
            ensure!(rising, "the ids of conversation {conversation} do not rise");
            let forward = log.windows(2).all(|pair| matches!(pair, [first, second] if first.time <= second.time));
            ensure!(forward, "the times of conversation {conversation} run backwards");
        }
        let lost: Vec<_> = book.accepted.iter().filter(|mark| !places.contains_key(mark)).collect();
        if let Some(one) = lost.iter().min() {
            bail!("{} of {} accepted messages are lost, {one} among them", lost.len(), book.accepted.len());
        }
        for (who, marks) in &book.connections {
            in_order(marks, &places, self.shows_early).with_context(|| format!("a connection of {who}'s"))?;
        }
        Ok(())
    }
}

/// Whether what one connection was given is in the log, in its order, and nothing twice.
fn in_order(marks: &[Mark], places: &HashMap<Mark, (u64, u64)>, shows_early: bool) -> Result<()> {
    let mut last = HashMap::new();
    for mark in marks {
        let Some((conversation, seq)) = places.get(mark) else {
            ensure!(shows_early, "{mark} was shown, and is lost");
            continue;
        };
        let before = last.insert(*conversation, *seq).unwrap_or(0);
        ensure!(before < *seq, "{mark} (the {seq}th of its conversation) came after the {before}th");
    }
    Ok(())
}
