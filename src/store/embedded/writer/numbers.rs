//! Numbers that are handed out.

use koine_core::{ChatId, ConversationId, Error, ErrorKind, RequestId, UserId};

use super::{Failure, Writer};
use crate::store::StoreError;
use crate::store::embedded::records::Record;
use crate::store::embedded::spaces;
use crate::store::embedded::view::View;
use crate::store::engine::Engine;

/// Numbers that are handed out.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Counters {
    user: u64,
    conversation: u64,
    chat: u64,
    request: u64,
    token: u64,
    /// How many users there are; numbers may have been given from outside.
    users: u64,
    /// How many conversations there are or were.
    conversations: u64,
}

/// The highest number that may be given from outside, so that there are numbers after it.
const HIGHEST_GIVEN: u64 = u64::MAX >> 1;

/// Where they are kept.
pub(in crate::store) const KEY: &[u8] = b"counters";

impl Counters {
    /// The counters as an earlier process left them.
    pub(super) fn read(engine: &dyn Engine) -> Result<Self, StoreError> {
        let Some(bytes) = engine.get(spaces::META, KEY)? else { return Ok(Self::default()) };
        let numbers: Vec<u64> = Vec::decode(&bytes)?;
        let [user, conversation, chat, request, token, users, conversations] = numbers[..] else {
            return Err(StoreError::corrupt("the counters cannot be read"));
        };
        Ok(Self { user, conversation, chat, request, token, users, conversations })
    }

    /// The counters as they are written.
    pub(super) fn to_record(self) -> Vec<u64> {
        let Self { user, conversation, chat, request, token, users, conversations } = self;
        vec![user, conversation, chat, request, token, users, conversations]
    }
}

impl Writer {
    /// The next user number, or the given one if it is free.
    pub(crate) fn next_user(&mut self, wanted: Option<UserId>) -> Result<UserId, Failure> {
        if let Some(id) = wanted {
            check_given(id.get())?;
            if self.user(id)?.is_some() {
                return Err(ErrorKind::UserExists.into());
            }
            self.counters.users += 1;
            self.counters.user = self.counters.user.max(id.get());
            return Ok(id);
        }
        self.counters.users += 1;
        self.counters.user += 1;
        Ok(UserId::new(self.counters.user))
    }

    /// The next conversation number, or the given one if it is free.
    pub(crate) fn next_conversation(&mut self, wanted: Option<ConversationId>) -> Result<ConversationId, Failure> {
        if let Some(id) = wanted {
            check_given(id.get())?;
            if self.state(id)?.is_some() {
                return Err(Error::with_detail(ErrorKind::KeyConflict, "the group number is taken").into());
            }
            self.counters.conversations += 1;
            self.counters.conversation = self.counters.conversation.max(id.get());
            return Ok(id);
        }
        self.counters.conversations += 1;
        self.counters.conversation += 1;
        Ok(ConversationId::new(self.counters.conversation))
    }

    /// The next row number.
    pub(crate) fn next_chat(&mut self) -> ChatId {
        self.counters.chat += 1;
        ChatId::new(self.counters.chat)
    }

    /// The next request number.
    pub(crate) fn next_request(&mut self) -> RequestId {
        self.counters.request += 1;
        RequestId::new(self.counters.request)
    }

    /// The next token number.
    pub(crate) fn next_token(&mut self) -> u64 {
        self.counters.token += 1;
        self.counters.token
    }

    /// How many users and conversations were ever made.
    pub(crate) const fn totals(&self) -> (u64, u64) {
        (self.counters.users, self.counters.conversations)
    }
}

/// Refuses a number from outside that cannot be one.
fn check_given(number: u64) -> Result<(), Failure> {
    if (1..=HIGHEST_GIVEN).contains(&number) {
        return Ok(());
    }
    Err(Error::bad_request("the number is not between 1 and 9223372036854775807").into())
}
