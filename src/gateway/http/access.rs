//! Who a request is from.

use std::sync::Arc;

use koine_core::{Access, Authenticate, Claim, Error, ErrorKind, HttpRequest, Purpose, Token, User, UserKey};

use super::Exchange;
use crate::config::{DialectName, HttpAuth};
use crate::dialects::Mounted;
use crate::gateway::client;

/// Judges a request by what its endpoint asks for. `None`: anybody may, and nobody said who it is.
///
/// # Errors
/// `Unauthenticated` and its kin; what a claim is refused with.
pub(super) async fn judge(
    exchange: &Exchange<'_>,
    mounted: &Mounted,
    access: Access,
    request: &HttpRequest,
) -> Result<Option<Arc<User>>, Error> {
    let auth = &exchange.connection.listener.shared.auth;
    match access {
        Access::Open => Ok(None),
        Access::Token { find, purpose } => {
            let token = find(request).ok_or(ErrorKind::Unauthenticated)?;
            authenticate(exchange, mounted.name, token, purpose, None).await.map(Some)
        }
        Access::Optional { find, purpose } => match find(request) {
            Some(token) => Ok(authenticate(exchange, mounted.name, token, purpose, None).await.ok()),
            None => Ok(None),
        },
        Access::Service { find } => {
            let opened = || find(request).is_some_and(|key| auth.service_key(mounted.name, &key));
            if exchange.connection.listener.internal || opened() {
                Ok(None)
            } else {
                Err(ErrorKind::Unauthenticated.into())
            }
        }
        Access::Claimed { find, claim } => {
            let token = find(request);
            match (mounted.http_auth, token) {
                (HttpAuth::Open, _) => resolve(exchange, claim(request)?).await.map(Some),
                (HttpAuth::Guarded | HttpAuth::Token, Some(token)) => {
                    let claim = claim(request)?;
                    authenticate(exchange, mounted.name, token, Purpose::Access, Some(claim)).await.map(Some)
                }
                (HttpAuth::Guarded, None) => vouched(exchange, mounted.name, claim(request)?).await.map(Some),
                (HttpAuth::Token, None) => Err(ErrorKind::Unauthenticated.into()),
            }
        }
    }
}

async fn authenticate(
    exchange: &Exchange<'_>,
    dialect: DialectName,
    token: Token,
    purpose: Purpose,
    claim: Option<Claim>,
) -> Result<Arc<User>, Error> {
    let request = Authenticate { token, purpose, claim };
    exchange.connection.listener.shared.auth.authenticate(dialect, &request).await.map(|grant| grant.user)
}

/// The address rule: the user has a live connection from where the request comes from, and no proxy or
/// foreign page can have made the request.
async fn vouched(exchange: &Exchange<'_>, dialect: DialectName, claim: Claim) -> Result<Arc<User>, Error> {
    let shared = &exchange.connection.listener.shared;
    let headers = &exchange.parts.headers;
    let direct = !shared.config.proxy.behind
        && !client::is_forwarded(headers)
        && !shared.trusted.contains(exchange.connection.direct_peer);
    // A page without a readable origin is not the page of any connection.
    let origin = headers.get(http::header::ORIGIN).map(|origin| origin.to_str().unwrap_or("null"));
    let user = resolve(exchange, claim).await.map_err(|error| match error.kind() {
        // Who may not ask is not told who exists.
        ErrorKind::UserNotFound | ErrorKind::ChatNotFound | ErrorKind::UserDisabled => {
            ErrorKind::Unauthenticated.into()
        }
        _ => error,
    })?;
    if direct && shared.hub.vouches(user.id, dialect, exchange.client, origin) {
        Ok(user)
    } else {
        Err(ErrorKind::Unauthenticated.into())
    }
}

async fn resolve(exchange: &Exchange<'_>, claim: Claim) -> Result<Arc<User>, Error> {
    let shared = &exchange.connection.listener.shared;
    let directory = &shared.directory;
    let user = match claim {
        Claim::User(UserKey::Handle(handle)) if shared.demo => directory.ensure_user(handle).await?,
        Claim::User(key) => directory.user(key).await?.ok_or(ErrorKind::UserNotFound)?,
        Claim::Chat(chat) => {
            let owner = directory.chat_owner(chat).await?.ok_or(ErrorKind::ChatNotFound)?;
            directory.user(UserKey::Id(owner)).await?.ok_or(ErrorKind::ChatNotFound)?
        }
    };
    if user.disabled { Err(ErrorKind::UserDisabled.into()) } else { Ok(user) }
}
