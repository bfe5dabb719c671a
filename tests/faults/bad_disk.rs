//! Disks that refuse, and disks that are full.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::catch_up;
use crate::dialect::{Dialect, Heard, Mark, Person, Target};
use crate::fleet::{Fleet, Pace, acquaint, register};
use crate::http;
use crate::line::{Incoming, Line};
use crate::process::{Place, Server, Site};
use crate::tools::{Injection, Mount};

/// The messages of these tests are in streams that no fleet uses.
const STREAM: u32 = 1_000;

/// Somebody of every dialect, connected, with somebody to write to.
struct Speakers {
    hearing: Line,
    all: Vec<(Person, Target, Line)>,
}

impl Speakers {
    async fn connect(place: &Place, tag: &str) -> Result<Self> {
        let listener = register(place, Dialect::Envelope, &format!("listener-{tag}")).await?;
        let hearing = Line::open(place, &listener, None).await?;
        let mut all = Vec::new();
        for dialect in Dialect::ALL {
            let speaker = register(place, dialect, &format!("{}-{tag}", dialect.name())).await?;
            let (to, _) = acquaint(place, &speaker, &listener).await?;
            let line = Line::open(place, &speaker, Some(&listener.handle)).await?;
            all.push((speaker, to, line));
        }
        Ok(Self { hearing, all })
    }

    /// Everybody says something, which arrives.
    async fn are_heard(&mut self, number: u32) -> Result<()> {
        for (stream, (_, to, line)) in (STREAM..).zip(&mut self.all) {
            let mark = Mark { stream, number };
            line.say_durably(to, mark, 0).await?;
            let heard = self.hearing.message().await?;
            ensure!(heard == mark, "{heard} came instead of {mark}");
        }
        Ok(())
    }

    /// Everybody says something, and is told in the dialect that it has failed.
    async fn are_refused(&mut self, number: u32) -> Result<()> {
        for (stream, (speaker, to, line)) in (STREAM..).zip(&mut self.all) {
            line.say(to, Mark { stream, number }, 0).await?;
            loop {
                match line.next().await? {
                    Incoming::Frame(Heard::Refused(_)) => break,
                    Incoming::Frame(Heard::Other) | Incoming::Pinged => {}
                    other => anyhow::bail!("{}'s send was answered with {other:?}", speaker.handle),
                }
            }
        }
        Ok(())
    }

    /// What was said up to a number can be read, in the dialects that read over HTTP and by the operator, and
    /// what was refused is not shown.
    async fn can_be_read(&self, place: &Place, number: u32) -> Result<()> {
        for (stream, speaker) in (STREAM..).zip(&self.all) {
            reads(place, stream, speaker, number).await?;
        }
        Ok(())
    }

    /// The same after a restart. What was refused because its own sync failed may have reached the disk for all
    /// that; then it is there.
    async fn can_be_read_again(&self, place: &Place, number: u32) -> Result<()> {
        for (stream, speaker) in (STREAM..).zip(&self.all) {
            match reads(place, stream, speaker, number).await {
                Err(error) if error.is::<Wrong>() => reads(place, stream, speaker, number + 1).await?,
                read => read?,
            }
        }
        Ok(())
    }
}

async fn reads(place: &Place, stream: u32, (speaker, to, _): &(Person, Target, Line), number: u32) -> Result<()> {
    let log = catch_up::log(place, to.conversation).await?;
    let shown: Vec<u32> = log
        .iter()
        .filter_map(|logged| logged.mark)
        .filter(|mark| mark.stream == stream)
        .map(|mark| mark.number)
        .collect();
    if !shown.iter().copied().eq(1..=number) {
        return Err(Wrong { handle: speaker.handle.clone(), shown, number }.into());
    }
    let path = format!("/api/message?drop=false&access_token={}", speaker.token);
    if speaker.dialect == Dialect::AccessToken {
        let pulled = http::call(place.clients, "GET", &path, &[], None).await?;
        ensure!(pulled.status == 200, "a pull that consumes nothing was answered with {}", pulled.status);
    }
    if matches!(speaker.dialect, Dialect::UserSig | Dialect::AuthAck) {
        catch_up::ask(place, speaker, &[to.conversation]).await?;
    }
    Ok(())
}

/// A log was shown without what belongs there, or with more.
#[derive(Debug, thiserror::Error)]
#[error("{handle}'s log has {shown:?} of 1 to {number}")]
struct Wrong {
    handle: String,
    shown: Vec<u32>,
    number: u32,
}

