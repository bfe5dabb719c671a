//! `koine bench`: load from this machine, and what became of it.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::Usage;
use super::arguments::{dialect, time_to_live};
use crate::bench::{self, Mix, Options, Profile, Programs, Rival, Running};
use crate::config::{DialectName, EngineName};

/// Measure the gateway.
///
/// Starts a gateway of its own on a free port with a temporary data directory, in demo mode and without rate limits,
/// sends messages between clients of any dialects, and says how many arrived, how long they took, what they cost, and
/// whether any were lost, duplicated or disordered. With --against a relay does the least that a server must, in
/// turns with the gateway, so that a figure can be judged on any machine.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  koine bench chat --against ceiling\n  \
                        koine bench pipe --from user-sig --to auth-ack --json\n  \
                        koine bench fan --members 1000 --against bare")]
pub(super) struct Bench {
    /// What to measure, one after the other
    #[arg(value_enum, value_name = "PROFILE", default_value = "chat")]
    profiles: Vec<Profile>,
    /// What to compare with; can be repeated
    #[arg(long, value_enum, value_name = "RELAY")]
    against: Vec<Rival>,
    /// The dialect of those who send
    #[arg(long, value_name = "NAME", value_parser = dialect(), requires = "to")]
    from: Option<DialectName>,
    /// The dialect of those who receive
    #[arg(long, value_name = "NAME", value_parser = dialect(), requires = "from")]
    to: Option<DialectName>,
    /// All dialects to all, instead of --from and --to
    #[arg(long, value_parser = ["all"], value_name = "MIX", conflicts_with_all = ["from", "to"], default_value = "all")]
    mix: String,
    /// Pairs of clients [default: 200 for chat, 50 for pipe, 100 for mixed, 40 of each kind for pairs]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=9_000))]
    pairs: Option<u64>,
    /// Messages in flight of each pair [default: 1, for pipe 32], or to the group [default: 32]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    in_flight: Option<u64>,
    /// Messages per second in all, whatever becomes of those before, instead of a number in flight
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    rate: Option<u64>,
    /// Receivers in the group of fan
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=19_000))]
    members: u64,
    /// Connections of idle, as far as open files go
    #[arg(long, value_name = "N", default_value_t = 19_500, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    connections: u64,
    /// Messages that growth goes to
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    messages: u64,
    /// How long each round counts
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = time_to_live)]
    time: Duration,
    /// Rounds, in each of which every server has its turn
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    rounds: u64,
    /// The engine of the gateway's store
    #[arg(long, value_enum, value_name = "NAME", default_value = "fjall")]
    engine: EngineArgument,
    /// Print every round and the summary as JSON
    #[arg(long)]
    json: bool,
    /// Let server and generator run on any core
    #[arg(long)]
    no_pin: bool,
    /// The relay's program [default: koine-ceiling beside this one]
    #[arg(long, value_name = "FILE")]
    ceiling: Option<PathBuf>,
    /// A gateway that runs already, in demo mode and without rate limits
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Its management API, for groups
    #[arg(long, value_name = "ADDR", requires_all = ["url", "key_file"])]
    management: Option<String>,
    /// The file with its management key
    #[arg(long, value_name = "FILE", requires = "management")]
    key_file: Option<PathBuf>,
    /// Its process, for its time and memory
    #[arg(long, value_name = "NUMBER", requires = "url")]
    pid: Option<u32>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum EngineArgument {
    Fjall,
    Sled,
}

impl Bench {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let options = self.options()?;
        let progress = Progress::new();
        let report = bench::run(&options, &|message| progress.tell(message))?;
        progress.finish();
        if self.json {
            super::say(&report.json()?);
        } else {
            super::say(&report.table());
            for condition in &report.conditions {
                super::say(condition);
            }
        }
        for row in report.rounds.iter().flatten() {
            if let Some(note) = &row.note {
                eprintln!("koine: {} {}, {}: {note}", row.profile, row.variant, row.server);
            }
        }
        if report.is_faultless() { Ok(()) } else { anyhow::bail!("not every message arrived once and in order") }
    }

    fn options(&self) -> anyhow::Result<Options> {
        let size = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let engine = match self.engine {
            EngineArgument::Fjall => EngineName::Fjall,
            EngineArgument::Sled => EngineName::Sled,
        };
        if self.url.is_some() && self.profiles.contains(&Profile::Growth) {
            return Err(Usage("growth starts gateways of its own; leave --url out".to_owned()).into());
        }
        let cores = bench::process::Cores::choose(!self.no_pin);
        Ok(Options {
            profiles: self.profiles.clone(),
            rivals: self.against.clone(),
            mix: match (self.from, self.to) {
                (Some(from), Some(to)) => Mix::One(from, to),
                _ => Mix::All,
            },
            pairs: self.pairs.map(size),
            in_flight: self.in_flight,
            rate: self.rate,
            members: size(self.members),
            connections: size(self.connections),
            measured: self.time,
            rounds: size(self.rounds),
            messages: self.messages,
            programs: Programs::beside(engine, cores, self.ceiling.clone())?,
            running: self.url.clone().map(|url| Running {
                url,
                management: self.management.clone().zip(self.key_file.clone()),
                process: self.pid,
            }),
        })
    }
}

/// How far it is: one line that changes on a terminal, plain lines elsewhere.
struct Progress {
    bar: Option<ProgressBar>,
    told: std::cell::RefCell<String>,
}

impl Progress {
    fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, told: std::cell::RefCell::default() }
    }

    fn tell(&self, message: &str) {
        let Some(bar) = &self.bar else {
            // Of a line whose numbers change, the first will do.
            let start = message.split(": ").next().unwrap_or(message);
            if self.told.replace(start.to_owned()) != start {
                eprintln!("{message}");
            }
            return;
        };
        bar.set_message(message.to_owned());
        bar.tick();
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
