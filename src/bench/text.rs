//! What the generator's messages say: a text of 120 bytes that names its stream, its place there and when it was
//! due, in digits of fixed width, so that a prepared frame can be filled in without being built anew.

use memchr::memmem;

/// The length of a text, in bytes.
pub const LENGTH: usize = 120;
/// The digits of an [`id`].
pub const ID_DIGITS: usize = 19;

const MARK: &[u8] = b"kb:";
const STREAM: usize = 6;
const SEQUENCE: usize = 10;
const DUE: usize = 15;
const PADDING: &str =
    "the quick brown fox jumps over the lazy dog and back again, until the end of this line is reached.";

/// A message of the generator's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The stream it belongs to, below 1,000,000.
    pub stream: u32,
    /// Its place in the stream, from 0.
    pub sequence: u64,
    /// When it was due, in nanoseconds since the generator's start.
    pub due: u64,
}

impl Stamp {
    /// Writes the text over one of the same length.
    pub fn write(&self, text: &mut [u8]) {
        let mut rest = text;
        for (value, digits) in [(u64::from(self.stream), STREAM), (self.sequence, SEQUENCE), (self.due, DUE)] {
            // The mark, or the colon after the previous number.
            let skip = if digits == STREAM { MARK.len() } else { 1 };
            let Some((number, after)) = rest.get_mut(skip..).and_then(|rest| rest.split_at_mut_checked(digits)) else {
                return;
            };
            write_digits(value, number);
            rest = after;
        }
    }

    /// Finds the first text in a frame.
    pub fn find(frame: &[u8]) -> Option<Self> {
        let at = memmem::find(frame, MARK)?;
        let (stream, rest) = number(frame.get(at + MARK.len()..)?, STREAM)?;
        let (sequence, rest) = number(rest.strip_prefix(b":")?, SEQUENCE)?;
        let (due, _) = number(rest.strip_prefix(b":")?, DUE)?;
        Some(Self { stream: u32::try_from(stream).ok()?, sequence, due })
    }
}

/// A text to be written over.
pub fn blank() -> String {
    let mut text =
        format!("kb:{:0stream$}:{:0sequence$}:{:0due$}:", 0, 0, 0, stream = STREAM, sequence = SEQUENCE, due = DUE);
    text.extend(PADDING.chars().cycle().take(LENGTH - text.len()));
    text
}

/// How many texts there are in a reply.
pub fn count(bytes: &[u8]) -> usize {
    memmem::find_iter(bytes, MARK).count()
}

/// The id of a message under which a retry would be the same message: a run's four digits, six of the stream, eight
/// of its place there. It lies above every id that the gateway gives out, and within 63 bits.
pub fn id(run: u16, stream: u32, sequence: u64) -> u64 {
    1_000_000_000_000_000_000
        + u64::from(run % 10_000) * 100_000_000_000_000
        + u64::from(stream % 1_000_000) * 100_000_000
        + sequence % 100_000_000
}

/// The stream and the place in an [`id`].
pub fn of_id(id: u64) -> Option<(u32, u64)> {
    Some((u32::try_from(id / 100_000_000 % 1_000_000).ok()?, id % 100_000_000))
}

/// Writes a number with leading zeros.
pub fn write_digits(mut value: u64, into: &mut [u8]) {
    for digit in into.iter_mut().rev() {
        *digit = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
    }
}

/// Reads so many digits.
pub fn number(bytes: &[u8], digits: usize) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_at_checked(digits)?;
    let add = |sum: u64, digit: &u8| digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0'));
    Some((number.iter().try_fold(0, add)?, rest))
}

/// Reads the digits there are at the start of something, after what is none.
pub fn first_number(bytes: &[u8]) -> Option<u64> {
    let start = bytes.iter().position(u8::is_ascii_digit)?;
    let digits = bytes.get(start..)?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    number(digits, end.min(ID_DIGITS)).map(|(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_its_length_and_says_what_was_written_into_it() {
        let mut text = blank().into_bytes();
        assert_eq!(text.len(), LENGTH);
        let stamp = Stamp { stream: 199_999, sequence: 9_876_543_210, due: 123_456_789_012_345 };
        stamp.write(&mut text);
        assert_eq!(text.len(), LENGTH);
        let frame = [b"{\"content\":\"", text.as_slice(), b"\"}"].concat();
        assert_eq!(Stamp::find(&frame), Some(stamp));
        assert_eq!(count(&frame), 1);
    }

    #[test]
    fn what_is_no_text_of_ours_is_not_found() {
        assert_eq!(Stamp::find(b"{\"msg\":\"hello\"}"), None);
        assert_eq!(Stamp::find(b"kb:12345x:0000000000:000000000000000:"), None);
        assert_eq!(Stamp::find(b"kb:123456:00000"), None);
    }

    #[test]
    fn an_id_names_its_message_in_nineteen_digits() {
        let id = id(9_999, 999_999, 99_999_999);
        assert_eq!(id.to_string().len(), ID_DIGITS);
        assert!(i64::try_from(id).is_ok());
        assert_eq!(of_id(id), Some((999_999, 99_999_999)));
        assert_eq!(first_number(format!("{{\"srcId\": {id}}}").as_bytes()), Some(id));
    }
}
