//! Users, tokens, friends.

use std::sync::Arc;

use koine_core::{
    Authenticate, Authenticated, Claim, Command, Error, ErrorKind, Event, Existing, Handle, IssuedToken, Notify,
    NotifyTo, Profile, ProfilePatch, Purpose, Register, Reply, Timestamp, Token, User, UserId,
};

use super::{Answer, Model};

/// Good tokens are made of the user's number, so that they can be read off a failure.
pub(crate) fn access_token(user: UserId) -> String {
    format!("access-of-{user}")
}

/// A `user_sig`.
pub(crate) fn user_sig(user: UserId) -> String {
    format!("sig-of-{user}")
}

/// A rule key.
pub(crate) fn rule_key(user: UserId) -> String {
    format!("key-of-{user}")
}

impl Model {
    /// A new user, as the management API makes one.
    pub(crate) fn add_user(&mut self, handle: &Handle, number: Option<u64>, profile: Profile) -> Result<UserId, Error> {
        let last = self.users.iter().map(|user| user.id.get()).max().unwrap_or(0);
        let id = UserId::new(number.unwrap_or(last + 1));
        if self.users.iter().any(|user| user.handle == *handle || user.id == id) {
            return Err(ErrorKind::UserExists.into());
        }
        let user = User { id, handle: handle.clone(), profile, disabled: false, created: self.now, login: None };
        self.users.push(Arc::new(user));
        Ok(id)
    }

    /// Disables or enables a user.
    pub(crate) fn disable(&mut self, id: UserId, disabled: bool) {
        self.change_user(id, |user| user.disabled = disabled);
    }

    /// Makes two users friends.
    pub(crate) fn make_friends(&mut self, first: UserId, second: UserId) {
        self.friends.extend([(first, second), (second, first)]);
    }

    /// Whom a token belongs to.
    pub(crate) fn authenticate(&self, token: &Token, purpose: Purpose) -> Result<Arc<User>, Error> {
        let text = |id| match purpose {
            Purpose::Access => access_token(id),
            Purpose::UserSig => user_sig(id),
        };
        let user = self.users.iter().find(|user| text(user.id) == token.expose()).cloned();
        let user = user.ok_or(ErrorKind::Unauthenticated)?;
        if user.disabled { Err(ErrorKind::UserDisabled.into()) } else { Ok(user) }
    }

    /// Whom a claim means.
    pub(crate) fn claimed(&self, claim: &Claim) -> Result<Arc<User>, Error> {
        match claim {
            Claim::User(key) => self.find(key),
            Claim::Chat(chat) => {
                let mut members = self.talks.values().flat_map(|talk| &talk.members);
                let owner = members.find(|(_, member)| member.chat == *chat).map(|(user, _)| *user);
                self.user(owner.ok_or(ErrorKind::ChatNotFound)?)
            }
        }
    }

    /// The commands that need no user.
    pub(super) fn without_user(&mut self, command: &Command) -> Option<Answer> {
        match command {
            Command::Authenticate(authenticate) => Some(self.check(authenticate)),
            Command::ExchangeKey { user, key } => {
                let user = self.users.iter().find(|known| known.handle == *user);
                let good = user.filter(|user| !user.disabled && rule_key(user.id) == key.expose());
                Some(good.ok_or(ErrorKind::Unauthenticated.into()).map(|user| {
                    let expires = Timestamp::from_millis(self.now.as_millis() + 300_000);
                    Reply::Token(IssuedToken { token: Token::new(&user_sig(user.id)), expires })
                }))
            }
            Command::Register(register) => Some(self.register(register)),
            Command::FindUser(key) => Some(self.find(key).map(Reply::User)),
            Command::ReserveMessageId => Some(Ok(Reply::MessageId(self.next_message_id()))),
            Command::Notify(notify) => Some(self.notify(notify)),
            _ => None,
        }
    }

