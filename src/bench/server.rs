//! What is measured: the gateway, a relay to compare it with, or something that runs already.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use tempfile::TempDir;

use super::http::Client;
use super::process::{self, Cores, Process};
use super::wire::{self, Wire};
use crate::config::EngineName;

/// The program beside this one that plays the relays.
const CEILING: &str = "koine-ceiling";

/// What a gateway is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Rival {
    /// A relay that parses, appends to a file, synchronises it, forwards and acknowledges: what a durable server
    /// must do at the least.
    Ceiling,
    /// A relay that only forwards.
    Bare,
}

/// Which programs are measured, and where they run.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The gateway's.
    pub koine: PathBuf,
    /// The relays'.
    pub ceiling: PathBuf,
    /// The gateway's engine.
    pub engine: EngineName,
    /// Where they run.
    pub cores: Cores,
}

impl Programs {
    /// This program, and the relays' beside it.
    pub fn beside(engine: EngineName, cores: Cores, ceiling: Option<PathBuf>) -> anyhow::Result<Self> {
        let koine = std::env::current_exe().context("the program's own file is not known")?;
        let ceiling = ceiling.unwrap_or_else(|| koine.with_file_name(CEILING));
        Ok(Self { koine, ceiling, engine, cores })
    }
}

/// A server to be measured.
pub struct Server {
    /// What it is called in the results.
    pub name: &'static str,
    /// Where its clients connect.
    pub address: SocketAddr,
    /// The relay's way of talking; none for a gateway, which talks in any dialect.
    pub relay: Option<&'static dyn Wire>,
    management: Option<(SocketAddr, String)>,
    process: Option<Process>,
    number: Option<u32>,
    data: Option<PathBuf>,
    // Removed after the process has ended.
    _directory: Option<TempDir>,
}

impl Server {
    /// Starts a gateway in demo mode on a free port with a temporary data directory, or with one that is kept.
    pub fn koine(programs: &Programs, kept: Option<&Path>) -> anyhow::Result<Self> {
        let directory = temporary()?;
        let data = kept.map_or_else(|| directory.path().join("data"), Path::to_owned);
        std::fs::create_dir_all(&data)?;
        let log = directory.path().join("log");
        let engine = match programs.engine {
            EngineName::Fjall => "fjall",
            EngineName::Sled => "sled",
        };
        let environment = [
            ("KOINE_LIMITS__REQUESTS", "0".to_owned()),
            ("KOINE_LIMITS__REGISTRATIONS", "0".to_owned()),
            ("KOINE_STORE__ENGINE", engine.to_owned()),
            ("RUST_LOG", "warn".to_owned()),
        ];
        let listen = "127.0.0.1:0";
        let data_argument = data.to_string_lossy().into_owned();
        let arguments = ["serve", "--demo", "--data", &data_argument, "--listen", listen, "--management", listen];
        let mut process =
            Process::start(&programs.koine, arguments, &environment, directory.path(), &log, programs.cores)?;
        let address = process.wait_for(&log, |line| after(line, "ws://"))?;
        let management =
            process.wait_for(&log, |line| after(line, "http://").filter(|_| line.starts_with("manage")))?;
        let key = std::fs::read_to_string(data.join("management-key")).context("the management key cannot be read")?;
        Ok(Self {
            name: "koine",
            address,
            relay: None,
            management: Some((management, key.trim().to_owned())),
            number: Some(process.id()),
            process: Some(process),
            data: Some(data),
            _directory: Some(directory),
        })
    }

    /// Starts a relay.
    pub fn rival(programs: &Programs, rival: Rival) -> anyhow::Result<Self> {
        if !programs.ceiling.exists() {
            let place = programs.ceiling.display();
            bail!("there is no relay at {place}; build it with `cargo build --release --bin {CEILING}`");
        }
        let directory = temporary()?;
        let (log, file) = (directory.path().join("log"), directory.path().join("messages"));
        let mut arguments = Vec::new();
        let (name, relay) = match rival {
            Rival::Ceiling => {
                arguments.push(file.into_os_string());
                ("ceiling", wire::CEILING)
            }
            Rival::Bare => ("bare", wire::BARE),
        };
        let mut process = Process::start(&programs.ceiling, arguments, &[], directory.path(), &log, programs.cores)?;
        let address = process.wait_for(&log, |line| line.parse().ok())?;
        Ok(Self {
            name,
            address,
            relay: Some(relay),
            management: None,
            number: Some(process.id()),
            process: Some(process),
            data: None,
            _directory: Some(directory),
        })
    }

