//! Acts a transcript out, step by step.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use koine::config::Config;
use koine_core::{Command, Dialect, Error, ErrorKind, Input, Reply, Timestamp, UserId, Zone};

use super::connection::{Asked, Connection, State};
use super::describe::{Described, Owner, verb};
use super::http::received;
use super::model::{Answer, Model};
use super::names::Names;
use super::options;
use super::requests::Waiting;
use crate::transcript::received::Received;
use crate::transcript::{Act, Action, CommandLine, Ending, Form, Json, Transcript, Values, matching, values};

/// When every transcript begins: 2026-01-02 03:04:05 UTC.
const BEGINNING: Timestamp = Timestamp::from_millis(1_767_323_045_000);

/// Acts a transcript out against the pure codecs.
pub(crate) fn run(transcript: &Transcript) -> Result<()> {
    let config = options::config(transcript)?;
    let mut runner = Runner::new(config, transcript.own_listeners)?;
    for (line, fact) in &transcript.given {
        runner.happens(fact, &transcript.dialect).with_context(|| transcript.place(*line))?;
    }
    for step in &transcript.steps {
        runner.step(&step.action).with_context(|| transcript.place(step.line))?;
    }
    runner.finish().with_context(|| format!("{}: at the end", transcript.path.display()))
}

/// A running transcript.
pub(super) struct Runner {
    pub(super) config: Config,
    pub(super) zone: Zone,
    pub(super) dialects: BTreeMap<&'static str, Arc<dyn Dialect>>,
    own_listeners: bool,
    pub(super) model: Model,
    pub(super) values: Values,
    pub(super) users: BTreeMap<String, UserId>,
    pub(super) connections: Vec<(String, Connection)>,
    /// Requests whose command has not been carried out, by label.
    pub(super) waiting: VecDeque<Waiting>,
    pub(super) received: BTreeMap<String, (String, Received)>,
}

impl Runner {
    fn new(config: Config, own_listeners: bool) -> Result<Self> {
        let mut values = Values::default();
        values.set("management", Json::string("management-key"));
        let key = config.dialects.access_token.notification_key.expose().unwrap_or("notification-key");
        values.set("notification", Json::string(key));
        Ok(Self {
            zone: options::zone(&config)?,
            dialects: options::dialects(&config)?,
            own_listeners,
            model: Model::new(BEGINNING, options::settings(&config)),
            values,
            users: BTreeMap::new(),
            connections: Vec::new(),
            waiting: VecDeque::new(),
            received: BTreeMap::new(),
            config,
        })
    }

    fn step(&mut self, action: &Action) -> Result<()> {
        if let Action::Command { name, line } = action {
            return self.command(name, line);
        }
        self.settle()?;
        let now = self.model.now;
        match action {
            Action::Open { name, dialect, path } => self.open(name, dialect, path)?,
            Action::Send { name, text } => {
                let text = self.values.substitute(text, self.dialect_of(name)?, Form::Json)?;
                let limit = self.config.limits.frame;
                let connection = self.open_connection(name)?;
                if text.len() > limit {
                    connection.feed(now, Input::Refused(None, ErrorKind::TooLarge.into()));
                } else {
                    connection.frame(now, &text)?;
                }
            }
            Action::Act { name, act } => {
                let connection = self.open_connection(name)?;
                act_out(connection, act, now);
            }
            Action::Request { name, request } => self.request(name, request)?,
            Action::Happens(fact) => self.happens(fact, "")?,
            Action::Pass(time) => self.pass(*time)?,
            Action::Expect { .. }
            | Action::Nothing { .. }
            | Action::Closed { .. }
            | Action::Refused { .. }
            | Action::Answer { .. } => return self.expect(action),
            Action::Command { .. } => {}
        }
        Ok(())
    }

    fn open(&mut self, name: &str, dialect: &str, path: &str) -> Result<()> {
        let path = self.values.substitute(&values::ascii_path(path), dialect, Form::Path)?;
        let codec = self.dialects.get(dialect).context("no such dialect")?.clone();
        let number = self.connections.len() as u64 + 1;
        let (zone, now) = (self.zone.clone(), self.model.now);
        let connection = Connection::open(codec, &path, number, zone, self.own_listeners, now)?;
        self.connections.push((name.to_owned(), connection));
        Ok(())
    }