    fn check(&mut self, authenticate: &Authenticate) -> Answer {
        let user = self.authenticate(&authenticate.token, authenticate.purpose)?;
        if let Some(claim) = &authenticate.claim {
            let claimed = self.claimed(claim).map_err(|_| Error::new(ErrorKind::Unauthenticated))?;
            if claimed.id != user.id {
                return Err(ErrorKind::Unauthenticated.into());
            }
        }
        let now = self.now;
        self.change_user(user.id, |user| user.login = Some(now));
        Ok(Reply::Authenticated(Authenticated { user: self.user(user.id)?, expires: None }))
    }

    fn register(&mut self, register: &Register) -> Answer {
        let handle = match &register.app {
            Some(app) if self.settings.namespaced && app.contains('/') => {
                return Err(Error::bad_request("app contains a slash"));
            }
            // Only auth-ack registers whoever is there already.
            None if self.settings.namespaced && register.existing == Existing::Return => {
                return Err(Error::bad_request("app is missing"));
            }
            Some(app) if self.settings.namespaced => Handle::new(&format!("{app}/{}", register.handle))
                .map_err(|invalid| Error::bad_request(invalid.to_string()))?,
            _ => register.handle.clone(),
        };
        let known = self.users.iter().find(|user| user.handle == handle).cloned();
        if let Some(user) = known {
            let app = register.app.as_deref();
            let other_app = app.is_some_and(|app| self.apps.get(&user.id).is_some_and(|known| known != app));
            if register.existing == Existing::Refuse || (other_app && !self.settings.merge_apps) {
                return Err(ErrorKind::UserExists.into());
            }
            return Ok(Reply::Registered { user, new: false });
        }
        if self.settings.managed {
            return Err(ErrorKind::RegistrationClosed.into());
        }
        let id = self.add_user(&handle, None, register.profile.clone())?;
        if let Some(app) = &register.app {
            self.apps.insert(id, app.to_string());
        }
        Ok(Reply::Registered { user: self.user(id)?, new: true })
    }

    pub(super) fn update_user(&mut self, user: UserId, patch: &ProfilePatch) -> Answer {
        self.change_user(user, |user| patch.apply(&mut user.profile));
        self.user(user).map(Reply::User)
    }

    pub(super) fn block(&mut self, user: UserId, other: &koine_core::UserKey, on: bool) -> Answer {
        let other = self.find(other)?.id;
        if other == user {
            return Err(Error::bad_request("nobody can block oneself"));
        }
        if on {
            self.blocks.insert((user, other));
        } else {
            self.blocks.remove(&(user, other));
        }
        Ok(Reply::Done)
    }

    pub(super) fn unfriend(&mut self, user: UserId, with: &koine_core::UserKey) -> Answer {
        let friend = self.find(with)?.id;
        if !self.friends.remove(&(user, friend)) {
            return Err(ErrorKind::NotFriends.into());
        }
        self.friends.remove(&(friend, user));
        let event = Event::Unfriended { by: self.user(user)?, time: self.now };
        self.publish(event, [friend], None);
        Ok(Reply::Done)
    }

    fn notify(&mut self, notify: &Notify) -> Answer {
        let from = notify.from.as_ref().map(|key| self.find(key)).transpose()?.map(|user| user.id);
        let to: Vec<UserId> = match &notify.to {
            NotifyTo::User(key) => vec![self.find(key)?.id],
            NotifyTo::Group(group) => self.group_talk(*group)?.order.clone(),
            NotifyTo::FriendsOf(key) => {
                let user = self.find(key)?.id;
                self.friends.iter().filter(|(one, _)| *one == user).map(|(_, friend)| *friend).collect()
            }
        };
        let blocks = |user: &UserId| from.is_some_and(|from| self.blocks.contains(&(*user, from)));
        let to: Vec<UserId> = to.into_iter().filter(|user| !blocks(user)).collect();
        let (notification_type, content) = (notify.notification_type.clone(), notify.content.clone());
        self.publish(Event::Notification { notification_type, content }, to, None);
        Ok(Reply::Done)
    }

    fn change_user(&mut self, id: UserId, change: impl FnOnce(&mut User)) {
        if let Some(user) = self.users.iter_mut().find(|user| user.id == id) {
            change(Arc::make_mut(user));
        }
    }
}
