//! Engines may panic on damaged data; the gateway must not.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::EngineError;

/// Runs a call into an engine; a panic in it becomes [`EngineError::Corrupt`].
///
/// A writer treats that as any other failure and poisons itself, so a state that the panic left half
/// changed is never written to again.
pub(super) fn guarded<T>(call: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| Err(EngineError::corrupt(describe(&*panic))))
}

fn describe(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the engine panicked: {}", text.unwrap_or("without a message"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_inside_an_engine_becomes_an_error_with_its_text() {
        let result = guarded::<()>(|| panic!("page 7 is torn"));
        assert!(matches!(result, Err(EngineError::Corrupt { detail }) if detail.contains("page 7 is torn")));
    }
}
