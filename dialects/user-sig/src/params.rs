//! Parameters of requests, with this dialect's own words for what is wrong with them.

use std::str::FromStr;
use std::sync::Arc;

use koine_core::{ConversationId, Error, ErrorKind, Fields, Handle, InvalidHandle, Paging, ProfileField, ProfilePatch};
use serde_json::value::RawValue;

/// `page_size` where none is given.
const DEFAULT_PAGE_SIZE: u64 = 10;
/// The page that is meant where none is named.
pub(crate) const FIRST_PAGE: Paging = Paging::Page { number: 1, size: DEFAULT_PAGE_SIZE };

/// A string that must be there and not be empty (非空).
pub(crate) fn required(fields: &Fields<'_>, name: &str) -> Result<String, Error> {
    match fields.first(name) {
        Some(param) if !param.is_null() => match param.as_string() {
            Some(text) if !text.is_empty() => Ok(text),
            Some(_) => Err(empty(name)),
            None => Err(malformed(name)),
        },
        _ => Err(empty(name)),
    }
}

/// A `user_id` that names a user who must exist: one that nobody can have is not found.
pub(crate) fn known_user(text: &str, name: &str) -> Result<Handle, Error> {
    Handle::new(text).map_err(|why| match why {
        InvalidHandle::Empty => empty(name),
        InvalidHandle::TooLong | InvalidHandle::Control => ErrorKind::UserNotFound.into(),
    })
}

/// The `user_id` of a user to be.
pub(crate) fn new_user(text: &str) -> Result<Handle, Error> {
    Handle::new(text).map_err(|why| match why {
        InvalidHandle::Empty => empty("user_id"),
        InvalidHandle::TooLong => Error::bad_request("user_id不能超过128个字符"),
        InvalidHandle::Control => Error::bad_request("user_id不能包含控制字符"),
    })
}

/// The session a request names with `session_id`, documented as a string: one that is no number names none.
pub(crate) fn session_id(fields: &Fields<'_>) -> Result<ConversationId, Error> {
    conversation(&required(fields, "session_id")?)
}

/// The session a frame names with `to_session`: an integer, or a string.
pub(crate) fn to_session(raw: Option<&RawValue>) -> Result<ConversationId, Error> {
    let name = "to_session";
    let text = match raw.map(RawValue::get) {
        None | Some("null") => return Err(empty(name)),
        Some(text) => text,
    };
    if text.starts_with('"') {
        let text: String = serde_json::from_str(text).map_err(|_| malformed(name))?;
        return if text.is_empty() { Err(empty(name)) } else { conversation(&text) };
    }
    let integer = text.strip_prefix('-').unwrap_or(text);
    if integer.bytes().all(|byte| byte.is_ascii_digit()) { conversation(text) } else { Err(malformed(name)) }
}

/// Which page is asked for (分页信息). With `total` given, in whatever way, all of them.
pub(crate) fn paging(fields: &Fields<'_>) -> Result<Paging, Error> {
    if fields.first("total").is_some() {
        return Ok(Paging::All);
    }
    Ok(Paging::Page {
        number: at_least_one(fields, "page_num")?.unwrap_or(1),
        size: at_least_one(fields, "page_size")?.unwrap_or(DEFAULT_PAGE_SIZE),
    })
}

/// How many pages so many rows make; a list without rows is one empty page.
pub(crate) fn pages(total: u64, paging: Paging) -> u64 {
    match paging {
        Paging::All => 1,
        Paging::Page { size, .. } => total.div_ceil(size.max(1)).max(1),
    }
}

/// The profile fields that a request carries, `None` where it carries JSON null. A birthday has to be a date of
/// the form `YYYY-MM-DD`; an empty one is none.
pub(crate) fn profile(fields: &Fields<'_>) -> Result<ProfilePatch, Error> {
    let mut patch = ProfilePatch::default();
    for field in ProfileField::ALL {
        let Some(param) = fields.first(field.name()) else { continue };
        let value = match param.as_string() {
            _ if param.is_null() => None,
            Some(text) if *field == ProfileField::Birthday => birthday(text)?,
            Some(text) => Some(text),
            None => return Err(malformed(field.name())),
        };
        patch.changes.push((*field, value.map(Arc::from)));
    }
    Ok(patch)
}

/// Nothing, or nothing but emptiness, was given where something is needed.
pub(crate) fn empty(name: &str) -> Error {
    Error::bad_request(format!("{name}不能为空"))
}

/// Something of another form was given.
pub(crate) fn malformed(name: &str) -> Error {
    Error::bad_request(format!("{name}格式有误"))
}

