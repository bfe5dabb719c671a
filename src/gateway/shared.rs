//! What all connections of a gateway share.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use koine_core::{Authenticated, Command, Error, ErrorKind, Reply, Timestamp, UserId, Zone};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::admission::Admission;
use super::gates::Gates;
use super::http::Cors;
use super::networks::Networks;
use super::rate::Registrations;
use crate::auth::{Auth, Directory};
use crate::config::{Config, DialectName};
use crate::files::FileStore;
use crate::hub::{Actor, Hub, Origin};

/// What all connections of a gateway share.
pub(super) struct Shared {
    pub(super) config: Config,
    pub(super) hub: Hub,
    pub(super) auth: Auth,
    pub(super) directory: Arc<dyn Directory>,
    pub(super) files: FileStore,
    pub(super) zone: Zone,
    pub(super) demo: bool,
    pub(super) trusted: Networks,
    pub(super) cors: Cors,
    pub(super) admission: Admission,
    pub(super) registrations: Registrations,
    /// One pull of a user at a time, from the command until what it returned has been consumed.
    pub(super) pulls: Gates<UserId>,
    /// Cancelled when the gateway begins to stop.
    pub(super) stopping: CancellationToken,
    /// Every connection and everything it has left behind to be done.
    pub(super) tasks: TaskTracker,
}

impl Shared {
    /// Carries a command out that binds nothing to a connection, for a client at an address.
    pub(super) async fn carry_out(&self, actor: &Actor, client: IpAddr, command: Command) -> Result<Reply, Error> {
        match command {
            Command::Authenticate(request) => {
                let grant = self.auth.authenticate(dialect_of(actor)?, &request).await?;
                Ok(Reply::Authenticated(Authenticated { user: grant.user, expires: grant.expires }))
            }
            Command::ExchangeKey { user, key } => {
                self.count_registration(client, &user)?;
                self.auth.exchange(&user, &key, now()).await.map(Reply::Token)
            }
            // Only a WebSocket can be subscribed.
            Command::Attach(_) => Err(Error::internal()),
            command => {
                if let Command::Register(register) = &command {
                    self.count_registration(client, &register.handle)?;
                }
                self.hub.execute(actor, command).await
            }
        }
    }

    /// How long a connection's end may take: `limits.handshake`, and while the gateway stops no longer
    /// than half the drain time.
    pub(super) fn farewell(&self) -> Duration {
        let usual = self.config.limits.handshake;
        if self.stopping.is_cancelled() { usual.min(self.config.drain / 2) } else { usual }
    }

    /// Counts a registration or a token exchange against its limits.
    pub(super) fn count_registration(&self, client: IpAddr, user: &koine_core::Handle) -> Result<(), Error> {
        if self.registrations.allow(client, user) { Ok(()) } else { Err(ErrorKind::RateLimited.into()) }
    }
}

fn dialect_of(actor: &Actor) -> Result<DialectName, Error> {
    match actor.origin {
        Origin::Dialect(name) => Ok(name),
        Origin::Management => Err(Error::internal()),
    }
}

/// The wall clock.
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
