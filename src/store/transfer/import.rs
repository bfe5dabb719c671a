//! Reading an export into a new store.

use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest;
use data_encoding::{BASE64, HEXLOWER};

use super::lines::{
    Begin, Bytes, ConversationLine, Counters, End, FileLine, Key, Line, MemberLine, MessageLine, RequestLine,
    ShapeLine, TokenLine, VERSION,
};
use super::loader::Loader;
use super::mend::Mender;
use super::uploads::Upload;
use super::{Summary, TransferError};
use crate::store::check::Finding;
use crate::store::embedded::records::{ConversationRecord, Head, KeyRecord, ShapeRecord, TokenRecord};
use crate::store::embedded::{keys, spaces};
use crate::store::engine::{Engine, EngineKind};
use crate::store::progress::Progress;

/// The longest line. The longest one an export writes carries a part of a file or a message.
const LINE_BYTES: u64 = 64 << 20;

/// An export, and where it is to go.
pub struct ImportSource<'a> {
    /// The lines.
    pub lines: &'a mut dyn BufRead,
    /// How many bytes there are, if that is known.
    pub bytes: Option<u64>,
    /// The data directory, which this process holds.
    pub data: &'a Path,
    /// The engine of the new store.
    pub engine: EngineKind,
    /// What the engine may use for its cache, in bytes.
    pub cache: u64,
}

/// Makes a store of an export. What a failed import has made is removed again, except for the bytes of files.
///
/// Errors: there is a store already, the export is damaged, cut short or of a newer version, or the disk fails.
pub fn import(
    source: ImportSource<'_>,
    progress: &mut dyn Progress,
) -> Result<(Arc<dyn Engine>, Summary), TransferError> {
    let ImportSource { lines, bytes, data, engine, cache } = source;
    let loader = Loader::begin(data, engine, cache)?;
    progress.begin("importing", bytes);
    let folder = data.join(engine.name());
    let importer = Importer {
        lines: Lines { source: lines, number: 0, digest: digest::Context::new(&digest::SHA256) },
        loader,
        counters: None,
        last: None,
        mender: None,
        upload: None,
        data: data.to_owned(),
        summary: Summary::default(),
    };
    let result = importer.run(progress);
    progress.end();
    if result.is_err()
        && let Err(error) = std::fs::remove_dir_all(&folder)
    {
        tracing::warn!(%error, folder = %folder.display(), "what was imported cannot be removed");
    }
    result
}

/// The lines of an export, and their digest so far.
struct Lines<'a> {
    source: &'a mut dyn BufRead,
    number: u64,
    digest: digest::Context,
}

impl Lines<'_> {
    /// The next line with its bytes; `None` at the end of the file.
    fn next(&mut self) -> Result<Option<(Line, Vec<u8>)>, TransferError> {
        let mut text = Vec::new();
        let mut limited = std::io::Read::take(&mut *self.source, LINE_BYTES);
        limited.read_until(b'\n', &mut text).map_err(TransferError::file("the export"))?;
        if text.is_empty() {
            return Ok(None);
        }
        if text.last() != Some(&b'\n') {
            return Err(TransferError::CutShort(self.number));
        }
        self.number += 1;
        let line = serde_json::from_slice(&text).map_err(|error| self.wrong(error.to_string()))?;
        Ok(Some((line, text)))
    }

    fn wrong(&self, what: impl Into<String>) -> TransferError {
        TransferError::Line { line: self.number, what: what.into() }
    }
}

struct Importer<'a> {
    lines: Lines<'a>,
    loader: Loader,
    counters: Option<Counters>,
    /// The conversation that messages are read of, and its last one.
    last: Option<(u64, Head)>,
    /// Puts a salvaged export in order.
    mender: Option<Mender>,
    upload: Option<Upload>,
    data: PathBuf,
    summary: Summary,
}

type Done = Result<(), TransferError>;

