//! How things are shown in JSON.

use koine_core::{Handle, Profile, Timestamp, User, UserId};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

/// What a segment of a path cannot hold as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A user.
#[derive(Debug, Serialize)]
pub(super) struct UserView<'a> {
    handle: &'a Handle,
    number: UserId,
    profile: &'a Profile,
    disabled: bool,
    created_at: Option<String>,
    login_at: Option<String>,
}

impl<'a> UserView<'a> {
    pub(super) fn of(user: &'a User) -> Self {
        Self {
            handle: &user.handle,
            number: user.id,
            profile: &user.profile,
            disabled: user.disabled,
            created_at: moment(user.created),
            login_at: user.login.and_then(moment),
        }
    }
}

/// A moment as RFC 3339 has it, in UTC; `None` beyond the year 9999.
pub(super) fn moment(moment: Timestamp) -> Option<String> {
    jiff::Timestamp::from_millisecond(moment.as_millis()).ok().map(|moment| moment.to_string())
}

/// The path of a user.
pub(super) fn user_path(handle: &Handle) -> String {
    format!("/v1/users/{}", utf8_percent_encode(handle.as_str(), SEGMENT))
}
