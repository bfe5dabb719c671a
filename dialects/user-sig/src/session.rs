//! A WebSocket connection.

use koine_core::{
    Attach, Authenticate, Claim, Command, ConfirmBy, Content, Error, Handle, Input, Opening, Outputs, Purpose, Reply,
    Scope, SendMessage, Session, SocketRequest, Tag, Target, Timestamp, Token, UserKey,
};
use serde_json::value::RawValue;

use crate::wire::{KickedOutFrame, ReadyFrame, SendRequest};
use crate::{error, params};

/// The wire state of a connection (`WebSocket接口` - 聊天). Everything that changes it is in this file.
///
/// ```text
///          opened                      authenticated             attached
///   Fresh ───────────► Authenticating ───────────────► Attaching ──────────► Ready ◄─┐ frame, failure
///     │                      │                             │                 │  └────┘
///     │ names nobody         │ refused, ended              │ failed,         │ ended,
///     ▼                      ▼                             ▼ ended, closing  ▼ closing
///   Over ◄───────────────────┴─────────────────────────────┴─────────────────┘
/// ```
///
/// | transition | puts out |
/// |---|---|
/// | opened | authenticate |
/// | names nobody, refused | accept, close 4003, 4004, 1013 or 1011 |
/// | authenticated | accept, attach |
/// | attached | `SDK_READY` |
/// | failed | close 1013 or 1011 |
/// | frame | send, or `ERROR` |
/// | failure | `ERROR` |
/// | ended | `KICKED_OUT` (before `Attaching`: accept instead), close 1008 or 1001 |
/// | closing | `KICKED_OUT` |
///
/// A frame that arrives while attaching is served like any other: the user is known by then. A message that was
/// sent is answered by its own event (`MESSAGE_SEND_SUCCESS` on every device), so nothing waits for replies.
#[derive(Debug)]
pub(crate) struct UserSigSession {
    phase: Phase,
    next_tag: u64,
    entropy: [u8; 16],
}

#[derive(Debug)]
enum Phase {
    /// Nothing has happened. `None`: the path names nobody.
    Fresh(Option<Authenticate>),
    /// The sig of the path is being checked; the handshake waits for it.
    Authenticating,
    /// The connection is accepted and being subscribed.
    Attaching,
    /// `SDK_READY` was sent.
    Ready,
    /// It ends; nothing more is said.
    Over,
}

const AUTHENTICATE: Tag = Tag(0);
const ATTACH: Tag = Tag(1);
const FIRST_SEND: u64 = 2;

impl UserSigSession {
    /// A session for an upgrade request on `/ws/chat/{user_id}/{user_sig}/`.
    pub(crate) fn new(request: &SocketRequest, opening: &Opening) -> Self {
        Self { phase: Phase::Fresh(credentials(request)), next_tag: FIRST_SEND, entropy: opening.entropy }
    }

    fn opened(&mut self, out: &mut Outputs) {
        let Phase::Fresh(credentials) = std::mem::replace(&mut self.phase, Phase::Authenticating) else { return };
        match credentials {
            Some(authenticate) => out.command(AUTHENTICATE, Command::Authenticate(authenticate)),
            None => self.refuse(&koine_core::ErrorKind::Unauthenticated.into(), out),
        }
    }

    fn authenticated(&mut self, result: Result<Reply, Error>, out: &mut Outputs) {
        match result {
            Ok(Reply::Authenticated(_)) => {
                self.phase = Phase::Attaching;
                out.accept();
                out.command(
                    ATTACH,
                    Command::Attach(Attach {
                        scope: Scope::All,
                        catch_up: false,
                        confirm: ConfirmBy::Pong,
                        confirmed_is_read: false,
                    }),
                );
            }
            Ok(_) => self.refuse(&Error::internal(), out),
            Err(error) => self.refuse(&error, out),
        }
    }

