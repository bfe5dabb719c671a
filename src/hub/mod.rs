//! The hub: carries commands out for users and tells connections what happened.

mod actor;
mod subscription;

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use koine_core::{Attach, Command, ConnectionId, Error, Receipt, Reply, User, UserRef};

pub use actor::{Actor, Origin};
pub use subscription::{Delivery, Position, Subscription};

use crate::config::DialectName;

/// Carries commands out. Cheap to clone.
#[derive(Clone)]
pub struct Hub {}

/// The answer to a command that was handed over.
pub type Pending = Pin<Box<dyn Future<Output = Result<Reply, Error>> + Send>>;

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

impl Hub {
    /// A number for a new connection.
    pub fn next_connection(&self) -> ConnectionId {
        ConnectionId::new(1)
    }

    /// Hands a command over and gives its answer to wait for. Commands of one connection that are
    /// handed over one after the other are carried out in that order; this call itself waits only
    /// while the queue is full. `Authenticate`, `ExchangeKey` and `Attach` are not for here.
    pub async fn submit(&self, _actor: &Actor, _command: Command) -> Pending {
        Box::pin(async { Err(Error::internal()) })
    }

    /// Carries a command out.
    pub async fn execute(&self, actor: &Actor, command: Command) -> Result<Reply, Error> {
        self.submit(actor, command).await.await
    }

    /// Subscribes a connection to its user's events. Dropping the subscription ends it.
    pub async fn attach(
        &self,
        _connection: ConnectionId,
        _info: &ConnectionInfo,
        _user: &Arc<User>,
        _attach: &Attach,
    ) -> Result<Subscription, Error> {
        Err(Error::internal())
    }

    /// Notes that messages were delivered to a user (and read, where `read`). Gathered in memory and
    /// written within a second.
    pub fn confirm(&self, _user: &UserRef, _receipt: Receipt, _read: bool) {}

    /// Whether a live, authenticated connection of `user` in `dialect` comes from `address`; with an
    /// `origin` that connection must have been opened from the same one (auth-ack's address rule).
    pub fn vouches(
        &self,
        _user: koine_core::UserId,
        _dialect: DialectName,
        _address: IpAddr,
        _origin: Option<&str>,
    ) -> bool {
        false
    }

    /// Tells every connection that the server is stopping; subscriptions end with that reason.
    pub fn drain(&self) {}

    /// Finishes what was handed over, writes what was gathered, and stops. Commands are refused from
    /// then on.
    pub async fn stop(&self) {}
}
