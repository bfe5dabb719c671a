//! Clients of all five dialects that talk to each other all the time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::catch_up;
use crate::dialect::{Dialect, Heard, Person, Target};
use crate::ledger::{Ledger, Stream};
use crate::line::{Hearing, Incoming, Line, Speaking};
use crate::process::{PATIENCE, Place};

/// People of all dialects, each pair in a conversation and those who can in a group.
#[derive(Debug, Clone)]
pub(crate) struct Fleet {
    people: Vec<Person>,
    streams: Arc<Vec<Stream>>,
    ledger: Arc<Ledger>,
    pace: Pace,
}

/// How much is said.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// The time between two messages of a stream.
    pub(crate) every: Duration,
    /// How many may wait for their receipt.
    pub(crate) in_flight: usize,
    /// How large a message is, in bytes.
    pub(crate) size: usize,
    /// Whether those talk who get no receipts: nothing but the connection holds them up.
    pub(crate) without_receipts: bool,
}

impl Default for Pace {
    fn default() -> Self {
        Self { every: Duration::from_millis(15), in_flight: 64, size: 0, without_receipts: true }
    }
}

/// A fleet that is connected.
pub(crate) struct Voyage {
    fleet: Fleet,
    lines: JoinSet<End>,
    /// How many connections have come about.
    connected: Arc<AtomicUsize>,
    silence: CancellationToken,
}

/// How a connection ended.
#[derive(Debug, Clone)]
pub(crate) struct End {
    pub(crate) who: Person,
    /// The code of the server's Close.
    pub(crate) code: Option<u16>,
    /// user-sig's word came before it.
    pub(crate) kicked_out: bool,
}

/// Registers somebody.
pub(crate) async fn register(place: &Place, dialect: Dialect, handle: &str) -> Result<Person> {
    let made = place.manage("POST", "/v1/users", Some(&json!({"handle": handle}))).await?;
    let number = made.pointer("/number").and_then(Value::as_u64).context("no number")?;
    let wanted = if dialect == Dialect::UserSig { json!({"dialect": "user-sig"}) } else { json!({}) };
    let issued = place.manage("POST", &format!("/v1/users/{handle}/tokens"), Some(&wanted)).await?;
    let token = issued.pointer("/token").and_then(Value::as_str).context("no token")?.to_owned();
    Ok(Person { dialect, handle: handle.to_owned(), number, token })
}

/// Opens the conversation of two; where each of them sends to.
pub(crate) async fn acquaint(place: &Place, one: &Person, other: &Person) -> Result<(Target, Target)> {
    let hello = json!({"from": one.handle, "to": other.handle, "content": "hello"});
    let sent = place.manage("POST", "/v1/messages", Some(&hello)).await?;
    let conversation = sent.pointer("/conversation").and_then(Value::as_u64).context("no conversation")?;
    let towards = |person: &Person| Target { conversation, peer: Some((person.handle.clone(), person.number)) };
    Ok((towards(other), towards(one)))
}

impl Fleet {
    /// Registers everybody.
    pub(crate) async fn found(place: &Place, engine: &str, pace: Pace) -> Result<Self> {
        let (mut people, mut streams) = (Vec::new(), Vec::new());
        for dialect in Dialect::ALL {
            people.push(register(place, dialect, &format!("{}-client", dialect.name())).await?);
        }
        for (index, one) in people.iter().enumerate() {
            for other in people.iter().skip(index + 1) {
                let (there, back) = acquaint(place, one, other).await?;
                streams.push(Stream { from: one.clone(), to: there, receivers: vec![other.handle.clone()] });
                streams.push(Stream { from: other.clone(), to: back, receivers: vec![one.handle.clone()] });
            }
        }
        let members: Vec<&Person> = people.iter().filter(|person| person.dialect.has_groups()).collect();
        let handles: Vec<&str> = members.iter().map(|member| member.handle.as_str()).collect();
        let group = json!({"name": "crew", "manager": handles.first(), "members": handles});
        let made = place.manage("POST", "/v1/groups", Some(&group)).await?;
        let to = Target { conversation: made.pointer("/id").and_then(Value::as_u64).context("no group")?, peer: None };
        for member in &members {
            let receivers = handles.iter().filter(|&&handle| handle != member.handle).map(|&handle| handle.to_owned());
            streams.push(Stream { from: (*member).clone(), to: to.clone(), receivers: receivers.collect() });
        }
        Ok(Self { people, streams: Arc::new(streams), ledger: Arc::new(Ledger::of(engine)), pace })
    }

