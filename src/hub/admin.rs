//! What only the operator asks for, through the management API and the command line.

use std::net::IpAddr;
use std::sync::Arc;

use koine_core::{
    Conversation, ConversationId, EndReason, Error, ErrorKind, Existing, Group, Handle, Message, Profile, ProfilePatch,
    Register, Reply, Request, RequestAnswer, RequestId, SendMessage, Sent, Target, Timestamp, User, UserId, UserKey,
};

use super::Hub;
use crate::config::DialectName;
use crate::store::{Action, Outcome, Queries, Stats, UserPage};

/// A live connection, as the operator sees it.
#[derive(Debug, Clone)]
pub struct ConnectionView {
    /// Its number.
    pub id: koine_core::ConnectionId,
    /// The dialect spoken on it.
    pub dialect: DialectName,
    /// The client's address.
    pub address: IpAddr,
    /// Whom it faces, if only one user.
    pub faces: Option<Handle>,
    /// Since when it is subscribed.
    pub since: Timestamp,
}

/// How much there is and goes on.
#[derive(Debug, Clone, Copy)]
pub struct HubStats {
    /// What is kept.
    pub store: Stats,
    /// Subscribed connections.
    pub connections: usize,
    /// Users with at least one.
    pub online: usize,
    /// Bytes waiting for connections.
    pub outbound_bytes: usize,
}

/// A stored token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssuedOpaque {
    /// Its id.
    pub id: u64,
}

impl Hub {
    async fn operate(&self, action: Action) -> Result<Reply, Error> {
        match self.0.change_as_operator(action).await? {
            Outcome::Reply(reply) => Ok(reply),
            _ => Err(Error::internal()),
        }
    }

    async fn operate_for(&self, user: &UserKey, action: Action) -> Result<Reply, Error> {
        let by = self.find_user(user).await?.id;
        match self.0.change(by, action).await? {
            Outcome::Reply(reply) => Ok(reply),
            _ => Err(Error::internal()),
        }
    }

    // Users

    /// Registers a user, with a number of the operator's choice if one is given. `UserExists` if the
    /// handle or the number is taken.
    pub async fn add_user(&self, handle: Handle, profile: Profile, number: Option<UserId>) -> Result<Arc<User>, Error> {
        let register = Box::new(Register { handle, profile, app: None, existing: Existing::Refuse });
        let action = Action::Register { register, number, merge_apps: true, known_only: false };
        self.operate(action).await?.into_user()
    }

    /// A user; `UserNotFound` if there is none.
    pub async fn find_user(&self, key: &UserKey) -> Result<Arc<User>, Error> {
        let key = key.clone();
        self.0.ask(move |store| store.user(&key)).await?.ok_or_else(|| ErrorKind::UserNotFound.into())
    }

    /// Users by number, after one of them.
    pub async fn users(&self, after: Option<UserId>, limit: usize) -> Result<UserPage, Error> {
        self.0.ask(move |store| store.users(after, limit)).await
    }

    /// Changes a user's profile.
    pub async fn update_user(&self, user: UserKey, patch: ProfilePatch) -> Result<Arc<User>, Error> {
        self.operate(Action::UpdateUser(user, patch)).await?.into_user()
    }

    /// Disables a user, which ends its connections, or enables it again.
    pub async fn set_disabled(&self, user: UserKey, disabled: bool) -> Result<Arc<User>, Error> {
        self.operate(Action::SetDisabled(user, disabled)).await?.into_user()
    }

    /// Ends a user's connections; how many there were.
    pub async fn kick(&self, user: &UserKey) -> Result<usize, Error> {
        let user = self.find_user(user).await?;
        Ok(self.0.registry.end_user(user.id, EndReason::Kicked))
    }

    /// A user's live connections.
    pub async fn connections(&self, user: &UserKey) -> Result<Vec<ConnectionView>, Error> {
        let user = self.find_user(user).await?;
        let slots = self.0.registry.user(user.id).map(|slot| slot.live()).unwrap_or_default();
        Ok(slots
            .into_iter()
            .map(|slot| ConnectionView {
                id: slot.connection,
                dialect: slot.info.dialect,
                address: slot.info.address,
                faces: slot.faces.as_ref().map(|peer| peer.handle.clone()),
                since: slot.since,
            })
            .collect())
    }

    // Tokens

    /// Keeps the hash of a token, so that it is good for a user. `KeyConflict` if it is kept already.
    pub async fn add_token(
        &self,
        user: UserKey,
        hash: [u8; 32],
        dialect: Option<DialectName>,
        expires: Option<Timestamp>,
    ) -> Result<IssuedOpaque, Error> {
        match self.0.change_as_operator(Action::AddToken { user, hash, dialect, expires }).await? {
            Outcome::Token(id) => Ok(IssuedOpaque { id }),
            _ => Err(Error::internal()),
        }
    }

    /// Forgets a stored token; whether there was one.
    pub async fn revoke_token(&self, id: u64) -> Result<bool, Error> {
        match self.0.change_as_operator(Action::RevokeToken(id)).await? {
            Outcome::Revoked(known) => Ok(known),
            _ => Err(Error::internal()),
        }
    }