impl Importer<'_> {
    fn run(mut self, progress: &mut dyn Progress) -> Result<(Arc<dyn Engine>, Summary), TransferError> {
        self.begin()?;
        let mut part = "";
        loop {
            let Some((line, text)) = self.lines.next()? else {
                return Err(TransferError::CutShort(self.lines.number));
            };
            progress.advance(text.len() as u64);
            if part != line.name() {
                part = line.name();
                progress.part(part);
                // What comes next may look up what has come.
                self.loader.flush()?;
            }
            if let Line::End(end) = line {
                self.verify(&end)?;
                break;
            }
            self.lines.digest.update(&text);
            *self.summary.counts.entry(line.name().to_owned()).or_default() += 1;
            self.take(line)?;
        }
        self.end()
    }

    fn begin(&mut self) -> Done {
        let Some((Line::Begin(begin), text)) = self.lines.next()? else {
            return Err(self.lines.wrong("this is not an export of koine"));
        };
        let Begin { format, version, salvaged, .. } = begin;
        if format != "koine-export" {
            return Err(self.lines.wrong("this is not an export of koine"));
        }
        if version > VERSION {
            let what = format!("the export has version {version}, this koine reads {VERSION}: use a newer one");
            return Err(self.lines.wrong(what));
        }
        if version < VERSION {
            let what =
                format!("the export has version {version}, which was never released: this koine reads {VERSION}");
            return Err(self.lines.wrong(what));
        }
        self.lines.digest.update(&text);
        self.summary.salvaged = salvaged;
        self.summary.counts.insert("begin".to_owned(), 1);
        self.mender = salvaged.then(Mender::default);
        Ok(())
    }

    fn verify(&mut self, end: &End) -> Done {
        let digest = HEXLOWER.encode(self.lines.digest.clone().finish().as_ref());
        if end.sha256 != digest {
            return Err(TransferError::Damaged("its SHA-256 is another"));
        }
        if end.counts != self.summary.counts {
            return Err(TransferError::Damaged("it has not as many lines as its end says"));
        }
        if self.lines.next()?.is_some() {
            return Err(self.lines.wrong("something follows the end"));
        }
        Ok(())
    }

    fn end(mut self) -> Result<(Arc<dyn Engine>, Summary), TransferError> {
        self.close_conversation()?;
        self.close_upload()?;
        let mut counters = self.counters.take().unwrap_or_default();
        if let Some(mender) = self.mender.take() {
            self.loader.flush()?;
            self.summary.lost.extend(mender.mend(&mut self.loader, &mut counters)?);
        }
        Ok((self.loader.finish(&counters)?, self.summary))
    }

    fn take(&mut self, line: Line) -> Done {
        if let Some(mender) = &mut self.mender
            && !mender.admit(&mut self.loader, &line)?
        {
            return Ok(());
        }
        match line {
            Line::Counters(counters) => self.counters = Some(counters),
            Line::User(user) => {
                let id = user.id;
                return self.loader.user(id, &user.into_record());
            }
            Line::Token(token) => return self.token(token),
            Line::Friends(friends) => return self.loader.friends(friends.users, friends.since),
            Line::Block(block) => {
                return self.loader.put(
                    spaces::BLOCKED_BY,
                    keys::two_numbers(block.blocked, block.blocker),
                    &block.since,
                );
            }
            Line::Conversation(conversation) => return self.conversation(conversation),
            Line::Member(member) => return self.member(member),
            Line::Message(message) => return self.message(message),
            Line::Read(read) => return self.loader.read(read.conversation, read.user, read.seq, read.time),
            Line::Request(request) => return self.request(request),
            Line::Key(key) => return self.key(&key),
            Line::File(file) => return self.file(file),
            Line::Bytes(bytes) => return self.bytes(&bytes),
            Line::Begin(_) | Line::End(_) => return Err(self.lines.wrong("this line belongs elsewhere")),
        }
        Ok(())
    }

    fn token(&mut self, token: TokenLine) -> Done {
        let TokenLine { id, hash, user, dialect, expires, created } = token;
        let hash = self.hexadecimal::<32>(&hash)?;
        self.loader.token(id, &TokenRecord { hash, user, dialect, expires, created })
    }

    fn conversation(&mut self, line: ConversationLine) -> Done {
        let shape = match line.shape {
            ShapeLine::Direct { name, users } => ShapeRecord::Direct { name, users },
            ShapeLine::Group { name, manager, members, dissolved } => {
                ShapeRecord::Group { name, manager, member_count: members, dissolved }
            }
        };
        self.loader.conversation(line.id, &ConversationRecord { created: line.created, shape })
    }

    fn member(&mut self, line: MemberLine) -> Done {
        let (user, conversation) = (line.user, line.conversation);
        let sort = self.mender.as_ref().and_then(|mender| mender.sort(conversation)).unwrap_or(line.sort.into());
        self.loader.member(user, sort, conversation, &line.into_record())
    }

    fn message(&mut self, line: MessageLine) -> Done {
        let (conversation, seq) = (line.conversation, line.seq);
        let before = match self.last {
            Some((same, head)) if same == conversation => head.seq,
            Some((earlier, _)) if earlier > conversation => {
                return Err(self.lines.wrong("the conversations are not in order"));
            }
            _ => {
                self.close_conversation()?;
                0
            }
        };
        let fits = if self.mender.is_some() { seq > before } else { seq == before + 1 };
        if !fits {
            return Err(self.lines.wrong(format!("message {conversation}/{seq} follows {conversation}/{before}")));
        }
        self.last = Some((conversation, Head { seq, id: line.id, time: line.time }));
        self.loader.message(conversation, seq, &line.into_record())
    }

    fn close_conversation(&mut self) -> Done {
        match self.last.take() {
            Some((conversation, head)) => self.loader.head(conversation, &head),
            None => Ok(()),
        }
    }

    fn request(&mut self, line: RequestLine) -> Done {
        let (id, listed) = (line.id, line.listed);
        self.loader.request(id, &line.into_record(), listed)
    }

    fn key(&mut self, line: &Key) -> Done {
        let fingerprint = self.hexadecimal::<16>(&line.fingerprint)?;
        let key = HEXLOWER.decode(line.named.as_bytes()).ok().filter(|key| keys::read_idempotency(key).is_some());
        let key = key.ok_or_else(|| self.lines.wrong(format!("{:?} is no sender and a name", line.named)))?;
        let Key { conversation, seq, id, time, .. } = *line;
        self.loader.key(line.day, key, &KeyRecord { fingerprint, conversation, seq, id, time })
    }

    fn file(&mut self, line: FileLine) -> Done {
        let id = self.hexadecimal::<16>(&line.id)?;
        self.loader.file(id.to_vec(), &line.into_record())
    }

    fn bytes(&mut self, line: &Bytes) -> Done {
        if !self.upload.as_ref().is_some_and(|upload| upload.is_of(&line.sha256)) {
            self.close_upload()?;
            // The name becomes a path: it must be nothing but a hash.
            self.hexadecimal::<32>(&line.sha256)?;
            self.upload = Some(Upload::begin(&self.data, &line.sha256)?);
        }
        let bytes = BASE64.decode(line.data.as_bytes()).map_err(|error| self.lines.wrong(error.to_string()))?;
        match self.upload.as_mut().map(|upload| upload.part(line.offset, &bytes)).transpose()?.flatten() {
            Some(what) => Err(self.lines.wrong(what)),
            None => Ok(()),
        }
    }

    fn close_upload(&mut self) -> Done {
        let Some(upload) = self.upload.take() else { return Ok(()) };
        let sha256 = upload.sha256().to_owned();
        match upload.finish()? {
            Some(what) if self.mender.is_some() => {
                self.summary.lost.push(Finding { space: "files".to_owned(), key: sha256, what: what.to_owned() });
                Ok(())
            }
            Some(what) => Err(self.lines.wrong(what)),
            None => Ok(()),
        }
    }

    fn hexadecimal<const N: usize>(&self, text: &str) -> Result<[u8; N], TransferError> {
        let bytes = HEXLOWER.decode(text.as_bytes()).ok();
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| self.lines.wrong(format!("{text:?} is not a hexadecimal number of {} digits", 2 * N)))
    }
}
