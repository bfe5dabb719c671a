//! The `content` of `Auth` and `Ack` frames, in every form that clients write it in: a bare value, the
//! document's `{'token'}` and `{'srcId': 5}`, and real JSON.

use serde_json::Value;
use winnow::ascii::multispace0;
use winnow::combinator::{alt, delimited, opt, preceded, repeat, terminated};
use winnow::prelude::*;
use winnow::token::{take_till, take_while};

/// The token in an `Auth` frame's content: the content itself, `{'<token>'}`, or the `token` of an
/// object. `None` if there is none.
pub(crate) fn token(content: &str) -> Option<String> {
    let content = content.trim();
    let token = if content.starts_with('{') {
        match Object::read(content, "token") {
            Some(object) => object.value().filter(|scalar| !scalar.is_json_word())?.text.to_owned(),
            None => match json_member(content, "token")? {
                Value::String(token) => token,
                Value::Number(token) => token.to_string(),
                _ => return None,
            },
        }
    } else {
        content.to_owned()
    };
    (!token.is_empty()).then_some(token)
}

/// The message id in an `Ack` frame's content: the content itself, or the `srcId` of an object. `None`
/// if there is no positive 64-bit integer.
pub(crate) fn source_id(content: &str) -> Option<u64> {
    let content = content.trim();
    if !content.starts_with('{') {
        return positive(content);
    }
    match Object::read(content, "srcId") {
        Some(object) => positive(object.value()?.text.trim()),
        None => match json_member(content, "srcId")? {
            Value::String(id) => positive(id.trim()),
            Value::Number(id) => positive(&id.to_string()),
            _ => None,
        },
    }
}

/// The message id in the `content` that nearly every client puts into its Acks, as it stands in the frame:
/// `"{\"srcId\":5}"`. `None` if it is anything else, which says nothing about whether there is an id.
pub(crate) fn escaped_source_id(raw: &str) -> Option<u64> {
    positive(raw.strip_prefix(r#""{\"srcId\":"#)?.strip_suffix(r#"}""#)?.trim_matches(' '))
}

/// A decimal number from 1 to 2^64 - 1, of digits only.
pub(crate) fn positive(digits: &str) -> Option<u64> {
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|number| *number > 0)
}

/// What real JSON has under a name; for what the loose form cannot read (escapes, nested values).
fn json_member(content: &str, name: &str) -> Option<Value> {
    match serde_json::from_str(content).ok()? {
        Value::Object(mut map) => map.remove(name),
        _ => None,
    }
}

/// What is asked of a flat object between braces, of members in either kind of quotes or none.
#[derive(Debug, Clone, Copy, Default)]
struct Object<'a> {
    /// The value of the member with the name that is looked for; of several, the last.
    named: Option<Scalar<'a>>,
    /// A member that is no pair.
    single: Option<Scalar<'a>>,
    /// How many members there are.
    members: usize,
}

#[derive(Debug, Clone, Copy)]
struct Scalar<'a> {
    text: &'a str,
    quoted: bool,
}

impl<'a> Object<'a> {
    /// Reads an object; `None` if it is not of this form.
    fn read(content: &'a str, name: &str) -> Option<Self> {
        delimited('{', members(name), (multispace0, '}')).parse(content).ok()
    }

    /// The member that is looked for, else the only member of all, if it is no pair.
    fn value(self) -> Option<Scalar<'a>> {
        self.named.or(self.single.filter(|_| self.members == 1))
    }

    fn with(mut self, name: &str, (first, second): (Scalar<'a>, Option<Scalar<'a>>)) -> Self {
        self.members += 1;
        match second {
            Some(value) if first.text == name => self.named = Some(value),
            Some(_) => {}
            None => self.single = Some(first),
        }
        self
    }
}

impl Scalar<'_> {
    /// Whether it is a word that means something else than its letters.
    fn is_json_word(self) -> bool {
        !self.quoted && matches!(self.text, "null" | "true" | "false")
    }
}

fn members<'a>(name: &str) -> impl Parser<&'a str, Object<'a>, winnow::error::ContextError> {
    let comma = opt((multispace0, ','));
    repeat(0.., terminated(member, comma)).fold(Object::default, move |object, pair| object.with(name, pair))
}

