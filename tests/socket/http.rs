//! An HTTP/1.1 client: one request on one connection.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::transcript::received::Received;
use crate::transcript::words::resolved;
use crate::transcript::{Form, Part, Request, RequestBody, Values, values};

/// The boundary between the parts of multipart bodies.
const BOUNDARY: &str = "koine-transcript-boundary";

/// A request as it goes over the wire.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    pub(crate) method: String,
    /// With its query, percent-encoded.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// The head of an answer.
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
}

impl Outgoing {
    /// A request with a JSON body.
    pub(crate) fn json(method: &str, target: &str, body: &str) -> Self {
        let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        Self { method: method.to_owned(), target: target.to_owned(), headers, body: body.into() }
    }

    /// The same with one more header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A step's request with its names filled in.
    pub(crate) fn of(step: &Request, names: &Values) -> Result<Self> {
        let dialect = step.dialect.as_str();
        let target = names.substitute(&values::ascii_path(&step.path), dialect, Form::Path)?;
        let plain = |text: &str| names.substitute(text, dialect, Form::Plain);
        let mut headers = Vec::new();
        for (name, value) in &step.headers {
            headers.push((name.clone(), plain(value)?));
        }
        let (media_type, body) = match &step.body {
            RequestBody::None => (None, Vec::new()),
            RequestBody::Raw(text) => (None, plain(text)?.into_bytes()),
            RequestBody::Json(text) => {
                (Some("application/json".to_owned()), names.substitute(text, dialect, Form::Json)?.into_bytes())
            }
            RequestBody::Form(fields) => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                for (name, value) in fields {
                    form.append_pair(name, &plain(value)?);
                }
                (Some("application/x-www-form-urlencoded".to_owned()), form.finish().into_bytes())
            }
            RequestBody::Multipart(parts) => {
                (Some(format!("multipart/form-data; boundary={BOUNDARY}")), multipart(parts, names, dialect)?)
            }
        };
        let typed = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        headers.extend(media_type.filter(|_| !typed).map(|media_type| ("Content-Type".to_owned(), media_type)));
        Ok(Self { method: step.method.clone(), target, headers, body })
    }

    /// Sends it and reads the answer.
    pub(crate) fn send(&self, address: SocketAddr, patience: Duration) -> Result<Received> {
        let mut stream = TcpStream::connect_timeout(&address, patience).context("no connection")?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        let mut head = format!("{} {} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if !self.body.is_empty() || self.method != "GET" {
            let _ = write!(head, "Content-Length: {}\r\n", self.body.len());
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes())?;
        // A server may refuse a large body before it has read it whole: the answer tells.
        let written = stream.write_all(&self.body);
        let mut reader = BufReader::new(stream);
        let head = match read_head(&mut reader) {
            Ok(head) => head,
            Err(error) => return Err(written.err().map_or(error, Into::into)),
        };
        read_answer(&mut reader, head, self.method == "HEAD")
    }
}

fn multipart(parts: &[Part], names: &Values, dialect: &str) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    for part in parts {
        write!(body, "--{BOUNDARY}\r\n")?;
        match part {
            Part::Text { name, value } => {
                let value = names.substitute(value, dialect, Form::Plain)?;
                write!(body, "Content-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")?;
            }
            Part::File { name, file_name, media_type, content } => {
                let content = resolved(content, names, dialect)?.plain();
                write!(
                    body,
                    "Content-Disposition: form-data; name=\"{name}\"; filename=\"{file_name}\"\r\n\
                     Content-Type: {media_type}\r\n\r\n{content}\r\n"
                )?;
            }
        }
    }
    write!(body, "--{BOUNDARY}--\r\n")?;
    Ok(body)
}

/// Reads a status line and headers.
pub(crate) fn read_head(reader: &mut impl BufRead) -> Result<Head> {
    let status = line(reader)?;
    let status = status.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
    let mut head = Head { status: status.context("no HTTP/1.1 status line")?, headers: HeaderMap::new() };
    loop {
        let line = line(reader)?;
        if line.is_empty() {
            return Ok(head);
        }
        let (name, value) = line.split_once(':').with_context(|| format!("no header: {line}"))?;
        head.headers
            .append(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_bytes(value.trim().as_bytes())?);
    }
}

/// Reads the body that belongs to a head.
pub(crate) fn read_answer(reader: &mut impl BufRead, head: Head, bodiless: bool) -> Result<Received> {
    let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let mut body = Vec::new();
    if bodiless || matches!(head.status, 204 | 304) {
        // Nothing follows.
    } else if text("transfer-encoding").is_some_and(|encoding| encoding.eq_ignore_ascii_case("chunked")) {
        loop {
            let size = line(reader)?;
            let size = u64::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16).context("a chunk")?;
            exactly(reader, size, &mut body)?;
            line(reader)?;
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = text("content-length") {
        exactly(reader, length.parse().context("Content-Length")?, &mut body)?;
    } else {
        reader.read_to_end(&mut body)?;
    }
    Ok(Received { status: head.status, headers: head.headers, body })
}

fn exactly(reader: &mut impl BufRead, length: u64, body: &mut Vec<u8>) -> Result<()> {
    let taken = reader.take(length).read_to_end(body)?;
    if taken as u64 != length {
        bail!("the body ends early: {taken} of {length} bytes");
    }
    Ok(())
}

fn line(reader: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        bail!("the connection ended");
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