    fn attached(&mut self, result: Result<Reply, Error>, out: &mut Outputs) {
        match result {
            Ok(Reply::Attached) => {
                self.phase = Phase::Ready;
                out.send_json(&ReadyFrame::new(device_id(self.entropy).into()));
            }
            Ok(_) => self.close_for(&Error::internal(), out),
            Err(error) => self.close_for(&error, out),
        }
    }

    /// 发消息.
    fn frame(&mut self, text: &str, out: &mut Outputs) {
        match message(text) {
            Ok(message) => {
                out.command(Tag(self.next_tag), Command::Send(message));
                self.next_tag = self.next_tag.wrapping_add(1).max(FIRST_SEND);
            }
            Err(error) => out.send_json(&error::frame(&error)),
        }
    }

    /// Completes the handshake only to close: browsers see the code of a close frame, not an HTTP status.
    fn refuse(&mut self, error: &Error, out: &mut Outputs) {
        out.accept();
        self.close_for(error, out);
    }

    fn close_for(&mut self, error: &Error, out: &mut Outputs) {
        self.phase = Phase::Over;
        let (code, reason) = error::wire(error.kind()).close;
        out.close(code, reason);
    }

    /// 断开连接. Whoever is not accepted yet is accepted, to be closed.
    fn end(&mut self, out: &mut Outputs) {
        match self.phase {
            Phase::Fresh(_) | Phase::Authenticating => out.accept(),
            Phase::Attaching | Phase::Ready => out.send_json(&KickedOutFrame::new()),
            Phase::Over => {}
        }
        self.phase = Phase::Over;
    }
}

impl Session for UserSigSession {
    fn handle(&mut self, _: Timestamp, input: Input<'_>, out: &mut Outputs) {
        match (&self.phase, input) {
            (Phase::Fresh(_), Input::Opened) => self.opened(out),
            (Phase::Authenticating, Input::Reply(AUTHENTICATE, result)) => self.authenticated(result, out),
            (Phase::Attaching, Input::Reply(ATTACH, result)) => self.attached(result, out),
            (Phase::Attaching | Phase::Ready, Input::Frame(text)) => self.frame(text, out),
            (Phase::Attaching | Phase::Ready, Input::Refused(_, error) | Input::Reply(_, Err(error))) => {
                out.send_json(&error::frame(&error));
            }
            (Phase::Fresh(_) | Phase::Authenticating | Phase::Attaching | Phase::Ready, Input::Ended(reason)) => {
                self.end(out);
                out.close(reason.close_code(), reason.word());
            }
            (Phase::Attaching | Phase::Ready, Input::Closing) => self.end(out),
            // The event says what became of a message; a session that is over has nothing more to say; frames
            // before the handshake and answers to nothing do not occur.
            _ => {}
        }
    }
}

/// What the path says; `None` if nobody can have that `user_id`, or there is no sig.
fn credentials(request: &SocketRequest) -> Option<Authenticate> {
    let user = Handle::new(request.capture("user_id")?).ok()?;
    let sig = request.capture("user_sig").filter(|sig| !sig.is_empty())?;
    Some(Authenticate {
        token: Token::new(sig),
        purpose: Purpose::UserSig,
        claim: Some(Claim::User(UserKey::Handle(user))),
    })
}

/// The message that a frame asks to be sent.
fn message(text: &str) -> Result<SendMessage, Error> {
    let request: SendRequest<'_> = serde_json::from_str(text).map_err(|_| Error::bad_request("消息不是JSON对象"))?;
    let conversation = params::to_session(request.to_session.as_deref())?;
    let content = Content::json(request.content.as_deref().unwrap_or(RawValue::NULL))
        .ok_or_else(|| params::malformed("content"))?;
    Ok(SendMessage { target: Target::Conversation(conversation), content, client_id: None, key: None, reads: false })
}

/// Eight letters or digits.
fn device_id(entropy: [u8; 16]) -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = u128::from_le_bytes(entropy);
    let mut digit = || {
        let place = usize::try_from(rest % 62).unwrap_or_default();
        rest /= 62;
        ALPHABET.get(place).copied().map_or('0', char::from)
    };
    (0..8).map(|_| digit()).collect()
}
