//! How many instructions a message takes on its way through each dialect's codec, counted by valgrind and compared
//! with `benches/instructions.txt`: a change of more than 5 % has to be written down there, with its reason in the
//! commit.
//!
//! `cargo test --test instructions -- --record` writes the file. Without valgrind, or with another compiler than the
//! one the file names, nothing is compared, and it says so.

#![expect(clippy::expect_used, reason = "a program that cannot measure has nothing else to do")]

mod codec;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use codec::Codec;
use koine::config::DialectName;

/// Messages of the shorter and of the longer run; the difference is free of what a start costs.
const RUNS: [u64; 2] = [100, 300];
/// By how much a count may differ, in percent.
const TOLERANCE: u64 = 5;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, dialect, messages] = arguments.as_slice()
        && word == "--messages"
    {
        send(dialect, messages.parse().expect("a number"));
        return ExitCode::SUCCESS;
    }
    if arguments.iter().any(|argument| argument == "--list") {
        println!("a_message_takes_as_many_instructions_as_are_written_down: test");
        return ExitCode::SUCCESS;
    }
    let Some(counted) = count_all() else {
        println!("instructions: valgrind is not installed; nothing is compared");
        return ExitCode::SUCCESS;
    };
    if arguments.iter().any(|argument| argument == "--record") {
        std::fs::write(file(), text(&counted)).expect("the file can be written");
        return ExitCode::SUCCESS;
    }
    let recorded = std::fs::read_to_string(file()).expect("benches/instructions.txt is there");
    if !recorded.lines().any(|line| line == compiler()) {
        println!("instructions: the file was recorded with another compiler; nothing is compared");
        return ExitCode::SUCCESS;
    }
    compare(&counted, &numbers(&recorded))
}

fn send(dialect: &str, messages: u64) {
    let name = DialectName::ALL.into_iter().find(|name| name.as_str() == dialect).expect("a dialect");
    let mut codec = Codec::new(name);
    for _ in 0..messages {
        std::hint::black_box(codec.message());
    }
}

/// The instructions of one message by dialect; `None` without valgrind.
fn count_all() -> Option<BTreeMap<String, u64>> {
    let [shorter, longer] = RUNS;
    let mut counted = BTreeMap::new();
    for dialect in DialectName::ALL.map(DialectName::as_str) {
        let each = (count(dialect, longer)? - count(dialect, shorter)?) / (longer - shorter);
        counted.insert(dialect.to_owned(), each);
    }
    Some(counted)
}

fn count(dialect: &str, messages: u64) -> Option<u64> {
    let own = std::env::current_exe().expect("this program's file");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(own)
        .args(["--messages", dialect, &messages.to_string()])
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let line = said.lines().find_map(|line| line.split_once("Collected : ")).expect("a count");
    Some(line.1.trim().parse().expect("a number"))
}

fn compare(counted: &BTreeMap<String, u64>, recorded: &BTreeMap<String, u64>) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for (dialect, now) in counted {
        let then = recorded.get(dialect).copied().unwrap_or_default();
        if now.abs_diff(then) * 100 > then * TOLERANCE {
            println!("instructions: {dialect} takes {now} a message, {then} were recorded");
            code = ExitCode::FAILURE;
        }
    }
    code
}

fn text(counted: &BTreeMap<String, u64>) -> String {
    let mut text = format!(
        "# Instructions of one message of 120 bytes through each codec, in the test profile: decoded, acknowledged,\n\
         # encoded. Recorded with `cargo test --test instructions -- --record`.\n{}\n",
        compiler()
    );
    for (dialect, each) in counted {
        let _ = writeln!(text, "{dialect} {each}");
    }
    text
}

fn numbers(text: &str) -> BTreeMap<String, u64> {
    let line = |line: &str| {
        let (dialect, number) = line.split_once(' ')?;
        Some((dialect.to_owned(), number.parse().ok()?))
    };
    text.lines().filter_map(line).collect()
}

/// The compiler's own name.
fn compiler() -> String {
    let rustc = std::env::var_os("RUSTC").map_or_else(|| PathBuf::from("rustc"), PathBuf::from);
    let output = Command::new(rustc).arg("-V").output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/instructions.txt")
}
