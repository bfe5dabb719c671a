//! What a client's Acks look like, all but the number.
//!
//! A client writes its Acks the same way every time, and sends one for each message it hears. The first is read as a
//! frame; of those after it that are the same text around other digits, only the digits are.

use serde_json::value::RawValue;

use crate::error::Origin;
use crate::loose;

/// An Ack's text around the digits of the id it names.
#[derive(Debug)]
pub(crate) struct Shape {
    before: Box<str>,
    after: Box<str>,
    origin: Origin,
}

impl Shape {
    /// The shape of an Ack which was read from `text`: its `content`, which stands there, names `id`. `None` if that
    /// has other digits than those of the id, whose meaning might depend on these.
    pub(crate) fn of(text: &str, content: &RawValue, id: u64, origin: Origin) -> Option<Self> {
        let content = content.get();
        let start = content.find(|letter: char| letter.is_ascii_digit())?;
        let end = content.rfind(|letter: char| letter.is_ascii_digit())? + 1;
        if content.get(start..end)? != id.to_string() {
            return None;
        }
        let place = content.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
        let (before, rest) = text.split_at_checked(place + start)?;
        let after = rest.get(end - start..)?;
        Some(Self { before: before.into(), after: after.into(), origin })
    }

    /// The id that an Ack of this shape names. `None` if it is anything else.
    pub(crate) fn read(&self, text: &str) -> Option<u64> {
        let digits = text.strip_prefix(&*self.before)?.strip_suffix(&*self.after)?;
        // JSON has no numbers that begin with 0.
        if digits.starts_with('0') { None } else { loose::positive(digits) }
    }

    /// What an error about such an Ack can say of it.
    pub(crate) const fn origin(&self) -> Origin {
        self.origin
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decode::Incoming;

    /// The frame, its shape, and the id it names.
    fn shape(text: &str) -> Option<Shape> {
        let frame = Incoming::read(text).expect("an object");
        frame.shape(text, frame.acknowledged().expect("an id"))
    }

    const FORMS: [&str; 8] = [
        r#"{"chatType":"Single","msgType":"Ack","content":"{'srcId': 5}"}"#,
        r#"{"msgType":"Ack","id":5,"content":"{\"srcId\":5}","fromUserId":5,"chatType":"Group"}"#,
        r#"{"content": "5", "msgType": "Ack"}"#,
        r#"{"content":5,"msgType":"Ack"}"#,
        r#"{"content":{"srcId":5},"msgType":"Ack"}"#,
        r#"{"content":"{\"srcId\":\"5\"}","msgType":"Ack"}"#,
        r#"{"content":"{ 5 }","msgType":"Ack"}"#,
        r#"{"content":"{srcId: 5, a: b}","msgType":"Ack"}"#,
    ];

    #[test]
    fn an_ack_of_the_same_shape_names_what_it_names_when_it_is_read_as_a_frame() {
        for form in FORMS {
            let shape = shape(form).expect(form);
            assert_eq!(shape.read(form), Some(5), "{form}");
            let place =
                form.rfind("content").expect("a content") + form[form.rfind("content").unwrap()..].find('5').unwrap();
            for digits in
                ["6", "18446744073709551615", "18446744073709551616", "0", "05", "", "5a", " 5", "-5", "5.5", "5'"]
            {
                let other = format!("{}{digits}{}", &form[..place], &form[place + 1..]);
                let read = Incoming::read(&other).ok().and_then(|frame| frame.acknowledged().ok());
                match shape.read(&other) {
                    Some(id) => assert_eq!(Some(id), read, "{other}"),
                    None => assert!(!matches!(digits, "6" | "18446744073709551615"), "{other}"),
                }
            }
        }
    }

    #[test]
    fn what_has_other_digits_has_no_shape() {
        for text in [
            r#"{"content":"{'srcId': 05}","msgType":"Ack"}"#,
            r#"{"content":"{'srcId': 5, 'at': 7}","msgType":"Ack"}"#,
            r#"{"content":"{'srcId': \u0035}","msgType":"Ack","id":5}"#,
            r#"{"content":"{'at': 5, 'srcId': 5}","msgType":"Ack"}"#,
        ] {
            assert!(shape(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_by_its_shape_is_read_the_same_as_a_frame(
            form in 0..FORMS.len(),
            id in 1_u64..,
            cut in 0_usize..80,
            put in "[0-9a-z\"\\\\{}:, ']{0,3}",
        ) {
            let text = FORMS[form].replace(['5'], &id.to_string());
            let Some(shape) = shape(&text) else { return Ok(()) };
            let mut other = text.clone();
            other.insert_str(cut.min(text.len()), &put);
            if let Some(read) = shape.read(&other) {
                let frame = Incoming::read(&other).expect("an object");
                prop_assert_eq!(frame.acknowledged().expect("an id"), read);
                prop_assert_eq!(frame.origin(), shape.origin());
            }
        }
    }
}
