//! The conformance tests: every transcript through the pure codecs and through real sockets.

mod clients;
mod codec;
mod examples;
mod meta;
mod socket;
mod transcript;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use transcript::{Outlook, Transcript};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = transcripts(root).into_iter().map(|path| (path.display().to_string(), Transcript::read(&path)));
    let mut trials = meta::trials();
    trials.extend(socket::trials());
    trials.extend(files.chain(examples::read(root)).flat_map(|(name, read)| of(name, read)));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The tests of one transcript.
fn of(name: String, read: anyhow::Result<Transcript>) -> Vec<Trial> {
    let transcript = match read {
        Ok(transcript) => std::sync::Arc::new(transcript),
        Err(error) => return vec![Trial::test(format!("{name} can be read"), move || Err(failed(&error)))],
    };
    let skipped = matches!(transcript.codec, Outlook::Skipped(_));
    let codec = transcript.clone();
    vec![
        Trial::test(name, move || codec.codec.judge(codec::run(&codec)).map_err(|error| failed(&error)))
            .with_kind("codec")
            .with_ignored_flag(skipped),
    ]
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
