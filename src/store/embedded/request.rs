//! Requests: made, decided, expired.

use std::sync::Arc;
use std::time::Duration;

use koine_core::{
    ConversationId, Error, ErrorKind, Event, Reply, Request, RequestAnswer, RequestId, User, UserId, UserKey,
};

use super::keys;
use super::records::{RequestKindRecord, RequestRecord, RequestStateRecord};
use super::rows::read_request;
use super::spaces;
use super::view::View;
use super::writer::{Failure, Writer};
use crate::store::{Effect, Outcome};

impl Writer {
    /// Invites a user into a group.
    pub(super) fn invite(
        &mut self,
        by: Option<UserId>,
        group: ConversationId,
        user: &UserKey,
        note: Option<Arc<str>>,
        effects: &mut Vec<Effect>,
    ) -> Result<Outcome, Failure> {
        let inviter = self.actor(by)?;
        let group = self.group(group)?;
        if !self.is_member(inviter.id, group.id)? {
            return Err(ErrorKind::NotMember.into());
        }
        let invited = self.require_user(user)?;
        if self.is_member(invited.id, group.id)? {
            return Err(ErrorKind::AlreadyMember.into());
        }
        self.ask(RequestKindRecord::Invitation, &inviter, invited.id, Some(group.id), note, effects)
    }

    /// Applies to join a group.
    pub(super) fn join(
        &mut self,
        by: Option<UserId>,
        group: ConversationId,
        note: Option<Arc<str>>,
        effects: &mut Vec<Effect>,
    ) -> Result<Outcome, Failure> {
        let applicant = self.actor(by)?;
        let group = self.group(group)?;
        if self.is_member(applicant.id, group.id)? {
            return Err(ErrorKind::AlreadyMember.into());
        }
        self.ask(RequestKindRecord::Join, &applicant, group.manager, Some(group.id), note, effects)
    }

    /// Applies to become a user's friend.
    pub(super) fn befriend(
        &mut self,
        by: Option<UserId>,
        with: &UserKey,
        note: Option<Arc<str>>,
        effects: &mut Vec<Effect>,
    ) -> Result<Outcome, Failure> {
        let applicant = self.actor(by)?;
        let user = self.require_user(with)?;
        if user.id == applicant.id {
            return Err(Error::bad_request("nobody can become a friend of oneself").into());
        }
        if self.get(spaces::FRIENDS, &keys::two_users(applicant.id, user.id))?.is_some() {
            return Err(Error::with_detail(ErrorKind::AlreadyMember, "they are friends already").into());
        }
        self.ask(RequestKindRecord::Friend, &applicant, user.id, None, note, effects)
    }

    fn ask(
        &mut self,
        kind: RequestKindRecord,
        from: &Arc<User>,
        to: UserId,
        group: Option<ConversationId>,
        note: Option<Arc<str>>,
        effects: &mut Vec<Effect>,
    ) -> Result<Outcome, Failure> {
        let group_number = group.map_or(0, ConversationId::get);
        let open = keys::request_open(kind.byte(), from.id, to, group_number);
        // Who has blocked the asker never hears of the request, and the asker is not told so.
        let unheard = self.blockers_of(from.id)?.contains(&to);
        if let Some(id) = self.get(spaces::REQUESTS_OPEN, &open)?.and_then(|bytes| keys::read_number(&bytes)) {
            let id = RequestId::new(id);
            if let Some(record) = self.record::<RequestRecord>(spaces::REQUESTS, &keys::number(id.get()))? {
                let heard = self.get(spaces::REQUESTS_TO, &keys::request_to(to, id))?.is_some();
                if !self.is_expired(&record) && (heard || unheard) {
                    return Ok(Outcome::Reply(Reply::Requested(Arc::new(read_request(self, id, &record)?))));
                }
                self.close(id, record, RequestStateRecord::Expired)?;
            }
        }
        let id = self.next_request();
        let record = RequestRecord {
            kind,
            from: from.id.get(),
            to: to.get(),
            group: group_number,
            note,
            created: self.now.as_millis(),
            state: RequestStateRecord::Pending,
            decided: None,
        };
        self.put(spaces::REQUESTS, keys::number(id.get()), &record)?;
        self.put_raw(spaces::REQUESTS_OPEN, open, keys::number(id.get()));
        if let Some(group) = group {
            self.put_raw(spaces::REQUESTS_ABOUT, keys::request_about(group, id), Vec::new());
        }
        let request = Arc::new(read_request(self, id, &record)?);
        if unheard {
            return Ok(Outcome::Reply(Reply::Requested(request)));
        }
        self.put_raw(spaces::REQUESTS_TO, keys::request_to(to, id), Vec::new());
        tell_request(Event::Requested(request.clone()), &request, to, effects);
        Ok(Outcome::Reply(Reply::Requested(request)))
    }

