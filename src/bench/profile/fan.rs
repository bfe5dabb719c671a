//! One sender, a group of receivers: `fan`.

use super::{Tell, progress, traffic_row};
use crate::bench::options::Options;
use crate::bench::report::{RELAYED, Report};
use crate::bench::traffic::Pace;
use crate::bench::wire::{self, Wire};
use crate::bench::world::World;

/// Messages in flight to the group, so that the sender never waits for the slowest receiver alone.
const IN_FLIGHT: u64 = 32;

pub(super) fn run(options: &Options, report: &mut Report, tell: Tell<'_>) -> anyhow::Result<()> {
    let servers = options.servers(tell)?;
    let pace = options.rate.map_or(Pace::Closed(options.in_flight.unwrap_or(IN_FLIGHT)), |rate| {
        let period = 1_000_000_000 / rate.max(1);
        Pace::Every { first: period, period }
    });
    let mut worlds = Vec::new();
    for server in &servers {
        tell(&format!("fan, {}: connecting {} members", server.name, options.members));
        match server.relay {
            Some(relay) => {
                let mut world = World::new(server, 1)?;
                world.crowd(0, relay, &[relay], options.members, pace)?;
                world.settle()?;
                worlds.push((RELAYED.to_owned(), world));
            }
            None => {
                for (variant, dialects) in variants(options) {
                    let mut world = World::new(server, 1)?;
                    world.crowd(0, options.mix.sender(), &dialects, options.members, pace)?;
                    world.settle()?;
                    worlds.push((variant, world));
                }
            }
        }
    }
    for round in 0..options.rounds {
        for (variant, world) in &mut worlds {
            let mut observe = progress(tell, "fan", round, world.server().name);
            let window = world.run(options.plan(), &mut observe)?;
            let row = traffic_row("fan", variant, world, &window, window.of(0)?);
            report.add(round, row);
        }
    }
    Ok(())
}

/// All dialects that have groups together, and, of a mix of all, each by itself.
fn variants(options: &Options) -> Vec<(String, Vec<&'static dyn Wire>)> {
    let able: Vec<_> = options.mix.receivers().into_iter().map(wire::of).filter(|wire| wire.has_groups()).collect();
    let mut variants: Vec<_> = able.iter().map(|wire| (wire.name().to_owned(), vec![*wire])).collect();
    if able.len() > 1 {
        variants.insert(0, (options.mix.words(), able));
    }
    variants
}
