//! HTTP requests of a transcript.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use http::Method;
use koine_core::{
    Access, Call, Claim, Command, Context, Endpoint, EndpointKind, Error, ErrorKind, File, FileId, HttpRequest, Reply,
    Token, UserRef,
};
use md5::Digest as _;

use super::http::{FilePart, Prepared, prepare, received, route};
use super::options;
use super::runner::Runner;
use crate::transcript::Request;

/// A request whose command has not been carried out.
pub(super) struct Waiting {
    pub(super) label: String,
    pub(super) dialect: String,
    user: Option<UserRef>,
    stage: Stage,
}

enum Stage {
    /// The command of the request.
    Asked(Box<dyn Endpoint>, Box<HttpRequest>, Call),
    /// What runs after the reply.
    After(Command),
}

impl Waiting {
    /// The command to carry out next.
    pub(super) const fn command(&self) -> &Command {
        match &self.stage {
            Stage::Asked(_, _, call) => &call.command,
            Stage::After(command) => command,
        }
    }
}

impl Runner {
    /// Sends a request: finds its endpoint, authenticates, and makes it a command.
    pub(super) fn request(&mut self, label: &str, step: &Request) -> Result<()> {
        let (path, Prepared { mut request, files }) = prepare(step, &self.values)?;
        let dialect = self.dialects.get(step.dialect.as_str()).context("no such dialect")?.clone();
        let prefix = options::prefix(&self.config, &step.dialect);
        let method: &Method = &request.method;
        let Some((endpoint, captures)) = route(&*dialect, prefix, method, &path)? else {
            let response = dialect.http_error(&ErrorKind::RouteNotFound.into());
            return self.receive(label, &step.dialect, response);
        };
        request.path = captures;
        let user = match self.admitted(&*endpoint, &request) {
            Ok(user) => user,
            Err(error) => {
                let response = endpoint.response(&self.context(None), &request, Err(error));
                return self.receive(label, &step.dialect, response);
            }
        };
        if let EndpointKind::Upload { field } = endpoint.kind() {
            let result = self.upload(user.as_ref(), field, &files);
            let response = endpoint.response(&self.context(user.as_ref()), &request, result);
            return self.receive(label, &step.dialect, response);
        }
        match endpoint.request(&self.context(user.as_ref()), &request) {
            Ok(call) => {
                let (label, dialect) = (label.to_owned(), step.dialect.clone());
                self.waiting.push_back(Waiting {
                    label,
                    dialect,
                    user,
                    stage: Stage::Asked(endpoint, Box::new(request), call),
                });
                Ok(())
            }
            Err(error) => {
                let response = endpoint.response(&self.context(user.as_ref()), &request, Err(error));
                self.receive(label, &step.dialect, response)
            }
        }
    }

    /// Carries a request's command out and makes the response, or what runs after it.
    pub(super) fn answer_request(&mut self, waiting: Waiting, error: Option<Error>) -> Result<()> {
        let Waiting { label, dialect, user, stage } = waiting;
        let id = user.as_ref().map(|user| user.id);
        let (endpoint, request, call) = match stage {
            Stage::Asked(endpoint, request, call) => (endpoint, request, call),
            Stage::After(command) => {
                let done = self.execute(id, &command);
                done.map_err(|error| anyhow::anyhow!("what ran after the reply failed: {error}"))?;
                return self.tell();
            }
        };
        let result = match error {
            Some(error) => Err(error),
            None => self.execute(id, &call.command),
        };
        let after = result.as_ref().ok().and_then(|reply| call.after.and_then(|after| after(reply)));
        let response = endpoint.response(&self.context(user.as_ref()), &request, result);
        self.receive(&label, &dialect, response)?;
        if let Some(command) = after {
            self.waiting.push_front(Waiting { label, dialect, user, stage: Stage::After(command) });
        }
        self.tell()
    }

