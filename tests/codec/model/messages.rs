//! Sending, delivering, reading.

use std::sync::Arc;

use koine_core::{
    ChatId, ChatKey, Content, ConversationId, Error, ErrorKind, Event, Message, MessageEvent, MessageId, Place,
    Receipt, Reply, SendMessage, Sent, Target, UserId,
};

use super::{Answer, Committed, Entry, Model, TalkShape};

/// 2024-01-01 in milliseconds, where message ids begin to count.
const EPOCH: i64 = 1_704_067_200_000;

impl Model {
    pub(super) fn next_message_id(&mut self) -> MessageId {
        let by_time = u64::try_from(self.now.as_millis() - EPOCH).unwrap_or(0) << 13;
        self.last_message_id = by_time.max(self.last_message_id + 1);
        MessageId::new(self.last_message_id)
    }

    pub(super) fn send(&mut self, user: UserId, send: &SendMessage) -> Answer {
        if send.content.size() > self.settings.message_bytes {
            return Err(ErrorKind::TooLarge.into());
        }
        if send.content.depth() > Content::DEEPEST {
            return Err(Error::bad_request("the content is nested too deep"));
        }
        let conversation = self.target(user, &send.target)?;
        if let Some(sent) = self.repeated(user, conversation, send)? {
            return Ok(Reply::Sent(sent));
        }
        let id = self.next_message_id();
        let talk = self.talk(conversation)?;
        let seq = talk.head() + 1;
        let place = match &talk.shape {
            TalkShape::Direct { users: [first, second], .. } => {
                Place::Direct { receiver: self.user(if *first == user { *second } else { *first })?.to_ref() }
            }
            TalkShape::Group { .. } => Place::Group(self.group_ref(conversation)?),
        };
        let message = Arc::new(Message {
            id,
            client_id: send.client_id,
            conversation,
            seq,
            sender: self.user(user)?.to_ref(),
            place,
            time: self.now,
            content: send.content.clone(),
        });
        let members = talk.order.clone();
        let hidden = members.iter().copied().filter(|member| self.blocks.contains(&(*member, user))).collect();
        if send.reads {
            self.read_up_to(user, conversation, seq - 1)?;
        }
        let ack_id = self.next_message_id();
        let receipt = Sent { id, client_id: send.client_id, conversation, seq, time: self.now, ack_id };
        let committed = Committed { content: send.content.clone(), sent: receipt.clone() };
        self.wire_ids.insert(send.client_id.unwrap_or(id.get()), (user, committed.clone()));
        if let Some(key) = &send.key {
            self.keys.insert((user, key.clone()), committed);
        }
        let entry = Entry { message: message.clone(), hidden };
        let to: Vec<UserId> = members.into_iter().filter(|member| !entry.hidden.contains(member)).collect();
        self.talk_mut(conversation)?.log.push(entry);
        let event = MessageEvent { message, conversation: Arc::new(self.conversation(conversation)?) };
        self.publish(Event::Message(event), to, Some(user));
        Ok(Reply::Sent(receipt))
    }

    fn target(&mut self, user: UserId, target: &Target) -> Result<ConversationId, Error> {
        let id = match target {
            Target::User(key) => {
                let to = self.find(key)?.id;
                self.permitted(user, to)?;
                return Ok(self.direct(user, to, None)?.0);
            }
            Target::Group(id) => self.group_talk(*id)?.id,
            Target::Conversation(id) => self.talk(*id)?.id,
        };
        let talk = self.talk(id)?;
        talk.member(user)?;
        if let TalkShape::Direct { users: [first, second], .. } = talk.shape {
            self.permitted(user, if first == user { second } else { first })?;
        }
        Ok(id)
    }

    fn permitted(&self, from: UserId, to: UserId) -> Result<(), Error> {
        let permitted = !self.settings.friends_only || from == to || self.friends.contains(&(from, to));
        if permitted { Ok(()) } else { Err(ErrorKind::NotFriends.into()) }
    }

