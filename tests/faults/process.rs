//! The real program in a process of its own, in a folder of its own, on ports that were free.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::http;
use crate::tools;

/// How long anything may take before a test fails. Nothing waits for it that comes in time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Where a server keeps its things, and how it is started.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    /// Configuration and log.
    folder: PathBuf,
    /// The data directory.
    data: PathBuf,
    engine: &'static str,
    /// Lines of configuration: top level keys first, tables after them.
    tables: String,
    /// What the program is started through, such as `sh -c ...`.
    through: Vec<String>,
    environment: Vec<(String, String)>,
}

/// A running server; dropping it kills it.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    id: u32,
    place: Place,
    log: PathBuf,
}

/// Where a server can be reached.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) clients: SocketAddr,
    pub(crate) management: SocketAddr,
    pub(crate) key: String,
}

impl Site {
    /// A site in a folder, with its data below it.
    pub(crate) fn new(folder: &Path, engine: &'static str) -> Self {
        let (through, environment) = (Vec::new(), Vec::new());
        Self { folder: folder.into(), data: folder.join("data"), engine, tables: String::new(), through, environment }
    }

    /// Puts the data elsewhere.
    pub(crate) fn with_data(mut self, data: PathBuf) -> Self {
        self.data = data;
        self
    }

    /// Adds to a table of the configuration, such as `limits`.
    pub(crate) fn with(mut self, table: &str, lines: &str) -> Self {
        self.tables = format!("{}\n[{table}]\n{lines}\n", self.tables);
        self
    }

    /// Starts the program through another.
    pub(crate) fn through(mut self, command: &[&str]) -> Self {
        self.through = command.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// Sets a variable of the environment.
    pub(crate) fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The engine's own folder.
    pub(crate) fn store(&self) -> PathBuf {
        self.data.join(self.engine)
    }

    /// Starts a server and waits until it is ready.
    pub(crate) async fn start(&self) -> Result<Server> {
        let limits = if self.tables.contains("[limits]") { "" } else { "[limits]\nrequests = 0\nregistrations = 0\n" };
        let config = format!(
            "data = '{}'\n{}\n{limits}\n[[listeners]]\naddress = \"127.0.0.1:0\"\n[management]\naddress = \"127.0.0.1:0\"\n",
            self.data.display(),
            self.tables
        );
        let (file, log) = (self.folder.join("koine.toml"), self.folder.join("log"));
        let store = if self.tables.contains("[store]") { "" } else { "[store]\nmin_free = 0\n" };
        let config =
            format!("{config}{store}").replace("[store]\n", &format!("[store]\nengine = \"{}\"\n", self.engine));
        std::fs::write(&file, config)?;
        let errors = std::fs::File::options().create(true).append(true).open(&log)?;
        let program = env!("CARGO_BIN_EXE_koine");
        let mut words = self.through.iter().map(String::as_str).chain([program, "serve", "--config"]);
        let mut command = Command::new(words.next().unwrap_or(program));
        command.args(words).arg(&file).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors).kill_on_drop(true);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("KOINE_") || name == "RUST_LOG") {
            command.env_remove(name);
        }
        let mut child = command.envs(self.environment.iter().cloned()).spawn().context("the program does not start")?;
        let announced = timeout(PATIENCE, announced(&mut child)).await;
        let (clients, management) = match announced {
            Ok(Ok(announced)) => announced,
            Ok(Err(error)) => return Err(error.context(format!("not ready; its log:\n{}", tail(&log)))),
            Err(_) => bail!("not ready in time; its log:\n{}", tail(&log)),
        };
        let key = std::fs::read_to_string(self.data.join("management-key"))?.trim().to_owned();
        let id = child.id().context("the process has ended")?;
        Ok(Server { child, id, place: Place { clients, management, key }, log })
    }
}

/// The addresses a server prints once it is ready.
async fn announced(child: &mut Child) -> Result<(SocketAddr, SocketAddr)> {
    let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
    let mut clients = None;
    while let Some(line) = lines.next_line().await? {
        let address = line.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map(|(address, _)| address);
        if line.starts_with("management") {
            let management = address.context("no management address")?.parse()?;
            return Ok((clients.context("no client address")?, management));
        }
        clients = clients.or(address.map(str::parse).transpose()?);
    }
    bail!("it has ended")
}

impl Server {
    pub(crate) const fn place(&self) -> &Place {
        &self.place
    }

    /// Its process id.
    pub(crate) const fn id(&self) -> u32 {
        self.id
    }

    /// Ends it as `kill -9` does.
    pub(crate) async fn kill(mut self) -> Result<()> {
        timeout(PATIENCE, self.child.kill()).await.context("it does not die")??;
        Ok(())
    }

    /// Stops it where it stands: no thread of it does anything more.
    pub(crate) async fn freeze(&self) -> Result<()> {
        self.signal("STOP").await?;
        let stat = format!("/proc/{}/stat", self.id);
        tools::until("the process stands still", || async {
            let stat = std::fs::read_to_string(&stat)?;
            let state = stat.rsplit_once(") ").map(|(_, rest)| rest.starts_with(['T', 't']));
            Ok(state.unwrap_or(false).then_some(()))
        })
        .await
    }

    /// Sends SIGTERM.
    pub(crate) async fn terminate(&self) -> Result<()> {
        self.signal("TERM").await
    }

    /// Waits for the process to end by itself.
    pub(crate) async fn ended(&mut self) -> Result<ExitStatus> {
        Ok(timeout(PATIENCE, self.child.wait()).await.context("it does not end")??)
    }

    /// Stops it gracefully; anything but exit code 0 is a failure.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.terminate().await?;
        let status = self.ended().await?;
        ensure!(status.success(), "a graceful stop ended with {status}; log:\n{}", self.log());
        Ok(())
    }

    /// The end of its log.
    pub(crate) fn log(&self) -> String {
        tail(&self.log)
    }

    /// A figure of `/proc/<id>/status` in KiB: `VmRSS` now, `VmHWM` at most so far.
    pub(crate) fn memory(&self, figure: &str) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id))?;
        let line = status.lines().find_map(|line| line.strip_prefix(figure)).context("no such figure")?;
        let number = line.trim_start_matches(':').trim().split(' ').next().unwrap_or_default();
        Ok(number.parse()?)
    }

    /// What `/readyz` says; it has `within` to say it.
    pub(crate) async fn readiness(&self, within: Duration) -> Result<u16> {
        let asked = http::call(self.place.management, "GET", "/readyz", &[], None);
        Ok(timeout(within, asked).await.context("/readyz does not answer in time")??.status)
    }

    /// Waits until `/readyz` says something.
    pub(crate) async fn until_ready_is(&self, wanted: u16) -> Result<()> {
        tools::until(&format!("/readyz is {wanted}"), || async {
            Ok((self.readiness(PATIENCE).await? == wanted).then_some(()))
        })
        .await
    }

    async fn signal(&self, name: &str) -> Result<()> {
        tools::run("kill", &[&format!("-{name}"), &self.id.to_string()]).await.map(|_| ())
    }
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(20).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
