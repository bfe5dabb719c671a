//! Durations with their unit: `500ms`, `10s`, `5m`, `24h`, `30d`.

use std::fmt;
use std::time::Duration;

use jiff::SpanRelativeTo;
use jiff::fmt::friendly::{SpanParser, SpanPrinter};
use serde::de::{self, Deserializer, Visitor};
use serde::ser::Serializer;

/// A text that is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a duration with its unit, such as \"10s\", \"5m\", \"24h\" or \"30d\"")]
pub struct InvalidDuration;

/// Reads a duration; a day has 24 hours.
pub fn parse_duration(text: &str) -> Result<Duration, InvalidDuration> {
    let span = SpanParser::new().parse_span(text).map_err(|_| InvalidDuration)?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| InvalidDuration)?;
    Duration::try_from(duration).map_err(|_| InvalidDuration)
}

/// Writes a duration so that it can be read back.
pub fn duration_text(duration: &Duration) -> String {
    SpanPrinter::new().unsigned_duration_to_string(duration)
}

pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&duration_text(duration))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_str(Text)
}

struct Text;

impl Visitor<'_> for Text {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration with its unit, such as \"10s\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
        parse_duration(text).map_err(|error| E::custom(format!("`{text}` is {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_unit() {
        let cases = [("500ms", 500), ("10s", 10_000), ("1m 30s", 90_000), ("24h", 86_400_000), ("30d", 2_592_000_000)];
        for (text, millis) in cases {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "10", "ten seconds", "-5s", "5s ago", "1mo"] {
            assert_eq!(parse_duration(text), Err(InvalidDuration), "{text}");
        }
    }

    #[test]
    fn what_is_written_can_be_read_back() {
        for millis in [0, 1, 500, 1_500, 90_000, 86_400_000, 31_536_000_000] {
            let duration = Duration::from_millis(millis);
            assert_eq!(parse_duration(&duration_text(&duration)), Ok(duration));
        }
    }
}
