//! From commands to operations and questions.

use std::sync::Arc;

use koine_core::{
    Command, ConversationId, Error, ErrorKind, Event, Existing, Handle, LogEntry, MessageList, Notify, NotifyTo, Pull,
    Register, Reply, Rows, UserId, UserKey, UserRef, View,
};

use super::actor::{Actor, Origin};
use super::broadcast::Broadcast;
use super::registry::Telling;
use super::{ConnectionInfo, Inner, Pending};
use crate::config::{DialectName, IdentityMode, Registration};
use crate::store::{Action, Op, Outcome, Store};

/// Hands a command over; its operation comes back if the committer's queue has no room for it.
pub(super) fn submit_now(hub: &Arc<Inner>, actor: &Actor, command: Command) -> Result<Pending, Box<Op>> {
    let by = actor.user.as_ref().map(|user| user.id);
    match change(hub, actor, command) {
        Ok(Task::Change(action)) => {
            if let Action::Send(send) = &action
                && let Err(error) = hub.admit(send)
            {
                return Ok(Pending::refused(error));
            }
            if by.is_none() && !matches!(action, Action::Register { .. } | Action::ReserveMessageId) {
                return Ok(Pending::refused(ErrorKind::Unauthenticated.into()));
            }
            hub.committer.try_submit(Op { by, action }).map(Pending::decided)
        }
        Ok(Task::Question(command)) => {
            let (hub, origin) = (hub.clone(), actor.origin);
            Ok(Pending::asked(async move { answer(&hub, by, origin, command).await }))
        }
        Err(error) => Ok(Pending::refused(error)),
    }
}

enum Task {
    Change(Action),
    Question(Command),
}

/// The operation a command stands for, or the question it is.
fn change(hub: &Inner, actor: &Actor, command: Command) -> Result<Task, Error> {
    Ok(Task::Change(match command {
        Command::Register(register) => registration(hub, actor.origin, register)?,
        Command::UpdateUser(patch) => {
            let user = actor.user.as_ref().ok_or(ErrorKind::Unauthenticated)?;
            Action::UpdateUser(UserKey::Id(user.id), patch)
        }
        Command::OpenDirect { with, name } => Action::OpenDirect { with, name },
        Command::CreateGroup { name, members } => Action::CreateGroup { name, members, number: None },
        Command::RenameGroup { group, name } => Action::RenameGroup(group, name),
        Command::Leave { group } => Action::Leave(group),
        Command::RemoveMember { group, user } => Action::RemoveMember(group, user),
        Command::Invite { group, user, note } => Action::Invite(group, user, note),
        Command::Join { group, note } => Action::Join(group, note),
        Command::Befriend { with, note } => Action::Befriend(with, note),
        Command::Decide { request, answer, groups_only } => {
            Action::Decide { request, answer, groups_only, friends_only: false }
        }
        Command::Unfriend { with } => Action::Unfriend(with),
        Command::Block { user } => Action::Block(user),
        Command::Unblock { user } => Action::Unblock(user),
        Command::Send(send) => Action::Send(send),
        Command::Confirm(receipt) => Action::Confirm { receipt, read: false, durable: true },
        Command::Acknowledge { wire_id } => Action::Acknowledge(vec![wire_id]),
        Command::MarkRead(chat) => Action::MarkRead(chat),
        Command::HideChat(chat) => Action::HideChat(chat),
        Command::ReserveMessageId => Action::ReserveMessageId,
        question @ (Command::FindUser(_)
        | Command::Group { .. }
        | Command::Groups { .. }
        | Command::Invitations
        | Command::History { .. }
        | Command::Timeline { .. }
        | Command::Pull(_)
        | Command::Conversations { .. }
        | Command::Notify(_)) => return Ok(Task::Question(question)),
        // The gateway carries these out itself.
        Command::Authenticate(_) | Command::ExchangeKey { .. } | Command::Attach(_) => return Err(Error::internal()),
    }))
}

fn registration(hub: &Inner, origin: Origin, mut register: Box<Register>) -> Result<Action, Error> {
    if hub.rules.identity == IdentityMode::Namespaced && origin == Origin::Dialect(DialectName::AuthAck) {
        let app = register.app.take().ok_or_else(|| Error::bad_request("app is missing"))?;
        // What is before the first slash is the app: no two of them share a handle.
        if app.contains('/') {
            return Err(Error::bad_request("app contains a slash"));
        }
        register.handle =
            Handle::new(&format!("{app}/{}", register.handle)).map_err(|why| Error::bad_request(why.to_string()))?;
    }
    let closed = hub.rules.registration == Registration::Managed && origin != Origin::Management;
    if closed && register.existing == Existing::Refuse {
        return Err(ErrorKind::RegistrationClosed.into());
    }
    Ok(Action::Register { register, number: None, merge_apps: hub.rules.merge_apps, known_only: closed })
}

