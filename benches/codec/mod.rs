//! The pure path of a message through a dialect, without sockets or a store: what the sender's frame becomes, what
//! the sender is told, and what a receiver is sent.

use std::sync::Arc;

use koine::bench::text::{self, Stamp};
use koine::bench::wire::{self, Person};
use koine::config::{Config, DialectName};
use koine::dialects::Dialects;
use koine_core::{
    Authenticated, Command, ConnectionId, Content, Conversation, ConversationId, Dialect, Event, Handle, Input,
    Message, MessageEvent, MessageId, Opening, Output, Outputs, Place, Profile, Reply, SendMessage, Sent, Session,
    Shape, SocketRequest, Tag, Timestamp, User, UserId, View, Zone,
};

/// Friday noon.
const NOW: Timestamp = Timestamp::from_millis(1_763_640_000_000);

/// One dialect's connection with a user who is known, and the message of 120 bytes that it sends.
pub(crate) struct Codec {
    dialect: Arc<dyn Dialect>,
    session: Box<dyn Session>,
    frame: String,
    event: Event,
    outputs: Outputs,
}

impl Codec {
    /// Connects and authenticates.
    pub(crate) fn new(name: DialectName) -> Self {
        let dialects = Dialects::new(&Config::default(), &Zone::utc(), true);
        let dialect = dialects.get(name).expect("every dialect is there").dialect.clone();
        let (tom, jack) = (user(1, "tom"), user(2, "jack"));
        let person = Person { handle: "tom".to_owned(), number: 1, token: "demo-tom".to_owned() };
        let target = wire::Target::User { handle: "jack".to_owned(), number: 2, session: 3 };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let path = match name {
            DialectName::UserSig => vec![pair("user_id", "tom"), pair("user_sig", "demo-tom")],
            DialectName::StatusCode => vec![pair("dest_user", "jack")],
            _ => Vec::new(),
        };
        let query = vec![pair("token", "demo-tom"), pair("access_token", "demo-tom")];
        let request = SocketRequest { path, query, headers: http::HeaderMap::new() };
        let opening = Opening { connection: ConnectionId::new(1), entropy: [7; 16], zone: Zone::utc() };
        let session = dialect.open(&request, opening);
        let frame = stamped(&wire::of(name).message(&person, &target));
        let event = event(&tom, &jack);
        let mut codec = Self { dialect, session, frame, event, outputs: Outputs::new() };
        codec.put_in(Input::Opened, &tom);
        // What is said only to be refused says nothing here.
        let opening = if wire::of(name).is_ready_when_refused() { Vec::new() } else { wire::of(name).opening(&person) };
        if let Some(first) = opening.first() {
            codec.put_in(Input::Frame(first), &tom);
        }
        codec
    }

    /// Hands an input in, and answers the commands that prove the user and attach the connection.
    fn put_in(&mut self, input: Input<'_>, user: &Arc<User>) {
        self.session.handle(NOW, input, &mut self.outputs);
        loop {
            let outputs: Vec<Output> = self.outputs.drain().collect();
            let asked = outputs.into_iter().find_map(|output| match output {
                Output::Command { tag, command, .. } => Some((tag, command)),
                _ => None,
            });
            let Some((tag, command)) = asked else { return };
            let reply = match command {
                Command::Authenticate(_) => Reply::Authenticated(Authenticated { user: user.clone(), expires: None }),
                Command::Attach(_) => Reply::Attached,
                other => panic!("a connection that opens asks for {other:?}"),
            };
            self.session.handle(NOW, Input::Reply(tag, Ok(reply)), &mut self.outputs);
        }
    }

    /// The sender's frame becomes a command.
    pub(crate) fn decode(&mut self) -> (Tag, SendMessage) {
        self.session.handle(NOW, Input::Frame(&self.frame), &mut self.outputs);
        match self.outputs.drain().next() {
            Some(Output::Command { tag, command: Command::Send(send), .. }) => (tag, send),
            other => panic!("{} became {other:?}", self.frame),
        }
    }

    /// The sender is told that the message was committed, where the dialect tells it by a reply.
    pub(crate) fn acknowledge(&mut self, tag: Tag) -> usize {
        let sent = Sent {
            id: MessageId::new(5),
            client_id: None,
            conversation: ConversationId::new(3),
            seq: 1,
            time: NOW,
            ack_id: MessageId::new(6),
        };
        self.session.handle(NOW, Input::Reply(tag, Ok(Reply::Sent(sent))), &mut self.outputs);
        let written = |output: Output| if let Output::Send(text) = output { text.len() } else { 0 };
        self.outputs.drain().map(written).sum()
    }

    /// The receivers' frame, and the one of the sender's own connections where the dialect has such; each is encoded
    /// once, however many get it.
    pub(crate) fn encode(&self) -> usize {
        let length = |view| self.dialect.encode(&self.event, view).map_or(0, |frame| frame.len());
        length(View::Other) + length(View::Own)
    }

    /// All of it.
    #[allow(dead_code, reason = "not every program that has this module times the whole path")]
    pub(crate) fn message(&mut self) -> usize {
        let (tag, send) = self.decode();
        send.content.size() + self.acknowledge(tag) + self.encode()
    }
}

fn user(number: u64, handle: &str) -> Arc<User> {
    let handle = Handle::new(handle).expect("a handle");
    let profile = Profile::default();
    Arc::new(User { id: UserId::new(number), handle, profile, disabled: false, created: NOW, login: None })
}

fn event(from: &Arc<User>, to: &Arc<User>) -> Event {
    let message = Message {
        id: MessageId::new(5),
        client_id: None,
        conversation: ConversationId::new(3),
        seq: 1,
        sender: from.to_ref(),
        place: Place::Direct { receiver: to.to_ref() },
        time: NOW,
        content: Content::text(&stamped(&text::blank())),
    };
    let shape = Shape::Direct { name: None, users: [from.clone(), to.clone()] };
    let conversation = Conversation { id: ConversationId::new(3), created: NOW, shape };
    Event::Message(MessageEvent { message: Arc::new(message), conversation: Arc::new(conversation) })
}

/// The same text with a message's digits in the place of the blanks.
fn stamped(json: &str) -> String {
    let mut text = text::blank().into_bytes();
    Stamp { stream: 1, sequence: 2, due: 3 }.write(&mut text);
    let text = String::from_utf8(text).expect("digits");
    let id = koine::bench::text::id(1, 1, 2).to_string();
    json.replace(&text::blank(), &text).replace(&koine::bench::frame::Template::blank_id(), &id)
}