    fn expect(&mut self, action: &Action) -> Result<()> {
        match action {
            Action::Expect { name, frame } => {
                let dialect = self.dialect_of(name)?;
                let connection = self.connection(name)?;
                let Some(text) = connection.inbox.pop_front() else { bail!("nothing has arrived: {frame}") };
                let actual = Json::parse(&text).with_context(|| format!("the frame is not JSON: {text}"))?;
                matching::expect(frame, &actual, &mut self.values, dialect).with_context(|| format!("frame {text}"))
            }
            Action::Nothing { name } => match self.connection(name)?.inbox.front() {
                Some(text) => bail!("this has arrived: {text}"),
                None => Ok(()),
            },
            Action::Closed { name, ending } => {
                let connection = self.connection(name)?;
                if let Some(text) = connection.inbox.front() {
                    bail!("before the close this has arrived: {text}");
                }
                match (&connection.state, ending) {
                    (State::Closed(code, said), Ending::Close { code: expected, reason }) => {
                        let reason_fits = reason.as_deref().is_none_or(|reason| reason == *said);
                        ensure!(code == expected && reason_fits, "it closed with {code} {said:?}");
                    }
                    (State::Closed(code, said), Ending::Lost) => bail!("it closed with {code} {said:?}"),
                    (State::Gone, Ending::Lost) => {}
                    (State::Refused(response), _) => bail!("the handshake was refused with {}", response.status),
                    _ => bail!("it is still open"),
                }
                self.connections.retain(|(known, _)| known != name);
                Ok(())
            }
            Action::Refused { name, answer } => {
                let dialect = self.dialect_of(name)?;
                let at = self.connections.iter().position(|(known, _)| known == name).context("no such connection")?;
                let (_, connection) = self.connections.remove(at);
                let State::Refused(response) = connection.state else { bail!("the handshake was not refused") };
                received(response)?.expect(answer, &mut self.values, dialect)
            }
            Action::Answer { name, answer } => {
                let (dialect, received) = self.received.remove(name).context("its answer has been looked at")?;
                received.expect(answer, &mut self.values, &dialect)
            }
            _ => Ok(()),
        }
    }

    /// Checks the oldest command of a name that has no line yet, and carries it out.
    fn command(&mut self, name: &str, line: &CommandLine) -> Result<()> {
        let wanted = line.words.words.first().map(crate::transcript::Word::text).unwrap_or_default();
        loop {
            let passable = |command: &Command| {
                matches!(command, Command::Authenticate(_) | Command::Attach(_) | Command::Confirm(_))
                    && verb(command) != wanted
            };
            if let Some(at) = self.waiting.iter().position(|waiting| waiting.label == name) {
                let waiting = self.waiting.remove(at).context("a request")?;
                let command = waiting.command();
                if passable(command) {
                    self.answer_request(waiting, None)?;
                    continue;
                }
                self.compare(command, line, &waiting.dialect)?;
                return self.answer_request(waiting, error(line));
            }
            let Some(at) = self.connections.iter().position(|(known, _)| known == name) else {
                bail!("no command came out");
            };
            let connection = &mut self.connections.get_mut(at).context("a connection")?.1;
            let dialect = connection.dialect.name();
            let asked = connection.commands.pop_front().context("no command came out")?;
            if passable(&asked.command) {
                self.carry_out(at, asked, None)?;
                continue;
            }
            self.compare(&asked.command, line, dialect)?;
            return self.carry_out(at, asked, error(line));
        }
    }

    fn compare(&self, command: &Command, line: &CommandLine, dialect: &str) -> Result<()> {
        let names = Names { model: &self.model, users: &self.users, values: &self.values, dialect };
        Described::new(command, self.owner(command)).compare(&line.words, &names)
    }

    fn owner(&self, command: &Command) -> Owner {
        let user = match command {
            Command::Authenticate(it) => self.model.authenticate(&it.token, it.purpose).ok().map(|user| user.id),
            Command::ExchangeKey { user, key } => {
                let known = self.model.find(&koine_core::UserKey::Handle(user.clone())).ok();
                known.map(|user| user.id).filter(|id| super::model::rule_key(*id) == key.expose())
            }
            _ => None,
        };
        user.map_or(Owner::Nobody, Owner::User)
    }

    /// Carries out everything that was asked for.
    pub(super) fn settle(&mut self) -> Result<()> {
        loop {
            while let Some(waiting) = self.waiting.pop_front() {
                self.answer_request(waiting, None)?;
            }
            let busy = self.connections.iter().position(|(_, connection)| !connection.commands.is_empty());
            let Some(at) = busy else { return Ok(()) };
            let connection = &mut self.connections.get_mut(at).context("a connection")?.1;
            let asked = connection.commands.pop_front().context("a command")?;
            self.carry_out(at, asked, None)?;
        }
    }