    /// What an earlier send under the same key or id was answered with.
    fn repeated(
        &mut self,
        user: UserId,
        conversation: ConversationId,
        send: &SendMessage,
    ) -> Result<Option<Sent>, Error> {
        let by_id = send.client_id.and_then(|id| self.wire_ids.get(&id).cloned());
        let by_key = send.key.as_ref().and_then(|key| self.keys.get(&(user, key.clone())).cloned());
        let new_id = send.client_id.filter(|_| by_id.is_none());
        if new_id.is_some_and(|id| id == 0 || (id < 1 << 53 && id > self.last_message_id)) {
            return Err(Error::bad_request("the id has not been given out"));
        }
        let Some((sender, earlier)) = by_id.or(by_key.map(|earlier| (user, earlier))) else { return Ok(None) };
        let same = sender == user && earlier.sent.conversation == conversation && earlier.content == send.content;
        if !same {
            return Err(ErrorKind::KeyConflict.into());
        }
        Ok(Some(Sent { ack_id: self.next_message_id(), ..earlier.sent }))
    }

    /// Notes what was delivered, and read where `read`.
    pub(crate) fn confirm(&mut self, user: UserId, receipt: &Receipt, read: bool) -> Reply {
        for (conversation, first, last) in &receipt.ranges {
            if let Ok(member) = self.talk_mut(*conversation).and_then(|talk| talk.member_mut(user)) {
                member.delivered.extend(*first..=*last);
            }
            if read {
                let _ = self.read_up_to(user, *conversation, *last);
            }
        }
        Reply::Done
    }

    pub(super) fn acknowledge(&mut self, user: UserId, wire_ids: &[u64]) -> Reply {
        for talk in self.talks.values_mut() {
            let seqs = talk.log.iter().filter(|entry| wire_ids.contains(&entry.message.wire_id()));
            let seqs: Vec<u64> = seqs.map(|entry| entry.message.seq).collect();
            if let Ok(member) = talk.member_mut(user) {
                member.delivered.extend(seqs);
            }
        }
        Reply::Done
    }

    pub(super) fn mark_read(&mut self, user: UserId, key: ChatKey) -> Answer {
        let conversation = match key {
            ChatKey::Conversation(id) => id,
            ChatKey::Chat(chat) => self.chat(user, chat)?,
        };
        let talk = self.talk(conversation)?;
        talk.member(user)?;
        let (marked, head) = (talk.unread(user), talk.head());
        self.read_up_to(user, conversation, head)?;
        Ok(Reply::Marked(marked))
    }

    pub(super) fn hide_chat(&mut self, user: UserId, chat: ChatId) -> Answer {
        let conversation = self.chat(user, chat)?;
        let talk = self.talk_mut(conversation)?;
        let head = talk.head();
        talk.member_mut(user)?.hidden_at = Some(head);
        Ok(Reply::Done)
    }

    fn chat(&self, user: UserId, chat: ChatId) -> Result<ConversationId, Error> {
        let mut talks = self.talks.values();
        let talk = talks.find(|talk| talk.members.get(&user).is_some_and(|member| member.chat == chat));
        talk.map(|talk| talk.id).ok_or(ErrorKind::ChatNotFound.into())
    }

    fn read_up_to(&mut self, user: UserId, conversation: ConversationId, seq: u64) -> Result<(), Error> {
        let now = self.now;
        let member = self.talk_mut(conversation)?.member_mut(user)?;
        if seq > member.read {
            member.read = seq;
            member.read_steps.push((seq, now));
        }
        Ok(())
    }

    /// How many messages a user has not read in a conversation.
    pub(crate) fn unread(&self, user: UserId, conversation: ConversationId) -> u64 {
        self.talk(conversation).map_or(0, |talk| talk.unread(user))
    }

    /// Pending messages of a user, oldest first per conversation, with the conversations as they are.
    pub(crate) fn pending_events(&self, user: UserId) -> Result<Vec<MessageEvent>, Error> {
        let mut events = Vec::new();
        for talk in self.talks.values() {
            let conversation = Arc::new(self.conversation(talk.id)?);
            events.extend(
                talk.pending(user)
                    .map(|entry| MessageEvent { message: entry.message.clone(), conversation: conversation.clone() }),
            );
        }
        events.sort_by_key(|event| event.message.id);
        Ok(events)
    }
}
