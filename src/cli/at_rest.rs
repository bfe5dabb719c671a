//! Looking after the users of a data directory that no gateway works in.

use std::time::{Duration, SystemTime};

use anyhow::{Context, anyhow, bail};
use koine_core::{Existing, Handle, Profile, Register, Reply, Timestamp, User, UserId, UserKey, Zone};

use super::admin::{Answer, MintedToken, UserAdmin, UserPage, UserRow};
use crate::auth::{Minter, Secrets};
use crate::config::{Config, DialectName, EngineName};
use crate::store::embedded::{Embedded, Settings};
use crate::store::engine::{self, EngineKind};
use crate::store::lock::DataDirectory;
use crate::store::{Action, Op, Outcome, Queries, Store};

/// Users per page.
const PAGE: usize = 1_000;

/// A data directory that this process works in meanwhile.
pub(super) struct AtRest {
    // Dropped in this order: the store is closed before another process may have the directory.
    store: Embedded,
    _directory: DataDirectory,
    minter: Minter,
    zone: Zone,
}

impl AtRest {
    /// Opens the store and the keys of a data directory.
    pub(super) fn open(directory: DataDirectory, config: &Config) -> anyhow::Result<Self> {
        let zone = config.zone().context("time_zone")?;
        let minter = Minter::new(config, &Secrets::open(config)?, zone.clone());
        let kind = match config.store.engine {
            EngineName::Fjall => EngineKind::Fjall,
            EngineName::Sled => EngineKind::Sled,
        };
        let engine = engine::open(kind, directory.path(), config.store.cache)?;
        let store = Embedded::open(engine, Settings::new(config, false))?;
        Ok(Self { store, _directory: directory, minter, zone })
    }

    fn apply(&self, action: Action) -> anyhow::Result<Reply> {
        let applied = self.store.apply(now(), vec![Op { by: None, action }]).pop().context("the store is silent")?;
        match applied.result? {
            Outcome::Reply(reply) => Ok(reply),
            _ => bail!("the store answers something else"),
        }
    }

    fn find(&self, handle: &Handle) -> anyhow::Result<std::sync::Arc<User>> {
        let found = self.store.user(&UserKey::Handle(handle.clone()))?;
        found.ok_or_else(|| anyhow!("there is no user {handle}; `koine user add {handle}` makes one"))
    }

    fn add(&self, handle: &Handle, nickname: Option<&str>, number: Option<u64>) -> anyhow::Result<UserRow> {
        let register = Register {
            handle: handle.clone(),
            profile: Profile { nickname: nickname.map(Into::into), ..Profile::default() },
            app: None,
            existing: Existing::Refuse,
        };
        let number = number.map(UserId::new);
        let reply = self.apply(Action::Register {
            register: Box::new(register),
            number,
            merge_apps: false,
            known_only: false,
        })?;
        Ok(UserRow::of(reply.into_user()?.as_ref(), &self.zone))
    }

    fn list(&self, after: Option<&str>) -> anyhow::Result<UserPage> {
        let after = after.map(str::parse).transpose()?;
        let page = self.store.users(after, PAGE)?;
        let next = page.users.last().filter(|_| page.more).map(|user| user.id.to_string());
        Ok(UserPage { users: page.users.iter().map(|user| UserRow::of(user, &self.zone)).collect(), next })
    }

    fn set_disabled(&self, handle: &Handle, disabled: bool) -> anyhow::Result<UserRow> {
        self.find(handle)?;
        let reply = self.apply(Action::SetDisabled(UserKey::Handle(handle.clone()), disabled))?;
        Ok(UserRow::of(reply.into_user()?.as_ref(), &self.zone))
    }

    fn token(
        &self,
        handle: &Handle,
        dialect: Option<DialectName>,
        ttl: Option<Duration>,
    ) -> anyhow::Result<MintedToken> {
        let user = self.find(handle)?;
        if dialect == Some(DialectName::UserSig) {
            return Ok(MintedToken { token: self.minter.rule_key(handle, now()), expires: None });
        }
        let issued = self.minter.mint(user.id, dialect, ttl.unwrap_or(self.minter.token_ttl()), now());
        Ok(MintedToken { token: issued.token, expires: Some(issued.expires) })
    }
}

