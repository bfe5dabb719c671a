//! The hub: carries commands out for users and tells connections what happened.
//!
//! ```text
//! command ─► execute ─┬─► committer ─► store (durable) ─► reply
//!                     │                      └─► publish ─► mailboxes ─► subscriptions
//!                     └─► questions, answered from a snapshot
//! ```

mod actor;
mod admin;
mod broadcast;
mod clock;
mod committer;
mod directory;
mod dispatch;
mod execute;
mod files;
mod mailbox;
mod pending;
mod publish;
mod queue;
mod ranges;
mod readers;
mod receipts;
mod registry;
mod room;
mod subscription;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use koine_core::{
    Attach, Command, ConnectionId, Content, Dialect, EndReason, Error, ErrorKind, Receipt, Reply, Request, Scope,
    SendMessage, User, UserId, UserRef,
};
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) use readers::Readers;

pub use actor::{Actor, Origin};
pub use admin::{ConnectionView, HubStats, IssuedOpaque};
pub use clock::Clock;
pub use pending::Pending;
pub use ranges::Ranges;
pub use receipts::Receipts;
pub use subscription::{Delivery, Position, Subscription};

use self::broadcast::Speakers;
use self::committer::Committer;
use self::mailbox::Mailbox;
use self::publish::Publisher;
use self::readers::Blocking;
use self::registry::{Registry, Slot};
use crate::config::{AppPolicy, Config, DialectName, IdentityMode, Registration};
use crate::store::{Action, Op, Outcome, Store};

/// Carries commands out. Cheap to clone.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

/// What is known of a connection before anybody authenticated on it.
#[derive(Debug, Clone)]
pub struct ConnectionInfo {
    /// The dialect spoken on it.
    pub dialect: DialectName,
    /// The client's address, as far as proxies can be trusted.
    pub address: IpAddr,
    /// The `Origin` header it was opened with.
    pub origin: Option<String>,
}

/// What the hub goes by.
#[derive(Debug, Clone)]
struct Rules {
    registration: Registration,
    identity: IdentityMode,
    merge_apps: bool,
    max_pull_access_token: u64,
    max_pull_auth_ack: u64,
    grace: Duration,
    mailbox_frames: usize,
    mailbox_bytes: usize,
    min_free: u64,
    user_files: u64,
    total_files: u64,
}

struct Inner {
    store: Arc<dyn Store>,
    committer: Committer,
    readers: Readers,
    publisher: Arc<Publisher>,
    /// What ends with the hub.
    tasks: Mutex<Vec<JoinHandle<()>>>,
    registry: Arc<Registry>,
    speakers: Arc<Speakers>,
    clock: Clock,
    rules: Rules,
    connections: AtomicU64,
    /// Free bytes of the disk the store is on, looked at now and then.
    free: AtomicU64,
    /// Cancelled when the hub stops.
    stopping: CancellationToken,
}

impl Hub {
    /// Starts the hub on a store. `dialects` are in the order of [`DialectName::ALL`]. Must be called
    /// within a runtime.
    pub fn start(
        config: &Config,
        store: Arc<dyn Store>,
        dialects: Vec<Arc<dyn Dialect>>,
        clock: Clock,
    ) -> std::io::Result<Self> {
        Self::start_with(config, store, dialects, clock, Blocking::Threads)
    }

    /// The same without threads of its own, for simulations.
    #[cfg(test)]
    pub(crate) fn start_without_threads(
        config: &Config,
        store: Arc<dyn Store>,
        dialects: Vec<Arc<dyn Dialect>>,
        clock: Clock,
    ) -> std::io::Result<Self> {
        Self::start_with(config, store, dialects, clock, Blocking::Tasks)
    }

