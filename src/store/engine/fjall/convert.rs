//! Between fjall's types and ours.

use bytes::Bytes;
use fjall::{Guard, LsmError};

use crate::store::engine::{EngineError, Pair};

/// A copy: fjall's own slice would keep the block around it in memory.
pub(super) fn bytes(slice: &[u8]) -> Bytes {
    Bytes::copy_from_slice(slice)
}

pub(super) fn pair(guard: Guard) -> fjall::Result<Pair> {
    let (key, value) = guard.into_inner()?;
    Ok((bytes(&key), bytes(&value)))
}

/// What fjall's error means to us.
pub(super) fn failed(action: impl Into<String>, error: fjall::Error) -> EngineError {
    match error {
        fjall::Error::Io(source) | fjall::Error::Storage(LsmError::Io(source)) => EngineError::io(action, source),
        fjall::Error::Poisoned => {
            EngineError::Poisoned { reason: "fjall met an I/O error in the background; its own log has it".to_owned() }
        }
        other => EngineError::corrupt(format!("{}: {other}", action.into())),
    }
}
