//! The power goes: a disk image is shut down as it is, with nothing written out.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use tempfile::TempDir;

use crate::fleet::{Fleet, Pace};
use crate::process::{Server, Site};
use crate::tools::{Injection, Mount, long, make_image, moment};

/// Large enough for both engines' logs.
const IMAGE_MEGABYTES: u64 = 1_536;

/// A machine of one disk.
struct Machine {
    folder: TempDir,
    disk: Option<Mount>,
    site: Site,
}

impl Machine {
    fn new(engine: &'static str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        make_image(&folder.path().join("disk.img"), IMAGE_MEGABYTES)?;
        let site = Site::new(folder.path(), engine).with_data(folder.path().join("disk/data"));
        let mut machine = Self { folder, disk: None, site };
        machine.power_up()?;
        Ok(machine)
    }

    fn power_up(&mut self) -> Result<()> {
        let folder = self.folder.path();
        self.disk = Some(Mount::image(&folder.join("disk.img"), &folder.join("disk"))?);
        Ok(())
    }

    /// The process stands still first, so that no sync which the cut interrupts can report a success.
    async fn cut(&mut self, server: Server) -> Result<()> {
        server.freeze().await?;
        let Some(disk) = self.disk.take() else { bail!("the power is off") };
        disk.cut()?;
        server.kill().await?;
        disk.end()
    }
}

/// Cuts the power at random moments while all dialects talk.
pub(crate) async fn honest(engine: &'static str) -> Result<()> {
    let (cycles, least) = if long() { (100, 50_000) } else { (5, 50) };
    let mut machine = Machine::new(engine)?;
    let mut server = machine.site.start().await?;
    let every = if long() { Duration::from_millis(5) } else { Pace::default().every };
    let fleet = Fleet::found(server.place(), engine, Pace { every, ..Pace::default() }).await?;
    let mut cycle = 0;
    while cycle < cycles || (cycle < 3 * cycles && fleet.ledger().figures().0 < least) {
        cycle += 1;
        let voyage = fleet.sail(server.place());
        tokio::time::sleep(moment(Duration::from_millis(30), Duration::from_millis(700))).await;
        machine.cut(server).await?;
        voyage.ended().await?;
        machine.power_up()?;
        server = machine.site.start().await?;
        if cycle % 10 == 0 {
            fleet.verify(server.place()).await?;
        }
    }
    fleet.verify(server.place()).await?;
    let (accepted, refused) = fleet.ledger().figures();
    ensure!(accepted >= least && refused == 0, "{accepted} accepted, {refused} refused");
    eprintln!("{engine}: {cycle} power cuts, {accepted} accepted messages, none lost");
    server.stop().await
}

/// The same with syncs that do nothing: this test must see what is lost then, else it proves nothing.
pub(crate) async fn without_syncs(engine: &'static str) -> Result<()> {
    let mut machine = Machine::new(engine)?;
    let server = machine.site.start().await?;
    let fleet = Fleet::found(server.place(), engine, Pace::default()).await?;
    let lie = Injection::into(server.id(), "fsync,fdatasync,sync_file_range,msync:retval=0", &[]).await?;
    let voyage = fleet.sail(server.place());
    crate::tools::until("something is accepted", || async { Ok((fleet.ledger().figures().0 > 100).then_some(())) })
        .await?;
    machine.cut(server).await?;
    drop(lie);
    voyage.ended().await?;
    machine.power_up()?;
    let Ok(server) = machine.site.start().await else { return Ok(()) };
    ensure!(fleet.verify(server.place()).await.is_err(), "nothing was lost although nothing was synced");
    Ok(())
}
