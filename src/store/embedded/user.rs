//! Users, their tokens and files, and their connections' taking part.

use std::sync::Arc;

use koine_core::{
    Attach, ConversationId, EndReason, Error, ErrorKind, Existing, File, Handle, Profile, ProfilePatch, Register,
    Reply, Scope, Timestamp, User, UserId, UserKey,
};

use super::keys::{self, Sort};
use super::records::{Count, FileRecord, Record, TokenRecord, UserRecord};
use super::spaces;
use super::view::View;
use super::writer::{Failure, Writer};
use crate::config::DialectName;
use crate::store::{Attached, Effect, Outcome};

impl Writer {
    /// Registers a user, or finds it.
    pub(super) fn register(
        &mut self,
        register: &Register,
        number: Option<UserId>,
        merge_apps: bool,
        known_only: bool,
    ) -> Result<Outcome, Failure> {
        if let Some(user) = self.find_user(&UserKey::Handle(register.handle.clone()))? {
            if register.existing == Existing::Refuse {
                return Err(ErrorKind::UserExists.into());
            }
            self.claim_app(&user, register.app.as_ref(), merge_apps)?;
            return Ok(Outcome::Reply(Reply::Registered { user, new: false }));
        }
        if known_only {
            return Err(ErrorKind::RegistrationClosed.into());
        }
        let app = register.app.as_ref().map(ToString::to_string);
        let user = self.add_user(&register.handle, register.profile.clone(), number, app)?;
        Ok(Outcome::Reply(Reply::Registered { user, new: true }))
    }

    /// One handle belongs to one `app`, the first to register it, unless they are merged.
    fn claim_app(&mut self, user: &Arc<User>, app: Option<&Arc<str>>, merge: bool) -> Result<(), Failure> {
        let Some(app) = app.filter(|_| !merge) else { return Ok(()) };
        let record: Option<UserRecord> = self.record(spaces::USERS, &keys::user(user.id))?;
        match record.and_then(|record| record.app) {
            Some(first) if first == app.as_ref() => Ok(()),
            Some(_) => Err(Error::with_detail(
                ErrorKind::UserExists,
                "this thirdUserId is registered by another app: set dialects.auth_ack.apps = \"merge\" if both mean the \
                 same user, or identity = \"namespaced\" if they do not",
            )
            .into()),
            None => {
                self.put_user(User::clone(user), Some(app.to_string()))?;
                Ok(())
            }
        }
    }

    fn add_user(
        &mut self,
        handle: &Handle,
        profile: Profile,
        number: Option<UserId>,
        app: Option<String>,
    ) -> Result<Arc<User>, Failure> {
        let id = self.next_user(number)?;
        self.put_handle(handle, id);
        let user = User { id, handle: handle.clone(), profile, disabled: false, created: self.now, login: None };
        Ok(self.put_user(user, app)?)
    }

    /// A user of this handle, made if there is none.
    pub(super) fn ensure_user(&mut self, handle: &Handle) -> Result<Arc<User>, Failure> {
        match self.find_user(&UserKey::Handle(handle.clone()))? {
            Some(user) => Ok(user),
            None => self.add_user(handle, Profile::default(), None, None),
        }
    }

    /// Changes a profile.
    pub(super) fn update_user(&mut self, key: &UserKey, patch: &ProfilePatch) -> Result<Outcome, Failure> {
        self.change_user(key, |user| patch.apply(&mut user.profile)).map(|user| Outcome::Reply(Reply::User(user)))
    }

    /// Disables or enables a user.
    pub(super) fn set_disabled(
        &mut self,
        key: &UserKey,
        disabled: bool,
        effects: &mut Vec<Effect>,
    ) -> Result<Outcome, Failure> {
        let user = self.change_user(key, |user| user.disabled = disabled)?;
        if disabled {
            self.revoked = true;
            effects.push(Effect::End(user.id, EndReason::Disabled));
        }
        Ok(Outcome::Reply(Reply::User(user)))
    }

    fn change_user(&mut self, key: &UserKey, change: impl FnOnce(&mut User)) -> Result<Arc<User>, Failure> {
        let user = self.require_user(key)?;
        let app = self.record::<UserRecord>(spaces::USERS, &keys::user(user.id))?.and_then(|record| record.app);
        let mut changed = User::clone(&user);
        change(&mut changed);
        Ok(self.put_user(changed, app)?)
    }

