//! Engines may panic on damaged data; the gateway must not.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use super::EngineError;

/// Runs a call into an engine; a panic in it becomes [`EngineError::Corrupt`].
///
/// A writer treats that as any other failure and poisons itself, so a state that the panic left half
/// changed is never written to again.
pub(super) fn guarded<T>(call: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
    keep_quiet();
    let outer = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(call));
    GUARDED.set(outer);
    result.unwrap_or_else(|panic| Err(EngineError::corrupt(describe(&*panic))))
}

thread_local! {
    /// Whether this thread is in a call whose panic becomes an error.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// A panic that becomes an error is not printed as if the gateway had failed.
fn keep_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if GUARDED.get() {
                tracing::debug!(%info, "an engine panicked");
            } else {
                print(info);
            }
        }));
    });
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
