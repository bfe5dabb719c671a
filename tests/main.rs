//! The conformance tests: every transcript through the pure codecs and through real sockets.

mod clients;
mod codec;
mod coverage;
mod crossing;
mod examples;
mod meta;
mod socket;
mod transcript;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use transcript::{Outlook, Transcript};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = transcripts(root).into_iter().map(|path| (path.display().to_string(), Transcript::read(&path)));
    let shown: Vec<Transcript> = transcripts(root).iter().filter_map(|path| Transcript::read(path).ok()).collect();
    let covered = move || coverage::every_endpoint_is_shown(&shown).map_err(|error| failed(&error));
    let mut trials = meta::trials();
    trials.push(Trial::test("harness every endpoint is shown to succeed and to refuse", covered));
    trials.extend(socket::trials());
    trials.extend(crossing::trials());
    trials.extend(files.chain(examples::read(root)).flat_map(|(name, read)| of(&name, read)));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The tests of one transcript, one for each runner.
fn of(name: &str, read: anyhow::Result<Transcript>) -> Vec<Trial> {
    let transcript = match read {
        Ok(transcript) => Arc::new(transcript),
        Err(error) => return vec![Trial::test(format!("harness {name} can be read"), move || Err(failed(&error)))],
    };
    vec![
        trial("codec", name, &transcript, |it| &it.codec, codec::run),
        trial("socket", name, &transcript, |it| &it.socket, socket::run),
    ]
}

/// A transcript in a runner.
fn trial(
    runner: &str,
    name: &str,
    transcript: &Arc<Transcript>,
    outlook: fn(&Transcript) -> &Outlook,
    run: fn(&Transcript) -> anyhow::Result<()>,
) -> Trial {
    let skipped = matches!(outlook(transcript), Outlook::Skipped(_));
    let transcript = Arc::clone(transcript);
    let test = move || outlook(&transcript).judge(run(&transcript)).map_err(|error| failed(&error));
    Trial::test(format!("{runner} {name}"), test).with_ignored_flag(skipped)
}

fn failed(error: &anyhow::Error) -> Failed {
    format!("{error:#}").into()
}

/// Every transcript below a folder's `fixtures`, with paths relative to the folder.
fn transcripts(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from("fixtures")];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(root.join(&folder)).into_iter().flatten().flatten();
        for path in entries.map(|entry| folder.join(entry.file_name())) {
            if root.join(&path).is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "txt") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
