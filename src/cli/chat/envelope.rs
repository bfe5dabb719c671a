//! A client of the envelope dialect: it logs in, numbers its requests, and counts the answers.

use std::collections::HashSet;

use aws_lc_rs::rand;
use data_encoding::HEXLOWER;
use koine_envelope::wire::{
    Answer, ClientFrame, DirectMessage, GroupMessage, LoginResult, Params, Push, msg_type, url,
};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::talk::{Heard, Party, Peer, Step, Talk, nobody};

pub(super) struct Envelope {
    party: Party,
    /// Makes this run's `uniqueNo`s differ from those of every other.
    run: String,
    count: u64,
    logged_in: bool,
    waiting: HashSet<String>,
}

impl Envelope {
    pub(super) fn new(party: Party) -> Self {
        let mut run = [0; 8];
        // Without random numbers the server would take repeats for retries, and say so.
        let _ = rand::fill(&mut run);
        Self { party, run: HEXLOWER.encode(&run), count: 0, logged_in: false, waiting: HashSet::new() }
    }

    fn answered(&mut self, answer: &Answer<'_>) -> Heard {
        let known = answer.obj.as_ref().is_some_and(|obj| self.waiting.remove(obj.unique_no.as_ref()));
        if !known {
            // An answer that names no request may be to any of them: to the oldest, as they are in order.
            let oldest = self.waiting.iter().min_by_key(|name| (name.len(), name.as_str().to_owned())).cloned();
            oldest.map(|name| self.waiting.remove(&name));
        }
        if answer.code == 200 {
            return Heard::nothing();
        }
        let reason = answer.obj.as_ref().and_then(|obj| obj.reason.as_deref()).unwrap_or_default();
        Heard::problem(format!("{} {reason}", answer.msg).trim_end())
    }

    fn pushed(&mut self, push: &Push<'_, &RawValue>) -> anyhow::Result<Heard> {
        let data = push.data.get();
        Ok(match push.msg_type.as_ref() {
            msg_type::DIRECT_MESSAGE => {
                let message: DirectMessage<'_> = serde_json::from_str(data)?;
                Heard::said(&message.send_user_id, message.message_content.into_owned())
            }
            msg_type::GROUP_MESSAGE => {
                let message: GroupMessage<'_> = serde_json::from_str(data)?;
                Heard::said(&message.send_user_id, message.message_content.into_owned())
            }
            msg_type::LOGIN => {
                let result: LoginResult<'_> = serde_json::from_str(data)?;
                self.logged_in = result.code == "200";
                if self.logged_in { Heard::nothing() } else { Heard::refused(result.msg) }
            }
            other => Heard::notice(what_happened(other, &serde_json::from_str(data)?)),
        })
    }
}

impl Talk for Envelope {
    fn path(&self) -> String {
        "/chat".to_owned()
    }

    fn opening(&mut self) -> anyhow::Result<Vec<String>> {
        let params = Params { token: self.party.token.as_str().into(), ..Params::default() };
        Ok(vec![serde_json::to_string(&ClientFrame { url: url::LOGIN.into(), params })?])
    }

    fn ready(&self) -> bool {
        self.logged_in
    }

    fn say<'a>(&'a mut self, text: &'a str) -> Step<'a, String> {
        Box::pin(async move {
            self.count += 1;
            let unique_no = format!("{}-{}", self.run, self.count);
            let common = Params {
                token: self.party.token.as_str().into(),
                unique_no: unique_no.as_str().into(),
                message_content: text.into(),
                ..Params::default()
            };
            let (url, params) = match &self.party.peer {
                Some(Peer::User(user)) => {
                    (url::SEND_MESSAGE, Params { receive_user_id: user.as_str().into(), ..common })
                }
                Some(Peer::Group(group)) => {
                    (url::SEND_GROUP_MESSAGE, Params { group_id: group.as_str().into(), ..common })
                }
                None => return Err(nobody()),
            };
            let frame = serde_json::to_string(&ClientFrame { url: url.into(), params })?;
            self.waiting.insert(unique_no);
            Ok(frame)
        })
    }

    fn hear(&mut self, frame: &str) -> anyhow::Result<Heard> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Frame<'a> {
            Answer {
                #[serde(rename = "code")]
                _code: u16,
            },
            Push {
                #[serde(rename = "msgType")]
                _msg_type: std::borrow::Cow<'a, str>,
            },
        }
        match serde_json::from_str(frame)? {
            Frame::Answer { .. } => Ok(self.answered(&serde_json::from_str(frame)?)),
            Frame::Push { .. } => self.pushed(&serde_json::from_str(frame)?),
        }
    }

    fn unanswered(&self) -> usize {
        self.waiting.len()
    }
}

/// A push that is no message, in words.
fn what_happened(msg_type: &str, data: &Value) -> String {
    let text = |key: &str| data.get(key).and_then(Value::as_str).unwrap_or("?");
    let who = text("applyNickName");
    match msg_type {
        msg_type::FRIEND_REQUEST => format!("{who} applies to be a friend: request {}", text("applyFriendId")),
        msg_type::JOIN_REQUEST => format!("{who} applies to join group {}", text("groupId")),
        msg_type::INVITATION => format!("{who} invites into group {}", text("groupId")),
        msg_type::FRIEND_REMOVED => format!("{who} is a friend no more"),
        msg_type::GROUP_REMOVED => format!("removed from group {} by {who}", text("groupId")),
        msg_type::FRIEND_DECISION => format!("friend request {} was decided", text("applyFriendId")),
        msg_type::GROUP_DECISION => format!("request {} about a group was decided", text("applyGroupId")),
        other => format!("a push of type {other}"),
    }
}