/// Syncs fail.
pub(crate) async fn syncs_fail(engine: &'static str) -> Result<()> {
    fails(engine, "fsync,fdatasync,sync_file_range:error=EIO", |_| Ok(Vec::new())).await
}

/// Writes to the store's files fail.
pub(crate) async fn writes_fail(engine: &'static str) -> Result<()> {
    fails(engine, "write,pwrite64,writev,pwritev:error=EIO", files).await
}

async fn fails(engine: &'static str, what: &str, on: fn(&Path) -> Result<Vec<PathBuf>>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let site = Site::new(folder.path(), engine);
    let server = site.start().await?;
    let fleet = Fleet::found(server.place(), engine, Pace::default()).await?;
    let mut speakers = Speakers::connect(server.place(), "tom").await?;
    speakers.are_heard(1).await?;
    let voyage = fleet.sail(server.place());
    voyage.under_sail().await?;
    server.until_ready_is(200).await?;
    let injection = Injection::into(server.id(), what, &on(&site.store())?).await?;
    // The engine meets the fault with the next message, at the latest.
    server_gives_up(&server, &mut speakers).await?;
    voyage.end().await?;
    injection.end().await?;
    server.until_ready_is(503).await?;
    recovers(&site, server, &fleet, &speakers).await
}

async fn server_gives_up(server: &Server, speakers: &mut Speakers) -> Result<()> {
    speakers.are_refused(2).await?;
    server.until_ready_is(503).await?;
    speakers.are_refused(3).await?;
    speakers.can_be_read(server.place(), 1).await.with_context(|| server.log())
}

/// After a restart everything that was accepted is there, and more is taken.
async fn recovers(site: &Site, server: Server, fleet: &Fleet, speakers: &Speakers) -> Result<()> {
    let mut server = server;
    server.terminate().await?;
    server.ended().await?;
    let server = site.start().await?;
    server.until_ready_is(200).await?;
    fleet.verify(server.place()).await?;
    speakers.can_be_read_again(server.place(), 1).await?;
    Speakers::connect(server.place(), "jack").await?.are_heard(9).await?;
    server.stop().await
}

/// The files of a store.
fn files(store: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(store)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}

/// The disk runs full under load, without a reserve.
pub(crate) async fn full(engine: &'static str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let disk = Mount::small(&folder.path().join("disk"), 192)?;
    let site = Site::new(folder.path(), engine).with_data(disk.path().join("data"));
    let server = site.start().await?;
    let fleet = Fleet::found(server.place(), engine, Pace { size: 16 << 10, ..Pace::default() }).await?;
    let mut speakers = Speakers::connect(server.place(), "tom").await?;
    speakers.are_heard(1).await?;
    let filler = disk.path().join("filler");
    fill(&filler, disk.path(), 1 << 20)?;
    let voyage = fleet.sail(server.place());
    server.until_ready_is(503).await?;
    voyage.end().await?;
    server_gives_up(&server, &mut speakers).await?;
    fs::remove_file(filler)?;
    recovers(&site, server, &fleet, &speakers).await?;
    disk.end()
}

/// The disk has less room than `store.min_free`; then it has more again, and no restart is needed.
pub(crate) async fn nearly_full() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let disk = Mount::small(&folder.path().join("disk"), 256)?;
    let site = Site::new(folder.path(), "fjall").with_data(disk.path().join("data"));
    let server = site.with("store", "min_free = 67108864").start().await?;
    let mut speakers = Speakers::connect(server.place(), "tom").await?;
    speakers.are_heard(1).await?;
    let filler = disk.path().join("filler");
    fill(&filler, disk.path(), 32 << 20)?;
    server.until_ready_is(503).await?;
    speakers.are_refused(2).await?;
    speakers.can_be_read(server.place(), 1).await?;
    fs::remove_file(filler)?;
    server.until_ready_is(200).await?;
    speakers.are_heard(3).await?;
    server.stop().await?;
    disk.end()
}

/// Fills a disk until so many bytes are left.
fn fill(file: &Path, disk: &Path, left: u64) -> Result<()> {
    use std::io::Write as _;
    let room = fs4::available_space(disk)?.saturating_sub(left);
    let mut file = fs::File::create(file)?;
    let block = vec![1; 1 << 20];
    for _ in 0..room >> 20 {
        file.write_all(&block)?;
    }
    Ok(())
}
