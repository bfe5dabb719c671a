//! What a message, a page and a start cost as users, members and messages grow: `growth`.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::{Value, json};

use super::{Tell, number, traffic_row};
use crate::bench::number::{float, nanos};
use crate::bench::options::Options;
use crate::bench::report::{Latency, Report, Row, Unit};
use crate::bench::server::{Server, temporary};
use crate::bench::traffic::{Pace, histogram};
use crate::bench::wire::{self, Person, Target, Wire};
use crate::bench::world::{Plan, World};
use crate::config::DialectName;

const PROFILE: &str = "growth";
const MESSAGES: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];
const USERS: [u64; 5] = [10, 100, 1_000, 10_000, 100_000];
const MEMBERS: [u64; 5] = [2, 10, 100, 1_000, 10_000];
/// Pairs of people, and messages in flight of each.
const PAIRS: usize = 50;
const IN_FLIGHT: u64 = 32;
/// The messages of the long conversation, of the full box, and of each short conversation.
const LONG: u64 = 20_000;
const FULL: u64 = 1_000;
const SHORT: u64 = 5;
/// Short conversations.
const FRIENDS: usize = 50;
/// How often each page is asked for.
const ASKED: usize = 1_000;
const PATIENCE: Duration = Duration::from_mins(10);

pub(super) fn run(options: &Options, report: &mut Report, tell: Tell<'_>) -> anyhow::Result<()> {
    with_messages(options, report, tell)?;
    with_users(options, report, tell)?;
    with_members(options, report, tell)
}

fn with_messages(options: &Options, report: &mut Report, tell: Tell<'_>) -> anyhow::Result<()> {
    let directory = temporary()?;
    let data = directory.path().join("data");
    let mut stored = 0;
    {
        let server = Server::koine(&options.programs, Some(&data))?;
        for goal in MESSAGES.into_iter().filter(|goal| *goal <= options.messages) {
            stored += fill(&server, goal.saturating_sub(stored), &format!("growth, {goal} messages"), tell)?;
            let variant = format!("{goal} messages stored");
            stored += cost(options, &server, &variant, report)?;
        }
        tell("growth, writing what will be asked for");
        let readers = Readers::prepare(&server)?;
        stored += LONG + FULL + SHORT * 2 * number(FRIENDS);
        tell("growth, asking for pages");
        readers.ask(&server, stored, report)?;
        tell("growth, stopping");
    }
    tell("growth, starting again");
    start(options, &data, stored, report)
}

/// How long a start takes with what is stored.
fn start(options: &Options, data: &Path, stored: u64, report: &mut Report) -> anyhow::Result<()> {
    let begun = Instant::now();
    let server = Server::koine(&options.programs, Some(data))?;
    let millis = begun.elapsed().as_secs_f64() * 1e3;
    let variant = format!("start with {} messages", rounded(stored));
    report.add(0, Row::new(PROFILE, variant, server.name, millis, Unit::Milliseconds));
    Ok(())
}

fn with_users(options: &Options, report: &mut Report, tell: Tell<'_>) -> anyhow::Result<()> {
    let server = Server::koine(&options.programs, None)?;
    let mut there = 0;
    for goal in USERS {
        tell(&format!("growth, {goal} users"));
        make_users(&server, there, goal)?;
        there = goal;
        cost(options, &server, &format!("{goal} users"), report)?;
    }
    Ok(())
}

fn with_members(options: &Options, report: &mut Report, tell: Tell<'_>) -> anyhow::Result<()> {
    let server = Server::koine(&options.programs, None)?;
    let largest = MEMBERS.into_iter().max().unwrap_or_default();
    make_users(&server, 0, largest)?;
    for members in MEMBERS {
        tell(&format!("growth, a group of {members}"));
        let mut world = World::new(&server, 1)?;
        let wire = wire::of(DialectName::Envelope);
        let mut people = vec![world.person(wire)?, world.person(wire)?];
        people.extend((0..members.saturating_sub(2)).map(user));
        let group = world.group(&people)?;
        if let [sender, receiver, ..] = people.as_slice() {
            world.join(wire, receiver, &group, 0)?;
            let link = world.join(wire, sender, &group, 0)?;
            world.stream(0, (link, wire, sender), &group, Pace::Closed(IN_FLIGHT), 1)?;
        }
        world.settle()?;
        let window = world.run(options.plan(), &mut |_| {})?;
        report.add(0, costed(traffic_row(PROFILE, &format!("{members} members"), &world, &window, window.of(0)?))?);
    }
    Ok(())
}

/// A user who is there without ever having connected.
fn user(number: u64) -> Person {
    Person { handle: format!("grown{number}"), ..Person::default() }
}

/// Users come into being by being written to.
fn make_users(server: &Server, from: u64, to: u64) -> anyhow::Result<()> {
    let mut world = World::new(server, 1)?;
    let (link, wire, sender) = writer(&mut world)?;
    for number in from..to {
        let target = Target::User { handle: user(number).handle, number: 0, session: 0 };
        world.stream(0, (link, wire, &sender), &target, Pace::Once(1), 0)?;
    }
    world.send_all(PATIENCE)
}

fn writer(world: &mut World<'_>) -> anyhow::Result<(usize, &'static dyn Wire, Person)> {
    let wire = wire::of(DialectName::Envelope);
    let sender = world.person(wire)?;
    let anyone = Target::User { handle: sender.handle.clone(), number: sender.number, session: 0 };
    let link = world.join(wire, &sender, &anyone, 0)?;
    world.settle()?;
    Ok((link, wire, sender))
}

