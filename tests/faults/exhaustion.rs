//! Descriptors used up, and clients that take their time.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::dialect::{Dialect, Mark, Person, Target};
use crate::fleet::{acquaint, register};
use crate::line::{Line, Width, stream, user_sig};
use crate::process::{PATIENCE, Place, Site};
use crate::tools;

/// Somebody of every dialect and a listener, all connected.
struct Company {
    hearing: Line,
    all: Vec<(Person, Target, Line)>,
    said: u32,
}

impl Company {
    async fn meet(place: &Place) -> Result<Self> {
        let listener = register(place, Dialect::Envelope, "listener").await?;
        let hearing = Line::open(place, &listener, None).await?;
        let mut all = Vec::new();
        for dialect in Dialect::ALL {
            let me = register(place, dialect, &format!("{}-me", dialect.name())).await?;
            let (to, _) = acquaint(place, &me, &listener).await?;
            let line = Line::open(place, &me, Some(&listener.handle)).await?;
            all.push((me, to, line));
        }
        Ok(Self { hearing, all, said: 0 })
    }

    /// Everybody says something, which arrives; how long that took.
    async fn talk(&mut self) -> Result<Vec<Duration>> {
        self.said += 1;
        let mut took = Vec::new();
        for (stream, (_, to, line)) in (0..).zip(&mut self.all) {
            let (mark, before) = (Mark { stream, number: self.said }, Instant::now());
            line.say_durably(to, mark, 0).await?;
            let heard = self.hearing.message().await?;
            ensure!(heard == mark, "{heard} came instead of {mark}");
            took.push(before.elapsed());
        }
        Ok(took)
    }

    /// How long nine of ten messages took, and 99 of 100, at most.
    async fn talk_often(&mut self, times: usize) -> Result<(Duration, Duration)> {
        let mut took = Vec::new();
        for _ in 0..times {
            took.extend(self.talk().await?);
        }
        took.sort_unstable();
        let of_hundred = |part: usize| took.get(took.len() * part / 100).copied().unwrap_or_default();
        Ok((of_hundred(90), of_hundred(99)))
    }
}

/// Whether somebody can connect within a second.
async fn enters(place: &Place, who: &Person) -> Result<bool> {
    Ok(matches!(timeout(Duration::from_secs(1), Line::open(place, who, None)).await, Ok(Ok(_))))
}

/// With 64 descriptors, connections that nobody needs leave none for others, and operators' none for the store.
pub(crate) async fn descriptors() -> Result<()> {
    for engine in crate::ENGINES {
        let folder = tempfile::tempdir()?;
        let site = Site::new(folder.path(), engine);
        let site = site.through(&["sh", "-c", "ulimit -n 64 && exec \"$@\"", "sh"]);
        let server = site.start().await?;
        let place = server.place();
        let mut company = Company::meet(place).await?;
        let newcomer = register(place, Dialect::AccessToken, "newcomer").await?;
        company.talk().await?;
        let mut crowd = Vec::new();
        for _ in 0..128 {
            crowd.push(TcpStream::connect(place.management).await?);
        }
        company.talk().await?;
        ensure!(enters(place, &newcomer).await?, "management connections have taken what clients need");
        for _ in 0..128 {
            crowd.push(TcpStream::connect(place.clients).await?);
        }
        // Long enough for the store to write what it writes now and then.
        let until = Instant::now() + Duration::from_secs(3);
        while Instant::now() < until {
            company.talk().await?;
        }
        ensure!(!enters(place, &newcomer).await?, "somebody came in although there was no room");
        company.talk().await?;
        drop(crowd);
        tools::until("newcomers are accepted again", || async {
            Ok(timeout(PATIENCE, Line::open(place, &newcomer, None)).await?.ok())
        })
        .await?;
        company.talk().await?;
        server.until_ready_is(200).await?;
        server.stop().await?;
    }
    Ok(())
}

/// Within this 99 of 100 messages of good clients arrive.
const PROMPT: Duration = Duration::from_millis(500);

/// How many slow clients there are of each kind.
const SLOW: usize = 500;

/// Slow headers, slow bodies and slow readers, all at once, and clients that behave.
pub(crate) async fn slow_clients() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let site = Site::new(folder.path(), "fjall").through(&["sh", "-c", "ulimit -n 8192 && exec \"$@\"", "sh"]);
    let server = site.start().await?;
    let place = server.place();
    let mut company = Company::meet(place).await?;
    let history = long_history(place, &mut company).await?;
    let often = if tools::long() { 400 } else { 40 };
    let (before, _) = company.talk_often(often).await?;
    let mut slow = JoinSet::new();
    for _ in 0..SLOW {
        let head = format!("GET /chat/user-info/ HTTP/1.1\r\nHost: {}\r\n", place.clients);
        slow.spawn(trickle(place.clients, head, "X-Slow: 1\r\n"));
        let head = format!(
            "POST /chat/get-user-sig/ HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: 8192\r\n\r\n{{",
            place.clients
        );
        slow.spawn(trickle(place.clients, head, " "));
        slow.spawn(trickle(place.clients, history.clone(), ""));
    }
    tools::until("the slow clients are there", || async {
        Ok((descriptors_of(server.id())? > 2 * SLOW).then_some(()))
    })
    .await?;
    let (during, nearly_all) = company.talk_often(often).await?;
    let there = descriptors_of(server.id())?;
    ensure!(there > 2 * SLOW, "only {there} descriptors are open: the slow clients have left already");
    slow.shutdown().await;
    ensure!(
        during < before * 4 + Duration::from_millis(20),
        "a message took {before:?} before and {during:?} beside them"
    );
    // What else runs on the machine in the short mode may take as long.
    ensure!(!tools::long() || nearly_all < PROMPT, "1 of 100 messages took {nearly_all:?}");
    let slow = 3 * SLOW;
    eprintln!(
        "9 of 10 messages took {before:?} before, {during:?} beside {slow} slow clients, 99 of 100 {nearly_all:?}"
    );
    server.stop().await
}

/// The request for an answer that is much larger than what the system holds for a client.
async fn long_history(place: &Place, company: &mut Company) -> Result<String> {
    let Some((me, to, line)) = company.all.first_mut() else { anyhow::bail!("nobody is there") };
    for number in 1..=40 {
        line.say_durably(to, Mark { stream: 77, number }, 60 << 10).await?;
        company.hearing.message().await?;
    }
    let sig = user_sig(place, me).await?;
    Ok(format!(
        "GET /chat/chat-log-info/?total=1&session_id={} HTTP/1.1\r\nHost: {}\r\nAuthorization: {sig}\r\n\r\n",
        to.conversation, place.clients
    ))
}

/// Sends something, then next to nothing again and again, and reads nothing.
async fn trickle(address: std::net::SocketAddr, first: String, more: &'static str) -> Result<()> {
    let mut stream = stream(address, Width::Narrow).await?;
    stream.write_all(first.as_bytes()).await?;
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    loop {
        ticks.tick().await;
        stream.write_all(more.as_bytes()).await?;
    }
}

fn descriptors_of(process: u32) -> Result<usize> {
    Ok(std::fs::read_dir(format!("/proc/{process}/fd"))?.count())
}
