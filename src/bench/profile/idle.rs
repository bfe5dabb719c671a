//! Connections that say nothing: `idle`.

use std::time::Duration;

use anyhow::Context;

use super::{Tell, number};
use crate::bench::number::float;
use crate::bench::options::Options;
use crate::bench::report::{RELAYED, Report, Row, Unit};
use crate::bench::server::Server;
use crate::bench::wire::{self, Target, Wire};
use crate::bench::world::World;

/// Files that a server and this program need besides their connections.
const OTHER_FILES: u64 = 450;
/// How long memory may take to come to rest.
const REST: Duration = Duration::from_secs(1);

pub(super) fn run(options: &Options, files: u64, report: &mut Report, tell: Tell<'_>) -> anyhow::Result<()> {
    let most = usize::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX);
    let connections = options.connections.min(most);
    for dialect in options.mix.receivers() {
        // A fresh server for each: what one dialect has used would be there for the next.
        let server = options.gateway()?;
        let wire = wire::of(dialect);
        report.add(0, measure(&server, wire, dialect.as_str(), connections, tell)?);
    }
    for rival in &options.rivals {
        let server = options.rival(*rival)?;
        if let Some(relay) = server.relay {
            report.add(0, measure(&server, relay, RELAYED, connections, tell)?);
        }
    }
    Ok(())
}

fn measure(
    server: &Server,
    wire: &'static dyn Wire,
    variant: &str,
    connections: usize,
    tell: Tell<'_>,
) -> anyhow::Result<Row> {
    let mut world = World::new(server, 0)?;
    tell(&format!("idle, {}, {variant}: making {connections} users", server.name));
    let people = (0..connections).map(|_| world.person(wire)).collect::<anyhow::Result<Vec<_>>>()?;
    let memory = || server.memory().context("the server's memory is not known; name its process with --pid");
    let before = memory()?;
    // Each faces the one before it, so that no two face the same.
    let mut peer = people.last().context("no connections")?;
    for (place, person) in people.iter().enumerate() {
        if place % 1_000 == 0 {
            tell(&format!("idle, {}, {variant}: {place} connections", server.name));
        }
        let facing = Target::User { handle: peer.handle.clone(), number: peer.number, session: 0 };
        world.join(wire, person, &facing, 0)?;
        peer = person;
    }
    world.settle()?;
    world.rest(REST)?;
    let each = float(memory()?.saturating_sub(before)) / 1_024.0 / float(number(connections).max(1));
    let faults = world.faults();
    let note = world.failure();
    let variant = variant.to_owned();
    Ok(Row { faults, note, ..Row::new("idle", variant, server.name, each, Unit::KibibytesPerConnection) })
}