/// Lets pairs talk until so many messages were stored, and says how many were.
fn fill(server: &Server, wanted: u64, what: &str, tell: Tell<'_>) -> anyhow::Result<u64> {
    let mut world = pairs(server)?;
    let mut stored = 0;
    let plan = Plan {
        warm_up: Duration::ZERO,
        measured: Duration::from_millis(if wanted > 50_000 { 1_000 } else { 50 }),
        drain: Duration::from_secs(10),
    };
    let started = Instant::now();
    while stored < wanted && started.elapsed() < PATIENCE {
        let window = world.run(plan, &mut |_| {})?;
        stored += window.of(0)?.delivered;
        tell(&format!("{what}: {} to go", wanted.saturating_sub(stored)));
    }
    Ok(stored)
}

/// What a message costs now; says how many were sent to find out.
fn cost(options: &Options, server: &Server, variant: &str, report: &mut Report) -> anyhow::Result<u64> {
    let mut world = pairs(server)?;
    let window = world.run(options.plan(), &mut |_| {})?;
    let figures = window.of(0)?;
    report.add(0, costed(traffic_row(PROFILE, variant, &world, &window, figures))?);
    Ok(figures.delivered)
}

fn pairs(server: &Server) -> anyhow::Result<World<'_>> {
    let mut world = World::new(server, 1)?;
    let wire = wire::of(DialectName::Envelope);
    for _ in 0..PAIRS {
        world.pair(0, (wire, wire), Pace::Closed(IN_FLIGHT))?;
    }
    world.settle()?;
    Ok(world)
}

/// The figure of a row is what each message cost the server.
fn costed(row: Row) -> anyhow::Result<Row> {
    let value = row.server_us.context("the server's time on its core is not known")?;
    Ok(Row { value, unit: Unit::ServerMicroseconds, ..row })
}

/// People who look back.
struct Readers {
    /// Has one long conversation and many short ones.
    old: Person,
    session: u64,
    /// Has many short conversations, by number.
    listed: Person,
    /// Was away for long.
    away: Person,
}

impl Readers {
    fn prepare(server: &Server) -> anyhow::Result<Self> {
        let mut world = World::new(server, 1)?;
        let (sig, ack, token) = (DialectName::UserSig, DialectName::AuthAck, DialectName::AccessToken);
        let old = world.person(wire::of(sig))?;
        let (listed, away) = (world.person(wire::of(ack))?, world.person(wire::of(token))?);
        let (link, wire, sender) = writer(&mut world)?;
        let Target::User { session, .. } = world.target(wire::of(sig), &old, &sender)? else { unreachable!() };
        for (person, messages) in [(&old, LONG), (&away, FULL)] {
            let target = world.target(wire, &sender, person)?;
            world.stream(0, (link, wire, &sender), &target, Pace::Once(messages), 0)?;
        }
        for _ in 0..FRIENDS {
            let friend = world.person(wire)?;
            let anyone = Target::User { handle: friend.handle.clone(), number: friend.number, session: 0 };
            let link = world.join(wire, &friend, &anyone, 0)?;
            for person in [&old, &listed] {
                let target = world.target(wire, &friend, person)?;
                world.stream(0, (link, wire, &friend), &target, Pace::Once(SHORT), 0)?;
            }
        }
        world.settle()?;
        world.send_all(PATIENCE)?;
        Ok(Self { old, session, listed, away })
    }

    /// Asks for each page many times.
    fn ask(&self, server: &Server, stored: u64, report: &mut Report) -> anyhow::Result<()> {
        let mut http = server.http();
        // A sig may have run out meanwhile; asking is not connecting, but takes a good one all the same.
        let key = json!({ "user_id": self.old.handle, "token": format!("demo-{}", self.old.handle) });
        let sig = http.post("/chat/get-user-sig/", &key)?;
        http.authorize(sig.pointer("/data/user_sig").and_then(Value::as_str).context("no user_sig")?.to_owned());
        let session = self.session;
        let listed = json!({ "userId": self.listed.number, "token": self.listed.token });
        let pull = format!("/api/message?drop=false&access_token={}", self.away.token);
        let asked: [(&str, String, Option<&Value>); 5] = [
            ("history, newest page", format!("/chat/chat-log-info/?session_id={session}"), None),
            ("history, page 1,000", format!("/chat/chat-log-info/?session_id={session}&page_num=1000"), None),
            ("unread counts, 50 sessions", "/chat/session-info/?page_size=50".to_owned(), None),
            ("chat list, 50 rows", "/im/user/chat/list".to_owned(), Some(&listed)),
            ("pull of 1,000 pending", pull, None),
        ];
        for (what, path, body) in asked {
            let mut latency = histogram();
            for _ in 0..ASKED {
                let begun = Instant::now();
                match body {
                    Some(body) => http.post(&path, body)?,
                    None => http.get(&path)?,
                };
                latency.saturating_record(nanos(begun.elapsed()));
            }
            let variant = format!("{what}, at {} messages", rounded(stored));
            let p99 = float(latency.value_at_quantile(0.99)) / 1e6;
            let row = Row::new(PROFILE, variant, server.name, p99, Unit::Milliseconds);
            report.add(0, Row { latency: Latency::of(&latency), ..row });
        }
        Ok(())
    }
}

/// Thousands or millions, in words.
fn rounded(stored: u64) -> String {
    match stored {
        0..1_000_000 => format!("{} thousand", stored / 1_000),
        _ => format!("{:.1} million", float(stored) / 1e6),
    }
}