    fn start_with(
        config: &Config,
        store: Arc<dyn Store>,
        dialects: Vec<Arc<dyn Dialect>>,
        clock: Clock,
        blocking: Blocking,
    ) -> std::io::Result<Self> {
        let speakers = Arc::new(Speakers::new(dialects));
        let registry = Arc::new(Registry::new(speakers.clone(), config.limits.outbound_total));
        let (publisher, tasks) = Publisher::start(&registry, &speakers);
        let publisher = Arc::new(publisher);
        let room = config.limits.commit_queue;
        let (committer, tasks) = match blocking {
            Blocking::Threads => {
                let (committer, task) = Committer::start(store.clone(), publisher.clone(), clock.clone(), room)?;
                (committer, tasks.into_iter().chain([task]).collect())
            }
            #[cfg(test)]
            Blocking::Tasks => {
                let (committer, more) = Committer::start_as_task(store.clone(), publisher.clone(), clock.clone(), room);
                (committer, tasks.into_iter().chain(more).collect())
            }
        };
        let rules = Rules {
            registration: config.registration,
            identity: config.dialects.auth_ack.identity,
            merge_apps: config.dialects.auth_ack.apps == AppPolicy::Merge,
            max_pull_access_token: config.dialects.access_token.max_pull,
            max_pull_auth_ack: config.dialects.auth_ack.max_pull,
            grace: config.presence.grace,
            mailbox_frames: config.limits.mailbox_frames,
            mailbox_bytes: config.limits.mailbox_bytes,
            min_free: config.store.min_free,
            user_files: config.limits.user_files,
            total_files: config.limits.total_files,
        };
        Ok(Self(Arc::new(Inner {
            store,
            committer,
            readers: Readers::new(blocking),
            publisher,
            tasks: Mutex::new(tasks),
            registry,
            speakers,
            clock,
            rules,
            connections: AtomicU64::new(0),
            free: AtomicU64::new(u64::MAX),
            stopping: CancellationToken::new(),
        })))
    }

    /// Who reads from the store.
    pub(crate) fn readers(&self) -> &Readers {
        &self.0.readers
    }

