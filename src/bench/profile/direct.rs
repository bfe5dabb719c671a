//! Pairs of people: `chat`, `pipe` and `pairs`.

use super::{Tell, progress, traffic_row};
use crate::bench::engine;
use crate::bench::number::count;
use crate::bench::options::Options;
use crate::bench::report::{RELAYED, Report, Row, Unit};
use crate::bench::server::Server;
use crate::bench::traffic::Pace;
use crate::bench::wire::{self, Wire};
use crate::bench::world::World;

/// Pairs of `chat`, and of `pipe`, and of each two dialects in `pairs`.
const CHAT: usize = 200;
const PIPE: usize = 50;
const EACH: usize = 40;
/// Messages in flight of a pair in `pipe`.
const IN_FLIGHT: u64 = 32;

type Dialects = (&'static dyn Wire, &'static dyn Wire);

/// One message in flight for each pair, or so many a second.
pub(super) fn chat(options: &Options, report: &mut Report, tell: Tell<'_>) -> anyhow::Result<()> {
    let load = Load {
        profile: "chat",
        pairs: options.pairs.unwrap_or(CHAT),
        in_flight: options.in_flight.unwrap_or(1),
        with_frames: false,
    };
    let variants = [(options.mix.words(), dialects(options))];
    load.run(options, &variants, report, tell)
}

/// Many messages in flight for each pair; the engine by itself in the same rounds.
pub(super) fn pipe(options: &Options, report: &mut Report, tell: Tell<'_>) -> anyhow::Result<()> {
    let in_flight = options.in_flight.unwrap_or(IN_FLIGHT);
    let load = Load { profile: "pipe", pairs: options.pairs.unwrap_or(PIPE), in_flight, with_frames: false };
    let variants = [(options.mix.words(), dialects(options))];
    load.run(options, &variants, report, tell)?;
    tell("pipe: recording what the engine is given");
    let recording = engine::Recording::of_messages(load.pairs, in_flight, &options.mix, options.programs.engine)?;
    let writers = load.pairs.saturating_mul(usize::try_from(in_flight)?);
    for round in 0..options.rounds {
        tell(&format!("pipe, round {}, the engine alone", round + 1));
        let batches = recording.replay(&options.programs, options.measured)?;
        let waiting = recording.replay_for_writers(&options.programs, writers, options.measured)?;
        for (server, rate) in [("engine", batches), ("group commit", waiting)] {
            report.add(round, Row::new("pipe", RELAYED.to_owned(), server, rate, Unit::MessagesPerSecond));
        }
    }
    Ok(())
}

/// Each two dialects by themselves, in turn; the ceiling beside them has the same frames.
pub(super) fn pairs(options: &Options, report: &mut Report, tell: Tell<'_>) -> anyhow::Result<()> {
    let load = Load {
        profile: "pairs",
        pairs: options.pairs.unwrap_or(EACH),
        in_flight: options.in_flight.unwrap_or(1),
        with_frames: true,
    };
    let name = |(from, to): &Dialects| format!("{} → {}", from.name(), to.name());
    let variants: Vec<_> = dialects(options).iter().map(|pair| (name(pair), vec![*pair])).collect();
    load.run(options, &variants, report, tell)
}

fn dialects(options: &Options) -> Vec<Dialects> {
    options.mix.pairs().into_iter().map(|(from, to)| (wire::of(from), wire::of(to))).collect()
}

struct Load {
    profile: &'static str,
    pairs: usize,
    in_flight: u64,
    /// Whether a relay beside a variant has the frames of its dialects.
    with_frames: bool,
}

impl Load {
    fn run(
        &self,
        options: &Options,
        variants: &[(String, Vec<Dialects>)],
        report: &mut Report,
        tell: Tell<'_>,
    ) -> anyhow::Result<()> {
        let servers = options.servers(tell)?;
        for (variant, dialects) in variants {
            let mut worlds = Vec::new();
            for server in &servers {
                tell(&format!("{}, {}: connecting", self.profile, server.name));
                worlds.push(match server.relay {
                    None => (variant.as_str(), self.world(options, server, dialects)?),
                    Some(relay) if self.with_frames => {
                        let alike = |(from, to): &Dialects| relay.with_frames_of(*from, *to).unwrap_or(relay);
                        let relays: Vec<_> = dialects.iter().map(alike).map(|relay| (relay, relay)).collect();
                        (variant.as_str(), self.world(options, server, &relays)?)
                    }
                    Some(relay) => (RELAYED, self.world(options, server, &[(relay, relay)])?),
                });
            }
            // A world that is not asked for long answers no Pings: each variant has all its rounds at once.
            for round in 0..options.rounds {
                for (variant, world) in &mut worlds {
                    let mut observe = progress(tell, self.profile, round, world.server().name);
                    let window = world.run(options.plan(), &mut observe)?;
                    let row = traffic_row(self.profile, variant, world, &window, window.of(0)?);
                    report.add(round, row);
                }
            }
        }
        Ok(())
    }

    fn world<'a>(&self, options: &Options, server: &'a Server, dialects: &[Dialects]) -> anyhow::Result<World<'a>> {
        let mut world = World::new(server, 1)?;
        for (place, dialects) in dialects.iter().cycle().take(self.pairs).enumerate() {
            world.pair(0, *dialects, self.pace(options, place))?;
        }
        world.settle()?;
        Ok(world)
    }

    /// The messages of a second come one after the other, from pair to pair.
    fn pace(&self, options: &Options, place: usize) -> Pace {
        options.rate.map_or(Pace::Closed(self.in_flight), |rate| {
            let distance = 1_000_000_000 / rate.max(1);
            Pace::Every { first: distance * count(place), period: distance * count(self.pairs) }
        })
    }
}
