//! Just enough HTTP/1.1 to prepare users and to log in.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

/// How long a server may take for one answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// A response, read whole.
#[derive(Debug, PartialEq, Eq)]
pub struct Response {
    /// Its status.
    pub status: u16,
    /// Its body, without the marks of chunks.
    pub body: Vec<u8>,
    /// How many bytes it took.
    pub length: usize,
}

/// A request, ready to be written.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: Option<(&str, &str)>) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: koine\r\n");
    for (name, value) in headers {
        let _ = write!(text, "{name}: {value}\r\n");
    }
    if let Some((media_type, body)) = body {
        let _ = write!(text, "Content-Type: {media_type}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    } else {
        text.push_str("\r\n");
    }
    text.into_bytes()
}

/// The response at the start of what has arrived; `None` where it has not all arrived.
pub fn response(bytes: &[u8]) -> anyhow::Result<Option<Response>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(start) = head.parse(bytes)? else { return Ok(None) };
    let status = head.code.unwrap_or_default();
    let header = |name: &str| {
        let header = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(header.value).ok()
    };
    if header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        return Ok(chunks(bytes, start)?.map(|(body, length)| Response { status, body, length }));
    }
    let size: usize = header("content-length").map_or(Ok(0), str::parse)?;
    let body = bytes.get(start..start + size);
    Ok(body.map(|body| Response { status, body: body.to_vec(), length: start + size }))
}

fn chunks(bytes: &[u8], mut at: usize) -> anyhow::Result<Option<(Vec<u8>, usize)>> {
    let mut body = Vec::new();
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let size = match httparse::parse_chunk_size(rest) {
            Ok(httparse::Status::Complete((start, size))) => {
                at += start;
                usize::try_from(size)?
            }
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => bail!("the server sent a chunk without a size"),
        };
        let Some(chunk) = bytes.get(at..at + size) else { return Ok(None) };
        body.extend(chunk);
        at += size + 2;
        if at > bytes.len() {
            return Ok(None);
        }
        if size == 0 {
            return Ok(Some((body, at)));
        }
    }
}

/// Asks one server one thing after the other.
pub struct Client {
    address: SocketAddr,
    authorization: Option<String>,
    stream: Option<TcpStream>,
}

impl Client {
    /// A client of the server at this address.
    pub const fn new(address: SocketAddr) -> Self {
        Self { address, authorization: None, stream: None }
    }

    /// Sends this `Authorization` from now on.
    pub fn authorize(&mut self, value: String) {
        self.authorization = Some(value);
    }

    /// POSTs JSON and reads the JSON of a successful answer.
    pub fn post(&mut self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.ask("POST", path, Some(("application/json", &body.to_string())))
    }

    /// GETs the JSON of a successful answer.
    pub fn get(&mut self, path: &str) -> anyhow::Result<Value> {
        self.ask("GET", path, None)
    }

    fn ask(&mut self, method: &str, path: &str, body: Option<(&str, &str)>) -> anyhow::Result<Value> {
        let authorization = self.authorization.as_deref().map(|value| ("Authorization", value));
        let request = request(method, path, authorization.as_slice(), body);
        let response = match self.exchange(&request) {
            Ok(response) => response,
            Err(error) => {
                self.stream = None;
                return Err(error.context(format!("{method} {path}")));
            }
        };
        let text = String::from_utf8_lossy(&response.body);
        if !(200..300).contains(&response.status) {
            bail!("{method} {path} was answered with {} {text}", response.status);
        }
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).with_context(|| format!("{method} {path} was answered with {text}"))
    }

    fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Response> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            empty => {
                let stream = TcpStream::connect(self.address)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                empty.insert(stream)
            }
        };
        stream.write_all(request)?;
        let (mut bytes, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
        loop {
            let count = stream.read(&mut buffer)?;
            if count == 0 {
                bail!("the server ended the connection");
            }
            bytes.extend(buffer.get(..count).unwrap_or_default());
            if let Some(response) = response(&bytes)? {
                return Ok(response);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_read_only_whole(bytes: &[u8], body: &[u8]) {
        for cut in 0..bytes.len() {
            assert_eq!(response(&bytes[..cut]).unwrap(), None, "cut at {cut}");
        }
        let followed = [bytes, b"HTTP/1.1 200"].concat();
        let read = response(&followed).unwrap().unwrap();
        assert_eq!(read, Response { status: 200, body: body.to_vec(), length: bytes.len() });
    }

    #[test]
    fn a_response_with_a_length_is_read_when_all_of_it_is_there() {
        is_read_only_whole(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello");
    }

    #[test]
    fn a_response_in_chunks_is_put_together() {
        is_read_only_whole(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
            b"hello",
        );
    }
}
