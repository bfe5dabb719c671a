//! `koine store import`: a store made of an export.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};

use super::bar::Bar;
use super::export::describe;
use super::{Place, lock};
use crate::config::EngineName;
use crate::store::check::check;
use crate::store::engine::EngineKind;
use crate::store::transfer::{ImportSource, import};

/// Make a store of an export, in a data directory that has none.
///
/// Ids, unread counts, what is pending, tokens and keys are as they were. What was lost by a salvaged store gets
/// a stand-in, and is listed.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  koine store import koine.jsonl --data new-data --engine sled")]
pub(super) struct Import {
    /// The export; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    place: Place,
    /// The engine of the new store [default: the configured one, fjall]
    #[arg(long, value_enum)]
    engine: Option<Engine>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Engine {
    Fjall,
    Sled,
}

impl Import {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let config = self.place.configuration()?;
        let (mut lines, bytes) = open(&self.file)?;
        let configured = match config.store.engine {
            EngineName::Fjall => EngineKind::Fjall,
            EngineName::Sled => EngineKind::Sled,
        };
        let engine = match self.engine {
            None => configured,
            Some(Engine::Fjall) => EngineKind::Fjall,
            Some(Engine::Sled) => EngineKind::Sled,
        };
        let directory = lock(&config)?;
        let (data, cache) = (directory.path(), config.store.cache);
        let source = ImportSource { lines: lines.as_mut(), bytes, data, engine, cache };
        let (store, summary) = import(source, &mut Bar::new())?;
        for lost in &summary.lost {
            eprintln!("koine: lost: {lost}");
        }
        let has_bytes = summary.counts.contains_key("bytes");
        let report = check(store.as_ref(), has_bytes.then_some(data), 10, &mut Bar::new());
        if !report.is_clean() {
            for finding in &report.findings {
                crate::cli::say(&finding.to_string());
            }
            bail!(
                "what was imported is not whole; this is what `koine store check` finds. The export was damaged when it was made"
            );
        }
        crate::cli::say(&format!("imported {} into {}", describe(&summary), data.display()));
        if summary.counts.contains_key("file") && !has_bytes {
            eprintln!("koine: the bytes of uploaded files are not in this export: copy the folder `files`, too");
        }
        if engine != configured {
            eprintln!(
                "koine: for the gateway to open it, set `engine = \"{engine}\"` under [store] in its configuration"
            );
        }
        Ok(())
    }
}

fn open(file: &Path) -> anyhow::Result<(Box<dyn BufRead>, Option<u64>)> {
    if file == Path::new("-") {
        return Ok((Box::new(BufReader::new(io::stdin())), None));
    }
    let opened = File::open(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let bytes = opened.metadata().ok().map(|metadata| metadata.len());
    Ok((Box::new(BufReader::with_capacity(1 << 16, opened)), bytes))
}
