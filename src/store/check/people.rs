//! Users, and what belongs to a user or lies between two.

use koine_core::Handle;

use super::walk::{Checker, Compared};
use crate::store::embedded::records::{TokenRecord, UserRecord};
use crate::store::embedded::{keys, spaces};
use crate::store::engine::Space;

impl Checker<'_> {
    /// Every user has a handle of its own, and a number that was handed out.
    pub(super) fn users(&mut self) {
        const SPACE: Space = spaces::USERS;
        self.records::<UserRecord>(SPACE, |checker, key, user| {
            checker.report.users += 1;
            let number = keys::read_number(key).unwrap_or(0);
            checker.expect(number > 0, SPACE, key, "the number is not a user's");
            checker.expect(number <= checker.counters.user, SPACE, key, "the number was never handed out");
            checker.expect(Handle::new(&user.handle).is_ok(), SPACE, key, "the handle is impossible");
            let found = checker.get(spaces::HANDLES, user.handle.as_bytes())?;
            let own = found.as_deref() == Some(key);
            checker.expect(own, SPACE, key, "the handle does not lead back to the user");
            Ok(())
        });
        let (there, counted) = (self.report.users, self.counters.users);
        if there != counted {
            self.note("users", String::new(), format!("there are {there}, and {counted} were registered"));
        }
    }

    /// Every handle is a user's.
    pub(super) fn handles(&mut self) {
        const SPACE: Space = spaces::HANDLES;
        self.walk(SPACE, |checker, key, value| {
            let user = checker.look_up::<UserRecord>(spaces::USERS, value)?;
            let same = user.is_some_and(|user| user.handle.as_bytes() == key);
            checker.expect(same, SPACE, key, "no user has this handle");
            Ok(())
        });
    }

    /// Every token is a user's, and found by its hash.
    pub(super) fn tokens(&mut self) {
        const SPACE: Space = spaces::TOKENS;
        self.records::<TokenRecord>(SPACE, |checker, key, token| {
            let number = keys::read_number(key).unwrap_or(u64::MAX);
            checker.expect(number <= checker.counters.token, SPACE, key, "the number was never handed out");
            let known = checker.is_user(token.user)?;
            checker.expect(known, SPACE, key, "its user is missing");
            let found = checker.get(spaces::TOKEN_HASHES, &token.hash)?;
            checker.expect(found.as_deref() == Some(key), SPACE, key, "its hash does not lead back to it");
            Ok(())
        });
    }

    /// Every hash is a token's.
    pub(super) fn token_hashes(&mut self) {
        const SPACE: Space = spaces::TOKEN_HASHES;
        self.walk(SPACE, |checker, key, value| {
            let token = checker.look_up::<TokenRecord>(spaces::TOKENS, value)?;
            checker.expect(token.is_some_and(|token| token.hash == key), SPACE, key, "no token has this hash");
            Ok(())
        });
    }

    /// Friends are friends of each other.
    pub(super) fn friends(&mut self) {
        const SPACE: Space = spaces::FRIENDS;
        self.records::<i64>(SPACE, |checker, key, since| {
            if let Some((one, other)) = checker.two_users(SPACE, key)? {
                let back = checker.look_up::<i64>(SPACE, &keys::two_numbers(other, one))?;
                checker.expect(back == Some(since), SPACE, key, "the friendship is not mutual");
            }
            Ok(())
        });
    }

    /// Blocks are between users.
    pub(super) fn blocks(&mut self) {
        self.records::<i64>(spaces::BLOCKED_BY, |checker, key, _| {
            checker.two_users(spaces::BLOCKED_BY, key)?;
            Ok(())
        });
    }

    /// Two different users that a key names.
    fn two_users(&mut self, space: Space, key: &[u8]) -> Compared<Option<(u64, u64)>> {
        let Some((one, other)) = keys::numbers(key) else {
            self.find(space, key, "the key does not name two users");
            return Ok(None);
        };
        self.expect(one != other, space, key, "it is between a user and itself");
        for user in [one, other] {
            if !self.is_user(user)? {
                self.find(space, key, format!("user {user} is missing"));
            }
        }
        Ok(Some((one, other)))
    }
}
