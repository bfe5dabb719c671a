//! `koine store export`: a store as lines of JSON.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, bail};
use clap::Args;

use super::bar::Bar;
use super::{Place, amount};
use crate::store::check::check;
use crate::store::engine::{self, Engine};
use crate::store::transfer::{ExportOptions, Summary, export, open_for_salvage};

/// How many lost records are listed.
const LISTED: usize = 100;

/// Write everything in a store to a file, to move it to another engine or machine.
///
/// The file holds messages, profiles and hashes of tokens: keep it as safe as the store. Keys and other files
/// of the data directory are not in it.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  koine store export --data koine-data --output koine.jsonl")]
pub(super) struct Export {
    #[command(flatten)]
    place: Place,
    /// The file to write, which must not exist yet [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Include the bytes of uploaded files
    #[arg(long)]
    files: bool,
    /// Export whatever can be read of a damaged store, and list what cannot
    #[arg(long)]
    salvage: bool,
}

impl Export {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let (directory, kind, config) = self.place.take()?;
        let (data, cache) = (directory.path(), config.store.cache);
        let files = self.files.then_some(data);
        if self.salvage {
            let salvaged = open_for_salvage(kind, data, cache)?;
            if let Some(complaint) = &salvaged.complaint {
                eprintln!("koine: {complaint}");
            }
            return self.write(salvaged.engine.as_ref(), files);
        }
        let engine = engine::open(kind, data, cache)?;
        let report = check(engine.as_ref(), files, 1, &mut Bar::new());
        if let Some(first) = report.findings.first() {
            bail!("the store is damaged ({first}); `koine store check` tells more, --salvage exports what can be read");
        }
        self.write(engine.as_ref(), files)
    }

    fn write(&self, engine: &dyn Engine, files: Option<&Path>) -> anyhow::Result<()> {
        let options = ExportOptions { salvage: self.salvage, files, created: now() };
        let summary = match &self.output {
            None => export(engine, options, &mut io::stdout().lock(), &mut Bar::new())?,
            Some(path) => to_file(path, |out| Ok(export(engine, options, out, &mut Bar::new())?))?,
        };
        for lost in summary.lost.iter().take(LISTED) {
            eprintln!("koine: lost: {lost}");
        }
        if let Some(more) = summary.lost.len().checked_sub(LISTED + 1) {
            eprintln!("koine: ... and {} more", more + 1);
        }
        eprintln!("koine: exported {}", describe(&summary));
        Ok(())
    }
}

/// What an export or import comes to.
pub(super) fn describe(summary: &Summary) -> String {
    let counted = ["user", "conversation", "message", "file"];
    let count = |name: &str| summary.counts.get(name).copied().unwrap_or(0);
    counted.map(|name| amount(count(name), name)).join(", ")
}

/// Writes a file that is either whole or not there.
fn to_file<T>(path: &Path, write: impl FnOnce(&mut dyn Write) -> anyhow::Result<T>) -> anyhow::Result<T> {
    if path.exists() {
        bail!("{} exists already; choose another name", path.display());
    }
    let mut name = path.file_name().with_context(|| format!("{} is no file", path.display()))?.to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let cannot = || format!("{} cannot be written", part.display());
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&part).with_context(cannot)?;
    let written = write(&mut file).and_then(|written| {
        file.sync_all().with_context(cannot)?;
        fs::rename(&part, path).with_context(cannot)?;
        Ok(written)
    });
    if written.is_err() {
        // Half an export is of no use; if it cannot be removed, its name says what it is.
        let _ = fs::remove_file(&part);
    }
    written
}

fn now() -> i64 {
    let millis = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
    i64::try_from(millis).unwrap_or(i64::MAX)
}
