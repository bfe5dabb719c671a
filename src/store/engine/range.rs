//! Ranges.

use std::ops::Bound;

use super::KeyRange;

/// Whether no key can lie in a range. Engines disagree on such ranges, some by panicking, so they are
/// answered before an engine sees them.
pub(super) fn is_empty((low, high): KeyRange<'_>) -> bool {
    match (low, high) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(low), Bound::Included(high)) => low > high,
        (Bound::Included(low) | Bound::Excluded(low), Bound::Excluded(high))
        | (Bound::Excluded(low), Bound::Included(high)) => low >= high,
    }
}
