//! Messages of several conversations in one order of time.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use koine_core::{Conversation, Message};

use super::read::Reading;
use super::rows::Reader;
use crate::store::StoreError;
use crate::store::engine::Direction;

/// How many messages of one log are read at a time.
const PORTION: usize = 64;

/// The messages of several logs, merged by id.
pub(super) struct Merge {
    direction: Direction,
    sources: Vec<Source>,
    /// The next message of every source that has one.
    front: BinaryHeap<Front>,
}

/// What is still to come from one log.
pub(super) struct Source {
    pub(super) reader: Reader,
    /// Runs of `seq`s, the next one first; each is walked in the merge's direction.
    runs: VecDeque<(u64, u64)>,
    ready: VecDeque<Message>,
}

struct Front {
    message: Message,
    source: usize,
    direction: Direction,
}

impl Source {
    /// A log of which the runs are wanted, ascending.
    pub(super) fn new(reader: Reader, runs: Vec<(u64, u64)>) -> Self {
        Self { reader, runs: runs.into(), ready: VecDeque::new() }
    }

    fn next(&mut self, reading: &Reading, direction: Direction) -> Result<Option<Message>, StoreError> {
        while self.ready.is_empty() {
            let run = match direction {
                Direction::Forward => self.runs.pop_front(),
                Direction::Reverse => self.runs.pop_back(),
            };
            let Some((first, last)) = run else { return Ok(None) };
            let conversation = self.reader.conversation().clone();
            let portion = reading.log(&conversation, first, last, direction, PORTION)?;
            match (portion.last(), direction) {
                (Some(end), Direction::Forward) if end.seq < last => self.runs.push_front((end.seq + 1, last)),
                (Some(end), Direction::Reverse) if end.seq > first => self.runs.push_back((first, end.seq - 1)),
                _ => {}
            }
            let member = self.reader.member();
            self.ready.extend(portion.into_iter().filter(|message| member.may_see(message.seq)));
        }
        Ok(self.ready.pop_front())
    }
}

impl Merge {
    /// A merge of sources in one direction of time.
    pub(super) fn new(reading: &Reading, direction: Direction, sources: Vec<Source>) -> Result<Self, StoreError> {
        let mut merge = Self { direction, sources, front: BinaryHeap::new() };
        for source in 0..merge.sources.len() {
            merge.refill(reading, source)?;
        }
        Ok(merge)
    }

    /// The next message, and the place of its source.
    pub(super) fn next(&mut self, reading: &Reading) -> Result<Option<(Message, usize)>, StoreError> {
        let Some(Front { message, source, .. }) = self.front.pop() else { return Ok(None) };
        self.refill(reading, source)?;
        Ok(Some((message, source)))
    }

    /// What knows how the user sees the messages of a source.
    pub(super) fn reader(&mut self, source: usize) -> Option<&mut Reader> {
        self.sources.get_mut(source).map(|source| &mut source.reader)
    }

    /// The conversation of a source.
    pub(super) fn conversation(&self, source: usize) -> Option<Arc<Conversation>> {
        self.sources.get(source).map(|source| source.reader.conversation().clone())
    }

    fn refill(&mut self, reading: &Reading, source: usize) -> Result<(), StoreError> {
        let direction = self.direction;
        if let Some(message) =
            self.sources.get_mut(source).map(|source| source.next(reading, direction)).transpose()?.flatten()
        {
            self.front.push(Front { message, source, direction });
        }
        Ok(())
    }
}

impl Ord for Front {
    fn cmp(&self, other: &Self) -> Ordering {
        match self.direction {
            Direction::Forward => other.message.id.cmp(&self.message.id),
            Direction::Reverse => self.message.id.cmp(&other.message.id),
        }
    }
}

impl PartialOrd for Front {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Front {
    fn eq(&self, other: &Self) -> bool {
        self.message.id == other.message.id
    }
}

impl Eq for Front {}
