//! A clock that jumps.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::fleet::{Fleet, Pace};
use crate::process::Site;
use crate::tools;

/// Where libfaketime is installed.
fn library() -> Option<PathBuf> {
    let folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
    let file = |folder| Path::new(folder).join("faketime/libfaketimeMT.so.1");
    folders.into_iter().map(file).find(|file| file.is_file())
}

/// Whether the clock can be made to jump here; else why not.
pub(crate) fn possible() -> Result<(), String> {
    library().map(drop).ok_or_else(|| "libfaketime is not installed".to_owned())
}

/// The clock jumps back and forward by hours while all dialects talk, and while the server is down.
pub(crate) async fn jumps(engine: &'static str) -> Result<()> {
    let library = library().context("no libfaketime")?;
    let folder = tempfile::tempdir()?;
    let clock = folder.path().join("clock");
    fs::write(&clock, "+0\n")?;
    let site = Site::new(folder.path(), engine)
        .with_variable("LD_PRELOAD", &library.to_string_lossy())
        .with_variable("FAKETIME_TIMESTAMP_FILE", &clock.to_string_lossy())
        .with_variable("FAKETIME_NO_CACHE", "1")
        .with_variable("DONT_FAKE_MONOTONIC", "1");
    let mut server = site.start().await?;
    let fleet = Fleet::found(server.place(), engine, Pace::default()).await?;
    for times in [["+0", "-3h"], ["-5h", "+6h"], ["+2h", "-1h"]] {
        let voyage = fleet.sail(server.place());
        for time in times {
            fs::write(&clock, format!("{time}\n"))?;
            let before = fleet.ledger().figures().0;
            tools::until("more is accepted", || async {
                Ok((fleet.ledger().figures().0 > before + 100).then_some(()))
            })
            .await?;
        }
        server.kill().await?;
        voyage.ended().await?;
        server = site.start().await?;
    }
    fleet.verify(server.place()).await?;
    ensure!(fleet.ledger().figures().1 == 0, "{:?} refused", fleet.ledger().figures());
    tokio::time::timeout(Duration::from_secs(20), server.stop()).await?
}
