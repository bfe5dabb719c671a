//! `demo-<handle>`: tokens for trying things out, good for whoever they name.

use std::sync::Arc;

use koine_core::{Handle, Token};

use super::Directory;
use super::provider::{Judging, Proof, Provider, Question, Subject, Verdict};

const PREFIX: &str = "demo-";

/// Believes every token of that form; its user comes into being with it.
pub(super) struct Demo {
    directory: Arc<dyn Directory>,
}

impl Demo {
    /// Registers users in `directory`.
    pub(super) fn new(directory: Arc<dyn Directory>) -> Self {
        Self { directory }
    }
}

impl Provider for Demo {
    fn judge<'a>(&'a self, question: &'a Question<'a>) -> Judging<'a> {
        Box::pin(async move {
            let Some(handle) = question.token.expose().strip_prefix(PREFIX) else {
                return Ok(Verdict::NotMine);
            };
            // As a `user_sig` it is no good: user-sig takes it as the rule key instead.
            let (true, Ok(handle)) = (question.is_access(), Handle::new(handle)) else {
                return Ok(Verdict::Bad);
            };
            let user = self.directory.ensure_user(handle).await?;
            Ok(Verdict::Good(Proof { subject: Subject::Known(user), expires: None }))
        })
    }
}

/// Whether a token is the demo token of this user.
pub(super) fn is_token_of(token: &Token, user: &Handle) -> bool {
    token.expose().strip_prefix(PREFIX) == Some(user.as_str())
}
