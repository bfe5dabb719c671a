//! Writing a store out.

use std::collections::BTreeSet;
use std::io::{BufWriter, Write};
use std::path::Path;

use aws_lc_rs::digest;
use data_encoding::{BASE64, HEXLOWER};
use koine_core::{RequestId, UserId};

use super::lines::{
    Begin, Block, Bytes, ConversationLine, Counters, End, FileLine, Friends, HeadLine, Key, Line, MemberLine,
    MessageLine, Read, RequestLine, ShapeLine, TokenLine, UserLine, VERSION,
};
use super::places::each_pair;
use super::{Summary, TransferError, uploads};
use crate::store::StoreError;
use crate::store::check::{Finding, key_name};
use crate::store::embedded::records::{
    ConversationRecord, FileRecord, Head, KeyRecord, MemberRecord, MessageRecord, Record, RequestRecord,
    RequestStateRecord, ShapeRecord, TokenRecord, UserRecord,
};
use crate::store::embedded::{COUNTERS, MESSAGE_IDS, catch_up, keys, spaces};
use crate::store::engine::{Engine, Space};
use crate::store::progress::Progress;

/// What is wrong with a record whose key cannot be understood.
const ODD: &str = "the key cannot be understood";

/// What becomes of a record.
enum Made {
    /// A line of its own.
    Line(Box<Line>),
    /// Nothing: it says nothing new.
    Nothing,
    /// Its key cannot be understood.
    Odd,
}

impl From<Option<Line>> for Made {
    fn from(line: Option<Line>) -> Self {
        line.map_or(Self::Odd, |line| Self::Line(Box::new(line)))
    }
}

/// What to write out, and how.
#[derive(Debug, Clone, Copy)]
pub struct ExportOptions<'a> {
    /// Whether what cannot be read is passed over and listed; otherwise it ends the export.
    pub salvage: bool,
    /// The data directory, if the bytes of uploaded files are wanted too.
    pub files: Option<&'a Path>,
    /// The time to note, in milliseconds since 1970.
    pub created: i64,
}

/// Writes everything in a store that nothing else works in.
///
/// Errors: the store cannot be read (unless salvaging), or the output cannot be written.
pub fn export(
    engine: &dyn Engine,
    options: ExportOptions<'_>,
    out: &mut dyn Write,
    progress: &mut dyn Progress,
) -> Result<Summary, TransferError> {
    progress.begin("exporting", None);
    let mut exporter = Exporter {
        engine,
        salvage: options.salvage,
        out: Output { out: BufWriter::with_capacity(1 << 16, out), digest: digest::Context::new(&digest::SHA256) },
        summary: Summary { salvaged: options.salvage, ..Summary::default() },
        progress,
    };
    let (format, version, salvaged) = ("koine-export".to_owned(), VERSION, options.salvage);
    let (created, files) = (options.created, options.files.is_some());
    exporter.line(&Line::Begin(Begin { format, version, created, salvaged, files }))?;
    exporter.catch_up()?;
    exporter.counters()?;
    exporter.people()?;
    exporter.conversations()?;
    exporter.messages()?;
    exporter.requests()?;
    exporter.keys()?;
    exporter.files(options.files)?;
    exporter.finish()
}

struct Output<'a> {
    out: BufWriter<&'a mut dyn Write>,
    digest: digest::Context,
}

struct Exporter<'a> {
    engine: &'a dyn Engine,
    salvage: bool,
    out: Output<'a>,
    summary: Summary,
    progress: &'a mut dyn Progress,
}

