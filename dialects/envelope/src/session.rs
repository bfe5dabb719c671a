//! A connection: logins, and sends in between.

use std::collections::VecDeque;

use koine_core::{
    Attach, Authenticate, Command, ConfirmBy, Error, ErrorKind, Input, Outputs, Purpose, Reply, Scope, Session, Tag,
    Timestamp,
};

use crate::UniqueNo;
use crate::error::failure;
use crate::send::{self, Addressee};
use crate::wire::{Answer, ClientFrame, LoginResult, Params, Push, msg_type, url};

/// The state machine of one connection. All its transitions are in this file.
///
/// ```text
///   Stranger ◄── login failed: 8/400 ── Authenticating ◄── login ── Bound
///      │  └─────────── login ──────────────►  │   └─ failed: 8/400 ──► │ ▲
///      │ any other url: 非法访问！            │ Attach                 │ │
///      ▼                                      ▼                        │ │
///   (stays) ◄─── failed: 8/400 ────────── Attaching ── 8/200 ──────────┼─┘
///                                                                      │
///                                 send ► Send (token checked) ► 200 or 400 with uniqueNo
///                                 unknown url: 404
/// ```
///
/// While a login is under way every frame waits, in order (at most [`Waiting::MAX_FRAMES`] and
/// [`Waiting::MAX_BYTES`]). A login that fails leaves an earlier one as it was.
pub(crate) struct EnvelopeSession {
    unique_no: UniqueNo,
    entropy: [u8; 16],
    state: State,
    next_tag: u64,
    waiting: Waiting,
    sends: VecDeque<Sending>,
}

#[derive(Clone, Copy)]
enum State {
    Stranger,
    /// `bound`: whether an earlier login holds if this one fails.
    Authenticating {
        tag: Tag,
        bound: bool,
    },
    Attaching {
        tag: Tag,
    },
    Bound,
}

/// Frames that wait for a login to be decided.
#[derive(Default)]
struct Waiting {
    frames: VecDeque<Box<str>>,
    bytes: usize,
}

/// A send that has not been answered.
struct Sending {
    tag: Tag,
    to: Addressee,
    unique_no: Box<str>,
}

impl EnvelopeSession {
    pub(crate) fn new(unique_no: UniqueNo, entropy: [u8; 16]) -> Self {
        Self {
            unique_no,
            entropy,
            state: State::Stranger,
            next_tag: 0,
            waiting: Waiting::default(),
            sends: VecDeque::new(),
        }
    }
}

impl Session for EnvelopeSession {
    fn handle(&mut self, _now: Timestamp, input: Input<'_>, out: &mut Outputs) {
        match input {
            Input::Opened => out.accept(),
            Input::Frame(frame) => self.received(frame, out),
            Input::Refused(frame, error) => refuse(frame, &error, out),
            Input::Reply(tag, result) => self.answered(tag, result, out),
            Input::Ended(reason) => out.close(reason.close_code(), reason.word()),
            Input::Wake | Input::Closing => {}
        }
    }
}

impl EnvelopeSession {
    fn received(&mut self, frame: &str, out: &mut Outputs) {
        match self.state {
            State::Stranger | State::Bound => self.serve(frame, out),
            State::Authenticating { .. } | State::Attaching { .. } => {
                if let Err(error) = self.waiting.push(frame) {
                    refuse(Some(frame), &error, out);
                }
            }
        }
    }

    fn answered(&mut self, tag: Tag, result: Result<Reply, Error>, out: &mut Outputs) {
        match self.state {
            State::Authenticating { tag: login, bound } if login == tag => match result {
                Ok(Reply::Authenticated(_)) => self.attach(out),
                other => {
                    let state = if bound { State::Bound } else { State::Stranger };
                    self.decide(state, Err(other.err().unwrap_or(Error::internal())), out);
                }
            },
            State::Attaching { tag: login } if login == tag => match result {
                Ok(Reply::Attached) => self.decide(State::Bound, Ok(()), out),
                other => self.decide(State::Stranger, Err(other.err().unwrap_or(Error::internal())), out),
            },
            _ => self.sent(tag, &result, out),
        }
    }

    /// Serves a frame while no login is under way.
    fn serve(&mut self, frame: &str, out: &mut Outputs) {
        let bound = matches!(self.state, State::Bound);
        match ClientFrame::read(frame) {
            Err(error) => out.send_json(&Answer::plain(400, failure(&error).text)),
            Ok(ClientFrame { url: asked, params }) => match asked.text().unwrap_or_default() {
                asked if url::is(asked, url::LOGIN) => self.login(&params, bound, out),
                _ if !bound => out.send_json(&Answer::plain(400, "非法访问！")),
                asked if url::is(asked, url::SEND_MESSAGE) => self.send(Addressee::User, &params, out),
                asked if url::is(asked, url::SEND_GROUP_MESSAGE) => self.send(Addressee::Group, &params, out),
                _ => out.send_json(&Answer::plain(404, "无此方法！")),
            },
        }
    }

