//! Logins one after the other, each with pending messages to catch up on: `connect`.
//!
//! A login counts from the opening of the connection until the connection takes part and everything that was pending
//! has arrived, by push or by asking for it, whichever is the dialect's way. user-sig's clients have exchanged their
//! key before, as a sig is good for minutes.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::bail;
use hdrhistogram::Histogram;
use memchr::memmem;

use super::{Tell, number};
use crate::bench::frame;
use crate::bench::http::Response;
use crate::bench::links::{Handler, LinkId, Links, Reactor};
use crate::bench::number::{nanos, per_second};
use crate::bench::options::Options;
use crate::bench::report::{Latency, Report, Row, Unit};
use crate::bench::server::Server;
use crate::bench::tally::Faults;
use crate::bench::text;
use crate::bench::traffic::{Pace, histogram};
use crate::bench::wire::{self, Heard, Person, Target, Wire};
use crate::bench::world::World;
use crate::config::DialectName;

/// Pending messages of each user.
const PENDING: usize = 10;
/// Logins under way at once.
const AT_ONCE: usize = 32;
/// Logins of a round for each second that it is to take.
const PER_SECOND: u64 = 1_000;
/// People who fill the others' boxes.
const SENDERS: usize = 16;
/// How long filling boxes, and a round's logins, may take.
const PATIENCE: Duration = Duration::from_mins(2);

pub(super) fn run(options: &Options, report: &mut Report, tell: Tell<'_>) -> anyhow::Result<()> {
    let server = options.gateway()?;
    let logins = usize::try_from(options.measured.as_secs().max(1) * PER_SECOND).unwrap_or(usize::MAX);
    let dialects = options.mix.receivers();
    let mut variants: Vec<_> = dialects.iter().map(|dialect| (dialect.as_str().to_owned(), vec![*dialect])).collect();
    if dialects.len() > 1 {
        variants.insert(0, (options.mix.words(), dialects));
    }
    for round in 0..options.rounds {
        for (variant, dialects) in &variants {
            tell(&format!("connect, round {}, {variant}: filling {logins} boxes", round + 1));
            let people = prepare(&server, dialects, logins)?;
            tell(&format!("connect, round {}, {variant}: {logins} logins", round + 1));
            let before = server.cpu_time();
            let outcome = Logins::new(server.address, people, AT_ONCE)?.run()?;
            let used = server.cpu_time().zip(before).map(|(now, before)| now.saturating_sub(before));
            let each = |time: Duration| time.as_secs_f64() * 1e6 / crate::bench::number::float(number(logins));
            let value = per_second(number(outcome.done), outcome.time);
            let row = Row {
                latency: Latency::of(&outcome.latency),
                server_us: used.map(each),
                faults: outcome.faults,
                note: outcome.failure,
                ..Row::new("connect", variant.clone(), server.name, value, Unit::LoginsPerSecond)
            };
            report.add(round, row);
        }
    }
    Ok(())
}

/// Somebody who is about to log in, and who wrote meanwhile.
pub(super) struct Arrival {
    wire: &'static dyn Wire,
    person: Person,
    from: Target,
}

/// Makes users with pending messages.
pub(super) fn prepare(server: &Server, dialects: &[DialectName], count: usize) -> anyhow::Result<Vec<Arrival>> {
    let mut world = World::new(server, 1)?;
    let writes = wire::of(DialectName::Envelope);
    let mut senders = Vec::new();
    for _ in 0..SENDERS.min(count) {
        let sender = world.person(writes)?;
        let anyone = Target::User { handle: sender.handle.clone(), number: sender.number, session: 0 };
        senders.push((world.join(writes, &sender, &anyone, 0)?, sender));
    }
    world.settle()?;
    let mut arrivals = Vec::new();
    for (dialect, (link, sender)) in dialects.iter().cycle().zip(senders.iter().cycle()).take(count) {
        let wire = wire::of(*dialect);
        let person = world.person(wire)?;
        let to = world.target(writes, sender, &person)?;
        let from = world.target(wire, &person, sender)?;
        world.stream(0, (*link, writes, sender), &to, Pace::Once(number(PENDING)), 0)?;
        arrivals.push(Arrival { wire, person, from });
    }
    world.send_all(PATIENCE)?;
    Ok(arrivals)
}

/// What came of logins.
pub(super) struct Outcome {
    pub(super) done: usize,
    pub(super) time: Duration,
    pub(super) latency: Histogram<u64>,
    pub(super) faults: Faults,
    pub(super) failure: Option<String>,
}

/// Logins under way.
pub(super) struct Logins {
    address: SocketAddr,
    reactor: Reactor,
    desk: Desk,
    at_once: usize,
    /// The distance between two, where they come at a pace.
    period: Option<Duration>,
}

impl Logins {
    pub(super) fn new(address: SocketAddr, arrivals: Vec<Arrival>, at_once: usize) -> anyhow::Result<Self> {
        let desk = Desk {
            address,
            arrivals,
            open: HashMap::new(),
            requests: HashMap::new(),
            done: 0,
            latency: histogram(),
            faults: Faults::default(),
            failure: None,
        };
        Ok(Self { address, reactor: Reactor::new()?, desk, at_once, period: None })
    }

    /// One login after so long.
    pub(super) fn paced(self, period: Duration) -> Self {
        Self { period: Some(period), ..self }
    }

