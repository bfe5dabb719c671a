//! Whether an engine still accepts commits.

use std::sync::OnceLock;

use super::EngineError;

/// Set once, by the first failure to write.
#[derive(Debug, Default)]
pub(super) struct Health(OnceLock<String>);

impl Health {
    /// [`EngineError::Poisoned`] once a write has failed.
    pub(super) fn check(&self) -> Result<(), EngineError> {
        match self.0.get() {
            None => Ok(()),
            Some(reason) => Err(EngineError::Poisoned { reason: reason.clone() }),
        }
    }

    /// Ends all further commits; the first reason stays.
    pub(super) fn poison(&self, failure: &EngineError) {
        let reason = match failure {
            EngineError::Poisoned { reason } => reason.clone(),
            other => other.to_string(),
        };
        if self.0.set(reason).is_ok() {
            tracing::error!(error = %failure, "the store accepts no more commits");
        }
    }
}
