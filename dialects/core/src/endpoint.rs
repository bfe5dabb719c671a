//! HTTP endpoints as pairs of pure functions.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::{Claim, Command, Error, Fields, Purpose, Reply, Rows, Timestamp, Token, UserRef, Zone};

/// One HTTP endpoint of a dialect: a request becomes a command, the hub's answer becomes a response.
pub trait Endpoint: Send + Sync {
    /// The method it answers to.
    fn method(&self) -> Method;

    /// The path, below the dialect's configured prefix, in `matchit`'s notation (`/api/group/{id}`).
    /// A path with a trailing slash is served without one too, and the other way round.
    fn path(&self) -> &'static str;

    /// Who may use it.
    fn access(&self) -> Access;

    /// Whether it is a command or an upload.
    fn kind(&self) -> EndpointKind {
        EndpointKind::Command
    }

    /// The command a request stands for. Errors go to [`Endpoint::response`]. Not called for uploads.
    fn request(&self, context: &Context<'_>, request: &HttpRequest) -> Result<Call, Error>;

    /// The response to what the hub answered, or to why it was not asked. For uploads the request has no payload.
    fn response(&self, context: &Context<'_>, request: &HttpRequest, result: Result<Reply, Error>) -> HttpResponse;
}

/// Who may use an endpoint, and where the request says who it is from.
#[derive(Clone, Copy)]
pub enum Access {
    /// Anybody.
    Open,
    /// Whoever has a token; without a good one the response is for `Unauthenticated`.
    Token {
        /// Where the token lies.
        find: fn(&HttpRequest) -> Option<Token>,
        /// What it must be good for.
        purpose: Purpose,
    },
    /// Anybody; a good token tells who it is.
    Optional {
        /// Where the token lies.
        find: fn(&HttpRequest) -> Option<Token>,
        /// What it must be good for.
        purpose: Purpose,
    },
    /// A backend with the dialect's service key (access-token's `notification_key`).
    Service {
        /// Where the key lies.
        find: fn(&HttpRequest) -> Option<Token>,
    },
    /// Whoever the request names, to the extent `http_auth` is set to believe it (auth-ack).
    Claimed {
        /// Where a token may lie.
        find: fn(&HttpRequest) -> Option<Token>,
        /// Whom the request names; `BadRequest` where that is not to be understood.
        claim: fn(&HttpRequest) -> Result<Claim, Error>,
    },
}

/// How the gateway feeds an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointKind {
    /// The body is read whole (at most `limits.http_body`) and handed to [`Endpoint::request`].
    Command,
    /// The body is multipart; the named part is streamed to the file store, and
    /// [`Endpoint::response`] gets [`Reply::File`], or `TooLarge`, or `FileNotFound` without such a part.
    Upload {
        /// The part's name.
        field: &'static str,
    },
}

/// What a request is about.
#[derive(Debug)]
pub struct Call {
    /// What to do.
    pub command: Command,
    /// What to do once the whole reply has been handed to the socket (consume what was pulled).
    /// An aborted reply leaves it undone.
    pub after: Option<fn(&Reply) -> Option<Command>>,
}

impl From<Command> for Call {
    fn from(command: Command) -> Self {
        Self { command, after: None }
    }
}

/// What is known besides the request itself.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Whom the request was authenticated as.
    pub user: Option<&'a UserRef>,
    /// The time.
    pub now: Timestamp,
    /// The zone for dates shown as text.
    pub zone: &'a Zone,
}

/// A request, read whole.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    /// Its method.
    pub method: Method,
    /// The captures of the path pattern, percent-decoded once.
    pub path: Vec<(String, String)>,
    /// The query, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub payload: Payload,
    /// The same as it came; empty for an upload.
    pub body: Bytes,
}

