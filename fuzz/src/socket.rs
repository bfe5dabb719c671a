//! A connection of a dialect, from its upgrade request to its end.
//!
//! The bytes are lines. The first is the target of the upgrade request, every other is one thing that
//! happens, by its first character:
//!
//! | line | what happens |
//! |---|---|
//! | `> text`, or anything else | the client sends this text |
//! | `=` | the oldest command is answered as it wishes |
//! | `-c` | the oldest command fails, the kind of error picked by the character |
//! | `#` | the oldest command is answered with what it did not ask for |
//! | `! text` | the client's text is above its rate |
//! | `?` | a frame cannot be read |
//! | `~` | what it wanted to be woken for has come |
//! | `^` | the client closes |
//! | `$c` | the server ends the connection |

use std::collections::VecDeque;

use ::http::{HeaderMap, Uri};
use koine::config::DialectName;
use koine_core::{
    Command, ConnectionId, Dialect, EndReason, Error, ErrorKind, Input, Opening, Output, Outputs, Reply, Session, Tag,
    Zone,
};

use crate::hub::{self, Hub, NOW};
use crate::{json, paths};

/// Plays the lines.
pub fn run(name: DialectName, data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.split('\n');
    let paths = paths::of(name);
    let Some(target) = lines.next().and_then(|line| line.parse::<Uri>().ok()) else { return };
    let Some(request) = paths.upgrade(&target, HeaderMap::new()) else { return };
    let _ = paths.dialect().claims(&request);
    let opening = Opening { connection: ConnectionId::new(1), entropy: [7; 16], zone: Zone::utc() };
    let mut connection = Connection {
        dialect: paths.dialect(),
        session: paths.dialect().open(&request, opening),
        stage: Stage::Opening,
        bound: false,
        wake: false,
        commands: VecDeque::new(),
    };
    connection.feed(Input::Opened);
    for line in lines {
        connection.play(line);
    }
    while connection.answer(|hub, command| Ok(hub.answer(command))) {}
    connection.feed(Input::Ended(EndReason::Draining));
}

/// A connection as the driver sees it.
struct Connection<'a> {
    dialect: &'a dyn Dialect,
    session: Box<dyn Session>,
    stage: Stage,
    /// Whether somebody has authenticated.
    bound: bool,
    wake: bool,
    commands: VecDeque<(Tag, Command)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Opening,
    Open,
    Over,
}

impl Connection<'_> {
    fn play(&mut self, line: &str) {
        let mut rest = line.chars();
        let sign = rest.next();
        let rest = rest.as_str();
        let picked = rest.bytes().next().map_or(0, usize::from);
        match sign {
            Some('=') => {
                self.answer(|hub, command| Ok(hub.answer(command)));
            }
            Some('-') => {
                self.answer(|_, _| Err(hub::error(picked)));
            }
            Some('#') => {
                self.answer(|_, command| {
                    Ok(if matches!(command, Command::Attach(_)) { Reply::Done } else { Reply::Attached })
                });
            }
            Some('~') if std::mem::take(&mut self.wake) => self.feed(Input::Wake),
            // Clients are not heard before they are let in.
            _ if self.stage == Stage::Opening => {}
            Some('!') => self.feed(Input::Refused(Some(rest), ErrorKind::RateLimited.into())),
            Some('?') => self.feed(Input::Refused(None, Error::bad_request("binary frames are not understood"))),
            Some('^') => {
                self.feed(Input::Closing);
                self.stage = Stage::Over;
            }
            Some('$') => {
                let reasons = [EndReason::Kicked, EndReason::Disabled, EndReason::Draining];
                self.feed(Input::Ended(reasons[picked % reasons.len()]));
            }
            _ => {
                let text = line.strip_prefix("> ").unwrap_or(line);
                let _ = self.dialect.recognizes(text);
                self.feed(Input::Frame(text));
            }
        }
    }

    /// Answers the oldest command; whether there was one.
    fn answer(&mut self, answer: impl FnOnce(&Hub, &Command) -> Result<Reply, Error>) -> bool {
        let Some((tag, command)) = self.commands.pop_front() else { return false };
        let reply = answer(&Hub::new("text"), &command);
        self.bound |= matches!(reply, Ok(Reply::Authenticated(_)));
        self.feed(Input::Reply(tag, reply));
        true
    }

    /// Hands one input in and looks at what comes out.
    fn feed(&mut self, input: Input<'_>) {
        if self.stage == Stage::Over {
            return;
        }
        let mut outputs = Outputs::new();
        self.session.handle(NOW, input, &mut outputs);
        for output in outputs.drain() {
            assert_ne!(self.stage, Stage::Over, "after the end: {output:?}");
            match output {
                Output::Accept => {
                    assert_eq!(self.stage, Stage::Opening, "accepted twice");
                    self.stage = Stage::Open;
                }
                Output::Reject(response) => {
                    assert_eq!(self.stage, Stage::Opening, "rejected after having been accepted");
                    assert!(response.status.is_client_error() || response.status.is_server_error());
                    self.stage = Stage::Over;
                }
                Output::Send(text) => {
                    assert_eq!(self.stage, Stage::Open, "before the handshake: {text}");
                    json::assert_object(&text, self.dialect.name());
                }
                Output::Command { tag, command, .. } => self.ask(tag, command),
                Output::WakeAt(moment) => {
                    assert!(moment >= NOW, "a moment that is over");
                    self.wake = true;
                }
                Output::NoWake => self.wake = false,
                Output::Close(code, reason) => {
                    assert!((1000..5000).contains(&code) && reason.len() <= 123, "{code} {reason}");
                    assert!(!matches!(code, 1004..=1006 | 1015), "{code} must not be sent");
                    self.stage = Stage::Over;
                }
            }
        }
    }

    fn ask(&mut self, tag: Tag, command: Command) {
        let for_anybody = matches!(
            command,
            Command::Authenticate(_) | Command::ExchangeKey { .. } | Command::Register(_) | Command::FindUser(_)
        );
        assert!(self.bound || for_anybody, "a stranger's {command:?}");
        assert!(self.commands.iter().all(|(other, _)| *other != tag), "two commands are called {tag:?}");
        if let Command::Send(send) = &command {
            Hub::new("text").tell(send);
        }
        self.commands.push_back((tag, command));
    }
}