    /// 用户socket登录.
    fn login(&mut self, params: &Params<'_>, bound: bool, out: &mut Outputs) {
        match send::token(params) {
            Ok(token) => {
                let tag = self.tag();
                self.state = State::Authenticating { tag, bound };
                let authenticate = Authenticate { token, purpose: Purpose::Access, claim: None };
                out.command(tag, Command::Authenticate(authenticate));
            }
            Err(error) => login_failed(&error, out),
        }
    }

    fn attach(&mut self, out: &mut Outputs) {
        let tag = self.tag();
        self.state = State::Attaching { tag };
        let attach = Attach { scope: Scope::All, catch_up: true, confirm: ConfirmBy::Pong, confirmed_is_read: false };
        out.command(tag, Command::Attach(attach));
    }

    /// Ends a login, tells its result, and serves what waited for it, up to the next login.
    fn decide(&mut self, state: State, result: Result<(), Error>, out: &mut Outputs) {
        self.state = state;
        match result {
            Ok(()) => out.send_json(&login_result("200", "登录成功")),
            Err(error) => login_failed(&error, out),
        }
        while matches!(self.state, State::Stranger | State::Bound)
            && let Some(frame) = self.waiting.pop()
        {
            self.serve(&frame, out);
        }
    }

    /// 发送消息, 发送群组消息.
    fn send(&mut self, to: Addressee, params: &Params<'_>, out: &mut Outputs) {
        match send::message(to, params, self.unique_no, self.entropy) {
            Ok((token, message)) => {
                let tag = self.tag();
                let unique_no = params.unique_no.text().unwrap_or_default().into();
                self.sends.push_back(Sending { tag, to, unique_no });
                out.command_with_token(tag, token, Command::Send(message));
            }
            Err(error) => send_failed(to, params.unique_no.text(), &error, out),
        }
    }

    /// Answers a send.
    fn sent(&mut self, tag: Tag, result: &Result<Reply, Error>, out: &mut Outputs) {
        let place = self.sends.iter().position(|sending| sending.tag == tag);
        let Some(Sending { to, unique_no, .. }) = place.and_then(|place| self.sends.remove(place)) else { return };
        match result {
            Ok(_) => out.send(to.accepted(&unique_no)),
            Err(error) => send_failed(to, Some(&unique_no), error, out),
        }
        if self.sends.is_empty() {
            self.sends.shrink_to(4);
        }
    }

    fn tag(&mut self) -> Tag {
        self.next_tag += 1;
        Tag(self.next_tag)
    }
}

impl Waiting {
    /// Frames that may wait.
    const MAX_FRAMES: usize = 256;
    /// Text that may wait, in bytes.
    const MAX_BYTES: usize = 256 * 1024;

    /// Lets a frame wait; `RateLimited` if too much waits already.
    fn push(&mut self, frame: &str) -> Result<(), Error> {
        if self.frames.len() >= Self::MAX_FRAMES || self.bytes + frame.len() > Self::MAX_BYTES {
            return Err(ErrorKind::RateLimited.into());
        }
        self.bytes += frame.len();
        self.frames.push_back(frame.into());
        Ok(())
    }

    /// The oldest frame; gives the memory back with the last.
    fn pop(&mut self) -> Option<Box<str>> {
        let Some(frame) = self.frames.pop_front() else {
            *self = Self::default();
            return None;
        };
        self.bytes -= frame.len();
        Some(frame)
    }
}

/// Answers a frame that is not served, in the form of the request it is, where that can be told.
fn refuse(frame: Option<&str>, error: &Error, out: &mut Outputs) {
    let frame = frame.and_then(|frame| ClientFrame::read(frame).ok()).unwrap_or_default();
    let unique_no = frame.params.unique_no.text();
    match frame.url.text() {
        Some(asked) if url::is(asked, url::LOGIN) => login_failed(error, out),
        Some(asked) if url::is(asked, url::SEND_MESSAGE) => send_failed(Addressee::User, unique_no, error, out),
        Some(asked) if url::is(asked, url::SEND_GROUP_MESSAGE) => send_failed(Addressee::Group, unique_no, error, out),
        _ => out.send_json(&Answer::plain(400, failure(error).text)),
    }
}

fn send_failed(to: Addressee, unique_no: Option<&str>, error: &Error, out: &mut Outputs) {
    out.send_json(&Answer::refused(to.refused(), unique_no.unwrap_or_default(), failure(error).reason));
}

fn login_failed(error: &Error, out: &mut Outputs) {
    out.send_json(&login_result("400", &failure(error).text));
}

fn login_result<'a>(code: &'a str, msg: &'a str) -> Push<'a, LoginResult<'a>> {
    Push { msg_type: msg_type::LOGIN.into(), data: LoginResult { code: code.into(), msg: msg.into() } }
}
