//! The names files are uploaded and sent under.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The longest name, in bytes; what is longer loses its middle, so that the ending stays.
const LONGEST: usize = 200;
/// The longest ending that is kept, in bytes.
const LONGEST_ENDING: usize = 20;

/// What RFC 5987 lets stand for itself.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A name without folders and control characters, of bounded length; `file` where nothing is left.
pub(super) fn clean(name: &str) -> String {
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = base.chars().filter(|character| !is_hidden(*character)).collect();
    // What is cut may leave a space at the end, or nothing but dots.
    let kept = shorten(kept.trim());
    match kept.trim_end() {
        kept if kept.chars().all(|character| character == '.') => "file".to_owned(),
        kept => kept.to_owned(),
    }
}

/// The ending after the last dot, in lower case.
pub(super) fn ending(name: &str) -> Option<String> {
    let (stem, ending) = name.rsplit_once('.')?;
    (!stem.is_empty() && !ending.is_empty()).then(|| ending.to_ascii_lowercase())
}

/// A `Content-Disposition` that carries the name twice: in ASCII, and in full (RFC 6266).
pub(super) fn disposition(kind: &str, name: &str) -> String {
    let ascii: String = name
        .chars()
        .map(|character| match character {
            '"' | '\\' | '%' => '_',
            ' '..='~' => character,
            _ => '_',
        })
        .collect();
    format!("{kind}; filename=\"{ascii}\"; filename*=UTF-8''{}", utf8_percent_encode(name, PLAIN))
}

/// Control characters, and those that turn the direction of text around to disguise an ending.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn shorten(name: &str) -> String {
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let ending = name.rfind('.').and_then(|dot| name.get(dot..)).filter(|ending| ending.len() <= LONGEST_ENDING);
    let ending = ending.unwrap_or_default();
    let stem = name.get(..name.floor_char_boundary(LONGEST - ending.len())).unwrap_or_default();
    format!("{stem}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_base_name_is_kept() {
        for (given, kept) in [
            ("cat.png", "cat.png"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\tom\\猫.png", "猫.png"),
            ("a\r\nb\0.txt", "ab.txt"),
            ("exe\u{202e}gnp.scr", "exegnp.scr"),
            ("", "file"),
            ("..", "file"),
            ("folder/", "file"),
        ] {
            assert_eq!(clean(given), kept);
        }
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        let short = clean(&format!("{}.jpeg", "猫".repeat(300)));
        assert!(short.len() <= LONGEST && short.ends_with("猫.jpeg"), "{short}");
        assert!(clean(&"x".repeat(999)).len() <= LONGEST);
    }

    #[test]
    fn a_name_that_was_shortened_is_kept_as_it_is() {
        for long in [format!("{} {}", "x".repeat(LONGEST - 1), "y".repeat(50)), format!("{}y", ".".repeat(300))] {
            let kept = clean(&long);
            assert_eq!(clean(&kept), kept, "from {long}");
        }
    }

    #[test]
    fn the_disposition_carries_any_name_safely() {
        assert_eq!(
            disposition("attachment", "a\"猫;.txt"),
            "attachment; filename=\"a__;.txt\"; filename*=UTF-8''a%22%E7%8C%AB%3B.txt"
        );
    }
}