impl UserAdmin for AtRest {
    fn add<'a>(&'a self, user: &'a Handle, nickname: Option<&'a str>, number: Option<u64>) -> Answer<'a, UserRow> {
        Box::pin(async move { Self::add(self, user, nickname, number) })
    }

    fn show<'a>(&'a self, user: &'a Handle) -> Answer<'a, UserRow> {
        Box::pin(async move { Ok(UserRow::of(self.find(user)?.as_ref(), &self.zone)) })
    }

    fn list<'a>(&'a self, after: Option<&'a str>) -> Answer<'a, UserPage> {
        Box::pin(async move { Self::list(self, after) })
    }

    fn set_disabled<'a>(&'a self, user: &'a Handle, disabled: bool) -> Answer<'a, UserRow> {
        Box::pin(async move { Self::set_disabled(self, user, disabled) })
    }

    fn kick<'a>(&'a self, user: &'a Handle) -> Answer<'a, ()> {
        Box::pin(async move {
            self.find(user)?;
            bail!("{user} has no connections: no gateway is running on this data directory")
        })
    }

    fn token<'a>(
        &'a self,
        user: &'a Handle,
        dialect: Option<DialectName>,
        ttl: Option<Duration>,
    ) -> Answer<'a, MintedToken> {
        Box::pin(async move { Self::token(self, user, dialect, ttl) })
    }
}

fn now() -> Timestamp {
    let millis = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(data: &std::path::Path) -> AtRest {
        let config = Config { data: data.to_owned(), ..Config::default() };
        AtRest::open(DataDirectory::take(data).unwrap(), &config).unwrap()
    }

    fn tom() -> Handle {
        Handle::new("tom").unwrap()
    }

    #[test]
    fn a_user_that_was_added_is_there_when_the_directory_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let added = open(folder.path()).add(&tom(), Some("Tom"), Some(7)).unwrap();
        assert_eq!((added.number, added.nickname.as_deref()), (7, Some("Tom")));
        let page = open(folder.path()).list(None).unwrap();
        assert_eq!(page, UserPage { users: vec![added], next: None });
    }

    #[test]
    fn a_taken_name_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let admin = open(folder.path());
        admin.add(&tom(), None, None).unwrap();
        assert!(admin.add(&tom(), None, None).is_err());
    }

    #[test]
    fn disabling_lasts() {
        let folder = tempfile::tempdir().unwrap();
        open(folder.path()).add(&tom(), None, None).unwrap();
        assert!(open(folder.path()).set_disabled(&tom(), true).unwrap().disabled);
        assert!(UserRow::of(&open(folder.path()).find(&tom()).unwrap(), &Zone::utc()).disabled);
        assert!(!open(folder.path()).set_disabled(&tom(), false).unwrap().disabled);
    }

    #[test]
    fn what_is_done_for_an_unknown_user_says_how_to_make_one() {
        let folder = tempfile::tempdir().unwrap();
        let admin = open(folder.path());
        for error in [admin.token(&tom(), None, None).unwrap_err(), admin.set_disabled(&tom(), true).unwrap_err()] {
            assert!(error.to_string().contains("`koine user add tom`"), "{error}");
        }
    }

    #[test]
    fn the_token_for_user_sig_is_the_rule_key() {
        let folder = tempfile::tempdir().unwrap();
        let admin = open(folder.path());
        admin.add(&tom(), None, None).unwrap();
        let key = admin.token(&tom(), Some(DialectName::UserSig), None).unwrap();
        assert_eq!(key.token.expose().len(), 64);
        assert!(key.expires.is_none());
        let token = admin.token(&tom(), None, Some(Duration::from_hours(1))).unwrap();
        assert!(token.token.expose().starts_with("k1-") && token.expires.is_some());
    }
}
