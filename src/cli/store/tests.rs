//! The commands, on stores of their own.

use std::fs;
use std::path::Path;

use clap::Parser;

use crate::cli::{Cli, run};
use crate::store::engine::EngineKind;
use crate::store::lock::DataDirectory;
use crate::store::sample;

fn koine(line: &str) -> anyhow::Result<()> {
    run(Cli::try_parse_from(line.split_whitespace()).unwrap().command)
}

fn filled(kind: EngineKind) -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    drop(sample::fill(data.path(), kind, 60));
    // What its files are is made up: the store counts them, the data directory has not their bytes.
    data
}

/// Gives the sample's files bytes of the right size.
fn with_files(data: &Path) {
    for number in 0..3 {
        let sha256 = format!("{number:064x}");
        let folder = data.join("files").join(&sha256[..2]);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(sha256), [0; 100]).unwrap();
    }
}

#[test]
fn a_store_is_checked_exported_and_imported_into_the_other_engine() {
    let data = filled(EngineKind::Fjall);
    with_files(data.path());
    let (from, to) = (data.path().display(), data.path().join("new"));
    let file = data.path().join("export.jsonl");
    koine(&format!("koine store check --data {from}")).unwrap();
    koine(&format!("koine store export --data {from} --output {}", file.display())).unwrap();
    koine(&format!("koine store import {} --data {} --engine sled", file.display(), to.display())).unwrap();
    with_files(&to);
    koine(&format!("koine store check --json --data {}", to.display())).unwrap();
    let again = koine(&format!("koine store import {} --data {}", file.display(), to.display())).unwrap_err();
    assert!(again.to_string().contains("holds a sled store"), "{again}");
    let exists = koine(&format!("koine store export --data {from} --output {}", file.display())).unwrap_err();
    assert!(exists.to_string().contains("exists already"), "{exists}");
}

#[test]
fn files_without_their_bytes_are_found_and_not_exported() {
    let data = filled(EngineKind::Sled);
    let from = data.path().display();
    assert!(koine(&format!("koine store check --data {from}")).unwrap_err().to_string().contains("--salvage"));
    let output = data.path().join("export.jsonl");
    let refused = koine(&format!("koine store export --files --data {from} -o {}", output.display())).unwrap_err();
    assert!(refused.to_string().contains("the store is damaged (blobs"), "{refused}");
    assert!(!output.exists());
    koine(&format!("koine store export --salvage --files --data {from} -o {}", output.display())).unwrap();
}

#[test]
fn a_store_that_a_gateway_works_in_is_left_alone() {
    let data = filled(EngineKind::Fjall);
    let _held = DataDirectory::take(data.path()).unwrap();
    for command in ["check", "export"] {
        let refused = koine(&format!("koine store {command} --data {}", data.path().display())).unwrap_err();
        let text = format!("{refused:#}");
        assert!(text.contains("stop it first") && text.contains(&std::process::id().to_string()), "{text}");
    }
}

#[test]
fn a_directory_without_a_store_is_not_made_into_one() {
    let data = tempfile::tempdir().unwrap();
    let refused = koine(&format!("koine store check --data {}", data.path().display())).unwrap_err();
    assert!(refused.to_string().contains("there is no store"), "{refused}");
    assert_eq!(fs::read_dir(data.path()).unwrap().count(), 0);
}

#[test]
fn a_store_that_lacks_durable_commits_is_told_so_and_can_be_salvaged() {
    let data = filled(EngineKind::Fjall);
    with_files(data.path());
    fs::write(data.path().join("fjall/position"), format!("900000 {:016x}\n", !900_000_u64)).unwrap();
    let from = data.path().display();
    assert!(koine(&format!("koine store check --data {from}")).is_err());
    let output = data.path().join("export.jsonl");
    let refused = koine(&format!("koine store export --data {from} -o {}", output.display())).unwrap_err();
    assert!(refused.to_string().contains("had been made durable"), "{refused}");
    koine(&format!("koine store export --salvage --data {from} -o {}", output.display())).unwrap();
    assert!(koine(&format!("koine store check --data {from}")).is_err(), "the refusal does not wear off");
}
