//! An answer to an HTTP request, and whether it is what was expected.

use anyhow::{Context as _, Result, ensure};
use http::HeaderMap;

use super::{Answer, AnswerBody, Json, Values, matching};

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Received {
    /// Compares with what was expected.
    pub(crate) fn expect(&self, answer: &Answer, names: &mut Values, dialect: &str) -> Result<()> {
        let text = || String::from_utf8_lossy(&self.body);
        ensure!(self.status == answer.status, "status {} was expected, not {}: {}", answer.status, self.status, text());
        for (name, expected) in &answer.headers {
            let value = self.headers.get(name).with_context(|| format!("the header {name} is missing"))?;
            let value = value.to_str().context("a header that is not text")?;
            let value = if name.eq_ignore_ascii_case("content-type") {
                value.split(';').next().unwrap_or_default().trim()
            } else {
                value
            };
            let expected = Json::string(expected.as_str());
            matching::expect(&expected, &Json::string(value), names, dialect)
                .with_context(|| format!("header {name}"))?;
        }
        match &answer.body {
            AnswerBody::Any => Ok(()),
            AnswerBody::Empty => {
                ensure!(self.body.is_empty(), "no body was expected, not: {}", text());
                Ok(())
            }
            AnswerBody::Text(expected) => matching::expect(expected, &Json::string(text()), names, dialect),
            AnswerBody::Json(expected) => {
                let body = std::str::from_utf8(&self.body).context("the body is not UTF-8")?;
                let body = Json::parse(body).with_context(|| format!("the body is not JSON: {body}"))?;
                matching::expect(expected, &body, names, dialect)
            }
        }
    }
}
