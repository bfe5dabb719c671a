//! Letting things happen.

use koine_core::{Command, ConversationId, Reply, RequestAnswer, UserId, UserKey, UserRef};
use tokio::io::duplex;

use super::{World, name};
use crate::config::DialectName;
use crate::hub::{Actor, Origin};
use crate::simulation::client::{Client, Identity, Receiver};
use crate::simulation::step::{Step, Target, USERS};
use crate::store::engine::simulated::Crash;

/// What a network holds of one connection, each way, in bytes.
const NETWORK: usize = 600;
/// Clients at once.
const CLIENTS: usize = 14;

impl World {
    /// Lets one thing happen.
    pub(super) async fn act(&mut self, step: Step) {
        match step {
            Step::Connect { user, dialect, peer } => {
                if self.clients.len() < CLIENTS {
                    self.connect(number(user), dialect, number(peer));
                }
            }
            Step::Vanish { at } => {
                if let Some(at) = self.client(at) {
                    let client = self.clients.remove(at);
                    self.part(client);
                }
            }
            Step::Leave { at } => {
                if let Some(at) = self.client(at) {
                    self.clients[at].say_goodbye();
                }
            }
            Step::Mood { at, mood } => {
                if let Some(at) = self.client(at) {
                    self.clients[at].change(mood);
                }
            }
            Step::Say { at, to, times } => {
                if let Some(at) = self.client(at) {
                    for _ in 0..times {
                        self.say(at, to).await;
                    }
                }
            }
            Step::Retry { at } => {
                if let Some(at) = self.client(at) {
                    self.retry(at);
                }
            }
            Step::Pull { user, drop, lost } => {
                self.pull(number(user), drop, lost).await;
            }
            Step::Offline { user, lost } => {
                self.offline(number(user), lost).await;
            }
            Step::History { user, session, size, lost } => {
                if let Some(session) = self.session(number(user), session) {
                    self.page(number(user), session, 1, size, lost).await;
                }
            }
            Step::Read { user, session } => {
                if let Some(session) = self.session(number(user), session) {
                    self.mark_read(number(user), session).await;
                }
            }
            Step::Wait(millis) => self.pass(millis).await,
            Step::Fail { after, fault } => self.disk.plan(after, fault),
            Step::Kill => self.ending(Crash::Killed).await,
            Step::CutPower { kept } => self.ending(Crash::PowerCut(kept)).await,
            Step::Restart => self.restart().await,
            Step::Group { .. } | Step::Join { .. } | Step::Remove { .. } | Step::Block { .. } | Step::Kick { .. } => {
                self.operate(step).await;
            }
        }
    }

    /// What an operator does.
    async fn operate(&mut self, step: Step) {
        let hub = self.life.hub.clone();
        match step {
            Step::Group { manager, members } => {
                self.texts += 1;
                let members = (1..=USERS).filter(|user| members >> user & 1 == 1).map(key).collect();
                let title = format!("g{}", self.texts).into();
                self.unless_it_ends(hub.create_group(&key(number(manager)), title, members, None)).await;
            }
            Step::Join { user, group } => {
                let Some(group) = self.group(group) else { return };
                let user = key(number(user));
                let asked = self.unless_it_ends(hub.join_group(&user, group, None)).await;
                if let Some(request) = asked {
                    self.unless_it_ends(hub.decide_group_request(request.id, RequestAnswer::Accept)).await;
                }
            }
            Step::Remove { user, group } => {
                if let Some(group) = self.group(group) {
                    self.unless_it_ends(hub.remove_member(group, key(number(user)))).await;
                }
            }
            Step::Block { blocker, blocked, block } => {
                let (blocker, blocked) = (key(number(blocker)), key(number(blocked)));
                self.unless_it_ends(hub.set_block(&blocker, blocked, block)).await;
            }
            Step::Kick { user } => {
                self.unless_it_ends(hub.kick(&key(number(user)))).await;
            }
            _ => {}
        }
    }

    /// A user's client connects.
    pub(super) fn connect(&mut self, user: u64, dialect: DialectName, peer: u64) {
        let Some(token) = self.life.token(user, dialect) else { return };
        let identity = Identity { user, handle: name(user), token };
        let request = Client::request(dialect, &identity, &name(peer));
        let (near, far) = duplex(NETWORK);
        let driving = self.life.network.websocket(dialect, request, near, self.random.any());
        self.life.connections.spawn(driving);
        self.clients.push(Client::new(identity, dialect, peer, far, self.ground.mutation.sabotage));
    }