    /// A number for a new connection.
    pub fn next_connection(&self) -> ConnectionId {
        ConnectionId::new(self.0.connections.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// The time, as the hub sees it.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Hands a command over and gives its answer to wait for. Commands of one connection that are
    /// handed over one after the other are carried out in that order; this call itself waits only
    /// while the queue is full. `Authenticate`, `ExchangeKey` and `Attach` are not for here.
    pub async fn submit(&self, actor: &Actor, command: Command) -> Pending {
        match self.submit_now(actor, command) {
            Ok(pending) => pending,
            Err(op) => self.submit_op(*op).await,
        }
    }

    /// The same without waiting: what the command comes to is given back if the queue is full, for
    /// [`Hub::submit_op`].
    pub(crate) fn submit_now(&self, actor: &Actor, command: Command) -> Result<Pending, Box<Op>> {
        execute::submit_now(&self.0, actor, command)
    }

    /// Hands over what had to wait.
    pub(crate) async fn submit_op(&self, op: Op) -> Pending {
        Pending::decided(self.0.committer.submit(op).await)
    }

    /// Carries a command out.
    pub async fn execute(&self, actor: &Actor, command: Command) -> Result<Reply, Error> {
        self.submit(actor, command).await.await
    }

    /// Subscribes a connection to its user's events. Dropping the subscription ends it.
    pub async fn attach(
        &self,
        connection: ConnectionId,
        info: &ConnectionInfo,
        user: &Arc<User>,
        attach: &Attach,
    ) -> Result<Subscription, Error> {
        let faces = match &attach.scope {
            Scope::All => None,
            Scope::Peer(key) => Some(self.0.target(info, key).await?),
        };
        let rules = &self.0.rules;
        let mailbox = Mailbox::new(attach.catch_up, rules.mailbox_frames, rules.mailbox_bytes);
        let slot = Slot::new(connection, info.clone(), user.to_ref(), faces, mailbox, self.0.clock.now());
        // It counts from here on: what is committed after the operation comes through its mailbox,
        // what was committed before is in the store.
        self.0.registry.add(&slot);
        let subscription = Subscription::new(self.0.clone(), slot.clone(), attach.catch_up);
        let op = Op { by: Some(user.id), action: Action::Attach(attach.clone()) };
        match committer::wait(self.0.committer.submit_attach(op, slot.clone()).await).await? {
            Outcome::Attached(_) => {
                self.0.registry.greet(&slot);
                Ok(subscription)
            }
            _ => Err(Error::internal()),
        }
    }

    /// Notes that messages were delivered to a user (and read, where `read`). Gathered in memory and
    /// written within a second.
    pub fn confirm(&self, user: &UserRef, receipt: Receipt, read: bool) {
        let action = Action::Confirm { receipt, read, durable: false };
        // Others hear of it where somebody has read something.
        self.0.committer.submit_quietly(Op { by: Some(user.id), action }, read);
    }

    /// Notes that the client of a connection has acknowledged a message: to be written within a second, and known to
    /// whoever asks or attaches from now on.
    pub fn acknowledge(&self, receipts: &Arc<Receipts>, position: Position) {
        if receipts.add(position) {
            self.0.committer.take_up(receipts);
        }
    }

    /// Whether a live, authenticated connection of `user` in `dialect` comes from `address`; with an
    /// `origin` that connection must have been opened from the same one (auth-ack's address rule).
    pub fn vouches(&self, user: UserId, dialect: DialectName, address: IpAddr, origin: Option<&str>) -> bool {
        self.0.registry.vouches(user, dialect, address, origin)
    }

    /// Tells every connection that the server is stopping; subscriptions end with that reason.
    pub fn drain(&self) {
        self.0.registry.end_all(EndReason::Draining);
    }

    /// Finishes what was handed over, writes what was gathered, and stops. Commands are refused from
    /// then on.
    pub async fn stop(&self) {
        self.0.committer.stop().await;
        self.0.end();
    }

    /// Stops on the spot, as if the process had been killed.
    #[cfg(test)]
    pub(crate) fn kill(&self) {
        self.0.end();
    }

    /// Whether changes are taken: the store is healthy, and the disk has room.
    pub fn readiness(&self) -> Result<(), Error> {
        self.0.store.health()?;
        self.0.check_room()
    }

    /// Notes how many bytes the disk of the store has free; below `store.min_free` sends are refused.
    pub fn note_free_space(&self, bytes: u64) {
        self.0.free.store(bytes, Ordering::Relaxed);
    }
}

impl Inner {
    fn end(&self) {
        self.stopping.cancel();
        for task in std::mem::take(&mut *self.tasks.lock()) {
            task.abort();
        }
    }

    /// Has an operation decided and made durable.
    async fn change(&self, by: UserId, action: Action) -> Result<Outcome, Error> {
        committer::wait(self.committer.submit(Op { by: Some(by), action }).await).await
    }

    /// Has an operation of the operator's decided and made durable.
    async fn change_as_operator(&self, action: Action) -> Result<Outcome, Error> {
        committer::wait(self.committer.submit(Op { by: None, action }).await).await
    }

    /// Asks the store, off the async threads. What was confirmed before is known by then.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Store) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.committer.settle().await;
        let store = self.store.clone();
        self.readers.run(move || question(store.as_ref())).await
    }

    async fn pending_requests(&self, user: UserId) -> Result<Vec<Arc<Request>>, Error> {
        self.ask(move |store| store.requests(user)).await
    }

    /// Whether a message may go on to the committer, who has them all to decide.
    fn admit(&self, send: &SendMessage) -> Result<(), Error> {
        if send.content.depth() > Content::DEEPEST {
            return Err(Error::bad_request(format!("the content is nested deeper than {}", Content::DEEPEST)));
        }
        self.check_room()
    }

    fn check_room(&self) -> Result<(), Error> {
        if self.free.load(Ordering::Relaxed) < self.rules.min_free {
            return Err(Error::with_detail(ErrorKind::Unavailable, "the server's disk is nearly full"));
        }
        Ok(())
    }

    /// A connection has ended: it counts for presence until the grace is over.
    fn part(self: &Arc<Self>, slot: &Arc<Slot>) {
        self.registry.linger(slot);
        let (inner, slot) = (self.clone(), slot.clone());
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            self.registry.remove(&slot);
            return;
        };
        runtime.spawn(async move {
            if slot.faces.is_none() {
                inner.publisher.parted(slot.user.id).await;
            }
            tokio::select! {
                () = tokio::time::sleep(inner.rules.grace) => {}
                () = inner.stopping.cancelled() => {}
            }
            inner.registry.remove(&slot);
        });
    }
}
