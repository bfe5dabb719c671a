//! The people of a measurement: users are made, sessions and groups opened, connections joined, and then traffic runs
//! between them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::frame::Template;
use super::http::Client;
use super::links::{LinkId, Reactor};
use super::process;
use super::server::Server;
use super::tally::Faults;
use super::traffic::{Figures, Pace, Stream, Traffic};
use super::wire::{Person, Target, Wire};

/// How long connections may take until they all take part.
const PATIENCE: Duration = Duration::from_mins(1);
/// Connections that are opened at once.
const AT_ONCE: usize = 64;
/// How long everything rests before traffic starts: what is noted about connections in the background is noted then.
const REST: Duration = Duration::from_millis(200);
/// The longest wait in one turn.
const TURN: Duration = Duration::from_millis(20);
/// Closer than this to when something is due, waiting would be too late: the clock of a wait counts milliseconds.
const SPIN: Duration = Duration::from_micros(1_500);

/// How long traffic runs.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Before anything counts.
    pub warm_up: Duration,
    /// While it counts.
    pub measured: Duration,
    /// How long what is in flight may take afterwards.
    pub drain: Duration,
}

/// What came of a run.
#[derive(Debug)]
pub struct Window {
    /// How long it counted.
    pub time: Duration,
    /// By kind of traffic.
    pub figures: Vec<Figures>,
    /// How many Pings the server sent.
    pub pings: u64,
    /// How long the server was on a core.
    pub server: Option<Duration>,
    /// How long the generator was on a core.
    pub generator: Option<Duration>,
}

impl Window {
    /// What came of one kind of traffic.
    pub fn of(&self, kind: usize) -> anyhow::Result<&Figures> {
        self.figures.get(kind).context("there is no such kind of traffic")
    }
}

/// The people around one server.
pub struct World<'a> {
    server: &'a Server,
    http: Client,
    /// Their connections.
    pub reactor: Reactor,
    /// What they say.
    pub traffic: Traffic,
    run: u16,
    people: u64,
    streams: usize,
    kinds: usize,
}

impl<'a> World<'a> {
    /// Nobody yet, for so many kinds of traffic.
    pub fn new(server: &'a Server, kinds: usize) -> anyhow::Result<Self> {
        let (reactor, traffic) = (Reactor::new()?, Traffic::new(kinds));
        Ok(Self { server, http: server.http(), reactor, traffic, run: fresh_run(), people: 0, streams: 0, kinds })
    }

    /// Makes a user who speaks a dialect.
    pub fn person(&mut self, wire: &dyn Wire) -> anyhow::Result<Person> {
        self.people += 1;
        let handle = format!("b{}n{}", self.run, self.people);
        if self.server.relay.is_some() {
            // A relay knows people by their numbers only, in all worlds around it.
            let number = u64::from(self.run) * 1_000_000 + self.people;
            return Ok(Person { handle, number, token: String::new() });
        }
        let register = json!({ "company": "koine", "app": "bench", "thirdUserId": handle });
        let registered = self.http.post("/im/user/register", &register)?;
        let number = registered.get("userId").and_then(Value::as_u64).context("a user without a number")?;
        let mut token = format!("demo-{handle}");
        if wire.name() == "user-sig" {
            let sig = self.http.post("/chat/get-user-sig/", &json!({ "user_id": handle, "token": token }))?;
            let sig = sig.pointer("/data/user_sig").and_then(Value::as_str);
            sig.context("no user_sig was given")?.clone_into(&mut token);
        }
        Ok(Person { handle, number, token })
    }

    /// A user as another addresses it; for user-sig that takes a session.
    pub fn target(&mut self, wire: &dyn Wire, from: &Person, to: &Person) -> anyhow::Result<Target> {
        let mut session = 0;
        if wire.name() == "user-sig" {
            let users = [&from.handle, &to.handle];
            let body = json!({ "name": "bench", "type": 1, "chat_user_id_list": users });
            self.http.authorize(from.token.clone());
            let answer = self.http.post("/chat/create-session/", &body)?;
            let number = answer.pointer("/data/session/session_id").and_then(Value::as_u64);
            session = number.with_context(|| format!("no session was opened: {answer}"))?;
        }
        Ok(Target::User { handle: to.handle.clone(), number: to.number, session })
    }

