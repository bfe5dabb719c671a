//! `koine completions`: scripts that let a shell complete commands.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// Print a script that lets a shell complete koine's commands.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  koine completions bash > /etc/bash_completion.d/koine")]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self) {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::Cli::command(), "koine", &mut script);
        super::say(String::from_utf8_lossy(&script).trim_end());
    }
}