impl Exporter<'_> {
    fn line(&mut self, line: &Line) -> Result<(), TransferError> {
        let failed = |error: std::io::Error| TransferError::file("the output")(error);
        let mut text = serde_json::to_vec(line).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        if !matches!(line, Line::End(_)) {
            self.out.digest.update(&text);
            *self.summary.counts.entry(line.name().to_owned()).or_default() += 1;
        }
        self.progress.advance(1);
        self.out.out.write_all(&text).map_err(failed)
    }

    fn finish(mut self) -> Result<Summary, TransferError> {
        let sha256 = HEXLOWER.encode(self.out.digest.clone().finish().as_ref());
        let counts = self.summary.counts.clone();
        self.line(&Line::End(End { counts, sha256 }))?;
        self.out.out.flush().map_err(TransferError::file("the output"))?;
        self.progress.end();
        Ok(self.summary)
    }

    /// Every record of a space that can be read; what `make` makes of it becomes a line.
    fn records<R: Record>(
        &mut self,
        space: Space,
        mut make: impl FnMut(&mut Self, &[u8], R) -> Result<Made, TransferError>,
    ) -> Result<(), TransferError> {
        self.progress.part(&space.name());
        let mut unread = self.salvage.then(Vec::new);
        let engine = self.engine;
        each_pair(engine, space, unread.as_mut(), |key, value| {
            let what = match R::decode(value) {
                Ok(record) => match make(self, key, record)? {
                    Made::Line(line) => return self.line(&line),
                    Made::Nothing => return Ok(()),
                    Made::Odd => StoreError::corrupt(ODD),
                },
                Err(error) => error,
            };
            self.lose(space, key, what)
        })?;
        self.summary.lost.extend(unread.into_iter().flatten());
        Ok(())
    }

    /// Notes what cannot be read; unless salvaging, it is an error.
    fn lose(&mut self, space: Space, key: &[u8], error: StoreError) -> Result<(), TransferError> {
        if !self.salvage {
            return Err(error.into());
        }
        let (space, key) = (space.to_string(), key_name(space, key));
        self.summary.lost.push(Finding { space, key, what: error.to_string() });
        Ok(())
    }

    /// A record that belongs to another; when salvaging it may be missing or unreadable.
    fn look_up<R: Record>(&mut self, space: Space, key: &[u8]) -> Result<Option<R>, TransferError> {
        let found = self.engine.get(space, key).map_err(StoreError::from);
        match found.and_then(|bytes| bytes.map(|bytes| R::decode(&bytes)).transpose()) {
            Ok(record) => Ok(record),
            Err(error) => self.lose(space, key, error).map(|()| None),
        }
    }

    /// Writes what a process that was ended had committed and not written yet.
    fn catch_up(&mut self) -> Result<(), TransferError> {
        match catch_up::catch_up(self.engine) {
            Ok(_) => Ok(()),
            Err(error) => self.lose(spaces::META, catch_up::KEY, error),
        }
    }

    fn counters(&mut self) -> Result<(), TransferError> {
        let numbers: Vec<u64> = self.look_up(spaces::META, COUNTERS)?.unwrap_or_default();
        let number = |at: usize| numbers.get(at).copied().unwrap_or_default();
        let ids: Option<Vec<u64>> = self.look_up(spaces::META, MESSAGE_IDS)?;
        let counters = Counters {
            user: number(0),
            conversation: number(1),
            chat: number(2),
            request: number(3),
            token: number(4),
            users: number(5),
            conversations: number(6),
            message_ids: ids.and_then(|ids| ids.try_into().ok()),
        };
        self.line(&Line::Counters(counters))
    }

    fn people(&mut self) -> Result<(), TransferError> {
        self.records::<UserRecord>(spaces::USERS, |_, key, record| {
            Ok(keys::read_number(key).map(|id| Line::User(UserLine::new(id, record))).into())
        })?;
        self.records::<TokenRecord>(spaces::TOKENS, |_, key, record| {
            Ok(keys::read_number(key).map(|id| Line::Token(TokenLine::new(id, &record))).into())
        })?;
        self.records::<i64>(spaces::FRIENDS, |exporter, key, since| {
            let Some((one, other)) = keys::numbers(key) else { return Ok(Made::Odd) };
            // Both directions are kept. Of a damaged store either may be left.
            if one > other && exporter.look_up::<i64>(spaces::FRIENDS, &keys::two_numbers(other, one))?.is_some() {
                return Ok(Made::Nothing);
            }
            Ok(Some(Line::Friends(Friends { users: [one.min(other), one.max(other)], since })).into())
        })?;
        self.records::<i64>(spaces::BLOCKED_BY, |_, key, since| {
            Ok(keys::numbers(key).map(|(blocked, blocker)| Line::Block(Block { blocker, blocked, since })).into())
        })
    }

    fn conversations(&mut self) -> Result<(), TransferError> {
        self.records::<ConversationRecord>(spaces::CONVERSATIONS, |exporter, key, record| {
            let Some(id) = keys::read_number(key) else { return Ok(Made::Odd) };
            let head = exporter.look_up::<Head>(spaces::HEADS, key)?.map(HeadLine::new);
            let shape = match record.shape {
                ShapeRecord::Direct { name, users } => ShapeLine::Direct { name, users },
                ShapeRecord::Group { name, manager, member_count, dissolved } => {
                    ShapeLine::Group { name, manager, members: member_count, dissolved }
                }
            };
            Ok(Some(Line::Conversation(ConversationLine { id, created: record.created, shape, head })).into())
        })?;
        self.records::<MemberRecord>(spaces::CHATS, |_, key, record| {
            let line = keys::read_chat(key)
                .map(|(user, sort, conversation)| MemberLine::new(user.get(), sort, conversation.get(), record));
            Ok(line.map(Line::Member).into())
        })
    }

    fn messages(&mut self) -> Result<(), TransferError> {
        self.records::<MessageRecord>(spaces::LOG, |_, key, record| {
            let line = keys::numbers(key).map(|(conversation, seq)| MessageLine::new(conversation, seq, record));
            Ok(line.map(Line::Message).into())
        })?;
        self.records::<i64>(spaces::READS, |_, key, time| {
            let parts = key.split_last_chunk::<8>().and_then(|(rest, seq)| Some((keys::numbers(rest)?, seq)));
            let line = parts.map(|((conversation, user), seq)| {
                let seq = u64::from_be_bytes(*seq);
                Line::Read(Read { conversation, user, seq, time })
            });
            Ok(line.into())
        })
    }

    fn requests(&mut self) -> Result<(), TransferError> {
        self.records::<RequestRecord>(spaces::REQUESTS, |exporter, key, record| {
            let Some(id) = keys::read_number(key) else { return Ok(Made::Odd) };
            let row = keys::request_to(UserId::new(record.to), RequestId::new(id));
            let listed = match exporter.engine.get(spaces::REQUESTS_TO, &row) {
                Ok(found) => found.is_some(),
                Err(error) => {
                    exporter.lose(spaces::REQUESTS_TO, &row, error.into())?;
                    record.state == RequestStateRecord::Pending
                }
            };
            Ok(Some(Line::Request(RequestLine::new(id, record, listed))).into())
        })
    }

    fn keys(&mut self) -> Result<(), TransferError> {
        for name in self.engine.spaces()? {
            let Some(space) = Space::of_family("keys", &name) else { continue };
            let day = space.day().unwrap_or_default();
            self.records::<KeyRecord>(space, |_, key, record| {
                let KeyRecord { fingerprint, conversation, seq, id, time } = record;
                let (named, fingerprint) = (HEXLOWER.encode(key), HEXLOWER.encode(&fingerprint));
                Ok(Some(Line::Key(Key { day, named, fingerprint, conversation, seq, id, time })).into())
            })?;
        }
        Ok(())
    }

    fn files(&mut self, data: Option<&Path>) -> Result<(), TransferError> {
        let mut contents = BTreeSet::new();
        self.records::<FileRecord>(spaces::FILES, |_, key, record| {
            if data.is_some() {
                contents.insert(record.sha256.clone());
            }
            Ok(Some(Line::File(FileLine::new(HEXLOWER.encode(key), record))).into())
        })?;
        let Some(data) = data else { return Ok(()) };
        self.progress.part("bytes of files");
        for sha256 in contents {
            let place = uploads::path(data, &sha256);
            let written = uploads::read(data, &sha256, |offset, data| {
                self.line(&Line::Bytes(Bytes { sha256: sha256.clone(), offset, data: BASE64.encode(data) }))
            });
            match written {
                Err(TransferError::File { path, source }) if self.salvage && path == place => {
                    let (space, what) = ("files".to_owned(), source.to_string());
                    self.summary.lost.push(Finding { space, key: sha256, what });
                }
                written => written?,
            }
        }
        Ok(())
    }
}
