//! The servers that are measured, as child processes: started on a core of their own, asked how much of it they
//! used, and ended.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// How long a server may take to say where it is.
const START: Duration = Duration::from_mins(1);
/// How long a server may take to end.
const STOP: Duration = Duration::from_secs(20);

/// Which process may use which core.
#[derive(Debug, Clone, Copy)]
pub struct Cores {
    server: Option<usize>,
    generator: Option<usize>,
}

impl Cores {
    /// One core for the server and one for the generator, if there are two; none are set apart otherwise, or if that
    /// is not wanted.
    pub fn choose(wanted: bool) -> Self {
        let allowed = sched_getaffinity(None).ok();
        let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.as_ref().is_some_and(|set| set.is_set(*core)));
        match (wanted, cores.next(), cores.next()) {
            (true, Some(generator), Some(server)) => Self { server: Some(server), generator: Some(generator) },
            _ => Self { server: None, generator: None },
        }
    }

    /// In words.
    pub fn words(self) -> String {
        match (self.server, self.generator) {
            (Some(server), Some(generator)) => format!("server on core {server}, generator on core {generator}"),
            _ => "server and generator on any core".to_owned(),
        }
    }

    /// Keeps this thread, and those it starts, on the generator's core.
    pub fn pin_generator(self) {
        pin(self.generator);
    }

    /// Keeps this thread, and those it starts, on the server's core.
    pub fn pin_server(self) {
        pin(self.server);
    }
}

fn pin(core: Option<usize>) {
    if let Some(core) = core {
        let mut set = CpuSet::new();
        set.set(core);
        // Where it is not allowed, the figures are noisier.
        let _ = sched_setaffinity(None, &set);
    }
}

/// Lets this process, and those it starts, open as many files as it may, and says how many.
pub fn raise_open_files() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let _ = setrlimit(Resource::Nofile, raised);
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// A running child, ended when it is dropped.
pub struct Process {
    child: Child,
    /// What it prints, line by line.
    lines: Receiver<String>,
}

impl Process {
    /// Starts a program on the server's core. What it writes to standard error goes into a file.
    pub fn start(
        program: &Path,
        arguments: impl IntoIterator<Item: AsRef<OsStr>>,
        environment: &[(&str, String)],
        directory: &Path,
        log: &Path,
        cores: Cores,
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KOINE_")) {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(log)?);
        // A child runs where the thread runs that starts it.
        let spawned = std::thread::scope(|scope| {
            let start = scope.spawn(|| {
                cores.pin_server();
                command.spawn()
            });
            start.join()
        });
        let spawned = spawned.map_err(|_| anyhow!("the thread that starts the server failed"))?;
        let mut child = spawned.with_context(|| format!("{} cannot be started", program.display()))?;
        let out = child.stdout.take().context("the server has no standard output")?;
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                // Once nobody listens, it is read all the same, so that the server can go on printing.
                let _ = sender.send(line);
            }
        });
        Ok(Self { child, lines })
    }

    /// Waits until it has printed something that is looked for.
    pub fn wait_for<T>(&mut self, log: &Path, mut find: impl FnMut(&str) -> Option<T>) -> anyhow::Result<T> {
        let deadline = Instant::now() + START;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                let said = std::fs::read_to_string(log).unwrap_or_default();
                bail!("the server did not start: {}", said.lines().last().unwrap_or("it said nothing"));
            };
            if let Some(found) = find(&line) {
                return Ok(found);
            }
        }
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end and waits for that; after a while it is ended.
    pub fn stop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
            if let Some(id) = id {
                let _ = kill_process(id, Signal::TERM);
            }
            let deadline = Instant::now() + STOP;
            while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

/// How long a process has been on a core, itself and the kernel on its behalf; nothing where that is not known.
pub fn cpu_time(process: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, in brackets, may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let ticks = rustix::param::clock_ticks_per_second();
    Some(Duration::from_millis((user + system) * 1_000 / ticks.max(1)))
}

/// How much memory a process has in use, in bytes.
pub fn memory(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_its_own_time_and_memory() {
        let own = std::process::id();
        assert!(cpu_time(own).is_some());
        assert!(memory(own).is_some_and(|bytes| bytes > 100_000));
    }

    #[test]
    fn a_program_that_says_nothing_did_not_start() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let cores = Cores::choose(false);
        let arguments = ["-c", "echo why it failed >&2"];
        let mut process = Process::start(Path::new("/bin/sh"), arguments, &[], folder.path(), &log, cores).unwrap();
        let error = process.wait_for(&log, |_| None::<()>).unwrap_err();
        assert_eq!(error.to_string(), "the server did not start: why it failed");
    }
}
