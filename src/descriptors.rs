//! How many file descriptors the process may have, and who gets how many of them.
//!
//! A connection more is a connection refused; a file of the store that cannot be opened ends all writing. So
//! connections never get the last descriptors.

/// What the process needs in any case: standard streams, the runtime's own, listeners, the lock, the store's
/// log, files that are replaced now and then.
const OWN: usize = 24;
/// More files than this the store does not keep open.
const MOST_FOR_STORE: usize = 900;
/// More connections than this operators do not need.
const MOST_FOR_MANAGEMENT: usize = 64;

/// Raises the limit on descriptors as far as the system lets this process.
pub(crate) fn raise() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        if limit.current != limit.maximum
            && let Err(error) = setrlimit(Resource::Nofile, raised)
        {
            tracing::debug!(%error, "the limit on file descriptors cannot be raised");
        }
    }
}

/// How many descriptors connections of clients may take. The store keeps [`for_store`] of them, and uploads and
/// what else comes and goes have room.
pub(crate) fn for_connections() -> usize {
    connections_of(limit())
}

/// How many descriptors connections of the management listener may take. Not counted as clients' are: an operator
/// gets in when those have filled the gateway, and fills it for nobody.
pub(crate) fn for_management() -> usize {
    management_of(limit())
}

/// How many files the store may keep open.
pub(crate) fn for_store() -> usize {
    store_of(limit())
}

fn connections_of(limit: usize) -> usize {
    limit.saturating_sub(OWN + store_of(limit) + management_of(limit) + passing_of(limit)).max(1)
}

fn management_of(limit: usize) -> usize {
    (limit / 16).clamp(4, MOST_FOR_MANAGEMENT)
}

fn store_of(limit: usize) -> usize {
    (limit / 8).clamp(8, (256 + limit / 512).min(MOST_FOR_STORE))
}

/// For uploads and whatever else comes and goes.
fn passing_of(limit: usize) -> usize {
    (limit / 16).min(96)
}

#[cfg(unix)]
fn limit() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
}

#[cfg(not(unix))]
fn limit() -> usize {
    usize::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_to_the_store_and_to_what_comes_and_goes() {
        for limit in [64, 256, 1_024, 20_000, 1 << 20] {
            let connections = connections_of(limit);
            assert!(connections + store_of(limit) + management_of(limit) + OWN < limit, "{connections} of {limit}");
            assert!(connections > limit / 4, "only {connections} of {limit}");
        }
        assert!(connections_of(20_000) >= 19_500);
    }

    #[test]
    fn a_limit_that_is_far_too_low_still_lets_somebody_in() {
        assert_eq!(connections_of(0), 1);
    }
}
