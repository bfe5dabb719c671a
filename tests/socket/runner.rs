//! Acts a transcript out over sockets.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use super::PATIENCE;
use super::gateway::Gateway;
use super::http::Outgoing;
use super::management::Management;
use super::websocket::{Incoming, WebSocket};
use crate::codec::options;
use crate::transcript::received::Received;
use crate::transcript::{Act, Action, Ending, Fact, Form, Json, Transcript, Values, matching, values};

/// Acts a transcript out against a gateway of its own.
pub(crate) fn run(transcript: &Transcript) -> Result<()> {
    let config = options::config(transcript)?;
    let gateway = Gateway::start(config, transcript.own_listeners).context("the gateway does not start")?;
    let mut runner = Runner::new(gateway, transcript.needs_sigs);
    for (line, fact) in &transcript.given {
        runner.happens(fact, &transcript.dialect).with_context(|| transcript.place(*line))?;
    }
    for step in &transcript.steps {
        runner.step(&step.action).with_context(|| transcript.place(step.line))?;
    }
    runner.finish().with_context(|| format!("{}: at the end", transcript.path.display()))
}

struct Runner {
    // Clients leave before the gateway stops.
    connections: BTreeMap<String, Connection>,
    received: BTreeMap<String, (String, Received)>,
    management: Management,
    values: Values,
    needs_sigs: bool,
    patience: Duration,
    gateway: Gateway,
}

struct Connection {
    dialect: String,
    state: State,
}

enum State {
    Open(WebSocket),
    Refused(Received),
    /// The client vanished.
    Gone,
}

impl Runner {
    fn new(gateway: Gateway, needs_sigs: bool) -> Self {
        let mut values = Values::default();
        values.set("management", Json::string(gateway.management_key()));
        values.set("notification", Json::string(gateway.notification_key()));
        Self {
            management: Management::new(gateway.management(), gateway.management_key().to_owned(), PATIENCE),
            gateway,
            values,
            needs_sigs,
            connections: BTreeMap::new(),
            received: BTreeMap::new(),
            patience: PATIENCE,
        }
    }

    fn happens(&mut self, fact: &Fact, dialect: &str) -> Result<()> {
        if *fact == Fact::Drain {
            self.gateway.drain();
            return Ok(());
        }
        self.management.make_so(fact, &mut self.values, dialect)?;
        match fact {
            Fact::User { name, handle, .. } if self.needs_sigs => self.sign(name, handle),
            _ => Ok(()),
        }
    }

    /// Gets a user's rule key, and a `user_sig` for it.
    fn sign(&mut self, name: &str, handle: &str) -> Result<()> {
        let key = self.management.token(handle, Some("user-sig"))?;
        let sig = user_sig(&self.gateway, handle, &key)?;
        self.values.set(format!("{name}.key"), Json::string(key));
        self.values.set(format!("{name}.sig"), Json::string(sig.as_str()));
        self.values.set(format!("{name}@user-sig"), Json::string(sig));
        Ok(())
    }

    fn step(&mut self, action: &Action) -> Result<()> {
        match action {
            Action::Open { name, dialect, path } => {
                let path = self.values.substitute(&values::ascii_path(path), dialect, Form::Path)?;
                let state = match WebSocket::open(self.gateway.address(dialect)?, &path, self.patience)? {
                    Ok(socket) => State::Open(socket),
                    Err(refusal) => State::Refused(refusal),
                };
                self.connections.insert(name.clone(), Connection { dialect: dialect.clone(), state });
                Ok(())
            }
            Action::Send { name, text } => {
                let text = self.values.substitute(text, &self.connection(name)?.dialect, Form::Json)?;
                self.socket(name)?.send(&text)
            }
            Action::Act { name, act } => self.act(name, act),
            Action::Request { name, request } => {
                let outgoing = Outgoing::of(request, &self.values)?;
                let received = outgoing.send(self.gateway.address(&request.dialect)?, self.patience)?;
                self.received.insert(name.clone(), (request.dialect.clone(), received));
                Ok(())
            }
            Action::Happens(fact) => self.happens(fact, ""),
            Action::Pass(time) => {
                self.patience += *time;
                Ok(())
            }
            Action::Expect { name, frame } => {
                let dialect = self.connection(name)?.dialect.clone();
                let patience = self.patience;
                match self.socket(name)?.next(patience)? {
                    Incoming::Text(text) => {
                        let actual = Json::parse(&text).with_context(|| format!("the frame is not JSON: {text}"))?;
                        let outcome = matching::expect(frame, &actual, &mut self.values, &dialect);
                        outcome.with_context(|| format!("frame {text}"))
                    }
                    other => bail!("a frame was expected, not {other:?}"),
                }
            }
            Action::Closed { name, ending } => self.closed(name, ending),
            Action::Refused { name, answer } => {
                let connection = self.connections.remove(name).context("no such connection")?;
                let State::Refused(refusal) = connection.state else { bail!("the handshake was not refused") };
                refusal.expect(answer, &mut self.values, &connection.dialect)
            }
            Action::Answer { name, answer } => {
                let (dialect, received) = self.received.remove(name).context("its answer has been looked at")?;
                received.expect(answer, &mut self.values, &dialect)
            }
            // The codec runner's business; and silence is proven by what follows.
            Action::Command { .. } | Action::Nothing { .. } => Ok(()),
        }
    }

