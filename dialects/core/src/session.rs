//! WebSocket connections as state machines without I/O.

use crate::{Command, ConnectionId, EndReason, Error, HttpResponse, Reply, Timestamp, Token, Zone};

/// The wire state of one connection of one dialect. The gateway's driver feeds it inputs and carries
/// its outputs out in order; it never blocks, reads no clock and knows no socket.
///
/// The driver's side of the contract:
/// - the first input is [`Input::Opened`];
/// - commands are carried out in the order they were put out, and each gets exactly one
///   [`Input::Reply`] with its tag, unless the connection ends first;
/// - the user is bound by the driver when an `Authenticate` command succeeds, and by nothing else;
/// - after the reply to an `Attach` command has been handled, events are encoded by
///   [`crate::Dialect::encode`] and go to the socket without passing through the session;
/// - nothing is handed in after [`Output::Close`] or [`Output::Reject`].
pub trait Session: Send {
    /// Takes one input in and puts out what follows from it. `now` is the wall clock.
    fn handle(&mut self, now: Timestamp, input: Input<'_>, out: &mut Outputs);

    /// The auth-ack id of the message that a frame acknowledges, where that can be told at a glance and is all that the
    /// frame is about: if it is done on the spot, the frame need not be handed in.
    fn acknowledges(&mut self, _frame: &str) -> Option<u64> {
        None
    }
}

/// What a session is made with.
#[derive(Debug, Clone)]
pub struct Opening {
    /// The connection.
    pub connection: ConnectionId,
    /// Random bytes for the session to make identifiers from.
    pub entropy: [u8; 16],
    /// The zone for dates shown as text.
    pub zone: Zone,
}

/// Names a command within its connection, so that its reply can be told from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u64);

/// What happens to a session.
#[derive(Debug)]
pub enum Input<'a> {
    /// The upgrade request has arrived; nothing has been answered yet.
    Opened,
    /// A text frame.
    Frame(&'a str),
    /// A frame that cannot be served: too large or binary (`None`: not readable), or above the rate
    /// (its text is given, so that the error can name what it answers).
    Refused(Option<&'a str>, Error),
    /// The answer to a command.
    Reply(Tag, Result<Reply, Error>),
    /// The moment of [`Output::WakeAt`] has come.
    Wake,
    /// The server ends the connection: say so in the dialect, then close.
    Ended(EndReason),
    /// The client's close frame has arrived; frames put out now leave before the close reply.
    Closing,
}

/// What a session wants done.
#[derive(Debug)]
pub enum Output {
    /// Complete the WebSocket handshake. Frames can be sent from here on.
    Accept,
    /// Answer the upgrade request with a plain HTTP response; the connection is over.
    Reject(HttpResponse),
    /// Carry a command out.
    Command {
        /// Names it.
        tag: Tag,
        /// A token that must belong to the connection's user for the command to be carried out
        /// (envelope repeats it in every request); else the reply is `Unauthenticated`.
        token: Option<Token>,
        /// The command.
        command: Command,
    },
    /// Send a text frame.
    Send(String),
    /// Hand in [`Input::Wake`] at this moment; replaces an earlier one.
    WakeAt(Timestamp),
    /// No [`Input::Wake`] any more.
    NoWake,
    /// Send a close frame with this code and reason, and end.
    Close(u16, &'static str),
}

/// The outputs of one input, in order.
#[derive(Debug, Default)]
pub struct Outputs(Vec<Output>);

impl Outputs {
    /// No outputs yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Completes the handshake.
    pub fn accept(&mut self) {
        self.0.push(Output::Accept);
    }

    /// Answers the upgrade request with a plain response.
    pub fn reject(&mut self, response: HttpResponse) {
        self.0.push(Output::Reject(response));
    }

    /// Asks for a command.
    pub fn command(&mut self, tag: Tag, command: Command) {
        self.0.push(Output::Command { tag, token: None, command });
    }

    /// Asks for a command under a token that must be the bound user's.
    pub fn command_with_token(&mut self, tag: Tag, token: Token, command: Command) {
        self.0.push(Output::Command { tag, token: Some(token), command });
    }

    /// Sends a value as a JSON text frame.
    pub fn send_json(&mut self, value: &impl serde::Serialize) {
        if let Ok(text) = serde_json::to_string(value) {
            self.0.push(Output::Send(text));
        }
    }

    /// Sends a text frame.
    pub fn send(&mut self, text: String) {
        self.0.push(Output::Send(text));
    }

    /// Asks to be woken.
    pub fn wake_at(&mut self, moment: Timestamp) {
        self.0.push(Output::WakeAt(moment));
    }

    /// Asks not to be woken.
    pub fn no_wake(&mut self) {
        self.0.push(Output::NoWake);
    }

    /// Closes the connection.
    pub fn close(&mut self, code: u16, reason: &'static str) {
        self.0.push(Output::Close(code, reason));
    }

    /// Takes the outputs out, leaving none.
    pub fn drain(&mut self) -> std::vec::Drain<'_, Output> {
        self.0.drain(..)
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