    async fn say(&mut self, at: usize, to: Target) {
        let (user, dialect, peer) = {
            let client = &self.clients[at];
            (client.identity.user, client.dialect, client.peer)
        };
        let to = match to {
            _ if dialect == DialectName::StatusCode => Receiver::User(peer),
            Target::User(other) => Receiver::User(number(other)),
            Target::Group(place) => match self.group_of(user, place) {
                Some(group) => Receiver::Group(group.get()),
                None => return,
            },
        };
        let session = match (dialect, to) {
            (DialectName::UserSig, Receiver::User(other)) => self.open_session(user, other).await,
            (DialectName::UserSig, Receiver::Group(group)) => Some(group),
            _ => None,
        };
        self.texts += 1;
        let id = match dialect {
            DialectName::AuthAck => self.reserve_id(user).await,
            _ => Some(self.texts),
        };
        let (Some(id), Some(client)) = (id, self.clients.get_mut(at)) else { return };
        let name = match to {
            Receiver::User(other) => name(other),
            Receiver::Group(group) => group.to_string(),
        };
        client.say(to, &name, session, id, &format!("m{}", self.texts));
    }

    async fn reserve_id(&self, user: u64) -> Option<u64> {
        let user = UserRef { id: UserId::new(user), handle: koine_core::Handle::new(&name(user)).ok()? };
        let actor = Actor { user: Some(user), origin: Origin::Dialect(DialectName::AuthAck) };
        let hub = self.life.hub.clone();
        match self.unless_it_ends(hub.execute(&actor, Command::ReserveMessageId)).await? {
            Reply::MessageId(id) => Some(id.get()),
            _ => None,
        }
    }

    /// Sends again what saw no answer, on this connection or an earlier one.
    pub(super) fn retry(&mut self, at: usize) {
        let client = &mut self.clients[at];
        let mut again = std::mem::take(&mut client.unanswered);
        again.extend(self.outbox.remove(&(client.identity.user, client.dialect)).unwrap_or_default());
        for sent in again {
            let name = match sent.to {
                Receiver::User(other) => name(other),
                Receiver::Group(group) => group.to_string(),
            };
            client.say(sent.to, &name, None, sent.id, &sent.text);
        }
    }

    async fn ending(&mut self, crash: Crash) {
        let restarted = self.crash(crash).await;
        self.note(restarted);
    }

    /// A stop as it should be: clients are told, everything that was gathered is written.
    async fn restart(&mut self) {
        self.life.network.begin_stop();
        self.pass(300).await;
        let hub = self.life.hub.clone();
        let stopped = self
            .unless_it_ends(async {
                hub.stop().await;
                Ok(())
            })
            .await
            .is_some();
        // After a good stop nothing is left to be lost.
        let crash = if stopped && !self.disk.is_broken() {
            self.model.lock().settle();
            Crash::PowerCut(0)
        } else {
            Crash::Killed
        };
        self.ending(crash).await;
    }

    fn note(&self, result: Result<(), String>) {
        if let Err(problem) = result {
            self.model.lock().object(|| problem);
        }
    }

    fn client(&self, at: usize) -> Option<usize> {
        at.checked_rem(self.clients.len())
    }

    fn session(&self, user: u64, at: usize) -> Option<u64> {
        let sessions = self.model.lock().sessions(user);
        sessions.get(at.checked_rem(sessions.len())?).copied()
    }

    fn group(&self, at: usize) -> Option<ConversationId> {
        let groups = self.model.lock().groups();
        groups.get(at.checked_rem(groups.len())?).copied().map(ConversationId::new)
    }

    /// A group a user is in; any group now and then.
    fn group_of(&self, user: u64, at: usize) -> Option<ConversationId> {
        let all = self.model.lock().groups();
        let sessions = self.model.lock().sessions(user);
        let own: Vec<u64> = all.iter().copied().filter(|group| sessions.contains(group)).collect();
        let choice = if own.is_empty() || at == 0 { all } else { own };
        choice.get(at.checked_rem(choice.len())?).copied().map(ConversationId::new)
    }
}

fn key(user: u64) -> UserKey {
    UserKey::Id(UserId::new(user))
}

/// Users are counted from 0 in steps and from 1 everywhere else.
const fn number(user: u64) -> u64 {
    user % USERS + 1
}
