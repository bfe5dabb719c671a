//! SIGTERM under load.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::io::AsyncWriteExt;

use crate::dialect::{Dialect, Mark};
use crate::fleet::{End, Fleet, Pace, acquaint, register};
use crate::http;
use crate::line::{Incoming, Line};
use crate::process::Site;
use crate::tools::{long, moment};

/// The default drain time.
const DRAIN: Duration = Duration::from_secs(10);

/// Stops the process gracefully while all dialects talk: everybody is told, nothing is lost.
pub(crate) async fn under_load() -> Result<()> {
    let cycles = if long() { 20 } else { 3 };
    for engine in crate::ENGINES {
        let folder = tempfile::tempdir()?;
        let site = Site::new(folder.path(), engine);
        let mut server = site.start().await?;
        let fleet = Fleet::found(server.place(), engine, Pace::default()).await?;
        for cycle in 0..cycles {
            let voyage = fleet.sail(server.place());
            let connecting = cycle % 3 == 1;
            if connecting {
                tokio::time::sleep(moment(Duration::ZERO, Duration::from_millis(100))).await;
            } else {
                voyage.under_sail().await?;
                tokio::time::sleep(moment(Duration::from_millis(30), Duration::from_millis(500))).await;
            }
            let asked = Instant::now();
            server.terminate().await?;
            let status = server.ended().await?;
            ensure!(status.success(), "it ended with {status}; log:\n{}", server.log());
            ensure!(asked.elapsed() < DRAIN, "it took {:?}", asked.elapsed());
            for End { who, code, kicked_out } in voyage.ended().await? {
                if connecting && code.is_none() {
                    continue;
                }
                ensure!(code == Some(1001), "{} was closed with {code:?}", who.handle);
                ensure!(kicked_out == (who.dialect == Dialect::UserSig), "{}: KICKED_OUT {kicked_out}", who.handle);
            }
            server = site.start().await?;
        }
        fleet.verify(server.place()).await?;
        let (accepted, refused) = fleet.ledger().figures();
        ensure!(accepted > cycles * 10 && refused == 0, "{accepted} accepted, {refused} refused");
        eprintln!("{engine}: {cycles} graceful stops, {accepted} accepted messages, none lost");
        server.stop().await?;
    }
    Ok(())
}

/// While clients are waited for, operators' probes are told that the server is about to go.
pub(crate) async fn is_seen_by_probes() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let site = Site::new(folder.path(), "fjall");
    let mut server = site.start().await?;
    server.until_ready_is(200).await?;
    let mut slow = tokio::net::TcpStream::connect(server.place().clients).await?;
    slow.write_all(b"POST /im/user/register HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\n{").await?;
    // Until it has been accepted: whoever is only in the queue is not waited for.
    http::call(server.place().clients, "GET", "/nothing", &[], None).await?;
    let asked = Instant::now();
    server.terminate().await?;
    server.until_ready_is(503).await?;
    let health = http::call(server.place().management, "GET", "/healthz", &[], None).await?;
    ensure!(health.status == 200, "/healthz was {}", health.status);
    drop(slow);
    let status = server.ended().await?;
    ensure!(status.success() && asked.elapsed() < DRAIN, "it ended with {status} after {:?}", asked.elapsed());
    Ok(())
}

/// What a client has confirmed before a stop is not pushed again after it, what it has not seen is.
pub(crate) async fn continues() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let site = Site::new(folder.path(), "fjall");
    let mut server = site.start().await?;
    let place = server.place().clone();
    let peer = register(&place, Dialect::Envelope, "peer").await?;
    let mark = |stream, number| Mark { stream, number };
    let mut listeners = Vec::new();
    for (stream, dialect) in (0..).zip([Dialect::StatusCode, Dialect::Envelope]) {
        let me = register(&place, dialect, &format!("{}-me", dialect.name())).await?;
        let (to_peer, to_me) = acquaint(&place, &me, &peer).await?;
        let mut talking = Line::open(&place, &peer, None).await?;
        let mut line = Line::open(&place, &me, Some(&peer.handle)).await?;
        talking.say_durably(&to_me, mark(stream, 1), 0).await?;
        ensure!(line.message().await? == mark(stream, 1));
        while line.next().await? != Incoming::Pinged {}
        // The Pong leaves with this at the latest, and its arrival shows that the Pong has been taken in.
        line.say(&to_peer, mark(stream + 10, 1), 0).await?;
        while line.dialect().acknowledges() && line.next().await? == Incoming::Pinged {}
        ensure!(talking.message().await? == mark(stream + 10, 1));
        listeners.push((me, to_me, stream));
    }
    server.stop().await?;
    server = site.start().await?;
    let place = server.place().clone();
    let mut talking = Line::open(&place, &peer, None).await?;
    for (_, to_me, stream) in &listeners {
        talking.say_durably(to_me, mark(*stream, 2), 0).await?;
    }
    for (me, _, stream) in &listeners {
        let mut line = Line::open(&place, me, Some(&peer.handle)).await?;
        let next = line.message().await?;
        ensure!(next == mark(*stream, 2), "{} was pushed {next} after it came back", me.handle);
    }
    server.stop().await
}