    /// A gateway that runs already, in demo mode. Its memory and time are known if its process is.
    pub fn running(url: &str, management: Option<(&str, &Path)>, process: Option<u32>) -> anyhow::Result<Self> {
        let management = match management {
            Some((address, key_file)) => {
                let key = std::fs::read_to_string(key_file)
                    .with_context(|| format!("the management key in {} cannot be read", key_file.display()))?;
                Some((resolve(address)?, key.trim().to_owned()))
            }
            None => None,
        };
        Ok(Self {
            name: "koine",
            address: resolve(url)?,
            relay: None,
            management,
            process: None,
            number: process,
            data: None,
            _directory: None,
        })
    }

    /// A client of its HTTP endpoints.
    pub const fn http(&self) -> Client {
        Client::new(self.address)
    }

    /// A client of its management API.
    pub fn management(&self) -> anyhow::Result<Client> {
        let Some((address, key)) = &self.management else {
            bail!("groups are made through the management API: name it with --management and --key-file");
        };
        let mut client = Client::new(*address);
        client.authorize(format!("Bearer {key}"));
        Ok(client)
    }

    /// How long it has been on a core.
    pub fn cpu_time(&self) -> Option<Duration> {
        process::cpu_time(self.number?)
    }

    /// How much memory it has in use, in bytes.
    pub fn memory(&self) -> Option<u64> {
        process::memory(self.number?)
    }

    /// How much its data takes on the disk, in bytes.
    pub fn disk(&self) -> Option<u64> {
        self.data.as_deref().map(size_of)
    }

    /// Ends it, if it was started from here.
    pub fn stop(&mut self) {
        if let Some(process) = &mut self.process {
            process.stop();
        }
    }
}

/// A place for one server's files, on the disk: a file system in memory would cost nothing to synchronise.
pub(super) fn temporary() -> anyhow::Result<TempDir> {
    let shared = std::env::var_os("TMPDIR").map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from);
    let builder = || tempfile::Builder::new().prefix("koine-bench-").to_owned();
    Ok(builder().tempdir_in(&shared).or_else(|_| builder().tempdir())?)
}

/// The address after a word.
fn after(line: &str, word: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once(word)?;
    rest.split(['/', ' ']).next()?.parse().ok()
}

/// The first address that a URL means.
fn resolve(url: &str) -> anyhow::Result<SocketAddr> {
    let bare = url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or_default();
    let mut addresses = bare.to_socket_addrs().with_context(|| format!("`{url}` is not like ws://127.0.0.1:8093"))?;
    addresses.next().with_context(|| format!("`{url}` has no address"))
}

/// The bytes of all files in a folder.
fn size_of(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(data) if data.is_dir() => size_of(&entry.path()),
        Ok(data) => data.len(),
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_what_a_gateway_prints() {
        let line = "user-sig      ws://127.0.0.1:4711/ws/chat/tom/<user_sig>/  user_sig: curl http://127.0.0.1:4711/x";
        assert_eq!(after(line, "ws://"), "127.0.0.1:4711".parse().ok());
        assert_eq!(after("management    http://[::1]:5/docs", "http://"), "[::1]:5".parse().ok());
        assert_eq!(after("koine is ready", "ws://"), None);
    }

    #[test]
    fn a_running_gateway_is_found_by_its_url() {
        for url in ["ws://127.0.0.1:8093", "127.0.0.1:8093", "http://127.0.0.1:8093/"] {
            assert_eq!(resolve(url).unwrap().port(), 8093);
        }
        assert!(resolve("nowhere").is_err());
    }
}