fn conversation(text: &str) -> Result<ConversationId, Error> {
    ConversationId::from_str(text.trim()).map_err(|_| ErrorKind::ConversationNotFound.into())
}

fn at_least_one(fields: &Fields<'_>, name: &str) -> Result<Option<u64>, Error> {
    match fields.first(name) {
        Some(param) if !param.is_null() => match param.as_u64() {
            Some(number) if number >= 1 => Ok(Some(number)),
            _ => Err(malformed(name)),
        },
        _ => Ok(None),
    }
}

fn birthday(text: String) -> Result<Option<String>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    if is_date(&text) { Ok(Some(text)) } else { Err(malformed("birthday")) }
}

/// Whether a text is a day of the calendar, as `YYYY-MM-DD`.
fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let (Some(year), Some(month), Some(day), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let number = |part: &str, digits: usize| {
        (part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit())).then(|| part.parse::<u16>().ok())?
    };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2)) else {
        return false;
    };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    year >= 1 && (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_days_of_the_calendar_are_birthdays() {
        for good in ["1990-01-31", "2000-02-29", "2024-02-29", "0001-01-01"] {
            assert!(is_date(good), "{good}");
        }
        for bad in [
            "1990-02-29",
            "1900-02-29",
            "1990-13-01",
            "1990-00-10",
            "1990-01-00",
            "1990-04-31",
            "1990-1-1",
            "19900101",
            "1990/01/01",
            "1990-01-01T00:00",
            "0000-01-01",
            "1990-01-01-",
            "٢٠٠٠-01-01",
            "-990-01-01",
            "+990-01-01",
        ] {
            assert!(!is_date(bad), "{bad}");
        }
    }

    #[test]
    fn to_session_is_an_integer_or_a_string_and_what_names_none_is_not_found() {
        let read = |json: &str| to_session(Some(&RawValue::from_string(json.to_owned()).unwrap()));
        for (json, id) in [("12", 12), ("\"12\"", 12), ("\" 7 \"", 7), ("18446744073709551615", u64::MAX)] {
            assert_eq!(read(json).unwrap().get(), id, "{json}");
        }
        for json in ["0", "-1", "\"abc\"", "18446744073709551616", "\"1.5\""] {
            assert_eq!(read(json).unwrap_err().kind(), ErrorKind::ConversationNotFound, "{json}");
        }
        for json in ["null", "\"\"", "1.5", "1e2", "true", "[12]", "{}", "\"\\ud800\""] {
            assert_eq!(read(json).unwrap_err().kind(), ErrorKind::BadRequest, "{json}");
        }
        assert_eq!(to_session(None).unwrap_err().kind(), ErrorKind::BadRequest);
    }

    #[test]
    fn pages_count_from_one_and_total_means_all() {
        let of = |pairs: &[(&str, &str)]| {
            let query: Vec<_> = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            paging(&Fields { query: &query, ..Fields::default() })
        };
        assert_eq!(of(&[]), Ok(Paging::Page { number: 1, size: 10 }));
        assert_eq!(of(&[("page_num", "3"), ("page_size", "2")]), Ok(Paging::Page { number: 3, size: 2 }));
        assert_eq!(of(&[("total", "")]), Ok(Paging::All));
        assert_eq!(of(&[("total", "0"), ("page_num", "2")]), Ok(Paging::All));
        for (name, value) in
            [("page_num", "0"), ("page_size", "0"), ("page_num", "x"), ("page_size", ""), ("page_num", "-1")]
        {
            assert_eq!(of(&[(name, value)]).unwrap_err().kind(), ErrorKind::BadRequest, "{name}={value}");
        }
        assert_eq!(pages(0, Paging::Page { number: 1, size: 10 }), 1);
        assert_eq!(pages(10, Paging::Page { number: 9, size: 10 }), 1);
        assert_eq!(pages(11, Paging::Page { number: 1, size: 10 }), 2);
        assert_eq!(pages(11, Paging::All), 1);
    }

    #[test]
    fn only_the_fields_that_are_carried_are_changed() {
        let body = json!({"nickname": "Tom", "phone": 123, "email": null, "birthday": "", "user_id": "x", "city": ""});
        let carried = profile(&Fields::of_json(body.as_object().unwrap())).unwrap();
        let text = |value: &str| Some(Arc::from(value));
        assert_eq!(
            carried.changes,
            [
                (ProfileField::Nickname, text("Tom")),
                (ProfileField::Birthday, None),
                (ProfileField::Phone, text("123")),
                (ProfileField::Email, None),
                (ProfileField::City, text("")),
            ]
        );
    }
}
