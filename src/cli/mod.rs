//! The command line: one file per command.
//!
//! Results go to standard output, everything else to standard error. Exit codes: 0 it worked, 1 it did
//! not, 2 the command was not understood.

mod admin;
mod arguments;
mod at_rest;
mod banner;
mod bench;
mod chat;
mod completions;
mod config;
mod demo;
mod http;
mod later;
mod logging;
mod management_client;
mod serve;
mod store;
mod token;
mod user;

use std::fmt;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use admin::{Answer, MintedToken, UserAdmin, UserPage, UserRow};

/// A chat gateway: five kinds of legacy client, each with its own protocol, talk to one server.
#[derive(Debug, Parser)]
#[command(name = "koine", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Example:\n  koine serve --demo\n  koine chat --dialect envelope --as tom --with jack")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Token(token::Token),
    User(user::User),
    Config(config::Config),
    Chat(Box<chat::Chat>),
    Completions(completions::Completions),
    /// Compare the gateway with recorded behaviour.
    #[command(after_help = "Example:\n  koine conform")]
    Conform(later::Later),
    /// Record what clients and a server say to each other.
    #[command(after_help = "Example:\n  koine record")]
    Record(later::Later),
    Bench(Box<bench::Bench>),
    Store(store::Store),
}

/// A command that was understood by its form, but makes no sense: exit code 2.
#[derive(Debug)]
struct Usage(String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Runs the command that this process was started with.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version count as errors there, too; only real ones have an exit code.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(serve) => serve.run(),
        Command::Token(token) => token.run(),
        Command::User(user) => user.run(),
        Command::Config(config) => config.run(),
        Command::Chat(chat) => chat.run(),
        Command::Completions(completions) => {
            completions.run();
            Ok(())
        }
        Command::Conform(later) => later::refuse("conform", &later),
        Command::Record(later) => later::refuse("record", &later),
        Command::Bench(bench) => bench.run(),
        Command::Store(store) => store.run(),
    }
}

/// One line for each thing that is wrong.
fn report(error: &anyhow::Error) {
    for line in format!("{error:#}").lines() {
        eprintln!("koine: {line}");
    }
}

/// A runtime for commands that do one thing after the other.
fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future)
}

/// Prints a line; a reader that went away is no failure.
fn say(line: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

#[cfg(test)]
mod tests;
