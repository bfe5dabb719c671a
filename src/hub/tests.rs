//! The hub over a real store and the real dialects, without sockets.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use koine_core::{
    Attach, Command, ConfirmBy, Content, ConversationId, Dialect, EndReason, Handle, MessageList, Profile, PullFilter,
    Receipt, Reply, Scope, SendMessage, Sent, Target, User, UserKey,
};
use tempfile::TempDir;

use super::*;
use crate::store::embedded::{Embedded, Settings};
use crate::store::engine::{self, EngineKind};

const DEADLINE: Duration = Duration::from_secs(10);

struct World {
    hub: Hub,
    _data: TempDir,
}

impl World {
    fn start(change: impl FnOnce(&mut Config)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.presence.grace = Duration::from_millis(20);
        change(&mut config);
        let engine = engine::open(EngineKind::Fjall, data.path(), 8 << 20).unwrap();
        let store = Arc::new(Embedded::open(engine, Settings::new(&config, false)).unwrap());
        let dialects: Vec<Arc<dyn Dialect>> = vec![
            Arc::new(koine_user_sig::UserSig::new(koine_user_sig::Options::default())),
            Arc::new(koine_access_token::AccessToken::new(koine_access_token::Options::default())),
            Arc::new(koine_status_code::StatusCode::new(koine_status_code::Options::default())),
            Arc::new(koine_envelope::Envelope::new(koine_envelope::Options::default())),
            Arc::new(koine_auth_ack::AuthAck::new(koine_auth_ack::Options::default())),
        ];
        let hub = Hub::start(&config, store, dialects, Clock::system()).unwrap();
        Self { hub, _data: data }
    }

    async fn user(&self, name: &str) -> Arc<User> {
        self.hub.add_user(Handle::new(name).unwrap(), Profile::default(), None).await.unwrap()
    }

    async fn attach(&self, user: &Arc<User>, dialect: DialectName, scope: Scope, catch_up: bool) -> Subscription {
        let info = ConnectionInfo { dialect, address: IpAddr::V4(Ipv4Addr::LOCALHOST), origin: None };
        let attach = Attach { scope, catch_up, confirm: ConfirmBy::Pong, confirmed_is_read: false };
        self.hub.attach(self.hub.next_connection(), &info, user, &attach).await.unwrap()
    }

    async fn run(&self, user: &Arc<User>, command: Command) -> Result<Reply, Error> {
        let actor = Actor { user: Some(user.to_ref()), origin: Origin::Dialect(DialectName::Envelope) };
        tokio::time::timeout(DEADLINE, self.hub.execute(&actor, command)).await.unwrap()
    }

    async fn send(&self, from: &Arc<User>, target: Target, text: &str) -> Sent {
        let send = SendMessage { target, content: Content::text(text), client_id: None, key: None, reads: false };
        match self.run(from, Command::Send(send)).await.unwrap() {
            Reply::Sent(sent) => sent,
            other => panic!("{other:?}"),
        }
    }

    async fn pull(&self, user: &Arc<User>) -> MessageList {
        let pull =
            koine_core::Pull { filter: PullFilter::All, limit: None, newest_first: false, acknowledge: Vec::new() };
        self.run(user, Command::Pull(pull)).await.unwrap().into_messages().unwrap()
    }
}

fn to(user: &User) -> Target {
    Target::User(UserKey::Id(user.id))
}

fn facing(user: &User) -> Scope {
    Scope::Peer(UserKey::Handle(user.handle.clone()))
}

async fn frame(subscription: &mut Subscription) -> serde_json::Value {
    match tokio::time::timeout(DEADLINE, subscription.next()).await.expect("a frame in time") {
        Delivery::Frame { text, .. } => serde_json::from_str(&text).unwrap(),
        other => panic!("{other:?}"),
    }
}

async fn end(subscription: &mut Subscription) -> Delivery {
    loop {
        match tokio::time::timeout(DEADLINE, subscription.next()).await.expect("an end in time") {
            Delivery::Frame { .. } => {}
            end => return end,
        }
    }
}

