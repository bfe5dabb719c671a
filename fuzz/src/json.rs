//! What every dialect owes its clients.

use serde::de::IgnoredAny;

/// Fails unless a text is one whole JSON object.
pub(crate) fn assert_object(text: &str, whose: &str) {
    let is_json = serde_json::from_str::<IgnoredAny>(text).is_ok();
    assert!(is_json && text.starts_with('{'), "{whose}: no JSON object: {text}");
}

/// Fails unless bytes are one whole JSON value.
pub(crate) fn assert_json(bytes: &[u8], whose: &str) {
    let is_json = serde_json::from_slice::<IgnoredAny>(bytes).is_ok();
    assert!(is_json, "{whose}: no JSON: {}", String::from_utf8_lossy(bytes));
}