    /// Makes a group of these people, the first of whom manages it.
    pub fn group(&mut self, people: &[Person]) -> anyhow::Result<Target> {
        if self.server.relay.is_some() {
            return Ok(Target::Group(0));
        }
        let handles: Vec<&str> = people.iter().map(|person| person.handle.as_str()).collect();
        let body = json!({ "name": "bench", "manager": handles.first(), "members": handles });
        let answer = self.server.management()?.post("/v1/groups", &body)?;
        let id = answer.get("id").context("a group without an id")?;
        let number = id.as_u64().or_else(|| id.as_str()?.parse().ok()).context("the id of a group is a number")?;
        Ok(Target::Group(number))
    }

    /// Opens a person's connection. `place` is its place among the receivers of a group.
    pub fn join(
        &mut self,
        wire: &'static dyn Wire,
        person: &Person,
        peer: &Target,
        place: usize,
    ) -> anyhow::Result<LinkId> {
        let link = self.reactor.links.open(self.server.address, &wire.path(person, peer))?;
        self.traffic.join(link, wire, &wire.opening(person), place);
        self.wait_until_fewer_than(AT_ONCE)?;
        Ok(link)
    }

    /// Waits until all connections take part, and everything has come to rest.
    pub fn settle(&mut self) -> anyhow::Result<()> {
        self.wait_until_fewer_than(1)?;
        self.rest(REST)
    }

    /// Deals with what happens for so long, and sends nothing.
    pub fn rest(&mut self, time: Duration) -> anyhow::Result<()> {
        let rested = Instant::now() + time;
        while Instant::now() < rested {
            self.reactor.turn(&mut self.traffic, TURN)?;
        }
        Ok(())
    }

