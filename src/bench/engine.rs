//! The engine by itself: what the store writes for messages is recorded once, and then written again by nobody but
//! the engine. Those rates are what the whole server is held against: how fast it takes batches that are there already,
//! and how fast writers get on with it who each wait for their own message to be durable.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow};
use koine_core::{Content, Handle, IdempotencyKey, Reply, SendMessage, Target, Timestamp, UserId, UserKey};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use super::number::{count, per_second};
use super::options::Mix;
use super::server::{Programs, temporary};
use super::text;
use crate::config::{Config, DialectName, EngineName};
use crate::store::embedded::{Embedded, Settings};
use crate::store::engine::{self, Batch, DEFAULT_CACHE_BYTES, Durability, Engine, EngineKind, Hooked};
use crate::store::{Action, Applied, Op, Outcome, Store};

/// How many messages are recorded.
const MESSAGES: usize = 100_000;

/// What the store gave the engine, batch by batch.
pub struct Recording {
    /// Each with how many messages it is for.
    batches: Vec<(Batch, usize)>,
    most: usize,
    kind: EngineKind,
}

impl Recording {
    /// Records messages between so many pairs, so many of each together, as the committer would find them waiting;
    /// their senders speak the dialects of the mix in turn.
    pub fn of_messages(pairs: usize, in_flight: u64, mix: &Mix, engine: EngineName) -> anyhow::Result<Self> {
        let kind = match engine {
            EngineName::Fjall => EngineKind::Fjall,
            EngineName::Sled => EngineKind::Sled,
        };
        let directory = temporary()?;
        let recorded = Arc::new(Mutex::new(Vec::new()));
        let record = recorded.clone();
        let engine = Hooked::new(open(kind, directory.path())?, move |batch| record.lock().push(batch.clone()));
        let store = Embedded::open(Arc::new(engine), Settings::new(&Config::default(), false))?;
        let senders = senders(&store, pairs, mix)?;
        recorded.lock().clear();
        let together = usize::try_from(in_flight)?.saturating_mul(pairs).clamp(1, store.max_batch());
        let (mut batches, mut numbers) = (Vec::new(), senders.iter().cycle().zip(0..MESSAGES));
        loop {
            let ops: Vec<Op> = numbers.by_ref().take(together).map(|(sender, number)| sender.op(number)).collect();
            if ops.is_empty() {
                break;
            }
            let messages = ops.len();
            let applied = store.apply(now(), ops);
            if let Some(Err(why)) = applied.into_iter().map(|applied| applied.result).find(Result::is_err) {
                return Err(anyhow!("a message was refused: {why}"));
            }
            let mut whole = Batch::new();
            recorded.lock().drain(..).for_each(|batch| whole.append(batch));
            batches.push((whole, messages));
        }
        Ok(Self { batches, most: store.max_batch(), kind })
    }

    /// Writes the batches one after the other, durably, on the server's core and for at most so long; messages per
    /// second.
    pub fn replay(&self, programs: &Programs, longest: Duration) -> anyhow::Result<f64> {
        on_the_server(programs, || {
            let directory = temporary()?;
            let engine = open(self.kind, directory.path())?;
            let batches = self.batches.clone();
            let (mut written, start) = (0, Instant::now());
            for (batch, messages) in batches {
                engine.commit(batch, Durability::Sync)?;
                written += messages;
                if start.elapsed() > longest {
                    break;
                }
            }
            Ok(per_second(count(written), start.elapsed()))
        })
    }

    /// Writes the messages for so many writers, each of whom has the next one once its last is durable: whatever waits
    /// is committed together. On the server's core and for at most so long; messages per second.
    pub fn replay_for_writers(&self, programs: &Programs, writers: usize, longest: Duration) -> anyhow::Result<f64> {
        on_the_server(programs, || {
            let directory = temporary()?;
            let engine = open(self.kind, directory.path())?;
            let batches = self.batches.iter().cloned();
            let messages: Vec<Batch> = batches.flat_map(|(batch, messages)| batch.split(messages)).collect();
            let (sender, receiver) = mpsc::channel(writers);
            let most = self.most;
            let committing = std::thread::spawn(move || commit(engine.as_ref(), receiver, most));
            let (written, took) = write(messages, sender, writers, longest)?;
            committing.join().map_err(|_| anyhow!("the engine's thread failed"))??;
            Ok(per_second(written, took))
        })
    }
}