    /// Carries a command of a connection out, hands the reply in, and tells everybody what happened.
    fn carry_out(&mut self, at: usize, asked: Asked, error: Option<Error>) -> Result<()> {
        let connection = &self.connections.get(at).context("a connection")?.1;
        let user = connection.user;
        let answer = match (error, asked.token) {
            (Some(error), _) => Err(error),
            (None, Some(token)) if !self.is_of(&token, user) => Err(ErrorKind::Unauthenticated.into()),
            (None, _) => self.execute(user, &asked.command),
        };
        let now = self.model.now;
        let connection = &mut self.connections.get_mut(at).context("a connection")?.1;
        let attach = match (&asked.command, &answer) {
            (Command::Authenticate(_), Ok(Reply::Authenticated(who))) => {
                connection.user = Some(who.user.id);
                None
            }
            (Command::Attach(attach), Ok(_)) => Some(attach.clone()),
            _ => None,
        };
        connection.feed(now, Input::Reply(asked.tag, answer));
        if let Some(attach) = attach {
            self.attached(at, attach)?;
        }
        self.tell()
    }

    fn is_of(&self, token: &koine_core::Token, user: Option<UserId>) -> bool {
        let owner = self.model.authenticate(token, koine_core::Purpose::Access);
        user.is_some() && owner.ok().map(|owner| owner.id) == user
    }

    /// What the hub would answer.
    pub(super) fn execute(&mut self, user: Option<UserId>, command: &Command) -> Answer {
        if let Command::Attach(koine_core::Attach { scope: koine_core::Scope::Peer(peer), .. }) = command {
            self.model.find(peer)?;
        }
        self.model.execute(user, command)
    }

    fn pass(&mut self, time: Duration) -> Result<()> {
        let end = self.model.now.plus(time);
        loop {
            let wakes = self.connections.iter().filter_map(|(_, connection)| connection.wake);
            let next = wakes.filter(|moment| *moment <= end).min();
            self.model.now = next.unwrap_or(end).max(self.model.now);
            let now = self.model.now;
            for (_, connection) in &mut self.connections {
                if connection.wake.is_some_and(|moment| moment <= now) {
                    connection.wake = None;
                    connection.feed(now, Input::Wake);
                }
            }
            self.settle()?;
            if next.is_none() {
                return self.tell();
            }
        }
    }

    fn finish(&mut self) -> Result<()> {
        self.settle()?;
        for (name, connection) in &self.connections {
            if let Some(text) = connection.inbox.front() {
                bail!("no line names this frame for {name}: {text}");
            }
            match &connection.state {
                State::Open | State::Gone => {}
                State::Waiting => bail!("the handshake of {name} was never answered"),
                State::Refused(response) => bail!("the handshake of {name} was refused with {}", response.status),
                State::Closed(code, reason) => bail!("{name} was closed with {code} {reason:?}"),
            }
        }
        match self.received.keys().next() {
            Some(name) => bail!("no line names the answer to {name}"),
            None => Ok(()),
        }
    }

    pub(super) fn dialect_of(&self, name: &str) -> Result<&'static str> {
        let known = self.connections.iter().find(|(known, _)| known == name);
        Ok(known.with_context(|| format!("`{name}` is not open"))?.1.dialect.name())
    }

    fn connection(&mut self, name: &str) -> Result<&mut Connection> {
        let known = self.connections.iter_mut().find(|(known, _)| known == name);
        Ok(&mut known.with_context(|| format!("`{name}` is not open"))?.1)
    }

    fn open_connection(&mut self, name: &str) -> Result<&mut Connection> {
        let connection = self.connection(name)?;
        match &connection.state {
            State::Open => Ok(connection),
            State::Waiting => bail!("the handshake has not been answered"),
            State::Refused(response) => bail!("the handshake was refused with {}", response.status),
            State::Closed(code, reason) => bail!("it was closed with {code} {reason:?}"),
            State::Gone => bail!("it has gone"),
        }
    }
}

fn act_out(connection: &mut Connection, act: &Act, now: Timestamp) {
    let unreadable = || Error::bad_request("the frame is not text");
    match act {
        Act::Close(code) => {
            connection.feed(now, Input::Closing);
            if connection.is_open() {
                connection.end(State::Closed(*code, ""), now);
            }
        }
        Act::Drop => connection.end(State::Gone, now),
        Act::Binary(_) => connection.feed(now, Input::Refused(None, unreadable())),
        Act::InvalidUtf8 => {
            connection.feed(now, Input::Refused(None, unreadable()));
            if connection.is_open() {
                connection.end(State::Closed(1007, ""), now);
            }
        }
        Act::Mute => connection.mute = true,
    }
}

/// The answer that a line gives instead of the model's.
fn error(line: &CommandLine) -> Option<Error> {
    let (word, detail) = line.error.as_ref()?;
    let kind = ErrorKind::ALL.iter().find(|kind| kind.word() == word)?;
    Some(match detail {
        Some(detail) => Error::with_detail(*kind, detail.clone()),
        None => Error::new(*kind),
    })
}
