//! `koine chat`: a client for the terminal that speaks any of the five dialects.

mod access_token;
mod auth_ack;
mod conversation;
mod envelope;
mod status_code;
mod talk;
mod user_sig;

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;

use super::Usage;
use super::arguments::dialect;
use super::http::{HttpClient, Server};
use crate::config::DialectName;
use conversation::Screen;
use talk::{Party, Peer, Talk};

/// Chat in the terminal, as a client of any dialect.
///
/// Each line of standard input is sent as a message; what others say is printed as `name: text`. At the end of
/// the input it waits until everything sent was acknowledged, and ends.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  koine chat --dialect auth-ack --as tom --with jack\n  \
                        echo 'Hello Jack' | koine chat --dialect envelope --as tom --with jack --frames")]
pub(super) struct Chat {
    /// The dialect to speak
    #[arg(long, value_name = "NAME", value_parser = dialect())]
    dialect: DialectName,
    /// The user to be
    #[arg(long = "as", value_name = "USER")]
    user: String,
    /// The user to write to
    #[arg(long = "with", value_name = "USER", conflicts_with = "group")]
    peer: Option<String>,
    /// The group to write to
    #[arg(long, value_name = "ID")]
    group: Option<String>,
    /// Where the gateway is
    #[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:8093")]
    url: String,
    /// Where its HTTP endpoints are, if elsewhere [default: as --url]
    #[arg(long, value_name = "URL")]
    http: Option<String>,
    /// The user's token; for user-sig the rule key [default: demo-USER, as for `koine serve --demo`]
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// Print every frame instead, `> ` before those sent and `< ` before those received
    #[arg(long)]
    frames: bool,
    /// A PEM file with the certificates to trust, for wss
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

impl Chat {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        super::block_on(async {
            let server = Server::of(&self.url, self.ca.as_deref())?;
            let http = match &self.http {
                Some(url) => Server::of(url, self.ca.as_deref())?,
                None => server.clone(),
            };
            let mut talk = self.talk(HttpClient::new(http))?;
            let terminal = std::io::stdin().is_terminal();
            let screen = Screen { frames: self.frames, terminal };
            conversation::hold(talk.as_mut(), &server, conversation::typed(), screen).await
        })
    }

    fn talk(&self, http: HttpClient) -> anyhow::Result<Box<dyn Talk>> {
        let party = self.party();
        Ok(match self.dialect {
            DialectName::UserSig => Box::new(user_sig::UserSig::new(party, http)),
            DialectName::AccessToken => Box::new(access_token::AccessToken::new(party, http)),
            DialectName::StatusCode => match party.peer {
                Some(Peer::User(peer)) => Box::new(status_code::StatusCode::new(peer, party.token)),
                Some(Peer::Group(_)) => {
                    return Err(Usage("status-code has no groups; name a user with --with".to_owned()).into());
                }
                None => {
                    let why = "a status-code connection is a chat with one user; name that user with --with";
                    return Err(Usage(why.to_owned()).into());
                }
            },
            DialectName::Envelope => Box::new(envelope::Envelope::new(party)),
            DialectName::AuthAck => Box::new(auth_ack::AuthAck::new(party, http)),
        })
    }

    fn party(&self) -> Party {
        let peer = match (&self.peer, &self.group) {
            (Some(user), _) => Some(Peer::User(user.clone())),
            (None, Some(group)) => Some(Peer::Group(group.clone())),
            (None, None) => None,
        };
        let token = self.token.clone().unwrap_or_else(|| format!("demo-{}", self.user));
        Party { user: self.user.clone(), peer, token }
    }
}

#[cfg(test)]
mod tests;