    // Friends and blocks

    /// Makes a friend request in a user's name.
    pub async fn befriend(&self, from: &UserKey, to: UserKey, note: Option<Arc<str>>) -> Result<Arc<Request>, Error> {
        requested(self.operate_for(from, Action::Befriend(to, note)).await?)
    }

    /// Decides a friend request, whoever it is addressed to.
    pub async fn decide_friend_request(&self, request: RequestId, answer: RequestAnswer) -> Result<(), Error> {
        self.operate(Action::Decide { request, answer, groups_only: false, friends_only: true }).await.map(|_| ())
    }

    /// A user's friends.
    pub async fn friends(&self, user: &UserKey) -> Result<Vec<Arc<User>>, Error> {
        let user = self.find_user(user).await?.id;
        self.0.ask(move |store| store.friends(user)).await
    }

    /// Ends a friendship in the name of the first of the two.
    pub async fn unfriend(&self, user: &UserKey, friend: UserKey) -> Result<(), Error> {
        self.operate_for(user, Action::Unfriend(friend)).await.map(|_| ())
    }

    /// Blocks or unblocks a user in another's name.
    pub async fn set_block(&self, blocker: &UserKey, blocked: UserKey, block: bool) -> Result<(), Error> {
        let action = if block { Action::Block(blocked) } else { Action::Unblock(blocked) };
        self.operate_for(blocker, action).await.map(|_| ())
    }

    // Groups

    /// Makes a group in a manager's name, with a number of the operator's choice if one is given.
    pub async fn create_group(
        &self,
        manager: &UserKey,
        name: Arc<str>,
        members: Vec<UserKey>,
        number: Option<ConversationId>,
    ) -> Result<ConversationId, Error> {
        let reply = self.operate_for(manager, Action::CreateGroup { name, members, number }).await?;
        Ok(reply.into_opened()?.row.conversation.id)
    }

    /// A group and its members.
    pub async fn group(&self, group: ConversationId) -> Result<Arc<Group>, Error> {
        self.0.ask(move |store| store.group(None, group)).await
    }

    /// Renames a group.
    pub async fn rename_group(&self, group: ConversationId, name: Arc<str>) -> Result<(), Error> {
        self.operate(Action::RenameGroup(group, name)).await.map(|_| ())
    }

    /// Dissolves a group.
    pub async fn dissolve_group(&self, group: ConversationId) -> Result<(), Error> {
        self.operate(Action::Dissolve(group)).await.map(|_| ())
    }

    /// Applies to join a group in a user's name.
    pub async fn join_group(
        &self,
        user: &UserKey,
        group: ConversationId,
        note: Option<Arc<str>>,
    ) -> Result<Arc<Request>, Error> {
        requested(self.operate_for(user, Action::Join(group, note)).await?)
    }

    /// Invites a user into a group in a member's name.
    pub async fn invite(
        &self,
        by: &UserKey,
        group: ConversationId,
        user: UserKey,
        note: Option<Arc<str>>,
    ) -> Result<Arc<Request>, Error> {
        requested(self.operate_for(by, Action::Invite(group, user, note)).await?)
    }

    /// Decides a request about a group, whoever it is addressed to.
    pub async fn decide_group_request(&self, request: RequestId, answer: RequestAnswer) -> Result<(), Error> {
        self.operate(Action::Decide { request, answer, groups_only: true, friends_only: false }).await.map(|_| ())
    }

    /// Removes a member from a group; removing the manager dissolves it.
    pub async fn remove_member(&self, group: ConversationId, user: UserKey) -> Result<(), Error> {
        self.operate(Action::RemoveMember(group, user)).await.map(|_| ())
    }

    // Messages

    /// Sends a message in a user's name. Nobody comes into being by it, in demo mode either.
    pub async fn send_as(&self, from: &UserKey, send: SendMessage) -> Result<Sent, Error> {
        self.0.admit(&send)?;
        if let Target::User(to) = &send.target {
            self.find_user(to).await?;
        }
        match self.operate_for(from, Action::Send(send)).await? {
            Reply::Sent(sent) => Ok(sent),
            _ => Err(Error::internal()),
        }
    }

    /// A conversation's log, before a `seq`, newest first.
    pub async fn log(
        &self,
        conversation: ConversationId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<(Arc<Conversation>, Vec<Arc<Message>>), Error> {
        self.0.ask(move |store| store.log(conversation, before, limit)).await
    }

    // Looking

    /// How much there is and goes on.
    pub async fn stats(&self) -> Result<HubStats, Error> {
        let store = self.0.ask(Queries::stats).await?;
        Ok(HubStats {
            store,
            connections: self.0.registry.connections(),
            online: self.0.registry.online(),
            outbound_bytes: self.0.speakers.waiting(),
        })
    }
}

fn requested(reply: Reply) -> Result<Arc<Request>, Error> {
    match reply {
        Reply::Requested(request) => Ok(request),
        _ => Err(Error::internal()),
    }
}
