//! What is answered when all goes well.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Response, StatusCode};
use koine_core::ErrorKind;
use serde::Serialize;

use super::problem::Problem;

/// What is answered when all goes well.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    location: Option<HeaderValue>,
    json: Option<Bytes>,
}

impl Answer {
    /// 200 with JSON.
    pub(super) fn ok(value: &impl Serialize) -> Result<Self, Problem> {
        Self::with(StatusCode::OK, value)
    }

    /// 201 with JSON.
    pub(super) fn created(value: &impl Serialize) -> Result<Self, Problem> {
        Self::with(StatusCode::CREATED, value)
    }

    /// 204: nothing is left to be said.
    pub(super) const fn nothing() -> Self {
        Self { status: StatusCode::NO_CONTENT, location: None, json: None }
    }

    /// The same, saying where what was created is; `path` has its segments encoded.
    pub(super) fn at(mut self, path: &str) -> Self {
        self.location = HeaderValue::from_str(path).ok();
        self
    }

    pub(super) fn into_response(self) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(location) = self.location {
            headers.insert(LOCATION, location);
        }
        if let Some(json) = self.json {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *response.body_mut() = json;
        }
        response
    }

    fn with(status: StatusCode, value: &impl Serialize) -> Result<Self, Problem> {
        let json = serde_json::to_vec(value).map_err(|_| ErrorKind::Internal)?;
        Ok(Self { status, location: None, json: Some(json.into()) })
    }
}
