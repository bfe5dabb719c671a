//! Tokens from the configuration (provider `static`).

use std::collections::HashMap;

use koine_core::{Handle, UserKey};

use super::digest::Digest;
use super::provider::{Judging, Proof, Provider, Question, Subject, Verdict};
use crate::config::StaticTokens;

/// Handles by the SHA-256 of their token: how long a look-up takes tells nothing about the tokens.
pub(super) struct Fixed {
    handles: HashMap<[u8; 32], Handle>,
}

impl Fixed {
    /// Takes the tokens; an invalid handle is refused by [`crate::config::Config::validate`].
    pub(super) fn new(tokens: &StaticTokens) -> Self {
        let handles = tokens
            .iter()
            .filter_map(|(token, handle)| Some((Digest::of(token).bytes(), Handle::new(handle).ok()?)))
            .collect();
        Self { handles }
    }
}

impl Provider for Fixed {
    fn judge<'a>(&'a self, question: &'a Question<'a>) -> Judging<'a> {
        let verdict = match self.handles.get(&question.hash()) {
            None => Verdict::NotMine,
            Some(_) if !question.is_access() => Verdict::Bad,
            Some(handle) => {
                Verdict::Good(Proof { subject: Subject::Named(UserKey::Handle(handle.clone())), expires: None })
            }
        };
        Box::pin(std::future::ready(Ok(verdict)))
    }
}
