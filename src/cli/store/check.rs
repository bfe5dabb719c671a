//! `koine store check`: whether a store is whole.

use std::path::Path;

use anyhow::bail;
use clap::Args;

use super::bar::Bar;
use super::{Place, amount};
use crate::store::check::{Finding, Report, check};
use crate::store::engine::{self, EngineError, EngineKind};

/// Say whether a store is whole: its messages, what leads to them, who has got and read what, tokens, files.
///
/// Each finding is a line; then comes what there is. Nothing is changed. Exit code 0: nothing was found,
/// 1: something was, or the store cannot be looked at.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  koine store check --data koine-data")]
pub(super) struct Check {
    #[command(flatten)]
    place: Place,
    /// Print one JSON object instead
    #[arg(long)]
    json: bool,
    /// How many findings to print
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

impl Check {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let (directory, kind, config) = self.place.take()?;
        let report = look(kind, directory.path(), config.store.cache, self.limit);
        if self.json {
            crate::cli::say(&serde_json::to_string(&report)?);
        } else {
            print(&report);
        }
        if report.is_clean() {
            return Ok(());
        }
        bail!(
            "the store is damaged: restore a backup of {}, or save what can be read with `koine store export --salvage`",
            directory.path().display()
        )
    }
}

/// Looks at a store, even at one that the gateway would refuse.
fn look(kind: EngineKind, data: &Path, cache: u64, limit: usize) -> Report {
    let whole = |error: &EngineError| Finding { space: "store".to_owned(), key: String::new(), what: error.cause() };
    match engine::open_as_it_is(kind, data, cache) {
        Ok((engine, complaint)) => {
            let mut report = check(engine.as_ref(), Some(data), limit, &mut Bar::new());
            if let Some(complaint) = complaint {
                report.found += 1;
                report.findings.insert(0, whole(&complaint));
            }
            report
        }
        Err(error) => Report { findings: vec![whole(&error)], found: 1, ..Report::default() },
    }
}

fn print(report: &Report) {
    for finding in &report.findings {
        crate::cli::say(&finding.to_string());
    }
    let more = report.found.saturating_sub(report.findings.len() as u64);
    if more > 0 {
        crate::cli::say(&format!("... and {more} more"));
    }
    let there = [
        amount(report.users, "user"),
        amount(report.conversations, "conversation"),
        amount(report.messages, "message"),
        amount(report.records, "record"),
    ];
    let found = if report.is_clean() { "nothing is wrong".to_owned() } else { amount(report.found, "finding") };
    crate::cli::say(&format!("{}: {found}", there.join(", ")));
}
