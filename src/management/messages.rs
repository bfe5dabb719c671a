//! Messages: sent in a user's name, and read by the operator.

use koine_core::{
    Body, Content, ConversationId, Handle, IdempotencyKey, Kind, Message, MessageId, Place, SendMessage, Target,
    UserKey,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Management;
use super::answer::Answer;
use super::call::Call;
use super::paging::{self, List};
use super::problem::Problem;
use super::show::moment;

/// The longest word for a kind, in bytes.
const LONGEST_KIND: usize = 64;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewMessage {
    from: Handle,
    to: Option<Handle>,
    group: Option<ConversationId>,
    content: Box<RawValue>,
    kind: Option<String>,
    key: Option<String>,
}

#[derive(Serialize)]
struct Sent {
    id: MessageId,
    conversation: ConversationId,
    seq: u64,
}

/// `POST /v1/messages`: the same rules hold as for the sender's own clients. A repeat under the same
/// `key` gets the same answer and is not delivered again.
pub(super) async fn send(api: &Management, call: &Call) -> Result<Answer, Problem> {
    let NewMessage { from, to, group, content, kind, key } = call.json()?;
    let target = match (to, group) {
        (Some(to), None) => Target::User(UserKey::Handle(to)),
        (None, Some(group)) => Target::Group(group),
        _ => return Err(Problem::bad_request("the body: exactly one of `to` and `group` is wanted")),
    };
    let key = key.as_deref().map(checked_key).transpose()?;
    let kind = kind.as_deref().map_or(Ok(Kind::Text), checked_kind)?;
    let content = Content::Present { kind, body: body_of(&content)? };
    let send = SendMessage { target, content, client_id: None, key, reads: false };
    let sent = api.hub.send_as(&UserKey::Handle(from), send).await?;
    Answer::created(&Sent { id: sent.id, conversation: sent.conversation, seq: sent.seq })
}

#[derive(Serialize)]
struct MessageView<'a> {
    id: MessageId,
    conversation: ConversationId,
    seq: u64,
    from: &'a Handle,
    /// The other side of a direct conversation.
    to: Option<&'a Handle>,
    /// The group it was said to.
    group: Option<ConversationId>,
    /// `None`, as the content, where it was erased.
    kind: Option<&'a str>,
    content: Option<&'a Body>,
    sent_at: Option<String>,
}

/// `GET /v1/conversations/{conversation}/messages`, the newest first: those before a `seq`. The `next` of
/// a page is good as `before` as well as `after`. A dissolved group stays readable.
pub(super) async fn list(api: &Management, call: &Call) -> Result<Answer, Problem> {
    let [before, after, limit] = call.query(["before", "after", "limit"])?;
    let limit = paging::limit(limit)?;
    let before = match (before, after) {
        (Some(_), Some(_)) => return Err(Problem::bad_request("the query has both `before` and `after`")),
        (Some(seq), None) | (None, Some(seq)) => Some(seq.parse().map_err(|_| {
            Problem::bad_request("the query's `before` is neither a message's `seq` nor the `next` of a page")
        })?),
        (None, None) => None,
    };
    let (_, messages) = api.hub.log(call.conversation()?, before, limit).await?;
    let full = messages.len() == limit;
    // The first message of a conversation has the seq 1.
    let next = messages.last().map(|message| message.seq).filter(|seq| full && *seq > 1);
    Answer::ok(&List::new(messages.iter().map(|message| view(message)).collect(), next))
}

/// A JSON value as the body of a message or a notification.
pub(super) fn body_of(content: &RawValue) -> Result<Body, Problem> {
    Body::from_raw(content)
        .ok_or_else(|| Problem::bad_request("the body: `content` has an escape that is no character"))
}

fn checked_key(key: &str) -> Result<IdempotencyKey, Problem> {
    let most = IdempotencyKey::MAX_BYTES;
    IdempotencyKey::new(key).ok_or_else(|| Problem::bad_request(format!("the body: `key` is not of 1 to {most} bytes")))
}

fn checked_kind(word: &str) -> Result<Kind, Problem> {
    match word {
        "text" => Ok(Kind::Text),
        "image" => Ok(Kind::Image),
        "file" => Ok(Kind::File),
        "" => Err(Problem::bad_request("the body: `kind` is empty")),
        other if other.len() > LONGEST_KIND => {
            Err(Problem::bad_request(format!("the body: `kind` is longer than {LONGEST_KIND} bytes")))
        }
        other => Ok(Kind::Other(other.into())),
    }
}

fn view(message: &Message) -> MessageView<'_> {
    let (to, group) = match &message.place {
        Place::Direct { receiver } => (Some(&receiver.handle), None),
        Place::Group(group) => (None, Some(group.id)),
    };
    let (kind, content) = match &message.content {
        Content::Present { kind, body } => (Some(word(kind)), Some(body)),
        Content::Erased => (None, None),
    };
    MessageView {
        id: message.id,
        conversation: message.conversation,
        seq: message.seq,
        from: &message.sender.handle,
        to,
        group,
        kind,
        content,
        sent_at: moment(message.time),
    }
}

fn word(kind: &Kind) -> &str {
    match kind {
        Kind::Text => "text",
        Kind::Image => "image",
        Kind::File => "file",
        Kind::Other(word) => word,
    }
}
