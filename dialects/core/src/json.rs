//! JSON piece by piece, for less than `serde_json` takes as a whole: strings read in place, and frames whose keys are
//! known written as the same bytes.

use std::borrow::Cow;

use serde_json::value::RawValue;

/// The text of a JSON string, borrowed where it has no escapes. `None` if the value is no string, or has an escape
/// that is no character.
pub fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    // What is raw has been checked already, all but the escapes.
    let inner = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') { serde_json::from_str(raw.get()).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(inner)) }
}

/// Appends a text as a JSON string, with its quotes.
pub fn push_text(json: &mut String, text: &str) {
    json.push('"');
    if is_plain(text) {
        json.push_str(text);
    } else {
        push_escaped(json, text);
    }
    json.push('"');
}

/// Appends a number.
pub fn push_number(json: &mut String, number: u64) {
    let (digits, from) = decimal(number);
    let digits = digits.get(from..).unwrap_or_default();
    json.push_str(std::str::from_utf8(digits).unwrap_or_default());
}

/// Appends a number that may be negative.
pub fn push_signed(json: &mut String, number: i64) {
    if number < 0 {
        json.push('-');
    }
    push_number(json, number.unsigned_abs());
}

/// Appends `true` or `false`.
pub fn push_bool(json: &mut String, truth: bool) {
    json.push_str(if truth { "true" } else { "false" });
}

/// How many bytes [`push_text`] appends.
pub(crate) fn text_len(text: &str) -> usize {
    let escapes = |byte| escape(byte).map_or(0, |escape| if escape == b'u' { 5 } else { 1 });
    let more: usize = if is_plain(text) { 0 } else { text.bytes().map(escapes).sum() };
    text.len() + more + 2
}

/// How many bytes [`push_number`] appends.
pub(crate) fn number_len(number: u64) -> usize {
    number.checked_ilog10().map_or(1, |tens| usize::try_from(tens).unwrap_or_default() + 1)
}

/// Whether nothing in a text needs an escape. Looks at every byte, so that many can be looked at in one step.
fn is_plain(text: &str) -> bool {
    let marks = |byte| u8::from(byte < b' ') | u8::from(byte == b'"') | u8::from(byte == b'\\');
    text.bytes().fold(0, |found, byte| found | marks(byte)) == 0
}

fn push_escaped(json: &mut String, text: &str) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let mut rest = text;
    while let Some((at, byte, letter)) = first_escape(rest) {
        // What needs an escape is one byte long, so that both ends are between characters.
        json.push_str(rest.get(..at).unwrap_or_default());
        json.push('\\');
        json.push(char::from(letter));
        if letter == b'u' {
            json.push_str("00");
            for half in [byte >> 4, byte & 0xf] {
                json.push(HEX.get(usize::from(half)).copied().unwrap_or_default());
            }
        }
        rest = rest.get(at + 1..).unwrap_or_default();
    }
    json.push_str(rest);
}

fn first_escape(text: &str) -> Option<(usize, u8, u8)> {
    text.bytes().enumerate().find_map(|(at, byte)| Some((at, byte, escape(byte)?)))
}

/// The letter after the backslash.
const fn escape(byte: u8) -> Option<u8> {
    Some(match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        0..b' ' => b'u',
        _ => return None,
    })
}

/// A number's digits, at the end of the array, and where they begin.
fn decimal(mut number: u64) -> ([u8; 20], usize) {
    let mut digits = [b'0'; 20];
    let mut from = digits.len();
    for (place, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
        from = place;
        if number == 0 {
            break;
        }
    }
    (digits, from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(push: impl FnOnce(&mut String)) -> String {
        let mut json = String::new();
        push(&mut json);
        json
    }

    #[test]
    fn every_byte_is_escaped_as_serde_json_escapes_it() {
        let ascii: String = (0..=127_u8).map(char::from).collect();
        let json = written(|json| push_text(json, &ascii));
        assert_eq!(json, serde_json::to_string(&ascii).expect("JSON"));
        assert_eq!(json.len(), text_len(&ascii));
    }

    #[test]
    fn strings_are_read_in_place_and_others_are_none() {
        let read = |json: &str| text(&RawValue::from_string(json.to_owned()).expect("JSON")).map(Cow::into_owned);
        for (json, text) in [(r#""""#, ""), (r#""a é""#, "a é"), (r#""\"\u00e9\\""#, "\"é\\")] {
            assert_eq!(read(json).as_deref(), Some(text), "{json}");
        }
        for json in ["1", "null", "[\"a\"]", r#""\ud800""#] {
            assert_eq!(read(json), None, "{json}");
        }
    }

    proptest! {
        #[test]
        fn texts_are_written_as_serde_json_writes_them(text in any::<String>(), plain in "[ -~é€]{0,200}") {
            for text in [text, plain] {
                let json = written(|json| push_text(json, &text));
                prop_assert_eq!(json.len(), text_len(&text));
                prop_assert_eq!(json, serde_json::to_string(&text).expect("JSON"));
            }
        }

        #[test]
        fn numbers_are_written_as_they_are_displayed(number in any::<u64>(), shift in 0_u32..64, signed in any::<i64>()) {
            for number in [number >> shift, 0, u64::MAX] {
                let json = written(|json| push_number(json, number));
                prop_assert_eq!(json.len(), number_len(number));
                prop_assert_eq!(json, number.to_string());
            }
            for number in [signed, i64::MIN, i64::MAX, -1] {
                prop_assert_eq!(written(|json| push_signed(json, number)), number.to_string());
            }
        }
    }
}