#[tokio::test]
async fn a_direct_message_reaches_every_dialect_in_its_own_form() {
    let world = World::start(|_| {});
    let (tom, jack) = (world.user("tom").await, world.user("jack").await);
    let mut envelope = world.attach(&jack, DialectName::Envelope, Scope::All, true).await;
    let mut status = world.attach(&jack, DialectName::StatusCode, facing(&tom), true).await;
    let mut acks = world.attach(&jack, DialectName::AuthAck, Scope::All, false).await;
    let sent = world.send(&tom, to(&jack), "hi").await;
    assert_eq!(frame(&mut envelope).await["data"]["messageContent"], "hi");
    assert_eq!(frame(&mut status).await["body"]["msg"], "hi");
    assert_eq!(frame(&mut acks).await["id"], sent.id.get());
}

#[tokio::test]
async fn what_was_missed_comes_once_and_before_what_is_live() {
    let world = World::start(|_| {});
    let (tom, jack) = (world.user("tom").await, world.user("jack").await);
    for number in 0..600 {
        world.send(&tom, to(&jack), &number.to_string()).await;
    }
    let mut envelope = world.attach(&jack, DialectName::Envelope, Scope::All, true).await;
    assert_eq!(frame(&mut envelope).await["data"]["messageContent"], "0");
    for number in 600..700 {
        world.send(&tom, to(&jack), &number.to_string()).await;
    }
    for number in 1..700 {
        assert_eq!(frame(&mut envelope).await["data"]["messageContent"], number.to_string());
    }
    assert!(envelope.try_next().is_none());
}

#[tokio::test]
async fn whoever_asks_next_knows_what_was_confirmed_and_acknowledged() {
    let world = World::start(|_| {});
    let (tom, jack) = (world.user("tom").await, world.user("jack").await);
    let receipts = Arc::new(Receipts::new(&jack.to_ref()));
    for round in 0..50_u64 {
        let sent = world.send(&tom, to(&jack), "a").await;
        world.send(&tom, to(&jack), "b").await;
        let (conversation, first) = (sent.conversation, round * 2 + 1);
        world.hub.confirm(&jack.to_ref(), Receipt { ranges: vec![(conversation, first, first)] }, false);
        assert_eq!(world.pull(&jack).await.rows.count(), 1, "round {round}: confirmed");
        world.hub.acknowledge(&receipts, Position { conversation, seq: first + 1 });
        assert_eq!(world.pull(&jack).await.rows.count(), 0, "round {round}: acknowledged");
    }
}

#[tokio::test]
async fn a_confirmed_message_is_pending_no_more() {
    let world = World::start(|_| {});
    let (tom, jack) = (world.user("tom").await, world.user("jack").await);
    let sent = world.send(&tom, to(&jack), "a").await;
    world.send(&tom, to(&jack), "b").await;
    world.hub.confirm(&jack.to_ref(), Receipt { ranges: vec![(sent.conversation, 2, 2)] }, false);
    // Commands are decided in order: this one after the confirmation.
    world.send(&tom, to(&jack), "c").await;
    let texts: Vec<String> =
        world.pull(&jack).await.rows.map(|row| row.unwrap().message.content.as_text().to_owned()).collect();
    assert_eq!(texts, ["a", "c"]);
}

#[tokio::test]
async fn presence_is_told_once_per_change() {
    let world = World::start(|_| {});
    let (tom, jack) = (world.user("tom").await, world.user("jack").await);
    let mut watcher = world.attach(&tom, DialectName::StatusCode, facing(&jack), true).await;
    let first = world.attach(&jack, DialectName::StatusCode, facing(&tom), true).await;
    assert_eq!(frame(&mut watcher).await["msg"], "Target user jack login");
    let second = world.attach(&jack, DialectName::Envelope, Scope::All, true).await;
    drop(first);
    drop(second);
    assert_eq!(frame(&mut watcher).await["msg"], "Target user jack logout");
    let mut late = world.attach(&jack, DialectName::StatusCode, facing(&tom), true).await;
    assert_eq!(frame(&mut late).await["msg"], "Target user tom login");
    assert_eq!(frame(&mut watcher).await["msg"], "Target user jack login");
}

