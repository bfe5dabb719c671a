//! SHA-256 of secrets, so that what is kept and compared is never the secret itself.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};

/// The SHA-256 of a text.
#[derive(Clone, Copy)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    /// Hashes a text.
    pub(super) fn of(text: &str) -> Self {
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(digest(&SHA256, text.as_bytes()).as_ref()) {
            *to = *from;
        }
        Self(bytes)
    }

    /// Compares in constant time.
    pub(super) fn same(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }

    /// The hash itself.
    pub(super) const fn bytes(&self) -> [u8; 32] {
        self.0
    }
}

/// Compares two secrets of any length in constant time, as far as their contents go.
pub(super) fn same_secret(one: &str, other: &str) -> bool {
    Digest::of(one).same(&Digest::of(other))
}