/// Answers a question.
async fn answer(hub: &Arc<Inner>, by: Option<UserId>, origin: Origin, command: Command) -> Result<Reply, Error> {
    let user = || by.ok_or_else(|| Error::new(ErrorKind::Unauthenticated));
    match command {
        Command::FindUser(key) => {
            let found = hub.ask(move |store| store.user(&key)).await?;
            found.map(Reply::User).ok_or_else(|| ErrorKind::UserNotFound.into())
        }
        Command::Group { group } => {
            let user = user()?;
            hub.ask(move |store| store.group(Some(user), group)).await.map(Reply::Group)
        }
        Command::Groups { detailed } => {
            let user = user()?;
            hub.ask(move |store| store.groups(user, detailed)).await.map(Reply::Groups)
        }
        Command::Invitations => {
            let requests = hub.pending_requests(user()?).await?;
            let invitations =
                requests.into_iter().filter(|request| matches!(request.kind, koine_core::RequestKind::Invitation(_)));
            Ok(Reply::Requests(invitations.collect()))
        }
        Command::History { conversation, paging } => {
            let user = user()?;
            let question = move |store: &dyn Store| store.history(user, conversation, paging);
            ask_with_marks(hub, user, Some(conversation), question).await.map(Reply::Messages)
        }
        Command::Timeline { between, paging } => {
            let user = user()?;
            hub.ask(move |store| store.timeline(user, between.as_ref(), paging)).await.map(Reply::Messages)
        }
        Command::Conversations { paging, members, hidden } => {
            let user = user()?;
            let question = move |store: &dyn Store| store.conversations(user, paging, members, hidden);
            let (total, rows) = ask_with_marks(hub, user, None, question).await?;
            Ok(Reply::Conversations { total, rows })
        }
        Command::Pull(pull) => self::pull(hub, user()?, origin, pull).await.map(Reply::Messages),
        Command::Notify(notify) => self::notify(hub, notify).await.map(|()| Reply::Done),
        _ => Err(Error::internal()),
    }
}

/// Asks something of the store that tells whether everybody in a group has read a message. That is only known for
/// groups whose marks are prepared, as most are: then one question finds out both.
async fn ask_with_marks<T: Send + 'static>(
    hub: &Inner,
    user: UserId,
    only: Option<ConversationId>,
    question: impl Fn(&dyn Store) -> Result<T, Error> + Copy + Send + 'static,
) -> Result<T, Error> {
    let answered = hub.ask(move |store| {
        let unprepared = store.unprepared_marks(user, only)?;
        if unprepared.is_empty() { question(store).map(Ok) } else { Ok(Err(unprepared)) }
    });
    match answered.await? {
        Ok(answer) => Ok(answer),
        Err(unprepared) => {
            hub.change(user, Action::LoadMarks(unprepared)).await?;
            hub.ask(question).await
        }
    }
}

async fn pull(hub: &Inner, user: UserId, origin: Origin, pull: Pull) -> Result<MessageList, Error> {
    if !pull.acknowledge.is_empty() {
        hub.change(user, Action::Acknowledge(pull.acknowledge)).await?;
    }
    let most = match origin {
        Origin::Dialect(DialectName::AuthAck) => hub.rules.max_pull_auth_ack,
        Origin::Dialect(_) | Origin::Management => hub.rules.max_pull_access_token,
    };
    let limit = usize::try_from(pull.limit.unwrap_or(most).min(most)).unwrap_or(usize::MAX);
    let list = hub.ask(move |store| store.pull(user, pull.filter, limit)).await?;
    if !pull.newest_first {
        return Ok(list);
    }
    let mut rows: Vec<LogEntry> = list.rows.collect_all()?;
    rows.reverse();
    Ok(MessageList { rows: Rows::from(rows), ..list })
}

/// Tells online users something that is not kept.
async fn notify(hub: &Inner, notify: Notify) -> Result<(), Error> {
    let Notify { from, to, notification_type, content } = notify;
    let targets = hub
        .ask(move |store| {
            let find = |key: &UserKey| store.user(key)?.ok_or_else(|| Error::new(ErrorKind::UserNotFound));
            let users: Vec<UserId> = match &to {
                NotifyTo::User(key) => vec![find(key)?.id],
                NotifyTo::Group(group) => store.group(None, *group)?.members.iter().map(|user| user.id).collect(),
                NotifyTo::FriendsOf(key) => store.friends(find(key)?.id)?.iter().map(|user| user.id).collect(),
            };
            let from = match (&from, &to) {
                (Some(key), _) | (None, NotifyTo::FriendsOf(key)) => Some(find(key)?),
                (None, _) => None,
            };
            let hidden_from = from.map(|from| store.blockers(from.id)).transpose()?.unwrap_or_default();
            Ok(users.into_iter().filter(|user| !hidden_from.contains(user)).collect::<Vec<_>>())
        })
        .await?;
    let event = Event::Notification { notification_type, content };
    let broadcast = Broadcast::new(Arc::new(event), &hub.speakers);
    // After whatever was decided so far: only connections that are not attached yet miss it.
    let operation = u64::MAX - 1;
    let telling = Telling { operation, broadcast: &broadcast, view: View::Other, unread: 0, position: None };
    for user in targets {
        hub.registry.deliver_event(user, &telling);
    }
    Ok(())
}

impl Inner {
    /// The user a connection faces; in demo mode it comes into being.
    pub(super) async fn target(&self, info: &ConnectionInfo, key: &UserKey) -> Result<UserRef, Error> {
        if let Some(user) = self.store.cached_user(key) {
            return Ok(user.to_ref());
        }
        let wanted = key.clone();
        if let Some(user) = self.ask(move |store| store.user(&wanted)).await? {
            return Ok(user.to_ref());
        }
        match key {
            UserKey::Handle(handle) if self.store.makes_targets() => {
                tracing::debug!(dialect = %info.dialect, "a user comes into being as a target");
                match self.change_as_operator(Action::Ensure(handle.clone())).await? {
                    Outcome::Reply(Reply::User(user)) => Ok(user.to_ref()),
                    _ => Err(Error::internal()),
                }
            }
            _ => Err(ErrorKind::UserNotFound.into()),
        }
    }
}