    pub(super) fn run(mut self) -> anyhow::Result<Outcome> {
        let start = Instant::now();
        loop {
            self.admit(start)?;
            if self.desk.arrivals.is_empty() && self.desk.open.is_empty() {
                break;
            }
            self.reactor.turn(&mut self.desk, Duration::from_millis(5))?;
            if start.elapsed() > PATIENCE {
                let (open, waiting) = (self.desk.open.len(), self.desk.arrivals.len());
                let example = self.desk.open.values().next().map(|login| {
                    let Login { arrival, ready, got, .. } = login;
                    format!("{}: taking part {ready}, {got} messages", arrival.wire.name())
                });
                bail!("{open} logins do not end, {waiting} wait; {}", example.unwrap_or_default());
            }
        }
        let Desk { done, latency, faults, failure, .. } = self.desk;
        Ok(Outcome { done, time: start.elapsed(), latency, faults, failure })
    }

    fn admit(&mut self, start: Instant) -> anyhow::Result<()> {
        while self.desk.open.len() < self.at_once {
            if let Some(period) = self.period {
                let begun = self.desk.done + self.desk.open.len();
                let due = period * u32::try_from(begun).unwrap_or(u32::MAX);
                if start.elapsed() < due {
                    return Ok(());
                }
            }
            let Some(arrival) = self.desk.arrivals.pop() else { return Ok(()) };
            let path = arrival.wire.path(&arrival.person, &arrival.from);
            let link = self.reactor.links.open(self.address, &path)?;
            let login = Login { arrival, start: Instant::now(), ready: false, asked: false, got: 0 };
            self.desk.open.insert(link, login);
        }
        Ok(())
    }
}

struct Login {
    arrival: Arrival,
    start: Instant,
    ready: bool,
    asked: bool,
    got: usize,
}

/// Who is logging in.
struct Desk {
    address: SocketAddr,
    arrivals: Vec<Arrival>,
    open: HashMap<LinkId, Login>,
    /// Requests for what is pending, and whose they are.
    requests: HashMap<LinkId, LinkId>,
    done: usize,
    latency: Histogram<u64>,
    faults: Faults,
    failure: Option<String>,
}

impl Desk {
    fn proceed(&mut self, link: LinkId, links: &mut Links) {
        let Some(login) = self.open.get_mut(&link) else { return };
        if login.ready && !login.asked {
            login.asked = true;
            if let Some(request) = login.arrival.wire.catch_up(&login.arrival.person, &login.arrival.from) {
                match links.ask(self.address, request) {
                    Ok(asked) => {
                        self.requests.insert(asked, link);
                    }
                    Err(error) => self.fail(link, &error.to_string(), links),
                }
                return;
            }
        }
        if login.ready && login.got >= PENDING {
            self.latency.saturating_record(nanos(login.start.elapsed()));
            if login.got > PENDING {
                self.faults.duplicated += number(login.got - PENDING);
            }
            self.open.remove(&link);
            self.done += 1;
            links.close(link);
        }
    }

    fn fail(&mut self, link: LinkId, why: &str, links: &mut Links) {
        if let Some(login) = self.open.remove(&link) {
            self.faults.closed += 1;
            self.failure.get_or_insert_with(|| format!("{}: {why}", login.arrival.wire.name()));
            links.close(link);
        }
    }
}

impl Handler for Desk {
    fn opened(&mut self, link: LinkId, links: &mut Links) {
        let Some(login) = self.open.get_mut(&link) else { return };
        for text in login.arrival.wire.opening(&login.arrival.person) {
            links.send(link, &frame::text(&text));
        }
        if login.arrival.wire.is_ready_when_open() {
            login.ready = true;
            self.proceed(link, links);
        }
    }

    fn heard(&mut self, link: LinkId, text: &[u8], links: &mut Links) {
        let Some(login) = self.open.get_mut(&link) else { return };
        match login.arrival.wire.hear(text) {
            Heard::Message(..) => login.got += 1,
            Heard::Ready => login.ready = true,
            Heard::Refused if login.arrival.wire.is_ready_when_refused() && !login.ready => login.ready = true,
            Heard::Refused => {
                self.faults.refused += 1;
                return self.fail(link, &String::from_utf8_lossy(text), links);
            }
            Heard::Accepted(..) | Heard::Nothing => return,
        }
        self.proceed(link, links);
    }

    fn answered(&mut self, asked: LinkId, response: &Response, links: &mut Links) {
        let Some(link) = self.requests.remove(&asked) else { return };
        let Some(login) = self.open.get_mut(&link) else { return };
        login.got += if response.status == 200 { text::count(&response.body) } else { 0 };
        if login.got < PENDING {
            let why = format!("was answered with {} of {PENDING} messages, status {}", login.got, response.status);
            return self.fail(link, &why, links);
        }
        // What a client fetched it confirms, where the dialect has a frame for it.
        for at in memmem::find_iter(&response.body, br#""id":"#) {
            let id = response.body.get(at..).and_then(text::first_number);
            if let Some(confirmation) = id.and_then(|id| login.arrival.wire.confirmation(id)) {
                links.send(link, &frame::text(&confirmation));
            }
        }
        self.proceed(link, links);
    }

    fn ended(&mut self, link: LinkId, why: &str, links: &mut Links) {
        let whose = self.requests.remove(&link).unwrap_or(link);
        self.fail(whose, why, links);
    }
}