    fn wait_until_fewer_than(&mut self, waiting: usize) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.traffic.waiting() >= waiting {
            self.reactor.turn(&mut self.traffic, TURN)?;
            if let Some(failure) = self.traffic.failure() {
                bail!("{failure}");
            }
            if Instant::now() > deadline {
                bail!("{} connections do not take part", self.traffic.waiting());
            }
        }
        Ok(())
    }

    /// Adds a stream of messages, and says how many there are.
    pub fn stream(
        &mut self,
        kind: usize,
        from: (LinkId, &dyn Wire, &Person),
        to: &Target,
        pace: Pace,
        receivers: usize,
    ) -> anyhow::Result<usize> {
        let (link, wire, person) = from;
        let template = Template::new(&wire.message(person, to), self.run).context("a message without its text")?;
        self.traffic.add(Stream::new(kind, link, template, pace, receivers));
        self.streams += 1;
        Ok(self.streams)
    }

    /// Two new people, the first of whom writes to the second.
    pub fn pair(
        &mut self,
        kind: usize,
        (from, to): (&'static dyn Wire, &'static dyn Wire),
        pace: Pace,
    ) -> anyhow::Result<()> {
        let (sender, receiver) = (self.person(from)?, self.person(to)?);
        let target = self.target(from, &sender, &receiver)?;
        let back = Target::User { handle: sender.handle.clone(), number: sender.number, session: 0 };
        self.join(to, &receiver, &back, 0)?;
        let link = self.join(from, &sender, &target, 0)?;
        self.stream(kind, (link, from, &sender), &target, pace, 1)?;
        Ok(())
    }

    /// New people in a group, of whom the first writes to all others, who speak these dialects in turn.
    pub fn crowd(
        &mut self,
        kind: usize,
        sender: &'static dyn Wire,
        dialects: &[&'static dyn Wire],
        members: usize,
        pace: Pace,
    ) -> anyhow::Result<()> {
        let wires: Vec<_> = std::iter::once(sender).chain(dialects.iter().copied().cycle().take(members)).collect();
        let people = wires.iter().map(|wire| self.person(*wire)).collect::<anyhow::Result<Vec<_>>>()?;
        let group = self.group(&people)?;
        let mut links = Vec::new();
        for (place, (wire, person)) in wires.iter().zip(&people).enumerate() {
            links.push(self.join(*wire, person, &group, place.saturating_sub(1))?);
        }
        if let (Some(link), Some(person)) = (links.first(), people.first()) {
            self.stream(kind, (*link, sender, person), &group, pace, members)?;
        }
        Ok(())
    }

    /// Lets everybody talk. `observe` is told now and then how many messages have arrived.
    pub fn run(&mut self, plan: Plan, observe: &mut dyn FnMut(u64)) -> anyhow::Result<Window> {
        let own = std::process::id();
        self.traffic.go(&mut self.reactor.links);
        self.turn_until(Instant::now() + plan.warm_up, observe, |_| false)?;
        self.traffic.reset();
        let pings = self.reactor.links.pings;
        let (start, server, generator) = (Instant::now(), self.server.cpu_time(), process::cpu_time(own));
        self.turn_until(start + plan.measured, observe, |_| false)?;
        let time = start.elapsed();
        let since = |before: Option<Duration>, now: Option<Duration>| {
            now.zip(before).map(|(now, then)| now.saturating_sub(then))
        };
        let server = since(server, self.server.cpu_time());
        let generator = since(generator, process::cpu_time(own));
        let pings = self.reactor.links.pings - pings;
        let figures = self.traffic.figures().to_vec();
        self.traffic.stop();
        self.turn_until(Instant::now() + plan.drain, observe, Traffic::is_quiet)?;
        Ok(Window { time, figures, pings, server, generator })
    }

    /// Lets everybody send what they send once, and waits until all of it was accepted.
    pub fn send_all(&mut self, patience: Duration) -> anyhow::Result<()> {
        self.traffic.go(&mut self.reactor.links);
        self.turn_until(Instant::now() + patience, &mut |_| {}, Traffic::is_quiet)?;
        self.traffic.stop();
        match self.traffic.failure() {
            Some(failure) => bail!("{failure}"),
            None if !self.traffic.is_quiet() => bail!("not everything was accepted in {} s", patience.as_secs()),
            None => Ok(()),
        }
    }

    fn turn_until(
        &mut self,
        end: Instant,
        observe: &mut dyn FnMut(u64),
        done: impl Fn(&Traffic) -> bool,
    ) -> anyhow::Result<()> {
        let mut told = Instant::now();
        loop {
            let now = Instant::now();
            if now >= end || done(&self.traffic) {
                return Ok(());
            }
            if now.duration_since(told) > Duration::from_millis(200) {
                told = now;
                observe(self.traffic.figures().iter().map(|figures| figures.delivered).sum());
            }
            let due = self.traffic.tick(&mut self.reactor.links).unwrap_or(TURN);
            let wait = due.saturating_sub(SPIN);
            self.reactor.turn(&mut self.traffic, wait.min(TURN).min(end - now))?;
        }
    }

    /// What went wrong, now that everything has come to rest.
    pub fn faults(&self) -> Faults {
        self.traffic.faults()
    }

    /// What went wrong first, in words.
    pub fn failure(&self) -> Option<String> {
        self.traffic.failure().map(str::to_owned)
    }

    /// A client of the server's HTTP endpoints.
    pub fn http(&mut self) -> &mut Client {
        &mut self.http
    }

    /// The server.
    pub const fn server(&self) -> &'a Server {
        self.server
    }

    /// Forgets all connections and traffic, not the users.
    pub fn clear(&mut self) -> anyhow::Result<()> {
        self.reactor = Reactor::new()?;
        self.traffic = Traffic::new(self.kinds);
        self.streams = 0;
        self.run = fresh_run();
        Ok(())
    }
}

/// Handles and ids of one world are not those of another on the same server, nor of an earlier run.
fn fresh_run() -> u16 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    u16::try_from((seconds * 13 + COUNT.fetch_add(1, Ordering::Relaxed)) % 10_000).unwrap_or(0)
}
