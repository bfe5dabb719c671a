//! The process dies at any moment.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::fleet::{Fleet, Pace};
use crate::process::Site;
use crate::tools::{long, moment};

/// Kills the process at random moments while all dialects talk, and starts it again.
pub(crate) async fn at_random_moments(engine: &'static str) -> Result<()> {
    let cycles = if long() { 100 } else { 10 };
    let folder = tempfile::tempdir()?;
    let site = Site::new(folder.path(), engine);
    let mut server = site.start().await?;
    let fleet = Fleet::found(server.place(), engine, Pace::default()).await?;
    for cycle in 1..=cycles {
        let voyage = fleet.sail(server.place());
        tokio::time::sleep(moment(Duration::from_millis(30), Duration::from_millis(700))).await;
        server.kill().await?;
        voyage.ended().await?;
        server = site.start().await?;
        if cycle % 10 == 0 {
            fleet.verify(server.place()).await?;
        }
    }
    fleet.verify(server.place()).await?;
    let (accepted, refused) = fleet.ledger().figures();
    ensure!(accepted > cycles * 10 && refused == 0, "{accepted} accepted, {refused} refused");
    eprintln!("{engine}: {cycles} kills, {accepted} accepted messages, none lost");
    server.stop().await
}
