//! What a client's Acks look like, all but the numbers.
//!
//! A client writes its Acks the same way every time, and sends one for each message it hears. The first is read as a
//! frame; of those after it that are the same text around other digits, only the digits are.

use std::ops::Range;

use serde_json::value::RawValue;

use crate::loose;

/// An Ack's text around the digits of the id it names, and of its own id where it has one.
#[derive(Debug)]
pub(crate) struct Shape {
    /// Before the first number, behind it, and behind the second.
    texts: Vec<Box<str>>,
    /// Which of the numbers is the one it names.
    named: usize,
}

impl Shape {
    /// The shape of an Ack which was read from `text`: its `content`, which stands there, names `acknowledged`, and so
    /// does the other value its own id, if it has one. `None` if they have other digits than those of the number, whose
    /// meaning might depend on these.
    pub(crate) fn of(
        text: &str,
        (content, acknowledged): (&RawValue, u64),
        own: Option<(&RawValue, u64)>,
    ) -> Option<Self> {
        let named = place(text, content, acknowledged)?;
        let own = own.map(|(raw, id)| place(text, raw, id).ok_or(())).transpose().ok()?;
        let named_first = own.as_ref().is_none_or(|own| named.start < own.start);
        let mut places: Vec<Range<usize>> = own.into_iter().chain([named]).collect();
        places.sort_unstable_by_key(|place| place.start);
        let mut texts = Vec::with_capacity(places.len() + 1);
        let mut from = 0;
        for place in places {
            texts.push(text.get(from..place.start)?.into());
            from = place.end;
        }
        texts.push(text.get(from..)?.into());
        Some(Self { texts, named: usize::from(!named_first) })
    }

    /// The id that an Ack of this shape names. `None` if it is anything else.
    pub(crate) fn read(&self, text: &str) -> Option<u64> {
        let (before, behind) = self.texts.split_first()?;
        let mut rest = text.strip_prefix(&**before)?;
        let mut named = None;
        for (place, behind) in behind.iter().enumerate() {
            let end = rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
            let (digits, more) = rest.split_at_checked(end)?;
            // JSON has no numbers that begin with 0.
            let number = Some(digits).filter(|digits| !digits.starts_with('0')).and_then(loose::positive)?;
            if place == self.named {
                named = Some(number);
            }
            rest = more.strip_prefix(&**behind)?;
        }
        named.filter(|_| rest.is_empty())
    }
}

/// Where the digits of a number stand in a frame, of which `raw` is the part that names it and has no other digits.
fn place(text: &str, raw: &RawValue, number: u64) -> Option<Range<usize>> {
    let raw = raw.get();
    let start = raw.find(|letter: char| letter.is_ascii_digit())?;
    let end = raw.rfind(|letter: char| letter.is_ascii_digit())? + 1;
    if raw.get(start..end)? != number.to_string() {
        return None;
    }
    let offset = raw.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    Some(offset + start..offset + end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decode::Incoming;

    /// The shape of a frame.
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
    fn an_acks_own_id_may_be_another_every_time() {
        for (form, other) in [
            (
                r#"{"id": 71, "chatType": "Group", "msgType": "Ack", "content": "{\"srcId\": 5}"}"#,
                r#"{"id": 809, "chatType": "Group", "msgType": "Ack", "content": "{\"srcId\": 61}"}"#,
            ),
            (
                r#"{"content": "{'srcId': 5}", "chatType": "Group", "msgType": "Ack", "id": "71"}"#,
                r#"{"content": "{'srcId': 61}", "chatType": "Group", "msgType": "Ack", "id": "809"}"#,
            ),
        ] {
            let shape = shape(form).expect(form);
            assert_eq!((shape.read(form), shape.read(other)), (Some(5), Some(61)));
            assert_eq!(Incoming::read(other).expect("an object").acknowledged().unwrap(), 61);
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
            }
        }
    }
}