#[tokio::test]
async fn a_reader_that_stops_is_closed_and_others_are_not() {
    let world = World::start(|config| config.limits.mailbox_frames = 10);
    let (tom, jack) = (world.user("tom").await, world.user("jack").await);
    let mut slow = world.attach(&jack, DialectName::Envelope, Scope::All, false).await;
    let mut quick = world.attach(&jack, DialectName::Envelope, Scope::All, false).await;
    for number in 0..20 {
        world.send(&tom, to(&jack), &number.to_string()).await;
        assert_eq!(frame(&mut quick).await["data"]["messageContent"], number.to_string());
    }
    assert!(matches!(end(&mut slow).await, Delivery::Overflow));
    assert_eq!(world.pull(&jack).await.total, 20);
}

#[tokio::test]
async fn a_group_reaches_its_members_that_are_there() {
    let world = World::start(|_| {});
    let (tom, jack, ann) = (world.user("tom").await, world.user("jack").await, world.user("ann").await);
    let members = vec![UserKey::Id(jack.id), UserKey::Id(ann.id)];
    let mut early = world.attach(&jack, DialectName::UserSig, Scope::All, false).await;
    let group = world.hub.create_group(&UserKey::Id(tom.id), "team".into(), members, None).await.unwrap();
    assert_eq!(frame(&mut early).await["type"], "CONVERSATION_CREATED");
    let mut late = world.attach(&ann, DialectName::AccessToken, Scope::All, false).await;
    world.send(&tom, Target::Group(group), "one").await;
    world.send(&tom, Target::Group(group), "two").await;
    assert_eq!(frame(&mut early).await["session"]["unread_count"], 1);
    assert_eq!(frame(&mut early).await["session"]["unread_count"], 2);
    assert_eq!(frame(&mut late).await["content"], "one");
    world.hub.remove_member(group, UserKey::Id(ann.id)).await.unwrap();
    assert_eq!(frame(&mut late).await["content"], "two");
    world.send(&tom, Target::Group(group), "three").await;
    world.send(&tom, to(&ann), "direct").await;
    assert_eq!(frame(&mut late).await["content"], "direct");
}

#[tokio::test]
async fn kicking_and_draining_end_connections_with_their_reason() {
    let world = World::start(|_| {});
    let tom = world.user("tom").await;
    let mut kicked = world.attach(&tom, DialectName::UserSig, Scope::All, false).await;
    assert_eq!(world.hub.kick(&UserKey::Id(tom.id)).await.unwrap(), 1);
    assert!(matches!(end(&mut kicked).await, Delivery::End(EndReason::Kicked)));
    drop(kicked);
    let mut disabled = world.attach(&tom, DialectName::UserSig, Scope::All, false).await;
    world.hub.set_disabled(UserKey::Id(tom.id), true).await.unwrap();
    assert!(matches!(end(&mut disabled).await, Delivery::End(EndReason::Disabled)));
    world.hub.set_disabled(UserKey::Id(tom.id), false).await.unwrap();
    let mut drained = world.attach(&tom, DialectName::UserSig, Scope::All, false).await;
    world.hub.drain();
    assert!(matches!(end(&mut drained).await, Delivery::End(EndReason::Draining)));
    let mut late = world.attach(&tom, DialectName::UserSig, Scope::All, false).await;
    assert!(matches!(end(&mut late).await, Delivery::End(EndReason::Draining)));
}

#[tokio::test]
async fn sends_are_refused_while_the_disk_is_nearly_full() {
    let world = World::start(|_| {});
    let tom = world.user("tom").await;
    world.hub.note_free_space(1);
    let send = SendMessage { target: to(&tom), content: Content::text("x"), client_id: None, key: None, reads: false };
    let refused = world.run(&tom, Command::Send(send)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    assert!(world.hub.readiness().is_err());
    world.hub.note_free_space(u64::MAX);
    assert!(world.hub.readiness().is_ok());
    world.send(&tom, to(&tom), "x").await;
}

#[tokio::test]
async fn after_a_stop_commands_are_refused_and_nothing_that_was_accepted_is_lost() {
    let world = World::start(|_| {});
    let (tom, jack) = (world.user("tom").await, world.user("jack").await);
    let sent = world.send(&tom, to(&jack), "kept").await;
    world.hub.stop().await;
    let refused = world.run(&tom, Command::ReserveMessageId).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    assert_eq!(world.pull(&jack).await.total, 1);
    assert_eq!(sent.conversation, ConversationId::new(1));
}