fn member<'a>(input: &mut &'a str) -> winnow::Result<(Scalar<'a>, Option<Scalar<'a>>)> {
    (scalar, opt(preceded((multispace0, ':'), scalar))).parse_next(input)
}

fn scalar<'a>(input: &mut &'a str) -> winnow::Result<Scalar<'a>> {
    let single = delimited('\'', take_till(0.., ['\'', '\\']), '\'').map(|text| Scalar { text, quoted: true });
    let double = delimited('"', take_till(0.., ['"', '\\']), '"').map(|text| Scalar { text, quoted: true });
    let plain = |c: char| !c.is_whitespace() && !matches!(c, ',' | ':' | '{' | '}' | '[' | ']' | '\'' | '"' | '\\');
    let bare = take_while(1.., plain).map(|text| Scalar { text, quoted: false });
    preceded(multispace0, alt((single, double, bare))).parse_next(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_form_is_read_without_unescaping() {
        assert_eq!(escaped_source_id(r#""{\"srcId\":5}""#), Some(5));
        assert_eq!(escaped_source_id(r#""{\"srcId\": 18446744073709551615}""#), Some(u64::MAX));
        for other in [
            r#""{\"srcId\":0}""#,
            r#""{\"srcId\":}""#,
            r#""{\"srcId\":5,\"a\":1}""#,
            "5",
            r#"{"srcId":5}"#,
            r#""{'srcId':5}""#,
        ] {
            assert_eq!(escaped_source_id(other), None, "{other}");
        }
    }

    #[test]
    fn a_token_is_read_in_every_form() {
        for content in [
            "abc.d-e_f",
            "  abc.d-e_f ",
            "{'abc.d-e_f'}",
            "{ 'abc.d-e_f' }",
            "{\"abc.d-e_f\"}",
            "{abc.d-e_f}",
            "{'token': 'abc.d-e_f'}",
            "{token: 'abc.d-e_f'}",
            "{\"token\":\"abc.d-e_f\"}",
            "{\"device\": \"phone\", \"token\": \"abc.d-e_f\", \"at\": 5}",
            "{\"token\": \"abc\\u002ed-e_f\", \"more\": {\"deep\": [1]}}",
        ] {
            assert_eq!(token(content).as_deref(), Some("abc.d-e_f"), "{content}");
        }
    }

    #[test]
    fn the_documents_example_is_the_token_named_token() {
        assert_eq!(token("{'token'}").as_deref(), Some("token"));
    }

    #[test]
    fn a_number_can_be_a_token() {
        assert_eq!(token("12345").as_deref(), Some("12345"));
        assert_eq!(token("{\"token\": 12345}").as_deref(), Some("12345"));
    }

    #[test]
    fn what_holds_no_token_gives_none() {
        for content in ["", "  ", "{}", "{''}", "{'a', 'b'}", "{'other': 'a'}", "{\"token\": null}", "{'token", "{{}}"]
        {
            assert_eq!(token(content), None, "{content}");
        }
        assert_eq!(token("{\"token\": {\"deep\": 1}}"), None);
    }

    #[test]
    fn a_source_id_is_read_in_every_form_with_all_its_bits() {
        for content in [
            "18446744073709551615",
            "{'srcId': 18446744073709551615}",
            "{\"srcId\":18446744073709551615}",
            "{'srcId': '18446744073709551615'}",
            "{srcId: 18446744073709551615}",
            "{\"srcId\": 18446744073709551615, \"more\": {\"deep\": 1}}",
            "{18446744073709551615}",
        ] {
            assert_eq!(source_id(content), Some(u64::MAX), "{content}");
        }
    }

    #[test]
    fn what_is_no_positive_integer_is_no_source_id() {
        for content in [
            "",
            "0",
            "-5",
            "1.0",
            "1e3",
            "abc",
            "{'srcId'}",
            "{'srcId': 0}",
            "{'id': 5}",
            "{'srcId': 5",
            "18446744073709551616",
        ] {
            assert_eq!(source_id(content), None, "{content}");
        }
    }
}
