//! The kinds of load, one file each.

mod connect;
mod direct;
mod fan;
mod growth;
mod idle;
mod mixed;

use std::time::Duration;

use super::number::{count, float, per_second};
use super::options::{Options, Profile};
use super::process;
use super::report::{Latency, Report, Row, Unit};
use super::server::{Rival, Server};
use super::traffic::Figures;
use super::world::{Plan, Window, World};

/// Tells how far it is.
pub type Tell<'a> = &'a dyn Fn(&str);

/// Measures what is asked for.
///
/// # Errors
/// A server cannot be started or reached, or refuses to take part.
pub fn run(options: &Options, tell: Tell<'_>) -> anyhow::Result<Report> {
    let files = process::raise_open_files();
    options.programs.cores.pin_generator();
    let mut report = Report { conditions: conditions(options), rounds: Vec::new() };
    for profile in &options.profiles {
        match profile {
            Profile::Chat => direct::chat(options, &mut report, tell)?,
            Profile::Pipe => direct::pipe(options, &mut report, tell)?,
            Profile::Pairs => direct::pairs(options, &mut report, tell)?,
            Profile::Fan => fan::run(options, &mut report, tell)?,
            Profile::Idle => idle::run(options, files, &mut report, tell)?,
            Profile::Connect => connect::run(options, &mut report, tell)?,
            Profile::Mixed => mixed::run(options, &mut report, tell)?,
            Profile::Growth => growth::run(options, &mut report, tell)?,
        }
    }
    Ok(report)
}

fn conditions(options: &Options) -> Vec<String> {
    let mut conditions = Vec::new();
    if options.running.is_none() {
        conditions.push(format!(
            "koine {} started with defaults on {:?}, in demo mode, without rate limits (limits.requests = 0, \
             limits.registrations = 0)",
            env!("CARGO_PKG_VERSION"),
            options.programs.engine
        ));
        conditions.push(options.programs.cores.words());
    }
    if cfg!(debug_assertions) {
        conditions.push("a build without optimisation: figures say nothing about a release".to_owned());
    }
    conditions.push(format!(
        "{} rounds of {} s, servers in turn; figures are medians, ratios medians of each round's",
        options.rounds,
        options.measured.as_secs_f64()
    ));
    conditions
}

impl Options {
    /// The gateway first, then what it is compared with.
    fn servers(&self, tell: Tell<'_>) -> anyhow::Result<Vec<Server>> {
        tell("starting the servers");
        let mut servers = vec![self.gateway()?];
        for rival in &self.rivals {
            servers.push(self.rival(*rival)?);
        }
        Ok(servers)
    }

    fn gateway(&self) -> anyhow::Result<Server> {
        match &self.running {
            None => Server::koine(&self.programs, None),
            Some(running) => {
                let management = running.management.as_ref().map(|(address, file)| (address.as_str(), file.as_path()));
                Server::running(&running.url, management, running.process)
            }
        }
    }

    fn rival(&self, rival: Rival) -> anyhow::Result<Server> {
        Server::rival(&self.programs, rival)
    }

    fn plan(&self) -> Plan {
        Plan { warm_up: self.measured / 5, measured: self.measured, drain: Duration::from_secs(10) }
    }
}

impl Report {
    /// Adds a row to a round.
    fn add(&mut self, round: usize, row: Row) {
        if self.rounds.len() <= round {
            self.rounds.resize_with(round + 1, Vec::new);
        }
        if let Some(rows) = self.rounds.get_mut(round) {
            rows.push(row);
        }
    }
}

/// The row of a run's traffic of one kind.
fn traffic_row(profile: &'static str, variant: &str, world: &World<'_>, window: &Window, figures: &Figures) -> Row {
    let all: u64 = window.figures.iter().map(|figures| figures.delivered).sum();
    let each = |time: Option<Duration>| time.filter(|_| all > 0).map(|time| time.as_secs_f64() * 1e6 / float(all));
    let value = per_second(figures.delivered, window.time);
    Row {
        latency: Latency::of(&figures.latency),
        server_us: each(window.server),
        generator_us: each(window.generator),
        pings: (all > 0).then(|| float(window.pings) / float(all)),
        faults: world.faults(),
        note: world.failure(),
        ..Row::new(profile, variant.to_owned(), world.server().name, value, Unit::MessagesPerSecond)
    }
}

/// Tells how far a run is.
fn progress<'a>(tell: Tell<'a>, profile: &'a str, round: usize, server: &'a str) -> impl FnMut(u64) + 'a {
    move |delivered| tell(&format!("{profile}, round {}, {server}: {delivered} messages", round + 1))
}

/// What a length comes to as a count.
fn number(length: usize) -> u64 {
    count(length)
}
