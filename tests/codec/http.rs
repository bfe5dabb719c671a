//! HTTP steps through the pure endpoints.

use anyhow::{Context as _, Result};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use koine_core::{Dialect, Endpoint, HttpRequest, HttpResponse, Payload};

use crate::transcript::received::Received;
use crate::transcript::{Form, Part, Request, RequestBody, Values, values};

/// A request as the gateway would hand it over, and the file parts of its body.
pub(crate) struct Prepared {
    pub(crate) request: HttpRequest,
    /// Field, file name, media type and bytes.
    pub(crate) files: Vec<FilePart>,
}

/// A file of a multipart body.
#[derive(Debug, Clone)]
pub(crate) struct FilePart {
    pub(crate) field: String,
    pub(crate) name: String,
    pub(crate) media_type: String,
    pub(crate) bytes: Vec<u8>,
}

/// A pattern with and without its trailing slash.
pub(crate) fn both_slashes(pattern: &str) -> Vec<String> {
    match pattern.strip_suffix('/') {
        Some("") => vec!["/".to_owned()],
        Some(bare) => vec![pattern.to_owned(), bare.to_owned()],
        None => vec![pattern.to_owned(), format!("{pattern}/")],
    }
}

/// Captures of a path, percent-decoded once.
pub(crate) fn captures(params: &matchit::Params<'_, '_>) -> Vec<(String, String)> {
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    params.iter().map(|(name, value)| (name.to_owned(), decoded(value))).collect()
}

/// An endpoint and the captures of the path that led to it.
pub(crate) type Routed = (Box<dyn Endpoint>, Vec<(String, String)>);

/// The endpoint that a method and path lead to, and the captures of its path.
pub(crate) fn route(dialect: &dyn Dialect, prefix: &str, method: &Method, path: &str) -> Result<Option<Routed>> {
    let Some(path) = path.strip_prefix(prefix) else { return Ok(None) };
    let mut endpoints = dialect.endpoints();
    let mut router = matchit::Router::new();
    for (index, endpoint) in endpoints.iter().enumerate().filter(|(_, endpoint)| endpoint.method() == method) {
        for pattern in both_slashes(endpoint.path()) {
            router.insert(pattern, index).with_context(|| format!("the path {}", endpoint.path()))?;
        }
    }
    let Ok(found) = router.at(path) else { return Ok(None) };
    let (index, captures) = (*found.value, captures(&found.params));
    Ok(Some((endpoints.swap_remove(index), captures)))
}

/// Prepares a step's request; captures are filled in by [`route`].
pub(crate) fn prepare(step: &Request, names: &Values) -> Result<(String, Prepared)> {
    let dialect = step.dialect.as_str();
    let path = names.substitute(&values::ascii_path(&step.path), dialect, Form::Path)?;
    let (path, query) = path.split_once('?').unwrap_or((&path, ""));
    let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let mut headers = HeaderMap::new();
    for (name, value) in &step.headers {
        let value = names.substitute(value, dialect, Form::Plain)?;
        headers.append(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_bytes(value.as_bytes())?);
    }
    let (mut files, mut body) = (Vec::new(), String::new());
    let payload = match &step.body {
        RequestBody::None => Payload::Empty,
        RequestBody::Json(text) => {
            let text = names.substitute(text, dialect, Form::Json)?;
            body.clone_from(&text);
            json(&text)
        }
        RequestBody::Form(fields) => {
            let field = |(name, value): &(String, String)| Ok((name.clone(), plain(names, value, dialect)?));
            Payload::Form(fields.iter().map(field).collect::<Result<_>>()?)
        }
        RequestBody::Multipart(parts) => {
            let mut fields = Vec::new();
            for part in parts {
                match part {
                    Part::Text { name, value } => fields.push((name.clone(), plain(names, value, dialect)?)),
                    Part::File { name, file_name, media_type, content } => files.push(FilePart {
                        field: name.clone(),
                        name: file_name.clone(),
                        media_type: media_type.clone(),
                        bytes: crate::transcript::words::resolved(content, names, dialect)?.plain().into_bytes(),
                    }),
                }
            }
            Payload::Form(fields)
        }
        RequestBody::Raw(text) => raw(&headers, &names.substitute(text, dialect, Form::Plain)?),
    };
    let media_type = match &step.body {
        RequestBody::Json(_) => Some("application/json"),
        RequestBody::Form(_) => Some("application/x-www-form-urlencoded"),
        RequestBody::Multipart(_) => Some("multipart/form-data; boundary=boundary"),
        RequestBody::None | RequestBody::Raw(_) => None,
    };
    if let Some(media_type) = media_type {
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(media_type));
    }
    let method = Method::from_bytes(step.method.as_bytes())?;
    let request = HttpRequest { method, path: Vec::new(), query, headers, payload, body: body.into() };
    Ok((path.to_owned(), Prepared { request, files }))
}

fn plain(names: &Values, text: &str, dialect: &str) -> Result<String> {
    names.substitute(text, dialect, Form::Plain)
}

fn json(text: &str) -> Payload {
    serde_json::from_str(text).map_or(Payload::Unreadable("the body is not JSON"), Payload::Json)
}

/// A body as it is, by its media type.
fn raw(headers: &HeaderMap, text: &str) -> Payload {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match media_type.split(';').next().unwrap_or_default().trim() {
        _ if text.is_empty() => Payload::Empty,
        "application/json" => json(text),
        "application/x-www-form-urlencoded" if percent_encoding::percent_decode_str(text).decode_utf8().is_err() => {
            Payload::Unreadable("the body is not UTF-8")
        }
        "application/x-www-form-urlencoded" => {
            Payload::Form(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
        }
        _ => Payload::Unreadable("the body is neither a form nor JSON"),
    }
}

/// Reads an endpoint's response to its end.
pub(crate) fn received(response: HttpResponse) -> Result<Received> {
    let status = response.status.as_u16();
    let headers = response.headers.clone();
    let body = response.into_bytes().map_err(|error| anyhow::anyhow!("the rows end in a fault: {error}"))?;
    Ok(Received { status, headers, body: body.into() })
}
