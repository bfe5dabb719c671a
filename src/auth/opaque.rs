//! Random tokens that are kept as their hash, and can be revoked.

use std::sync::Arc;

use koine_core::UserKey;

use super::Directory;
use super::provider::{Judging, Proof, Provider, Question, Subject, Verdict};

/// Looks tokens up by their SHA-256. What is revoked is gone, so it is nobody's.
pub(super) struct Opaque {
    directory: Arc<dyn Directory>,
}

impl Opaque {
    /// Looks up in `directory`.
    pub(super) fn new(directory: Arc<dyn Directory>) -> Self {
        Self { directory }
    }
}

impl Provider for Opaque {
    fn judge<'a>(&'a self, question: &'a Question<'a>) -> Judging<'a> {
        Box::pin(async move {
            let Some(stored) = self.directory.opaque_token(question.hash()).await? else {
                return Ok(Verdict::NotMine);
            };
            let good = question.is_access()
                && stored.dialect.is_none_or(|dialect| dialect == question.dialect)
                && stored.expires.is_none_or(|expires| question.now < expires);
            Ok(if good {
                Verdict::Good(Proof { subject: Subject::Named(UserKey::Id(stored.user)), expires: stored.expires })
            } else {
                Verdict::Bad
            })
        })
    }
}
