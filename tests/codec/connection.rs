//! One WebSocket connection of a transcript, as the gateway's driver would hold it.

use std::collections::VecDeque;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use koine_core::{
    Attach, Command, ConnectionId, Dialect, HttpResponse, Input, Opening, Output, Outputs, Scope, Session, SocketClaim,
    SocketRequest, Tag, Timestamp, Token, UserId, Zone,
};

/// One connection.
pub(crate) struct Connection {
    pub(crate) dialect: Arc<dyn Dialect>,
    session: Box<dyn Session>,
    pub(crate) state: State,
    /// Bound by a successful authentication.
    pub(crate) user: Option<UserId>,
    /// Set by a successful attach.
    pub(crate) attached: Option<Attach>,
    /// What the session asked for and nobody has carried out.
    pub(crate) commands: VecDeque<Asked>,
    /// What the server has sent.
    pub(crate) inbox: VecDeque<String>,
    pub(crate) wake: Option<Timestamp>,
    /// Whether the client answers no Pings.
    pub(crate) mute: bool,
    /// What this connection was last told of its peer.
    pub(crate) peer_reachable: bool,
    /// When it ended, for the grace of presence.
    pub(crate) ended: Option<Timestamp>,
    /// Whether the first frame must be recognised.
    unclaimed: bool,
}

/// A command a session asked for.
pub(crate) struct Asked {
    pub(crate) tag: Tag,
    pub(crate) token: Option<Token>,
    pub(crate) command: Command,
}

/// How far a connection is.
pub(crate) enum State {
    /// The upgrade request is unanswered.
    Waiting,
    Open,
    Refused(HttpResponse),
    Closed(u16, &'static str),
    /// The client vanished.
    Gone,
}

impl Connection {
    /// Opens a connection on a path of its dialect.
    pub(crate) fn open(
        dialect: Arc<dyn Dialect>,
        path: &str,
        number: u64,
        zone: Zone,
        alone: bool,
        now: Timestamp,
    ) -> Result<Self> {
        let request = request(&*dialect, path)?;
        let claim = dialect.claims(&request);
        if claim == SocketClaim::None && !alone {
            bail!("{} does not claim `{path}` on a listener that others share", dialect.name());
        }
        let mut entropy = [0; 16];
        for (byte, place) in entropy.iter_mut().zip(1..) {
            *byte = u8::try_from(number.wrapping_mul(0x9e37_79b9).wrapping_mul(place) >> 3 & 0xff).unwrap_or(0);
        }
        let session = dialect.open(&request, Opening { connection: ConnectionId::new(number), entropy, zone });
        let mut connection = Self {
            unclaimed: claim == SocketClaim::FirstFrame && !alone && !request_is_alone(path),
            dialect,
            session,
            state: State::Waiting,
            user: None,
            attached: None,
            commands: VecDeque::new(),
            inbox: VecDeque::new(),
            wake: None,
            mute: false,
            peer_reachable: false,
            ended: None,
        };
        connection.feed(now, Input::Opened);
        Ok(connection)
    }

    /// Whether frames can still go either way.
    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// Whether the connection takes part: attached and not ended.
    pub(crate) const fn is_live(&self) -> bool {
        self.is_open() && self.attached.is_some()
    }

    /// Whom a connection of one chat is facing.
    pub(crate) fn peer(&self) -> Option<&koine_core::UserKey> {
        match self.attached.as_ref()?.scope {
            Scope::Peer(ref peer) => Some(peer),
            Scope::All => None,
        }
    }

    /// A text frame of the client's.
    pub(crate) fn frame(&mut self, now: Timestamp, text: &str) -> Result<()> {
        if std::mem::take(&mut self.unclaimed) && !self.dialect.recognizes(text) {
            bail!("the first frame belongs to no dialect, so a listener that others share cannot tell: `listener own`");
        }
        self.feed(now, Input::Frame(text));
        Ok(())
    }

    /// Hands something in and takes what comes out.
    pub(crate) fn feed(&mut self, now: Timestamp, input: Input<'_>) {
        if !matches!(self.state, State::Waiting | State::Open) {
            return;
        }
        let mut out = Outputs::new();
        self.session.handle(now, input, &mut out);
        let outputs: Vec<Output> = out.drain().collect();
        for output in outputs {
            match output {
                Output::Accept => self.state = State::Open,
                Output::Reject(response) => self.end(State::Refused(response), now),
                Output::Command { tag, token, command } => self.commands.push_back(Asked { tag, token, command }),
                Output::Send(text) => self.inbox.push_back(text),
                Output::WakeAt(moment) => self.wake = Some(moment),
                Output::NoWake => self.wake = None,
                Output::Close(code, reason) => self.end(State::Closed(code, reason), now),
            }
        }
    }

    /// Ends the connection: nothing is handed in or carried out any more.
    pub(crate) fn end(&mut self, state: State, now: Timestamp) {
        self.state = state;
        self.ended = Some(now);
        self.wake = None;
        self.commands.clear();
    }
}

/// The upgrade request of a path with its query.
fn request(dialect: &dyn Dialect, path: &str) -> Result<SocketRequest> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let mut router = matchit::Router::new();
    for pattern in dialect.sockets() {
        for pattern in super::http::both_slashes(pattern) {
            router.insert(pattern, ()).context("a socket's path")?;
        }
    }
    let found = router.at(path).or_else(|_| router.at(path.trim_end_matches('/')));
    let found = found.ok().with_context(|| format!("{} opens no socket on `{path}`", dialect.name()))?;
    let path = super::http::captures(&found.params);
    Ok(SocketRequest { path, query, headers: http::HeaderMap::new() })
}

/// Paths that only one dialect opens sockets on.
fn request_is_alone(path: &str) -> bool {
    !matches!(path.split('?').next().unwrap_or_default().trim_end_matches('/'), "/ws" | "")
}
