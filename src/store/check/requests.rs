//! Requests, and what leads to the pending ones.

use koine_core::{ConversationId, RequestId, UserId};

use super::walk::{Checker, Compared};
use crate::store::embedded::keys;
use crate::store::embedded::records::{RequestKindRecord, RequestRecord, RequestStateRecord, ShapeRecord};
use crate::store::embedded::spaces;
use crate::store::engine::Space;

const SPACE: Space = spaces::REQUESTS;

impl Checker<'_> {
    /// Every request is between users and, unless it is about friendship, about a group.
    pub(super) fn requests(&mut self) {
        self.records::<RequestRecord>(SPACE, |checker, key, request| {
            let number = keys::read_number(key).unwrap_or(u64::MAX);
            checker.expect(number <= checker.counters.request, SPACE, key, "the number was never handed out");
            for user in [request.from, request.to] {
                if !checker.is_user(user)? {
                    checker.find(SPACE, key, format!("user {user} is missing"));
                }
            }
            if request.kind == RequestKindRecord::Friend {
                checker.expect(request.group == 0, SPACE, key, "a friend request is about a group");
            } else {
                let shape = checker.conversation(request.group)?.map(|record| record.shape);
                let group = matches!(shape, Some(ShapeRecord::Group { .. }));
                checker.expect(group, SPACE, key, "the group it is about is missing");
            }
            let pending = request.state == RequestStateRecord::Pending;
            checker.expect(pending == request.decided.is_none(), SPACE, key, "decided and not, at the same time");
            if pending { checker.pending(key, number, &request) } else { Ok(()) }
        });
    }

    fn pending(&mut self, key: &[u8], number: u64, request: &RequestRecord) -> Compared {
        let open = self.get(spaces::REQUESTS_OPEN, &open_key(request))?;
        let found = open.as_deref().and_then(keys::read_number);
        self.expect(found == Some(number), SPACE, key, "it is pending, and not found as such");
        if request.group != 0 {
            let about = keys::request_about(ConversationId::new(request.group), RequestId::new(number));
            let listed = self.get(spaces::REQUESTS_ABOUT, &about)?.is_some();
            self.expect(listed, SPACE, key, "it is pending, and not listed with its group");
        }
        Ok(())
    }

    /// Whatever leads to a pending request leads to one.
    pub(super) fn request_indexes(&mut self) {
        self.walk(spaces::REQUESTS_OPEN, |checker, key, value| {
            let request = checker.pending_request(value)?;
            let same = request.is_some_and(|request| open_key(&request) == key);
            checker.expect(same, spaces::REQUESTS_OPEN, key, "there is no such pending request");
            Ok(())
        });
        self.walk(spaces::REQUESTS_TO, |checker, key, _| {
            let (to, number) = keys::numbers(key).unwrap_or_default();
            let request = checker.pending_request(&keys::number(number))?;
            let same = request.is_some_and(|request| request.to == to);
            checker.expect(same, spaces::REQUESTS_TO, key, "there is no such pending request");
            Ok(())
        });
        self.walk(spaces::REQUESTS_ABOUT, |checker, key, _| {
            let (group, number) = keys::numbers(key).unwrap_or_default();
            let request = checker.pending_request(&keys::number(number))?;
            let same = request.is_some_and(|request| request.group == group);
            checker.expect(same, spaces::REQUESTS_ABOUT, key, "there is no such pending request");
            Ok(())
        });
    }

    fn pending_request(&self, key: &[u8]) -> Compared<Option<RequestRecord>> {
        let request = self.look_up::<RequestRecord>(SPACE, key)?;
        Ok(request.filter(|request| request.state == RequestStateRecord::Pending))
    }
}

fn open_key(request: &RequestRecord) -> Vec<u8> {
    let (from, to) = (UserId::new(request.from), UserId::new(request.to));
    keys::request_open(request.kind.byte(), from, to, request.group)
}
