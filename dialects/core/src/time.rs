//! Moments and how they are written as text.

use std::fmt;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// A moment, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Wraps milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The moment `duration` later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(millis))
    }
}

/// The time zone dates are shown in.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Wraps a time zone that the gateway has looked up.
    pub const fn new(zone: TimeZone) -> Self {
        Self(zone)
    }

    /// Coordinated Universal Time.
    pub const fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// The zone itself.
    pub const fn time_zone(&self) -> &TimeZone {
        &self.0
    }

    /// `YYYY-MM-DD HH:MM:SS` in this zone.
    pub fn text(&self, moment: Timestamp) -> String {
        self.date(moment).as_str().to_owned()
    }

    /// The same without an allocation.
    pub(crate) fn date(&self, moment: Timestamp) -> DateText {
        match jiff::Timestamp::from_millisecond(moment.0) {
            Ok(moment) => DateText::new(self.0.to_datetime(moment)),
            Err(_) => DateText(Written::Long(String::new())),
        }
    }
}

/// `YYYY-MM-DD HH:MM:SS`; empty for a moment that no calendar has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DateText(Written);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Written {
    Usual([u8; 19]),
    /// Years before the common era.
    Long(String),
}

impl DateText {
    fn new(civil: DateTime) -> Self {
        let Ok(year) = u16::try_from(civil.year()) else { return Self(Written::Long(long(civil))) };
        let [year, century] = [year % 100, year / 100].map(two_digits);
        let [month, day, hour, minute, second] =
            [civil.month(), civil.day(), civil.hour(), civil.minute(), civil.second()]
                .map(|number| two_digits(number.unsigned_abs().into()));
        #[rustfmt::skip]
        let text = [
            century[0], century[1], year[0], year[1], b'-', month[0], month[1], b'-', day[0], day[1], b' ',
            hour[0], hour[1], b':', minute[0], minute[1], b':', second[0], second[1],
        ];
        Self(Written::Usual(text))
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        match &self.0 {
            Written::Usual(text) => std::str::from_utf8(text).unwrap_or_default(),
            Written::Long(text) => text,
        }
    }
}

/// The digits of a number below 100.
fn two_digits(number: u16) -> [u8; 2] {
    [number / 10, number % 10].map(|digit| b'0' + u8::try_from(digit).unwrap_or_default())
}

fn long(civil: DateTime) -> String {
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        civil.year(),
        civil.month(),
        civil.day(),
        civil.hour(),
        civil.minute(),
        civil.second()
    )
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.0.iana_name().unwrap_or("fixed"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_date_is_written_in_its_zone() {
        let east = Zone::new(TimeZone::fixed(jiff::tz::offset(8)));
        let moment = Timestamp::from_millis(1_767_323_045_678);
        assert_eq!(Zone::utc().text(moment), "2026-01-02 03:04:05");
        assert_eq!(east.text(moment), "2026-01-02 11:04:05");
        assert_eq!(Zone::utc().text(Timestamp::from_millis(-1)), "1969-12-31 23:59:59");
        assert_eq!(Zone::utc().text(Timestamp::from_millis(i64::MAX)), "");
    }

    proptest! {
        #[test]
        fn every_moment_is_written_digit_by_digit_as_it_is_formatted(seconds in -377_705_023_201_i64..=253_402_207_200) {
            let civil = TimeZone::UTC.to_datetime(jiff::Timestamp::from_second(seconds).expect("a moment"));
            let text = Zone::utc().text(Timestamp::from_millis(seconds * 1_000));
            prop_assert_eq!(text, long(civil));
        }
    }
}
