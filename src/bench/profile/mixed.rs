//! Everything at once, paced: `mixed`.

use std::time::Duration;

use super::{Tell, connect, progress, traffic_row};
use crate::bench::number::{count, per_second};
use crate::bench::options::Options;
use crate::bench::report::{Latency, Report, Row, Unit};
use crate::bench::traffic::Pace;
use crate::bench::wire;
use crate::bench::world::{Plan, World};

/// Kinds of traffic.
const DIRECT: usize = 0;
const GROUP: usize = 1;
/// Pairs of people, and how many messages a second they write together.
const PAIRS: usize = 100;
const RATE: u64 = 1_000;
/// A group, and how many messages a second are written to it.
const MEMBERS: usize = 100;
const GROUP_RATE: u64 = 20;
/// Connections that say nothing.
const IDLE: usize = 1_000;
/// Logins a second.
const LOGINS: u64 = 50;
const AT_ONCE: usize = 32;

pub(super) fn run(options: &Options, report: &mut Report, tell: Tell<'_>) -> anyhow::Result<()> {
    let server = options.gateway()?;
    let mut world = World::new(&server, 2)?;
    tell("mixed: connecting");
    let (rate, pairs) = (options.rate.unwrap_or(RATE).max(1), options.pairs.unwrap_or(PAIRS));
    let distance = 1_000_000_000 / rate;
    for (place, (from, to)) in options.mix.pairs().into_iter().cycle().take(pairs).enumerate() {
        let pace = Pace::Every { first: distance * count(place), period: distance * count(pairs) };
        world.pair(DIRECT, (wire::of(from), wire::of(to)), pace)?;
    }
    let able: Vec<_> = options.mix.receivers().into_iter().map(wire::of).filter(|wire| wire.has_groups()).collect();
    if !able.is_empty() {
        let period = 1_000_000_000 / GROUP_RATE;
        let members = options.members.min(MEMBERS);
        world.crowd(GROUP, options.mix.sender(), &able, members, Pace::Every { first: period, period })?;
    }
    for dialect in options.mix.receivers().into_iter().cycle().take(IDLE.min(options.connections)) {
        let wire = wire::of(dialect);
        let (person, peer) = (world.person(wire)?, world.person(wire)?);
        let facing = wire::Target::User { handle: peer.handle, number: peer.number, session: 0 };
        world.join(wire, &person, &facing, 0)?;
    }
    world.settle()?;
    for round in 0..options.rounds {
        let seconds = options.measured.as_secs().max(1);
        tell(&format!("mixed, round {}: filling boxes", round + 1));
        let logins = usize::try_from(LOGINS * seconds)?;
        let arrivals = connect::prepare(&server, &options.mix.receivers(), logins)?;
        let logins = connect::Logins::new(server.address, arrivals, AT_ONCE)?.paced(Duration::from_secs(1) / 50);
        let plan = Plan { warm_up: Duration::ZERO, ..options.plan() };
        let (window, outcome) = std::thread::scope(|scope| {
            let logins = scope.spawn(|| logins.run());
            let window = world.run(plan, &mut progress(tell, "mixed", round, server.name));
            (window, logins.join())
        });
        let window = window?;
        for (kind, variant) in [(DIRECT, "direct"), (GROUP, "group")] {
            report.add(round, traffic_row("mixed", variant, &world, &window, window.of(kind)?));
        }
        let outcome = outcome.map_err(|_| anyhow::anyhow!("the thread of the logins failed"))??;
        let value = per_second(count(outcome.done), outcome.time);
        report.add(
            round,
            Row {
                latency: Latency::of(&outcome.latency),
                faults: outcome.faults,
                note: outcome.failure,
                ..Row::new("mixed", "logins".to_owned(), server.name, value, Unit::LoginsPerSecond)
            },
        );
    }
    Ok(())
}
