//! `koine serve`: the gateway itself.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use super::demo::DemoDirectory;
use super::management_client::ADDRESS_FILE;
use super::{banner, logging};
use crate::config::{Config, Environment, Flags, Loaded, Sources};
use crate::server::Server;

/// How long a thread that blocks is kept when it has nothing to do. A new one has an allocator's memory of its own, which
/// the system first has to fill with zeros: milliseconds for a large page.
const KEPT_WARM: Duration = Duration::from_mins(5);

/// Run the gateway.
///
/// Without any configuration it keeps its data in ./koine-data, serves clients on 127.0.0.1:8093 and the
/// management API on 127.0.0.1:8094. Once it is ready it prints where each dialect can be reached.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  koine serve --demo\n  koine serve --config koine.toml --listen 0.0.0.0:8093")]
pub(super) struct Serve {
    /// The configuration file [default: ./koine.toml if there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data directory [default: ./koine-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where clients connect, instead of the configured listeners; can be repeated
    #[arg(long, value_name = "ADDR")]
    listen: Vec<SocketAddr>,
    /// Where the management API listens [default: 127.0.0.1:8094]
    #[arg(long, value_name = "ADDR")]
    management: Option<SocketAddr>,
    /// Try it out: the token `demo-<user>` is good for every user, users come into being on first use, and the
    /// data is forgotten at the end unless --data names a place; only on loopback addresses
    #[arg(long)]
    demo: bool,
}

impl Serve {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let temporary = match (self.demo, &self.data) {
            (true, None) => Some(DemoDirectory::make().context("no temporary data directory can be made")?),
            _ => None,
        };
        let config = self.configuration(temporary.as_ref().map(DemoDirectory::path))?;
        logging::start(&config);
        for warning in config.warnings() {
            tracing::warn!("{warning}");
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_keep_alive(KEPT_WARM).build()?;
        runtime.block_on(serve(config, self.demo, temporary))
    }

    fn configuration(&self, temporary: Option<&Path>) -> anyhow::Result<Config> {
        let data = self.data.clone().or_else(|| temporary.map(Path::to_owned));
        let flags = Flags { data, listen: self.listen.clone(), management: self.management };
        let sources = Sources { file: self.config.clone(), environment: Environment::of_process(), flags };
        let loaded = Loaded::read(&sources)?;
        loaded.validate(self.demo)?;
        Ok(loaded.config().clone())
    }
}

/// From start to stop. The temporary directory, if there is one, goes last.
async fn serve(config: Config, demo: bool, temporary: Option<DemoDirectory>) -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    tracing::info!(data = %config.data.display(), demo, "starting");
    let gateway = Server::start(config.clone(), demo).await?;
    let address_file = AddressFile::write(&config.data, gateway.management_address())?;
    announce(&config, &gateway, demo);
    signals.next().await;
    tracing::info!("stopping");
    // Before the data directory is free for another gateway, which will write one of its own.
    drop(address_file);
    tokio::select! {
        () = gateway.stop() => {}
        () = signals.interrupt() => {
            drop(temporary);
            std::process::exit(1);
        }
    }
    Ok(())
}

fn announce(config: &Config, gateway: &Server, demo: bool) {
    for line in banner::lines(config, gateway.addresses(), demo) {
        super::say(&line);
    }
    if let Some(address) = gateway.management_address() {
        super::say(&banner::management(address));
    }
}

/// The file that tells other commands where the management API is; it goes when the gateway does.
struct AddressFile(PathBuf);

impl AddressFile {
    fn write(data: &Path, address: Option<SocketAddr>) -> anyhow::Result<Self> {
        let file = Self(data.join(ADDRESS_FILE));
        match address {
            Some(address) => std::fs::write(&file.0, format!("{}\n", banner::reachable(address)))
                .with_context(|| format!("{} cannot be written", file.0.display()))?,
            // One that was left over would lead other commands to whoever listens there now.
            None => file.remove(),
        }
        Ok(file)
    }

    fn remove(&self) {
        // Where it is not there, nothing has to go.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Drop for AddressFile {
    fn drop(&mut self) {
        self.remove();
    }
}

/// What asks the gateway to stop.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Ctrl-C alone: supervisors may ask to terminate more than once.
    #[cfg(unix)]
    async fn interrupt(&mut self) {
        self.interrupt.recv().await;
    }

    #[cfg(not(unix))]
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere listening can fail")]
    fn listen() -> std::io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn interrupt(&mut self) {
        self.next().await;
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_management_address_stands_in_the_data_directory_as_long_as_the_gateway_runs() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join(ADDRESS_FILE);
        let file = AddressFile::write(data.path(), Some("0.0.0.0:8094".parse().unwrap())).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "127.0.0.1:8094\n");
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn an_address_left_over_is_gone_once_a_gateway_without_management_runs() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join(ADDRESS_FILE);
        std::fs::write(&path, "127.0.0.1:1\n").unwrap();
        let _file = AddressFile::write(data.path(), None).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn the_data_of_a_demo_is_forgotten() {
        let directory = DemoDirectory::make().unwrap();
        let path = directory.path().to_owned();
        std::fs::write(path.join("file"), "").unwrap();
        drop(directory);
        assert!(!path.exists());
    }
}
