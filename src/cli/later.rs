//! Commands that are named already, but not there yet.

use std::ffi::OsString;

use anyhow::bail;
use clap::Args;

/// Whatever it will take.
#[derive(Debug, Args)]
pub(super) struct Later {
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<OsString>,
}

/// Says so.
pub(super) fn refuse(name: &str, _: &Later) -> anyhow::Result<()> {
    bail!("`koine {name}` is not available yet; `koine --help` lists what is")
}
