//! Looking after users, the same for a running gateway and for a data directory at rest.

use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use koine_core::{Handle, Timestamp, Token, User, Zone};

use super::arguments::Target;
use super::at_rest::AtRest;
use super::management_client::{ADDRESS_FILE, ManagementClient};
use crate::config::DialectName;
use crate::store::lock::{DataDirectory, LockError};

/// What can be done for users.
pub trait UserAdmin {
    /// Registers a user, with a number of its own or the next one.
    fn add<'a>(&'a self, user: &'a Handle, nickname: Option<&'a str>, number: Option<u64>) -> Answer<'a, UserRow>;

    /// Looks a user up; fails if there is none.
    fn show<'a>(&'a self, user: &'a Handle) -> Answer<'a, UserRow>;

    /// A page of users in the order of their numbers; `after` is the last page's `next`.
    fn list<'a>(&'a self, after: Option<&'a str>) -> Answer<'a, UserPage>;

    /// Allows or forbids a user to connect; forbidding closes the user's connections.
    fn set_disabled<'a>(&'a self, user: &'a Handle, disabled: bool) -> Answer<'a, UserRow>;

    /// Closes a user's connections.
    fn kick<'a>(&'a self, user: &'a Handle) -> Answer<'a, ()>;

    /// Makes a token that the user's client of the dialect can use: for user-sig the rule key, for no
    /// dialect one that is good in the four others. It lives for `ttl`, else as long as is configured.
    fn token<'a>(
        &'a self,
        user: &'a Handle,
        dialect: Option<DialectName>,
        ttl: Option<Duration>,
    ) -> Answer<'a, MintedToken>;
}

/// An answer under way.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = anyhow::Result<T>> + 'a>>;

/// A user, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// The number.
    pub number: u64,
    /// The name.
    pub handle: String,
    /// What to call the user, if anybody said.
    pub nickname: Option<String>,
    /// Whether the user cannot connect.
    pub disabled: bool,
    /// When the user was registered, for people to read.
    pub created: String,
}

/// Some users, and how to get more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPage {
    /// The users.
    pub users: Vec<UserRow>,
    /// What to ask for next; `None`: these were the last.
    pub next: Option<String>,
}

/// A token that was made.
#[derive(Debug, Clone)]
pub struct MintedToken {
    /// The token.
    pub token: Token,
    /// When it stops being good, if it does.
    pub expires: Option<Timestamp>,
}

impl UserRow {
    /// A user as the core knows it.
    pub fn of(user: &User, zone: &Zone) -> Self {
        Self {
            number: user.id.get(),
            handle: user.handle.to_string(),
            nickname: user.profile.nickname.as_deref().map(str::to_owned),
            disabled: user.disabled,
            created: zone.text(user.created),
        }
    }
}

/// Whether a data directory that does not exist may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// It is an error.
    Refuse,
    /// It is made.
    Make,
}

/// Finds whoever can look after users: the management API that was named, else the gateway that works in the
/// data directory, else this process in the data directory itself.
pub(super) fn open(target: &Target, missing: Missing) -> anyhow::Result<Box<dyn UserAdmin>> {
    let loaded = target.load()?;
    let config = loaded.config();
    let zone = config.zone().context("time_zone")?;
    let key_file = target.key_file.clone().unwrap_or_else(|| config.data.join(&config.management.key_file));
    if let Some(address) = &target.management {
        return Ok(Box::new(ManagementClient::new(address, &key_file, zone)?));
    }
    if missing == Missing::Refuse && !exists(&config.data) {
        bail!(
            "there is no data directory {}; name one with --data, or start `koine serve` to make it",
            config.data.display()
        );
    }
    match DataDirectory::take(&config.data) {
        Ok(directory) => Ok(Box::new(AtRest::open(directory, config)?)),
        Err(held @ LockError::Held { .. }) => {
            let address = std::fs::read_to_string(config.data.join(ADDRESS_FILE)).map_err(|_| {
                anyhow!("{held}, which has no management API to ask; stop it, or name its API with --management")
            })?;
            Ok(Box::new(ManagementClient::new(address.trim(), &key_file, zone)?))
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether a folder has ever been a data directory: then its lock is there.
fn exists(data: &Path) -> bool {
    data.join("lock").exists()
}