/// Does something on the server's core, and so do the threads that it starts.
fn on_the_server<T: Send>(programs: &Programs, work: impl FnOnce() -> anyhow::Result<T> + Send) -> anyhow::Result<T> {
    std::thread::scope(|scope| {
        let working = scope.spawn(|| {
            programs.cores.pin_server();
            work()
        });
        working.join().map_err(|_| anyhow!("the engine's thread failed"))?
    })
}

/// A message's keys, and who waits for them.
type Writing = (Batch, oneshot::Sender<()>);

/// Commits whatever waits, until nothing more comes.
fn commit(engine: &dyn Engine, mut waiting: mpsc::Receiver<Writing>, most: usize) -> anyhow::Result<()> {
    let mut told = Vec::new();
    while let Some((mut batch, first)) = waiting.blocking_recv() {
        told.push(first);
        while told.len() < most
            && let Ok((more, next)) = waiting.try_recv()
        {
            batch.append(more);
            told.push(next);
        }
        engine.commit(batch, Durability::Sync)?;
        for one in told.drain(..) {
            // Nobody leaves before it is told.
            let _ = one.send(());
        }
    }
    Ok(())
}

/// How many messages so many writers got written, and in which time.
fn write(
    messages: Vec<Batch>,
    sender: mpsc::Sender<Writing>,
    writers: usize,
    longest: Duration,
) -> anyhow::Result<(u64, Duration)> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let messages = Arc::new(Mutex::new(messages.into_iter()));
    let start = Instant::now();
    let written = runtime.block_on(async {
        let mut writing = tokio::task::JoinSet::new();
        for _ in 0..writers {
            let (messages, sender) = (messages.clone(), sender.clone());
            writing.spawn(async move {
                let mut written = 0;
                while start.elapsed() < longest {
                    let Some(message) = messages.lock().next() else { break };
                    let (told, durable) = oneshot::channel();
                    if sender.send((message, told)).await.is_err() || durable.await.is_err() {
                        break;
                    }
                    written += 1;
                }
                written
            });
        }
        drop(sender);
        writing.join_all().await.into_iter().sum()
    });
    Ok((written, start.elapsed()))
}

fn open(kind: EngineKind, directory: &Path) -> anyhow::Result<Arc<dyn Engine>> {
    Ok(engine::open(kind, directory, DEFAULT_CACHE_BYTES)?)
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Somebody who writes to somebody.
struct Sender {
    user: UserId,
    to: UserId,
    dialect: DialectName,
}

impl Sender {
    /// A message, as this sender's dialect asks for it.
    fn op(&self, number: usize) -> Op {
        let id = text::id(0, 0, count(number));
        let mut send = SendMessage {
            target: Target::User(UserKey::Id(self.to)),
            content: Content::text(&text::blank()),
            client_id: None,
            key: None,
            reads: false,
        };
        match self.dialect {
            DialectName::AuthAck => send.client_id = Some(id),
            DialectName::Envelope => send.key = IdempotencyKey::new(&id.to_string()),
            DialectName::UserSig | DialectName::AccessToken | DialectName::StatusCode => {}
        }
        Op { by: Some(self.user), action: Action::Send(send) }
    }
}

fn senders(store: &Embedded, pairs: usize, mix: &Mix) -> anyhow::Result<Vec<Sender>> {
    let handles = (0..pairs * 2).map(|number| Handle::new(&format!("u{number}"))).collect::<Result<Vec<_>, _>>()?;
    let ops = handles.into_iter().map(|handle| Op { by: None, action: Action::Ensure(handle) }).collect();
    let users = store.apply(now(), ops).into_iter().map(user).collect::<anyhow::Result<Vec<_>>>()?;
    let dialects = mix.pairs();
    let pairs = users.chunks_exact(2).zip(dialects.iter().cycle());
    Ok(pairs
        .filter_map(|(users, (dialect, _))| match users {
            [user, to] => Some(Sender { user: *user, to: *to, dialect: *dialect }),
            _ => None,
        })
        .collect())
}

fn user(applied: Applied) -> anyhow::Result<UserId> {
    match applied.result {
        Ok(Outcome::Reply(Reply::User(user))) => Ok(user.id),
        other => Err(anyhow!("{other:?}")).context("no user came into being"),
    }
}