    fn receive(&mut self, label: &str, dialect: &str, response: koine_core::HttpResponse) -> Result<()> {
        let received = received(response)?;
        if let Some((_, earlier)) = self.received.insert(label.to_owned(), (dialect.to_owned(), received)) {
            anyhow::bail!("no line names the earlier answer with status {}", earlier.status);
        }
        Ok(())
    }

    fn context<'a>(&'a self, user: Option<&'a UserRef>) -> Context<'a> {
        Context { user, now: self.model.now, zone: &self.zone }
    }

    fn admitted(&self, endpoint: &dyn Endpoint, request: &HttpRequest) -> Result<Option<UserRef>, Error> {
        let unauthenticated = Error::new(ErrorKind::Unauthenticated);
        match endpoint.access() {
            Access::Open => Ok(None),
            Access::Token { find, purpose } => {
                let token = find(request).ok_or(unauthenticated)?;
                Ok(Some(self.model.authenticate(&token, purpose)?.to_ref()))
            }
            Access::Optional { find, purpose } => {
                let user = find(request).and_then(|token| self.model.authenticate(&token, purpose).ok());
                Ok(user.map(|user| user.to_ref()))
            }
            Access::Service { find } => {
                let known =
                    ["notification", "management"].into_iter().filter_map(|key| self.values.value(key, "").ok());
                let key = find(request).ok_or_else(|| unauthenticated.clone())?;
                let mut known = known.map(|key| key.plain());
                if known.any(|known| known == key.expose()) { Ok(None) } else { Err(unauthenticated) }
            }
            Access::Claimed { find, claim } => self.believed(find(request), claim(request)),
        }
    }

    /// Whom auth-ack's HTTP requests are believed to be from.
    fn believed(&self, token: Option<Token>, claim: Result<Claim, Error>) -> Result<Option<UserRef>, Error> {
        use koine::config::HttpAuth;

        let unauthenticated = || Error::new(ErrorKind::Unauthenticated);
        let claim = claim?;
        let claimed = self.model.claimed(&claim);
        if let Some(token) = token {
            let user = self.model.authenticate(&token, koine_core::Purpose::Access)?;
            return match claimed {
                Ok(claimed) if claimed.id == user.id => Ok(Some(user.to_ref())),
                Err(error) if matches!(claim, Claim::Chat(_)) => Err(error),
                Ok(_) | Err(_) => Err(unauthenticated()),
            };
        }
        match self.config.dialects.auth_ack.http_auth {
            HttpAuth::Token => Err(unauthenticated()),
            HttpAuth::Open => Ok(Some(claimed?.to_ref())),
            HttpAuth::Guarded => {
                let claimed = claimed.map_err(|_| unauthenticated())?;
                let vouched = self.connections.iter().any(|(_, connection)| {
                    connection.is_live()
                        && connection.user == Some(claimed.id)
                        && connection.dialect.name() == "auth-ack"
                });
                if vouched { Ok(Some(claimed.to_ref())) } else { Err(unauthenticated()) }
            }
        }
    }

    fn upload(&self, user: Option<&UserRef>, field: &str, files: &[FilePart]) -> Result<Reply, Error> {
        let owner = user.cloned().ok_or(ErrorKind::Unauthenticated)?;
        let part = files.iter().find(|file| file.field == field).ok_or(ErrorKind::FileNotFound)?;
        let size = u64::try_from(part.bytes.len()).unwrap_or(u64::MAX);
        if size > self.config.limits.upload {
            return Err(ErrorKind::TooLarge.into());
        }
        let hex = |bytes: &[u8]| {
            bytes.iter().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            })
        };
        let id = FileId::new(u128::from(self.model.now.as_millis().unsigned_abs()));
        Ok(Reply::File(std::sync::Arc::new(File {
            id,
            md5: hex(&md5::Md5::digest(&part.bytes)),
            sha256: hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &part.bytes).as_ref()),
            name: part.name.clone(),
            size,
            media_type: part.media_type.clone(),
            created: self.model.now,
            owner,
            url: format!("/file/down/{id}"),
        })))
    }
}