    /// What a subscription needs, in the order of everything else that is decided.
    pub(super) fn attach(
        &mut self,
        by: Option<UserId>,
        attach: &Attach,
        effects: &mut Vec<Effect>,
    ) -> Result<Outcome, Failure> {
        let user = self.actor(by)?;
        let attached = match &attach.scope {
            Scope::Peer(key) => {
                let peer = self.target_user(key)?;
                Attached { peer: Some(peer.to_ref()) }
            }
            Scope::All => {
                let groups = self.unread_groups(user.id)?;
                effects.push(Effect::Subscribed(user.id, groups));
                Attached { peer: None }
            }
        };
        self.note_login(&user)?;
        Ok(Outcome::Attached(attached))
    }

    fn unread_groups(&mut self, user: UserId) -> Result<Vec<(ConversationId, u64)>, Failure> {
        let mut groups = Vec::new();
        for group in self.rows_of(user, Sort::Group)? {
            let head = self.current_head(group)?.seq;
            if let Some(member) = self.membership(user, Sort::Group, group)? {
                groups.push((group, member.unread(head)));
            }
        }
        Ok(groups)
    }

    /// Prepares the read marks of groups.
    pub(super) fn load_marks(&mut self, groups: &[ConversationId]) -> Result<Outcome, Failure> {
        for group in groups {
            if self.shared.marks.has(*group) {
                continue;
            }
            let mut marks = Vec::new();
            for member in self.members_of(*group)? {
                marks.extend(self.member(member, Sort::Group, *group)?.map(|record| record.read));
            }
            self.shared.marks.load(*group, marks.into_iter());
        }
        Ok(Outcome::Reply(Reply::Done))
    }

    // Tokens

    /// Keeps a token's hash.
    pub(super) fn add_token(
        &mut self,
        user: &UserKey,
        hash: [u8; 32],
        dialect: Option<DialectName>,
        expires: Option<Timestamp>,
    ) -> Result<Outcome, Failure> {
        let user = self.require_user(user)?;
        if self.get(spaces::TOKEN_HASHES, &hash)?.is_some() {
            return Err(Error::with_detail(ErrorKind::KeyConflict, "this token is registered already").into());
        }
        let id = self.next_token();
        let record = TokenRecord {
            hash,
            user: user.id.get(),
            dialect,
            expires: expires.map(Timestamp::as_millis),
            created: self.now.as_millis(),
        };
        self.put(spaces::TOKENS, keys::number(id), &record)?;
        self.put_raw(spaces::TOKEN_HASHES, hash.to_vec(), keys::number(id));
        Ok(Outcome::Token(id))
    }

    /// Forgets a token.
    pub(super) fn revoke_token(&mut self, id: u64) -> Result<Outcome, Failure> {
        let Some(record) = self.record::<TokenRecord>(spaces::TOKENS, &keys::number(id))? else {
            return Ok(Outcome::Revoked(false));
        };
        self.delete(spaces::TOKENS, keys::number(id));
        self.delete(spaces::TOKEN_HASHES, record.hash.to_vec());
        self.revoked = true;
        Ok(Outcome::Revoked(true))
    }

    // Files

    /// Keeps a file's record, within the quotas.
    pub(super) fn add_file(&mut self, file: &File, user_quota: u64, total_quota: u64) -> Result<Outcome, Failure> {
        let everybody = UserId::new(0);
        let mine = self.count(spaces::FILE_USAGE, &keys::user(file.owner.id))?.saturating_add(file.size);
        let all = self.count(spaces::FILE_USAGE, &keys::user(everybody))?.saturating_add(file.size);
        if mine > user_quota || all > total_quota {
            return Err(Error::with_detail(ErrorKind::TooLarge, "the quota for files is used up").into());
        }
        let record = FileRecord {
            owner: file.owner.id.get(),
            md5: file.md5.clone(),
            sha256: file.sha256.clone(),
            name: file.name.clone(),
            size: file.size,
            media_type: file.media_type.clone(),
            created: file.created.as_millis(),
        };
        let references = self.count(spaces::BLOBS, file.sha256.as_bytes())? + 1;
        self.put(spaces::FILES, keys::file(file.id), &record)?;
        self.put(spaces::BLOBS, file.sha256.as_bytes().to_vec(), &Count(references))?;
        self.put(spaces::FILE_USAGE, keys::user(file.owner.id), &Count(mine))?;
        self.put(spaces::FILE_USAGE, keys::user(everybody), &Count(all))?;
        Ok(Outcome::Reply(Reply::Done))
    }

    fn count(&self, space: crate::store::engine::Space, key: &[u8]) -> Result<u64, Failure> {
        Ok(self.get(space, key)?.map(|bytes| Count::decode(&bytes)).transpose()?.unwrap_or_default().0)
    }
}
