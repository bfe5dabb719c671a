//! `koine token`: a token for a user.

use std::time::Duration;

use clap::Args;
use koine_core::{Handle, Zone};

use super::admin::{self, Missing};
use super::arguments::{Target, dialect, handle, time_to_live};
use crate::config::DialectName;

/// Make a token that a user's client can use.
///
/// The token is printed on standard output. For user-sig it is the rule key, which the client exchanges for a
/// `user_sig`. Without --dialect it is good in the four dialects with access tokens.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  koine token tom --dialect envelope --ttl 1h")]
pub(super) struct Token {
    /// The user
    #[arg(value_name = "USER", value_parser = handle)]
    user: Handle,
    /// The dialect it is to be good in
    #[arg(long, value_name = "NAME", value_parser = dialect())]
    dialect: Option<DialectName>,
    /// How long it is to be good, such as 30m, 1h or 30d [default: `auth.token_ttl`]
    #[arg(long, value_name = "DURATION", value_parser = time_to_live)]
    ttl: Option<Duration>,
    #[command(flatten)]
    target: Target,
}

impl Token {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let zone = self.target.load()?.config().zone().unwrap_or(Zone::utc());
        let minted = super::block_on(async {
            let admin = admin::open(&self.target, Missing::Refuse)?;
            admin.token(&self.user, self.dialect, self.ttl).await
        })?;
        super::say(minted.token.expose());
        if let Some(expires) = minted.expires {
            eprintln!("koine: good until {}", zone.text(expires));
        }
        Ok(())
    }
}
