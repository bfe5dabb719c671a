//! A small in-memory model of the hub, so that transcripts need not say what is obvious. It is itself
//! held to the truth: the same transcripts are acted out against the real one.

mod answers;
mod conversations;
mod identity;
mod messages;
mod requests;
mod rows;

pub(crate) use self::identity::{access_token, rule_key, user_sig};

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use koine_core::{
    ChatId, Command, Content, ConversationId, Error, ErrorKind, Event, IdempotencyKey, Message, Reply, Request,
    RequestId, Sent, Timestamp, User, UserId, UserKey,
};

pub(crate) type Answer = Result<Reply, Error>;

/// The model's world.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) now: Timestamp,
    pub(crate) settings: Settings,
    users: Vec<Arc<User>>,
    apps: BTreeMap<UserId, String>,
    talks: BTreeMap<ConversationId, Talk>,
    requests: BTreeMap<RequestId, Arc<Request>>,
    /// Both orders of every pair.
    friends: BTreeSet<(UserId, UserId)>,
    /// Who blocks whom.
    blocks: BTreeSet<(UserId, UserId)>,
    keys: HashMap<(UserId, IdempotencyKey), Committed>,
    wire_ids: BTreeMap<u64, (UserId, Committed)>,
    last_message_id: u64,
    last_chat: u64,
    publications: Vec<Publication>,
}

/// What of the configuration the model heeds.
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// `policy.direct = "friends"`.
    pub(crate) friends_only: bool,
    /// `registration = "managed"`.
    pub(crate) managed: bool,
    /// `dialects.auth_ack.identity = "namespaced"`.
    pub(crate) namespaced: bool,
    /// `dialects.auth_ack.apps = "merge"`.
    pub(crate) merge_apps: bool,
    /// `limits.message`, in bytes.
    pub(crate) message_bytes: usize,
    /// `max_pull` of the dialects.
    pub(crate) max_pull: usize,
}

/// Something to be told.
#[derive(Debug)]
pub(crate) struct Publication {
    pub(crate) event: Event,
    /// Whom it is told to.
    pub(crate) to: Vec<UserId>,
    /// Who did it, where that side sees it differently.
    pub(crate) by: Option<UserId>,
}

#[derive(Debug)]
struct Talk {
    id: ConversationId,
    created: Timestamp,
    shape: TalkShape,
    members: BTreeMap<UserId, Member>,
    /// Members by joining.
    order: Vec<UserId>,
    log: Vec<Entry>,
    dissolved: bool,
}

#[derive(Debug)]
enum TalkShape {
    Direct { name: Option<Arc<str>>, users: [UserId; 2] },
    Group { name: Arc<str>, manager: UserId },
}

#[derive(Debug)]
struct Entry {
    message: Arc<Message>,
    /// Who had blocked the sender.
    hidden: BTreeSet<UserId>,
}

#[derive(Debug)]
struct Member {
    chat: ChatId,
    joined: Timestamp,
    join_seq: u64,
    read: u64,
    read_steps: Vec<(u64, Timestamp)>,
    delivered: BTreeSet<u64>,
    hidden_at: Option<u64>,
}

#[derive(Debug, Clone)]
struct Committed {
    content: Content,
    sent: Sent,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            friends_only: false,
            managed: false,
            namespaced: false,
            merge_apps: false,
            message_bytes: 64 << 10,
            max_pull: 1000,
        }
    }
}

impl Model {
    /// An empty world at a moment.
    pub(crate) fn new(now: Timestamp, settings: Settings) -> Self {
        Self {
            now,
            settings,
            users: Vec::new(),
            apps: BTreeMap::new(),
            talks: BTreeMap::new(),
            requests: BTreeMap::new(),
            friends: BTreeSet::new(),
            blocks: BTreeSet::new(),
            keys: HashMap::new(),
            wire_ids: BTreeMap::new(),
            last_message_id: 0,
            last_chat: 0,
            publications: Vec::new(),
        }
    }

    /// What has happened since the last call.
    pub(crate) fn take_publications(&mut self) -> Vec<Publication> {
        std::mem::take(&mut self.publications)
    }

    /// The user of a key.
    pub(crate) fn find(&self, key: &UserKey) -> Result<Arc<User>, Error> {
        let found = self.users.iter().find(|user| match key {
            UserKey::Id(id) => user.id == *id,
            UserKey::Handle(handle) => user.handle == *handle,
        });
        found.cloned().ok_or(ErrorKind::UserNotFound.into())
    }

    fn user(&self, id: UserId) -> Result<Arc<User>, Error> {
        self.find(&UserKey::Id(id))
    }

    fn talk(&self, id: ConversationId) -> Result<&Talk, Error> {
        self.talks.get(&id).ok_or(ErrorKind::ConversationNotFound.into())
    }

    fn talk_mut(&mut self, id: ConversationId) -> Result<&mut Talk, Error> {
        self.talks.get_mut(&id).ok_or(ErrorKind::ConversationNotFound.into())
    }

