//! A world: a server on a disk, its users and their clients, and time.

mod act;
mod calls;
mod check;
mod ground;
mod heal;
mod life;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use koine_core::{Handle, Profile, Timestamp};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep};

pub(super) use self::ground::{Ground, Mutation};
use self::life::Life;
use super::client::{Client, Unanswered};
use super::model::Model;
use super::random::Random;
use super::step::{Step, USERS};
use crate::config::DialectName;
use crate::hub::Clock;
use crate::store::engine::simulated::{Crash, Disk};

/// 2026-01-01T00:00:00Z, in ms: when every world begins.
const BEGINNING: i64 = 1_767_225_600_000;
/// With an error on the disk the server goes on for so many steps.
const BROKEN_STEPS: u32 = 4;

/// As often the server's tasks get their turn before clients look again.
const STRIDES: usize = 4;

/// What has come of a history.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lived {
    /// What went wrong, if anything did.
    pub(super) problem: Option<String>,
    /// What has happened, line by line.
    pub(super) transcript: Vec<String>,
    /// How often what a good simulation must reach.
    pub(super) tally: BTreeMap<&'static str, u64>,
}

/// A server on a disk, its users and their clients.
pub(super) struct World {
    ground: Arc<Ground>,
    disk: Disk,
    clock: Clock,
    model: Arc<Mutex<Model>>,
    life: Life,
    clients: Vec<Client>,
    /// What clients that are gone saw no answer to.
    outbox: BTreeMap<(u64, DialectName), Vec<Unanswered>>,
    /// What auth-ack clients have pulled and not acknowledged.
    pulled: BTreeMap<u64, Vec<u64>>,
    random: Random,
    texts: u64,
    broken_for: u32,
    transcript: Vec<String>,
}

impl World {
    /// Lets a history happen, then heals everything and looks whether anything is missing.
    pub(super) async fn live(ground: &Arc<Ground>, steps: &[Step]) -> Lived {
        let mut world = match Self::begin(ground).await {
            Ok(world) => world,
            Err(problem) => return Lived { problem: Some(problem), ..Lived::default() },
        };
        let problem = world.history(steps).await.err();
        let tally = std::mem::take(&mut world.model.lock().tally);
        Lived { problem, transcript: world.transcript, tally }
    }

    async fn begin(ground: &Arc<Ground>) -> Result<Self, String> {
        let disk = Disk::new(ground.mutation.disk_lies);
        let model = Arc::new(Mutex::new(Model::default()));
        let started = Instant::now();
        let clock = Clock::new(move || Timestamp::from_millis(BEGINNING).plus(started.elapsed()));
        let life = Life::begin(ground, &disk, &model, &clock)?;
        for number in 1..=USERS {
            let handle = Handle::new(&name(number)).map_err(|why| why.to_string())?;
            let user = life.hub.add_user(handle, Profile::default(), None).await.map_err(|why| why.to_string())?;
            model.lock().users.insert(user.id.get(), name(number));
        }
        Ok(Self {
            ground: Arc::clone(ground),
            disk,
            clock,
            model,
            life,
            clients: Vec::new(),
            outbox: BTreeMap::new(),
            pulled: BTreeMap::new(),
            random: Random::new(7),
            texts: 0,
            broken_for: 0,
            transcript: Vec::new(),
        })
    }

    async fn history(&mut self, steps: &[Step]) -> Result<(), String> {
        for (number, step) in (0_u64..).zip(steps) {
            self.transcript.push(format!("[{} ms] {step:?}", self.clock.now().as_millis() - BEGINNING));
            self.act(*step).await;
            for _ in 0..number % 4 {
                tokio::task::yield_now().await;
            }
            self.pump();
            self.recover(number).await?;
            self.check((number / 2) % USERS + 1)?;
        }
        self.heal().await
    }

    /// Starts the server again where it has ended, or has had enough of an error.
    async fn recover(&mut self, number: u64) -> Result<(), String> {
        if self.disk.has_ended() {
            let crash = if number.is_multiple_of(2) { Crash::Killed } else { Crash::PowerCut(1) };
            return self.crash(crash).await;
        }
        if self.disk.is_broken() {
            self.broken_for += 1;
            if self.broken_for >= BROKEN_STEPS {
                return self.crash(Crash::PowerCut(0)).await;
            }
        }
        Ok(())
    }

    /// Lets time pass; clients take in what comes. Ends early with the server.
    async fn pass(&mut self, millis: u64) {
        let mut left = millis;
        for slice in [5, 40, 200, 1_000].into_iter().chain(std::iter::repeat(5_000)) {
            while self.pump() {
                for _ in 0..STRIDES {
                    tokio::task::yield_now().await;
                }
            }
            let slice = left.min(slice);
            if slice == 0 {
                return;
            }
            left -= slice;
            tokio::select! {
                biased;
                () = self.disk.ended() => return,
                () = sleep(Duration::from_millis(slice)) => {}
            }
        }
    }

    /// Lets every client take in what has come; those whose connection has ended go. Whether there was
    /// anything to take in.
    fn pump(&mut self) -> bool {
        let mut model = self.model.lock();
        let mut busy = false;
        for client in &mut self.clients {
            busy |= client.pump(&mut model, &mut self.transcript);
        }
        model.age(Instant::now());
        drop(model);
        let (alive, over): (Vec<_>, Vec<_>) = std::mem::take(&mut self.clients).into_iter().partition(Client::is_alive);
        self.clients = alive;
        for client in over {
            self.part(client);
        }
        busy
    }

    /// A client is gone; what it saw no answer to is kept for the user's next one.
    fn part(&mut self, client: Client) {
        self.outbox.entry((client.identity.user, client.dialect)).or_default().extend(client.unanswered);
    }

    fn part_all(&mut self) {
        for client in std::mem::take(&mut self.clients) {
            self.part(client);
        }
    }

    /// Ends the process as a crash does, and starts it again.
    async fn crash(&mut self, crash: Crash) -> Result<(), String> {
        self.transcript.push(format!("    the server ends: {crash:?}"));
        self.life.end().await;
        // What had been written to the sockets still arrives.
        self.pump();
        self.part_all();
        let found = self.disk.crash(crash);
        self.model.lock().crash(found, Instant::now());
        self.broken_for = 0;
        self.life = Life::begin(&self.ground, &self.disk, &self.model, &self.clock)?;
        self.take_stock()
    }
}

/// A user's handle.
fn name(user: u64) -> String {
    format!("u{user}")
}