/// A body by its media type.
#[derive(Debug, Clone)]
pub enum Payload {
    /// None, or one that says nothing.
    Empty,
    /// A urlencoded form, or the text parts of a multipart one.
    Form(Vec<(String, String)>),
    /// JSON.
    Json(Value),
    /// Neither, or broken; the text says in which way.
    Unreadable(&'static str),
}

impl HttpRequest {
    /// A request of which only the method is known.
    pub fn new(method: Method) -> Self {
        let (path, query, headers, body) = Default::default();
        Self { method, path, query, headers, payload: Payload::Empty, body }
    }

    /// Its parameters: path, then query, then body. `BadRequest` if the body cannot be read.
    pub fn fields(&self) -> Result<Fields<'_>, Error> {
        let mut fields = Fields { path: &self.path, query: &self.query, ..Fields::default() };
        match &self.payload {
            Payload::Empty => {}
            Payload::Form(form) => fields.form = form,
            Payload::Json(Value::Object(map)) => fields.json = Some(map),
            Payload::Json(_) => return Err(Error::bad_request("the body is not a JSON object")),
            Payload::Unreadable(why) => return Err(Error::bad_request(*why)),
        }
        Ok(fields)
    }

    /// A member of a JSON body, digit for digit as it came, which [`Payload::Json`] is not. Of several the last.
    pub fn raw_member(&self, name: &str) -> Option<&RawValue> {
        let members: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_slice(&self.body).ok()?;
        members.get(name).copied()
    }

    /// The `Authorization` header: what follows `Bearer`, or the bare value where `bare` allows it.
    pub fn authorization(&self, bare: bool) -> Option<Token> {
        let value = self.headers.get(http::header::AUTHORIZATION)?.to_str().ok()?.trim();
        let token = match value.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            None if bare => value,
            _ => return None,
        };
        (!token.is_empty()).then(|| Token::new(token))
    }
}

/// A response.
#[derive(Debug)]
pub struct HttpResponse {
    /// Its status.
    pub status: StatusCode,
    /// Its headers, the media type among them.
    pub headers: HeaderMap,
    /// Its body.
    pub body: ResponseBody,
}

/// The body of a response.
pub enum ResponseBody {
    /// Whole.
    Full(Bytes),
    /// Written as the rows are read from the store; a fault ends the connection, so that no client
    /// takes half a list for a whole one.
    Rows(Rows<Bytes>),
}

impl std::fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Full(bytes) => f.debug_tuple("Full").field(bytes).finish(),
            Self::Rows(_) => f.write_str("Rows(..)"),
        }
    }
}

impl HttpResponse {
    /// No body.
    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: ResponseBody::Full(Bytes::new()) }
    }

    /// A JSON body.
    pub fn json(status: StatusCode, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self::with_type(status, "application/json", ResponseBody::Full(body.into())),
            Err(_) => Self::empty(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// A JSON body made of `open`, the rows separated by commas, and `close`. A short list is
    /// written the same way: nobody has to know which lists are long.
    pub fn json_rows<T: Serialize + 'static>(
        status: StatusCode,
        open: String,
        rows: Rows<T>,
        close: &'static str,
    ) -> Self {
        let mut first = true;
        let rows = rows.map(move |row| {
            let mut bytes = if std::mem::take(&mut first) { Vec::new() } else { vec![b','] };
            serde_json::to_writer(&mut bytes, &row?).map_err(|_| Error::internal())?;
            Ok(Bytes::from(bytes))
        });
        let whole = std::iter::once(Ok(Bytes::from(open)))
            .chain(rows)
            .chain(std::iter::once(Ok(Bytes::from_static(close.as_bytes()))));
        Self::with_type(status, "application/json", ResponseBody::Rows(Rows::new(whole)))
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The whole body, read to its end; for tests and short lists.
    pub fn into_bytes(self) -> Result<Bytes, Error> {
        match self.body {
            ResponseBody::Full(bytes) => Ok(bytes),
            ResponseBody::Rows(rows) => {
                let mut whole = Vec::new();
                for part in rows {
                    whole.extend_from_slice(&part?);
                }
                Ok(whole.into())
            }
        }
    }

    fn with_type(status: StatusCode, media_type: &'static str, body: ResponseBody) -> Self {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media_type))]);
        Self { status, headers, body }
    }
}
