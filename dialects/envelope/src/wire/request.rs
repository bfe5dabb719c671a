//! What a client sends.

use std::fmt;

use koine_core::Error;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Param;
use super::param::each_entry;

/// The values of `url`.
pub mod url {
    /// 用户socket登录.
    pub const LOGIN: &str = "/chat/login";
    /// 发送消息.
    pub const SEND_MESSAGE: &str = "/chat/sendMessage";
    /// 发送群组消息.
    pub const SEND_GROUP_MESSAGE: &str = "/chat/sendGroupMessage";

    /// Whether a client's `url` is one of these; slashes around it do not matter.
    pub fn is(given: &str, url: &str) -> bool {
        given.trim_matches('/') == url.trim_matches('/')
    }
}

/// A request: what is wanted, and with what.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ClientFrame<'a> {
    /// One of [`url`].
    pub url: Param<'a>,
    /// The parameters.
    pub params: Params<'a>,
}

/// The parameters of all requests; each request has its own of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Params<'a> {
    /// Who asks; on every request.
    #[serde(skip_serializing_if = "Param::is_absent")]
    pub token: Param<'a>,
    /// The client's own name for the request (sends).
    #[serde(skip_serializing_if = "Param::is_absent")]
    pub unique_no: Param<'a>,
    /// What to say (sends); read from any JSON value.
    #[serde(skip_serializing_if = "Param::is_absent")]
    pub message_content: Param<'a>,
    /// The user to say it to (发送消息).
    #[serde(skip_serializing_if = "Param::is_absent")]
    pub receive_user_id: Param<'a>,
    /// The group to say it to (发送群组消息).
    #[serde(skip_serializing_if = "Param::is_absent")]
    pub group_id: Param<'a>,
}

/// Whether a frame is a JSON object with a `url`: what tells this dialect from others.
pub fn is_request(frame: &str) -> bool {
    serde_json::from_str::<Outer<'_>>(frame).is_ok_and(|outer| outer.url.is_some())
}

impl<'a> ClientFrame<'a> {
    /// Reads a text frame. Unknown keys are ignored, of a repeated one the last counts.
    /// `BadRequest` says what is wrong with the envelope; parameters are not judged yet.
    pub fn read(frame: &'a str) -> Result<Self, Error> {
        let frame = match serde_json::from_str::<Whole<'a>>(frame) {
            Ok(whole) => Self { url: whole.url, params: whole.params },
            Err(_) => Self::read_in_parts(frame)?,
        };
        frame.url.required("url")?;
        Ok(frame)
    }

    /// Reads what cannot be read in one go: it tells what is wrong, and that parameters are null.
    fn read_in_parts(frame: &'a str) -> Result<Self, Error> {
        let outer: Outer<'a> =
            serde_json::from_str(frame).map_err(|_| Error::bad_request("the frame is not a JSON object"))?;
        Self::from_outer(&outer).map_err(Error::bad_request)
    }

    fn from_outer(outer: &Outer<'a>) -> Result<Self, &'static str> {
        let url = outer.url.map(Param::from_raw).unwrap_or_default();
        let params = match outer.params.map(RawValue::get) {
            None | Some("null") => Params::default(),
            Some(json) => serde_json::from_str(json).map_err(|_| "params is not an object")?,
        };
        Ok(Self { url, params })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for ClientFrame<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_outer(&Outer::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Params<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut params = Self::default();
        each_entry(deserializer, |key, raw| match key {
            "token" => params.token = Param::from_raw(raw),
            "uniqueNo" => params.unique_no = Param::from_raw(raw),
            "messageContent" => params.message_content = Param::content_from_raw(raw),
            "receiveUserId" => params.receive_user_id = Param::from_raw(raw),
            "groupId" => params.group_id = Param::from_raw(raw),
            _ => {}
        })?;
        Ok(params)
    }
}

/// The envelope with its parameters, which are an object or absent: read in one go.
#[derive(Default)]
struct Whole<'a> {
    url: Param<'a>,
    params: Params<'a>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Whole<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(WholeVisitor)
    }
}

struct WholeVisitor;

impl<'de> Visitor<'de> for WholeVisitor {
    type Value = Whole<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with url and params")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Whole<'de>, A::Error> {
        #[derive(Deserialize)]
        #[serde(field_identifier, rename_all = "camelCase")]
        enum Key {
            Url,
            Params,
            #[serde(other)]
            Other,
        }
        let mut whole = Whole::default();
        while let Some(key) = map.next_key()? {
            match key {
                Key::Url => whole.url = Param::from_raw(map.next_value()?),
                Key::Params => whole.params = map.next_value()?,
                Key::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(whole)
    }
}

/// The envelope alone.
#[derive(Default)]
struct Outer<'a> {
    url: Option<&'a RawValue>,
    params: Option<&'a RawValue>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Outer<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut outer = Self::default();
        each_entry(deserializer, |key, raw| match key {
            "url" => outer.url = Some(raw),
            "params" => outer.params = Some(raw),
            _ => {}
        })?;
        Ok(outer)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Objects with the keys of a request, some twice, and values of every kind.
    fn frames() -> impl Strategy<Value = String> {
        const VALUES: [&str; 8] = ["null", "1", "\"t\"", "\"\\u0041\"", "\"\\ud800\"", "[]", "{\"token\":2}", "{}"];
        let value = || prop::sample::select(&VALUES[..]);
        let object = |keys: &'static [&'static str]| {
            prop::collection::vec((prop::sample::select(keys), value()), 0..5).prop_map(|members| {
                let members: Vec<_> = members.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect();
                format!("{{{}}}", members.join(","))
            })
        };
        let params = prop_oneof![
            object(&["token", "uniqueNo", "messageContent", "receiveUserId", "groupId", "x"]),
            value().prop_map(str::to_owned)
        ];
        let member = prop_oneof![
            value().prop_map(|value| format!("\"url\":{value}")),
            params.prop_map(|value| format!("\"params\":{value}")),
            value().prop_map(|value| format!("\"x\":{value}")),
        ];
        prop::collection::vec(member, 0..5).prop_map(|members| format!("{{{}}}", members.join(",")))
    }

    proptest! {
        #[test]
        fn what_is_read_in_one_go_is_what_is_read_in_parts(frame in frames()) {
            if let Ok(whole) = serde_json::from_str::<Whole<'_>>(&frame) {
                let parts = ClientFrame::read_in_parts(&frame).expect("a request");
                prop_assert_eq!(ClientFrame { url: whole.url, params: whole.params }, parts);
            }
        }
    }
}
