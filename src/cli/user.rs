//! `koine user`: users.

use clap::{Args, Subcommand};
use koine_core::Handle;

use super::admin::{self, Missing, UserAdmin, UserRow};
use super::arguments::{Target, handle};

/// Look after users, of a running gateway or of a data directory at rest.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  koine user add tom --nickname Tom")]
pub(super) struct User {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Register a user.
    #[command(after_help = "Example:\n  koine user add tom --nickname Tom")]
    Add {
        /// The user's name
        #[arg(value_name = "USER", value_parser = handle)]
        user: Handle,
        /// What to call the user
        #[arg(long, value_name = "TEXT")]
        nickname: Option<String>,
        /// The user's number, where clients have stored it [default: the next]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        number: Option<u64>,
        #[command(flatten)]
        target: Target,
    },
    /// Show a user.
    #[command(after_help = "Example:\n  koine user show tom")]
    Show(One),
    /// List all users.
    #[command(after_help = "Example:\n  koine user list")]
    List {
        #[command(flatten)]
        target: Target,
    },
    /// Forbid a user to connect, and close the user's connections.
    #[command(after_help = "Example:\n  koine user disable tom")]
    Disable(One),
    /// Allow a user to connect again.
    #[command(after_help = "Example:\n  koine user enable tom")]
    Enable(One),
    /// Close a user's connections.
    #[command(after_help = "Example:\n  koine user kick tom")]
    Kick(One),
}

#[derive(Debug, Args)]
struct One {
    /// The user
    #[arg(value_name = "USER", value_parser = handle)]
    user: Handle,
    #[command(flatten)]
    target: Target,
}

impl User {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        super::block_on(async {
            match &self.command {
                Command::Add { user, nickname, number, target } => {
                    let admin = admin::open(target, Missing::Make)?;
                    show(&admin.add(user, nickname.as_deref(), *number).await?);
                }
                Command::Show(one) => show(&one.admin()?.show(&one.user).await?),
                Command::List { target } => list(admin::open(target, Missing::Refuse)?.as_ref()).await?,
                Command::Disable(one) => show(&one.admin()?.set_disabled(&one.user, true).await?),
                Command::Enable(one) => show(&one.admin()?.set_disabled(&one.user, false).await?),
                Command::Kick(one) => {
                    one.admin()?.kick(&one.user).await?;
                    super::say(&format!("{}: connections closed", one.user));
                }
            }
            Ok(())
        })
    }
}

impl One {
    fn admin(&self) -> anyhow::Result<Box<dyn UserAdmin>> {
        admin::open(&self.target, Missing::Refuse)
    }
}

async fn list(admin: &dyn UserAdmin) -> anyhow::Result<()> {
    let mut after = None;
    super::say(&line("NUMBER", "USER", "STATE", "CREATED", ""));
    loop {
        let page = admin.list(after.as_deref()).await?;
        for user in &page.users {
            let nickname = user.nickname.as_deref().unwrap_or_default();
            super::say(&line(&user.number.to_string(), &user.handle, state(user), &user.created, nickname));
        }
        match page.next {
            // A server that repeats its cursor would never come to an end.
            Some(next) if after.as_ref() != Some(&next) => after = Some(next),
            _ => return Ok(()),
        }
    }
}

fn line(number: &str, handle: &str, state: &str, created: &str, nickname: &str) -> String {
    format!("{number:>8}  {handle:<24}  {state:<8}  {created:<19}  {nickname}").trim_end().to_owned()
}

fn show(user: &UserRow) {
    super::say(&format!("user     {}", user.handle));
    super::say(&format!("number   {}", user.number));
    if let Some(nickname) = &user.nickname {
        super::say(&format!("nickname {nickname}"));
    }
    super::say(&format!("state    {}", state(user)));
    super::say(&format!("created  {}", user.created));
}

const fn state(user: &UserRow) -> &'static str {
    if user.disabled { "disabled" } else { "enabled" }
}