    /// A group that has not been dissolved.
    fn group_talk(&self, id: ConversationId) -> Result<&Talk, Error> {
        let talk = self.talks.get(&id).filter(|talk| talk.manager().is_some() && !talk.dissolved);
        talk.ok_or(ErrorKind::GroupNotFound.into())
    }

    fn publish(&mut self, event: Event, to: impl IntoIterator<Item = UserId>, by: Option<UserId>) {
        self.publications.push(Publication { event, to: to.into_iter().collect(), by });
    }

    /// Carries a command out for a user.
    pub(crate) fn execute(&mut self, user: Option<UserId>, command: &Command) -> Answer {
        if let Some(answer) = self.without_user(command) {
            return answer;
        }
        let user = user.ok_or(ErrorKind::Unauthenticated)?;
        match command {
            Command::Attach(_) => Ok(Reply::Attached),
            Command::UpdateUser(patch) => self.update_user(user, patch),
            Command::OpenDirect { with, name } => self.open_direct(user, with, name.clone()),
            Command::CreateGroup { name, members } => self.create_group(user, name, members),
            Command::RenameGroup { group, name } => self.rename_group(user, *group, name),
            Command::Leave { group } => self.leave(user, *group),
            Command::RemoveMember { group, user: member } => self.remove_member(user, *group, member),
            Command::Group { group } => self.group(user, *group),
            Command::Groups { detailed } => self.groups(user, *detailed),
            Command::Invite { group, user: invited, note } => self.invite(user, *group, invited, note.clone()),
            Command::Join { group, note } => self.join(user, *group, note.clone()),
            Command::Befriend { with, note } => self.befriend(user, with, note.clone()),
            Command::Invitations => Ok(self.invitations(user)),
            Command::Decide { request, answer, groups_only } => self.decide(user, *request, *answer, *groups_only),
            Command::Unfriend { with } => self.unfriend(user, with),
            Command::Block { user: other } => self.block(user, other, true),
            Command::Unblock { user: other } => self.block(user, other, false),
            Command::Send(send) => self.send(user, send),
            Command::History { conversation, paging } => self.history(user, *conversation, *paging),
            Command::Timeline { between, paging } => self.timeline(user, between.as_ref(), *paging),
            Command::Pull(pull) => Ok(self.pull(user, pull)),
            Command::Conversations { paging, members, hidden } => self.rows(user, *paging, *members, *hidden),
            Command::Confirm(receipt) => Ok(self.confirm(user, receipt, false)),
            Command::Acknowledge { wire_id } => Ok(self.acknowledge(user, &[*wire_id])),
            Command::MarkRead(key) => self.mark_read(user, *key),
            Command::HideChat(chat) => self.hide_chat(user, *chat),
            Command::Authenticate(_)
            | Command::ExchangeKey { .. }
            | Command::Register(_)
            | Command::FindUser(_)
            | Command::ReserveMessageId
            | Command::Notify(_) => Err(Error::internal()),
        }
    }
}

impl Talk {
    fn head(&self) -> u64 {
        self.log.len().try_into().unwrap_or(u64::MAX)
    }

    fn manager(&self) -> Option<UserId> {
        match self.shape {
            TalkShape::Direct { .. } => None,
            TalkShape::Group { manager, .. } => Some(manager),
        }
    }

    fn member(&self, user: UserId) -> Result<&Member, Error> {
        self.members.get(&user).ok_or(ErrorKind::NotMember.into())
    }

    fn member_mut(&mut self, user: UserId) -> Result<&mut Member, Error> {
        self.members.get_mut(&user).ok_or(ErrorKind::NotMember.into())
    }

    /// What a member may see, oldest first.
    fn visible(&self, user: UserId) -> impl Iterator<Item = &Entry> {
        let from = self.members.get(&user).map(|member| member.join_seq);
        self.log
            .iter()
            .filter(move |entry| from.is_some_and(|from| entry.message.seq > from) && !entry.hidden.contains(&user))
    }

    fn unread(&self, user: UserId) -> u64 {
        let read = self.members.get(&user).map_or(u64::MAX, |member| member.read);
        let unread = self.visible(user).filter(|entry| entry.message.seq > read && entry.message.sender.id != user);
        unread.count().try_into().unwrap_or(u64::MAX)
    }

    fn pending(&self, user: UserId) -> impl Iterator<Item = &Entry> {
        let member = self.members.get(&user);
        self.visible(user).filter(move |entry| {
            let seq = entry.message.seq;
            entry.message.sender.id != user
                && member.is_some_and(|member| member.read < seq && !member.delivered.contains(&seq))
        })
    }
}

impl Member {
    fn new(chat: ChatId, joined: Timestamp, join_seq: u64) -> Self {
        Self {
            chat,
            joined,
            join_seq,
            read: join_seq,
            read_steps: Vec::new(),
            delivered: BTreeSet::new(),
            hidden_at: None,
        }
    }
}
