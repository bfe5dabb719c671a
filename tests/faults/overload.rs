//! More than the machine can take.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::fleet::{Fleet, Pace};
use crate::process::Site;

/// How far memory may rise above what the server needs when it is idle: the committer's queue (64 MiB), frames
/// for connections (64 MiB here), the engine's cache and write buffers.
const MOST_MEGABYTES: u64 = 256;

/// Twice as much is said as was accepted when everybody waited for receipts.
pub(crate) async fn loses_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let limits = "requests = 0\nregistrations = 0\noutbound_total = 67108864";
    let site = Site::new(folder.path(), "fjall").with("limits", limits);
    let server = site.start().await?;
    let closed = Pace { every: Duration::from_millis(1), in_flight: 4, size: 200, without_receipts: false };
    let fleet = Fleet::found(server.place(), "fjall", closed).await?;
    let idle = server.memory("VmRSS")?;

    let begun = Instant::now();
    let voyage = fleet.sail(server.place());
    tokio::time::sleep(Duration::from_secs(2)).await;
    voyage.fall_silent().await?;
    let taken = begun.elapsed();
    voyage.end().await?;
    let (capacity, _) = fleet.ledger().figures();

    // Fourteen streams have receipts.
    let every = taken.mul_f64(14.0 / (2.0 * f64::from(u32::try_from(capacity)?)));
    let voyage = fleet.at(Pace { every, in_flight: usize::MAX, without_receipts: true, ..closed }).sail(server.place());
    let begun = Instant::now();
    let mut slowest = Duration::ZERO;
    while begun.elapsed() < Duration::from_secs(4) {
        let asked = Instant::now();
        ensure!(server.readiness(Duration::from_secs(1)).await? == 200, "not ready under load");
        slowest = slowest.max(asked.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    voyage.fall_silent().await?;
    let taken_over = begun.elapsed();
    voyage.end().await?;
    let most = server.memory("VmHWM")?;
    ensure!(most < idle + (MOST_MEGABYTES << 10), "memory rose from {idle} KiB to {most} KiB");
    let (accepted, refused) = fleet.ledger().figures();
    ensure!(refused == 0, "{refused} were refused: {}", server.log());
    eprintln!(
        "capacity {capacity} in {taken:?}, then {} in {taken_over:?}; /readyz took {slowest:?} at most; memory rose \
         from {idle} KiB to {most} KiB",
        accepted - capacity
    );
    server.stop().await?;
    let server = site.start().await?;
    fleet.verify(server.place()).await?;
    server.stop().await
}
