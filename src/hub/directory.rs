//! What judging tokens asks of the hub.

use std::sync::Arc;

use koine_core::{ChatId, Error, Handle, Reply, User, UserId, UserKey};

use super::Hub;
use crate::auth::{Directory, Lookup, OpaqueToken};
use crate::store::{Action, Outcome};

impl Directory for Hub {
    fn user(&self, key: UserKey) -> Lookup<'_, Option<Arc<User>>> {
        Box::pin(async move {
            match self.0.store.cached_user(&key) {
                Some(user) => Ok(Some(user)),
                None => self.0.ask(move |store| store.user(&key)).await,
            }
        })
    }

    fn ensure_user(&self, handle: Handle) -> Lookup<'_, Arc<User>> {
        Box::pin(async move {
            if let Some(user) = self.user(UserKey::Handle(handle.clone())).await? {
                return Ok(user);
            }
            match self.0.change_as_operator(Action::Ensure(handle)).await? {
                Outcome::Reply(Reply::User(user)) => Ok(user),
                _ => Err(Error::internal()),
            }
        })
    }

    fn opaque_token(&self, hash: [u8; 32]) -> Lookup<'_, Option<OpaqueToken>> {
        Box::pin(self.0.ask(move |store| store.token(&hash)))
    }

    fn chat_owner(&self, chat: ChatId) -> Lookup<'_, Option<UserId>> {
        Box::pin(self.0.ask(move |store| store.chat_owner(chat)))
    }

    fn revocation_epoch(&self) -> u64 {
        self.0.store.revocation_epoch()
    }
}