    /// The same people at another pace.
    pub(crate) fn at(&self, pace: Pace) -> Self {
        Self { pace, ..self.clone() }
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Connects everybody; they talk from then on. A server that dies meanwhile ends their connections.
    pub(crate) fn sail(&self, place: &Place) -> Voyage {
        let (silence, connected) = (CancellationToken::new(), Arc::<AtomicUsize>::default());
        let mut lines = JoinSet::new();
        for person in &self.people {
            let own = |stream: &&Stream| stream.from.handle == person.handle;
            let all: Vec<u32> =
                (0..).zip(self.streams.iter()).filter(|(_, stream)| own(stream)).map(|(n, _)| n).collect();
            // A connection of status-code's is one chat.
            let one = person.dialect == Dialect::StatusCode;
            let shares = if one { all.iter().map(|&stream| vec![stream]).collect() } else { vec![all] };
            for streams in shares {
                let talk = Talk {
                    fleet: self.clone(),
                    me: person.clone(),
                    streams,
                    silence: silence.clone(),
                    connected: connected.clone(),
                };
                lines.spawn(talk.run(place.clone()));
            }
        }
        Voyage { fleet: self.clone(), lines, connected, silence }
    }

    /// The whole truth about a server that serves: everybody catches up, then what it keeps is compared with
    /// what it has promised.
    pub(crate) async fn verify(&self, place: &Place) -> Result<()> {
        let silent = self.at(Pace { every: Duration::MAX, ..self.pace });
        let voyage = silent.sail(place);
        let checked = match voyage.fall_silent().await {
            Ok(()) => self.compare(place).await,
            Err(error) => Err(error),
        };
        voyage.end().await?;
        checked
    }

    async fn compare(&self, place: &Place) -> Result<()> {
        let mut logs = BTreeMap::new();
        for stream in self.streams.iter() {
            let conversation = stream.to.conversation;
            if let std::collections::btree_map::Entry::Vacant(entry) = logs.entry(conversation) {
                entry.insert(catch_up::log(place, conversation).await?);
            }
        }
        self.ledger.check(&logs)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let missing = self.ledger.missing(&self.streams, &logs);
            if missing.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("messages that are there did not come to their receivers: {missing:?}");
            }
            for person in self.people.iter().filter(|person| missing.contains_key(&person.handle)) {
                self.catch_up(place, person).await?;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn catch_up(&self, place: &Place, person: &Person) -> Result<()> {
        let mut conversations: Vec<u64> = self
            .streams
            .iter()
            .filter(|stream| stream.receivers.contains(&person.handle))
            .map(|stream| stream.to.conversation)
            .collect();
        conversations.sort_unstable();
        conversations.dedup();
        let marks = catch_up::ask(place, person, &conversations).await?;
        self.ledger.caught_up(person, marks);
        Ok(())
    }
}

impl Voyage {
    /// Waits until everybody is connected.
    pub(crate) async fn under_sail(&self) -> Result<()> {
        crate::tools::until("everybody is connected", || async {
            Ok((self.connected.load(Ordering::Acquire) >= self.lines.len()).then_some(()))
        })
        .await
    }

    /// Nobody says anything more, and what was said is answered.
    pub(crate) async fn fall_silent(&self) -> Result<()> {
        self.silence.cancel();
        crate::tools::until("every send is answered", || async {
            let streams = (0..).zip(self.fleet.streams.iter());
            let mut waited_for = streams.filter(|(_, stream)| stream.from.dialect.acknowledges());
            Ok(waited_for.all(|(number, _)| self.fleet.ledger.open_count(number) == 0).then_some(()))
        })
        .await
    }

    /// Waits until every connection has ended by the server's doing.
    pub(crate) async fn ended(mut self) -> Result<Vec<End>> {
        let ending = async {
            let mut ends = Vec::new();
            while let Some(end) = self.lines.join_next().await {
                ends.push(end?);
            }
            Ok(ends)
        };
        tokio::time::timeout(PATIENCE, ending).await.context("the connections do not end")?
    }

    /// Ends all connections from this side.
    pub(crate) async fn end(mut self) -> Result<()> {
        self.silence.cancel();
        self.lines.shutdown().await;
        Ok(())
    }
}

/// One connection.
struct Talk {
    fleet: Fleet,
    me: Person,
    streams: Vec<u32>,
    silence: CancellationToken,
    connected: Arc<AtomicUsize>,
}

impl Talk {
    /// Connects, and again whenever it read too slowly.
    async fn run(self, place: Place) -> End {
        loop {
            let end = self.once(&place).await;
            if end.code != Some(1013) {
                return end;
            }
        }
    }

    async fn once(&self, place: &Place) -> End {
        let mut end = End { who: self.me.clone(), code: None, kicked_out: false };
        let facing = self.streams.first().and_then(|&stream| self.fleet.streams.get(stream as usize));
        let facing = facing.and_then(|stream| stream.to.peer.as_ref()).map(|(handle, _)| handle.as_str());
        // A server that is killed meanwhile refuses.
        let Ok(line) = Line::open(place, &self.me, facing).await else { return end };
        self.connected.fetch_add(1, Ordering::AcqRel);
        let Line { speaking, hearing } = line;
        let (receipts, acknowledging) = mpsc::unbounded_channel();
        let listening = self.listen(hearing, receipts, &mut end);
        tokio::select! {
            () = listening => {}
            // A connection that cannot be written to may still have something to say.
            () = self.speak(speaking, acknowledging) => {}
        }
        end
    }

    async fn listen(&self, mut hearing: Hearing, receipts: mpsc::UnboundedSender<u64>, end: &mut End) {
        let ledger = self.fleet.ledger();
        let connection = ledger.connection(&self.me);
        loop {
            match hearing.next().await {
                Incoming::Frame(Heard::Message(mark, id)) => {
                    ledger.heard(connection, mark);
                    if let Some(id) = id {
                        // The writer may be gone before the reader is.
                        let _ = receipts.send(id);
                    }
                }
                Incoming::Frame(Heard::Accepted(mark)) => ledger.accepted(mark),
                Incoming::Frame(Heard::Refused(mark)) => ledger.refused(mark),
                Incoming::Frame(Heard::KickedOut) => end.kicked_out = true,
                Incoming::Frame(Heard::Other) | Incoming::Pinged => {}
                Incoming::Closed(code) => {
                    end.code = Some(code);
                    return;
                }
                Incoming::Lost => return,
            }
        }
    }

    /// Talks until the silence, and acknowledges. Never ends by itself: reading tells when it is over.
    async fn speak(&self, mut speaking: Speaking, mut receipts: mpsc::UnboundedReceiver<u64>) {
        let Pace { every, in_flight, size, without_receipts } = self.fleet.pace;
        let ledger = self.fleet.ledger();
        if self.begin(&mut speaking).await.is_ok() {
            let mut ticks = tokio::time::interval(every.min(Duration::from_hours(1)));
            let mut talks = every != Duration::MAX;
            loop {
                let said = tokio::select! {
                    biased;
                    receipt = receipts.recv() => speaking.acknowledge(receipt).await,
                    () = self.silence.cancelled(), if talks => {
                        talks = false;
                        Ok(())
                    }
                    _ = ticks.tick(), if talks => {
                        let mut said = Ok(());
                        for &number in &self.streams {
                            let room = if self.me.dialect.acknowledges() {
                                ledger.open_count(number) < in_flight
                            } else {
                                without_receipts
                            };
                            let Some(stream) = self.fleet.streams.get(number as usize) else { continue };
                            if said.is_ok() && room {
                                said = speaking.say(&stream.to, ledger.next(number), size).await;
                            }
                        }
                        said
                    }
                };
                if said.is_err() {
                    break;
                }
            }
        }
        std::future::pending::<()>().await;
    }

    /// What was not answered on the connection before is said again where that is safe.
    async fn begin(&self, speaking: &mut Speaking) -> Result<()> {
        let ledger = self.fleet.ledger();
        for &number in &self.streams {
            let Some(stream) = self.fleet.streams.get(number as usize) else { continue };
            if !self.me.dialect.has_keys() {
                ledger.give_up(number);
                continue;
            }
            for mark in ledger.open(number) {
                speaking.say(&stream.to, mark, self.fleet.pace.size).await?;
            }
        }
        Ok(())
    }
}
