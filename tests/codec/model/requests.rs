//! Friend requests, join requests, invitations.

use std::sync::Arc;

use koine_core::{
    ConversationId, Error, ErrorKind, Event, Reply, Request, RequestAnswer, RequestId, RequestKind, RequestState,
    UserId, UserKey,
};

use super::{Answer, Model};

type Note = Option<Arc<str>>;

impl Model {
    pub(super) fn invite(&mut self, user: UserId, group: ConversationId, invited: &UserKey, note: Note) -> Answer {
        let invited = self.find(invited)?.id;
        let talk = self.group_talk(group)?;
        talk.member(user)?;
        if talk.member(invited).is_ok() {
            return Err(ErrorKind::AlreadyMember.into());
        }
        self.ask(RequestKind::Invitation(self.group_ref(group)?), user, invited, note)
    }

    pub(super) fn join(&mut self, user: UserId, group: ConversationId, note: Note) -> Answer {
        if self.group_talk(group)?.member(user).is_ok() {
            return Err(ErrorKind::AlreadyMember.into());
        }
        let manager = self.manager(group)?;
        self.ask(RequestKind::Join(self.group_ref(group)?), user, manager, note)
    }

    pub(super) fn befriend(&mut self, user: UserId, with: &UserKey, note: Note) -> Answer {
        let with = self.find(with)?.id;
        if with == user {
            return Err(Error::bad_request("nobody can become a friend of oneself"));
        }
        if self.friends.contains(&(user, with)) {
            return Err(ErrorKind::AlreadyMember.into());
        }
        self.ask(RequestKind::Friend, user, with, note)
    }

    fn ask(&mut self, kind: RequestKind, from: UserId, to: UserId, note: Note) -> Answer {
        let known = self.requests.values().find(|request| {
            request.state == RequestState::Pending
                && request.kind == kind
                && request.from.id == from
                && request.to.id == to
        });
        if let Some(request) = known {
            return Ok(Reply::Requested(request.clone()));
        }
        let last = self.requests.keys().next_back().map_or(0, |id| id.get());
        let request = Arc::new(Request {
            id: RequestId::new(last + 1),
            kind,
            from: self.user(from)?,
            to: self.user(to)?.to_ref(),
            note,
            created: self.now,
            state: RequestState::Pending,
            decided: None,
        });
        self.requests.insert(request.id, request.clone());
        self.publish(Event::Requested(request.clone()), [to], None);
        Ok(Reply::Requested(request))
    }

    /// Pending requests addressed to a user, oldest first.
    pub(crate) fn pending_requests(&self, user: UserId) -> impl Iterator<Item = &Arc<Request>> {
        let pending = move |request: &&Arc<Request>| request.state == RequestState::Pending && request.to.id == user;
        self.requests.values().filter(pending)
    }

    pub(super) fn invitations(&self, user: UserId) -> Reply {
        let invitations = self.pending_requests(user);
        let invitations = invitations.filter(|request| matches!(request.kind, RequestKind::Invitation(_)));
        Reply::Requests(invitations.cloned().collect())
    }

    /// Whom a request is addressed to.
    pub(crate) fn addressee(&self, id: RequestId) -> Option<UserId> {
        self.requests.get(&id).map(|request| request.to.id)
    }

    pub(super) fn decide(&mut self, user: UserId, id: RequestId, answer: RequestAnswer, groups: bool) -> Answer {
        let not_found = Error::new(ErrorKind::RequestNotFound);
        let known = self.requests.get(&id).filter(|request| !groups || request.kind.group().is_some());
        let mut request = (**known.ok_or_else(|| not_found.clone())?).clone();
        if request.to.id != user {
            return Err(ErrorKind::NotAddressee.into());
        }
        if request.state != RequestState::Pending {
            return Err(not_found);
        }
        request.state = match answer {
            RequestAnswer::Accept => RequestState::Accepted,
            RequestAnswer::Refuse => RequestState::Refused,
        };
        request.decided = Some(self.now);
        let from = request.from.id;
        if answer == RequestAnswer::Accept {
            match &request.kind {
                RequestKind::Friend => self.make_friends(from, user),
                RequestKind::Join(group) => self.let_in(group.id, from, user)?,
                RequestKind::Invitation(group) => self.let_in(group.id, user, from)?,
            }
        }
        let request = Arc::new(request);
        self.requests.insert(id, request.clone());
        self.publish(Event::Decided(request), [from], None);
        Ok(Reply::Done)
    }

    pub(super) fn expire_requests(&mut self, group: ConversationId) {
        for request in self.requests.values_mut() {
            if request.state == RequestState::Pending && request.kind.group().is_some_and(|about| about.id == group) {
                Arc::make_mut(request).state = RequestState::Expired;
            }
        }
    }
}
