//! What is to be measured.

use std::path::PathBuf;
use std::time::Duration;

use super::server::{Programs, Rival};
use super::wire::{self, Wire};
use crate::config::DialectName;

/// A kind of load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Profile {
    /// Pairs with one message in flight each.
    Chat,
    /// Pairs with many messages in flight each, beside the engine's own rate of commits.
    Pipe,
    /// One sender, a group of receivers.
    Fan,
    /// Connections that say nothing: what they cost in memory.
    Idle,
    /// Logins one after the other, each with pending messages to catch up on.
    Connect,
    /// Pairs, a group, idle connections and logins at once, paced.
    Mixed,
    /// Each pair of dialects by itself.
    Pairs,
    /// What a message, a page and a start cost as users, members and messages grow.
    Growth,
}

/// Which dialects write to which.
#[derive(Debug, Clone)]
pub enum Mix {
    /// Each to each, in turn.
    All,
    /// One to one.
    One(DialectName, DialectName),
}

impl Mix {
    /// The pairs, in turn.
    pub fn pairs(&self) -> Vec<(DialectName, DialectName)> {
        match self {
            Self::All => DialectName::ALL.into_iter().flat_map(|from| DialectName::ALL.map(|to| (from, to))).collect(),
            Self::One(from, to) => vec![(*from, *to)],
        }
    }

    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::All => "all dialects".to_owned(),
            Self::One(from, to) => format!("{} → {}", from.as_str(), to.as_str()),
        }
    }

    /// The dialects of senders to groups, one after the other.
    pub fn sender(&self) -> &'static dyn Wire {
        match self {
            Self::All => wire::of(DialectName::UserSig),
            Self::One(from, _) => wire::of(*from),
        }
    }

    /// The dialects of receivers, in turn.
    pub fn receivers(&self) -> Vec<DialectName> {
        match self {
            Self::All => DialectName::ALL.to_vec(),
            Self::One(_, to) => vec![*to],
        }
    }
}

/// What is to be measured, and how much of it.
#[derive(Debug, Clone)]
pub struct Options {
    /// The kinds of load, one after the other.
    pub profiles: Vec<Profile>,
    /// What the gateway is compared with.
    pub rivals: Vec<Rival>,
    /// Which dialects take part.
    pub mix: Mix,
    /// How many pairs, where it is not the profile's own number.
    pub pairs: Option<usize>,
    /// How many messages in flight, where it is not the profile's own number.
    pub in_flight: Option<u64>,
    /// Messages per second in all, instead of a number in flight.
    pub rate: Option<u64>,
    /// The receivers of a group.
    pub members: usize,
    /// Idle connections.
    pub connections: usize,
    /// How long each round counts.
    pub measured: Duration,
    /// How many rounds.
    pub rounds: usize,
    /// The most messages that growth goes to.
    pub messages: u64,
    /// The programs to start.
    pub programs: Programs,
    /// A gateway that runs already, instead.
    pub running: Option<Running>,
}

/// A gateway that runs already.
#[derive(Debug, Clone)]
pub struct Running {
    /// Where its clients connect.
    pub url: String,
    /// Its management API's address and the file with its key.
    pub management: Option<(String, PathBuf)>,
    /// Its process.
    pub process: Option<u32>,
}
