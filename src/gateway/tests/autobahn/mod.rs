//! The Autobahn suite, which plays every trick of RFC 6455 on the driver.
//!
//! Runs in the long mode only, as it installs a Python package first:
//! `LONG_TESTS=1 cargo test -p koine --lib autobahn -- --nocapture`. What each case came to is kept in
//! `docs/autobahn.json`, so that a change shows; `AUTOBAHN_ACCEPT=1` takes a change over.

mod echo;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use koine_core::SocketClaim;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::process::Command;

use self::echo::Echo;
use super::world::World;
use crate::config::DialectName;
use crate::dialects::Dialects;

/// How long the suite may take, in a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_mins(15);

/// What all cases came to: by the way a connection is told from others, then by case.
type Results = BTreeMap<String, BTreeMap<String, Outcome>>;

/// What one case came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    /// `OK`; `NON-STRICT` where a fault was found later than it could have been; `INFORMATIONAL` where
    /// the RFC leaves the choice; `UNIMPLEMENTED` for extensions that are not offered.
    behavior: String,
    /// The same of how the connection ended.
    behavior_close: String,
    /// The code the gateway closed with.
    remote_close_code: Option<u16>,
}

impl Outcome {
    /// The cases of permessage-deflate, which the gateway does not offer, are to find just that.
    fn is_failed(&self, case: &str) -> bool {
        let good: &[_] = match case.split('.').next() {
            Some("12" | "13") => &["UNIMPLEMENTED"],
            _ => &["OK", "NON-STRICT", "INFORMATIONAL"],
        };
        let closed = ["OK", "INFORMATIONAL"];
        !good.contains(&self.behavior.as_str()) || !closed.contains(&self.behavior_close.as_str())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_of_the_autobahn_suite_passes_as_it_did_before() {
    if std::env::var_os("LONG_TESTS").is_none_or(|value| value != "1") {
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Some(wstest) = install(root).await else {
        eprintln!("SKIPPED: the Autobahn suite needs Python 2.7 (PYTHON27, pyenv or python2.7) and its packages");
        return;
    };
    let echoing = |dialects: Dialects| {
        let by_path = Echo::on(&["/by-path"], SocketClaim::Whole);
        let by_first_frame = Echo::on(&["/by-first-frame"], SocketClaim::FirstFrame);
        dialects
            .with(DialectName::StatusCode, &by_path)
            .with(DialectName::Envelope, &by_first_frame)
            .with(DialectName::AuthAck, &by_first_frame)
    };
    let world = World::start_with(true, unhurried, echoing, |engine| engine).await;
    let results = run(&wstest, world.address.port()).await;

    let failed: Vec<_> = results
        .iter()
        .flat_map(|(way, cases)| cases.iter().map(move |(case, outcome)| (way, case, outcome)))
        .filter(|(_, case, outcome)| outcome.is_failed(case))
        .collect();
    assert!(failed.is_empty(), "failed: {failed:#?}");
    let kept = root.join("docs/autobahn.json");
    if std::env::var_os("AUTOBAHN_ACCEPT").is_some() {
        std::fs::write(&kept, lines(&results)).expect("written");
    }
    let before = std::fs::read(&kept).expect("the results before");
    assert_eq!(serde_json::from_slice::<Results>(&before).expect("results"), results, "AUTOBAHN_ACCEPT=1 accepts it");
}

/// The suite's largest messages have 16 MiB, and it takes its time.
fn unhurried(config: &mut crate::config::Config) {
    config.limits.frame = 17 << 20;
    config.limits.requests = 0;
    config.limits.unauthenticated = PATIENCE;
    config.limits.handshake = Duration::from_mins(1);
}

/// The suite's program, installed where it was not; `None` where it cannot be.
async fn install(root: &Path) -> Option<PathBuf> {
    let folder = std::env::var_os("AUTOBAHN").map_or_else(|| root.join("target/autobahn"), PathBuf::from);
    let wstest = folder.join("python/bin/wstest");
    if !wstest.exists() {
        let script = root.join("src/gateway/tests/autobahn/install.sh");
        let installed = Command::new(script).arg(&folder).status().await.expect("a shell");
        eprintln!("installing the Autobahn suite: {installed}");
    }
    wstest.exists().then_some(wstest)
}

/// Lets the suite run against both ways in.
async fn run(wstest: &Path, port: u16) -> Results {
    let reports = tempfile::tempdir().expect("a folder");
    let server = |way: &str| json!({"agent": way, "url": format!("ws://127.0.0.1:{port}/{way}")});
    let specification = json!({
        "outdir": reports.path(),
        "servers": [server("by-path"), server("by-first-frame")],
        "cases": ["*"],
        // A first frame tells the dialect, so it has to be text; and how fast a connection is does not
        // depend on how it began;
        // neither does what it offers.
        "exclude-cases": [],
        "exclude-agent-cases": {"by-first-frame": ["1.2.*", "9.*", "12.*", "13.*"]},
    });
    let file = reports.path().join("specification.json");
    std::fs::write(&file, specification.to_string()).expect("written");
    let running = Command::new(wstest)
        .args(["-m", "fuzzingclient", "-s"])
        .arg(&file)
        .current_dir(reports.path())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .status();
    let status = tokio::time::timeout(PATIENCE, running).await.expect("in time").expect("the suite");
    assert!(status.success(), "{status}");
    let index = std::fs::read(reports.path().join("index.json")).expect("an index");
    serde_json::from_slice(&index).expect("results")
}

/// As JSON with a line for each case, so that a change shows as a line.
fn lines(results: &Results) -> String {
    let ways = results.iter().map(|(way, cases)| {
        let mut cases: Vec<_> = cases.iter().collect();
        cases.sort_by_key(|(case, _)| case.split('.').map(|part| part.parse().unwrap_or(0)).collect::<Vec<u32>>());
        let cases: Vec<_> =
            cases.iter().map(|(case, outcome)| format!("    {}: {}", json!(case), json!(outcome))).collect();
        format!("  {}: {{\n{}\n  }}", json!(way), cases.join(",\n"))
    });
    format!("{{\n{}\n}}\n", ways.collect::<Vec<_>>().join(",\n"))
}
