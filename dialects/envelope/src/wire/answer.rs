//! What a client is answered.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The answer to a request (返回结果), or to a frame that is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer<'a> {
    /// 200, 400, or 404 for an unknown `url`.
    pub code: u16,
    /// What happened.
    #[serde(borrow)]
    pub msg: Cow<'a, str>,
    /// Which request it answers; not there where that cannot be told.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub obj: Option<AnswerObject<'a>>,
}

/// Which request an [`Answer`] is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AnswerObject<'a> {
    /// The request's `uniqueNo`; empty if it had none.
    #[serde(borrow)]
    pub unique_no: Cow<'a, str>,
    /// On failures, why: a word.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'a, str>>,
}

impl<'a> Answer<'a> {
    /// An answer that names no request.
    pub fn plain(code: u16, msg: impl Into<Cow<'a, str>>) -> Self {
        Self { code, msg: msg.into(), obj: None }
    }

    /// A send was accepted.
    pub fn accepted(msg: &'a str, unique_no: &'a str) -> Self {
        let obj = AnswerObject { unique_no: unique_no.into(), reason: None };
        Self { code: 200, msg: msg.into(), obj: Some(obj) }
    }

    /// A send was not accepted.
    pub fn refused(msg: &'a str, unique_no: &'a str, reason: &'a str) -> Self {
        let obj = AnswerObject { unique_no: unique_no.into(), reason: Some(reason.into()) };
        Self { code: 400, msg: msg.into(), obj: Some(obj) }
    }
}