    /// Decides a request.
    pub(super) fn decide_request(
        &mut self,
        by: Option<UserId>,
        id: RequestId,
        answer: RequestAnswer,
        groups: bool,
        friends: bool,
        effects: &mut Vec<Effect>,
    ) -> Result<Outcome, Failure> {
        let record = self
            .record::<RequestRecord>(spaces::REQUESTS, &keys::number(id.get()))?
            .filter(|record| if record.kind == RequestKindRecord::Friend { friends } else { groups })
            .ok_or(ErrorKind::RequestNotFound)?;
        if by.is_some_and(|user| user.get() != record.to) {
            return Err(ErrorKind::NotAddressee.into());
        }
        if record.state != RequestStateRecord::Pending || self.is_expired(&record) {
            return Err(ErrorKind::RequestNotFound.into());
        }
        let accepted = answer == RequestAnswer::Accept;
        if accepted {
            self.grant(&record, effects)?;
        }
        let state = if accepted { RequestStateRecord::Accepted } else { RequestStateRecord::Refused };
        let record = self.close(id, record, state)?;
        let request = Arc::new(read_request(self, id, &record)?);
        tell_request(Event::Decided(request.clone()), &request, UserId::new(record.from), effects);
        Ok(Outcome::Reply(Reply::Done))
    }

    fn grant(&mut self, record: &RequestRecord, effects: &mut Vec<Effect>) -> Result<(), Failure> {
        let (from, to) = (UserId::new(record.from), UserId::new(record.to));
        let joining = match record.kind {
            RequestKindRecord::Friend => {
                let since = self.now.as_millis();
                self.put(spaces::FRIENDS, keys::two_users(from, to), &since)?;
                self.put(spaces::FRIENDS, keys::two_users(to, from), &since)?;
                return Ok(());
            }
            RequestKindRecord::Join => from,
            RequestKindRecord::Invitation => to,
        };
        let group = self.group(ConversationId::new(record.group)).map_err(|failure| match failure {
            Failure::Refused(_) => ErrorKind::RequestNotFound.into(),
            failure @ Failure::Store(_) => failure,
        })?;
        if !self.is_member(joining, group.id)? {
            let by = self.known_user(if joining == from { to } else { from })?;
            self.let_in(&group, joining, &by, effects)?;
        }
        Ok(())
    }

    fn close(
        &mut self,
        id: RequestId,
        record: RequestRecord,
        state: RequestStateRecord,
    ) -> Result<RequestRecord, Failure> {
        let (from, to) = (UserId::new(record.from), UserId::new(record.to));
        self.delete(spaces::REQUESTS_OPEN, keys::request_open(record.kind.byte(), from, to, record.group));
        self.delete(spaces::REQUESTS_TO, keys::request_to(to, id));
        if record.group != 0 {
            self.delete(spaces::REQUESTS_ABOUT, keys::request_about(ConversationId::new(record.group), id));
        }
        let record = RequestRecord { state, decided: Some(self.now.as_millis()), ..record };
        self.put(spaces::REQUESTS, keys::number(id.get()), &record)?;
        Ok(record)
    }

    /// Closes the pending requests about a group that is gone.
    pub(super) fn expire_requests_about(&mut self, group: ConversationId) -> Result<(), Failure> {
        let mut pending = Vec::new();
        self.each_with_prefix(spaces::REQUESTS_ABOUT, &keys::conversation(group), |key, _| {
            pending.extend(keys::numbers(key).map(|(_, request)| RequestId::new(request)));
            Ok(())
        })?;
        for id in pending {
            if let Some(record) = self.record::<RequestRecord>(spaces::REQUESTS, &keys::number(id.get()))? {
                self.close(id, record, RequestStateRecord::Expired)?;
            }
        }
        Ok(())
    }

    fn is_expired(&self, record: &RequestRecord) -> bool {
        is_expired(record, self.now.as_millis(), self.settings.request_ttl)
    }
}

/// Whether a request is too old to be decided.
pub(super) fn is_expired(record: &RequestRecord, now: i64, ttl: Duration) -> bool {
    now.saturating_sub(record.created) > i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX)
}

fn tell_request(event: Event, request: &Arc<Request>, to: UserId, effects: &mut Vec<Effect>) {
    let group = request.kind.group().map(|group| group.id);
    effects.push(Effect::Tell { event: Arc::new(event), group, to: vec![to], own: None });
}