    fn act(&mut self, name: &str, act: &Act) -> Result<()> {
        let socket = self.socket(name)?;
        match act {
            Act::Close(code) => socket.close(*code),
            Act::Drop => {
                socket.vanish();
                self.connection_mut(name)?.state = State::Gone;
                Ok(())
            }
            Act::Binary(bytes) => socket.send_binary(bytes),
            Act::InvalidUtf8 => socket.send_as_text(&[0x22, 0xff, 0x22]),
            Act::Mute => {
                socket.mute();
                Ok(())
            }
        }
    }

    fn closed(&mut self, name: &str, ending: &Ending) -> Result<()> {
        let patience = self.patience;
        let incoming = match &mut self.connection_mut(name)?.state {
            State::Open(socket) => socket.next(patience)?,
            State::Refused(refusal) => bail!("the handshake was refused with {}", refusal.status),
            State::Gone => Incoming::Lost,
        };
        match (&incoming, ending) {
            (Incoming::Close(code, said), Ending::Close { code: expected, reason })
                if code == expected && reason.as_deref().is_none_or(|reason| reason == said) => {}
            (Incoming::Lost, Ending::Lost) => {}
            _ => bail!("{ending:?} was expected, not {incoming:?}"),
        }
        self.connections.remove(name);
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        for (name, connection) in &mut self.connections {
            match &mut connection.state {
                State::Open(socket) => {
                    let surplus = socket.surplus(self.patience).with_context(|| format!("at the end of {name}"))?;
                    ensure!(surplus.is_empty(), "no line names what has come for {name}: {surplus:?}");
                }
                State::Refused(refusal) => bail!("the handshake of {name} was refused with {}", refusal.status),
                State::Gone => {}
            }
        }
        match self.received.keys().next() {
            Some(name) => bail!("no line names the answer to {name}"),
            None => Ok(()),
        }
    }

    fn connection(&self, name: &str) -> Result<&Connection> {
        self.connections.get(name).with_context(|| format!("`{name}` is not open"))
    }

    fn connection_mut(&mut self, name: &str) -> Result<&mut Connection> {
        self.connections.get_mut(name).with_context(|| format!("`{name}` is not open"))
    }

    fn socket(&mut self, name: &str) -> Result<&mut WebSocket> {
        match &mut self.connection_mut(name)?.state {
            State::Open(socket) => Ok(socket),
            State::Refused(refusal) => {
                bail!("the handshake was refused with {}: {}", refusal.status, String::from_utf8_lossy(&refusal.body))
            }
            State::Gone => bail!("it has gone"),
        }
    }
}

/// A `user_sig` for a rule key.
pub(crate) fn user_sig(gateway: &Gateway, handle: &str, key: &str) -> Result<String> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    let body = form.append_pair("user_id", handle).append_pair("token", key).finish();
    let request = Outgoing {
        method: "POST".to_owned(),
        target: "/chat/get-user-sig/".to_owned(),
        headers: vec![("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned())],
        body: body.into_bytes(),
    };
    let answer = request.send(gateway.address("user-sig")?, PATIENCE)?;
    let answer = Json::parse(&String::from_utf8(answer.body).context("the answer is not UTF-8")?)?;
    let sig = answer.get("data").and_then(|data| data.get("user_sig"));
    Ok(sig.with_context(|| format!("no user_sig in {answer}"))?.plain())
}
