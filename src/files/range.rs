//! Which part of a file a request asks for (RFC 9110, 14).

/// What to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// From the first byte for so many.
    Some {
        /// The first byte, from 0.
        first: u64,
        /// How many bytes, at least 1.
        length: u64,
    },
    /// None of it exists.
    Unsatisfiable,
}

/// Reads a `Range` header for a file of `size` bytes. What is not a single range of bytes is ignored,
/// as the standard allows.
pub(super) fn parse(header: &str, size: u64) -> Part {
    let Some((unit, ranges)) = header.split_once('=') else { return Part::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") || ranges.contains(',') {
        return Part::Whole;
    }
    let Some((first, last)) = ranges.trim().split_once('-') else { return Part::Whole };
    match (number(first), number(last)) {
        (Number::Absent, Number::Is(suffix)) => from(size.saturating_sub(suffix), size, suffix == 0),
        (Number::Is(first), Number::Absent) => from(first, size, false),
        (Number::Is(first), Number::Is(last)) if first <= last => from(first, last.saturating_add(1).min(size), false),
        _ => Part::Whole,
    }
}

fn from(first: u64, end: u64, empty: bool) -> Part {
    match end.checked_sub(first) {
        Some(length) if length > 0 && !empty => Part::Some { first, length },
        _ => Part::Unsatisfiable,
    }
}

enum Number {
    Absent,
    Is(u64),
    Not,
}

fn number(text: &str) -> Number {
    match text.trim() {
        "" => Number::Absent,
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            // More digits than fit name a byte beyond any file.
            Number::Is(digits.parse().unwrap_or(u64::MAX))
        }
        _ => Number::Not,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn single_ranges_are_cut_to_the_file() {
        let some = |first, length| Part::Some { first, length };
        for (header, part) in [
            ("bytes=0-0", some(0, 1)),
            ("bytes=2-5", some(2, 4)),
            ("bytes=8-", some(8, 2)),
            ("bytes=-3", some(7, 3)),
            ("bytes=-99", some(0, 10)),
            ("bytes=5-99", some(5, 5)),
            ("Bytes = 2-5", some(2, 4)),
            ("bytes=0-99999999999999999999999", some(0, 10)),
        ] {
            assert_eq!(parse(header, 10), part, "{header}");
        }
    }

    #[test]
    fn ranges_beyond_the_file_cannot_be_satisfied() {
        for header in ["bytes=10-", "bytes=10-11", "bytes=-0"] {
            assert_eq!(parse(header, 10), Part::Unsatisfiable, "{header}");
        }
        assert_eq!(parse("bytes=-1", 0), Part::Unsatisfiable);
    }

    #[test]
    fn what_is_no_single_range_is_ignored() {
        for header in ["", "bytes", "bytes=", "bytes=-", "bytes=5-2", "lines=1-2", "bytes=0-1,3-4", "bytes=a-b"] {
            assert_eq!(parse(header, 10), Part::Whole, "{header}");
        }
    }

    proptest! {
        #[test]
        fn a_part_never_leaves_the_file(header in "bytes=[0-9]{0,20}-[0-9]{0,20}", size in 0_u64..1_000) {
            if let Part::Some { first, length } = parse(&header, size) {
                prop_assert!(length > 0 && first.checked_add(length).is_some_and(|end| end <= size));
            }
        }
    }
}
