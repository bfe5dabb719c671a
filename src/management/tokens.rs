//! Tokens: issued, registered, revoked.

use std::time::Duration;

use aws_lc_rs::{digest, rand};
use data_encoding::BASE64URL_NOPAD;
use http::StatusCode;
use koine_core::{ErrorKind, UserKey};
use serde::{Deserialize, Serialize};

use super::Management;
use super::answer::Answer;
use super::call::Call;
use super::problem::Problem;
use super::show::moment;
use crate::config::DialectName;

/// Random bytes of a token.
const RANDOM_BYTES: usize = 32;
/// The longest token of a backend's that is registered, in bytes: what fits into a header.
const LONGEST: usize = 8 << 10;
/// The longest life of a token, in seconds: a hundred years.
const LONGEST_LIFE: u64 = 100 * 366 * 24 * 60 * 60;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    ttl_s: Option<u64>,
    dialect: Option<DialectName>,
    token: Option<String>,
}

#[derive(Serialize)]
struct Issued<'a> {
    token: &'a str,
    /// What revokes it; a rule key has none.
    id: Option<u64>,
    expires_at: Option<String>,
}

/// `POST /v1/users/{user}/tokens`: a token for one dialect, or for the four that take access tokens.
///
/// For user-sig it is the rule key, which its clients exchange for a `user_sig`; it lives as long as the
/// configured rule lets it, so that it has neither an id nor an end. Else it is random, or the one
/// given (a backend minted it), kept as its hash, and lives for `ttl_s` or `auth.token_ttl`.
pub(super) async fn issue(api: &Management, call: &Call) -> Result<Answer, Problem> {
    let Wanted { ttl_s, dialect, token } = call.json_if_any()?;
    let ttl = match ttl_s {
        None => api.auth.token_ttl(),
        Some(seconds @ 1..=LONGEST_LIFE) => Duration::from_secs(seconds),
        Some(_) => {
            return Err(Problem::bad_request(format!("the body: `ttl_s` is not a number from 1 to {LONGEST_LIFE}")));
        }
    };
    let user = api.hub.find_user(&call.user()?).await?;
    let now = api.hub.clock().now();
    if dialect == Some(DialectName::UserSig) {
        if token.is_some() {
            return Err(Problem::bad_request(
                "the body: `token` cannot be registered for user-sig, whose clients exchange the rule key",
            ));
        }
        let key = api.auth.rule_key(&user.handle, now);
        return Answer::created(&Issued { token: key.expose(), id: None, expires_at: None });
    }
    if !api.opaque_tokens {
        return Err(Problem::other(
            StatusCode::CONFLICT,
            "provider-disabled",
            "stored tokens are not accepted",
            "auth.providers does not name `opaque`, so that no client could use this token".to_owned(),
        ));
    }
    let token = match token {
        Some(token) => registrable(token)?,
        None => random()?,
    };
    let expires = now.plus(ttl);
    let issued = api.hub.add_token(UserKey::Id(user.id), hash(&token)?, dialect, Some(expires)).await?;
    let answer = Answer::created(&Issued { token: &token, id: Some(issued.id), expires_at: moment(expires) })?;
    Ok(answer.at(&format!("/v1/tokens/{}", issued.id)))
}

/// `DELETE /v1/tokens/{token}`: it is good for nobody from here on.
pub(super) async fn revoke(api: &Management, call: &Call) -> Result<Answer, Problem> {
    let known = match call.param("token")?.parse() {
        Ok(id) => api.hub.revoke_token(id).await?,
        Err(_) => false,
    };
    if known {
        return Ok(Answer::nothing());
    }
    let detail = "no token has this id, or it is revoked already".to_owned();
    Err(Problem::other(StatusCode::NOT_FOUND, "token-not-found", "no such token", detail))
}

fn registrable(token: String) -> Result<String, Problem> {
    let printable = token.chars().all(|character| !character.is_control() && !character.is_whitespace());
    if token.is_empty() || token.len() > LONGEST || !printable {
        return Err(Problem::bad_request(format!(
            "the body: `token` is not a text of 1 to {LONGEST} bytes without white space and control characters"
        )));
    }
    Ok(token)
}

fn random() -> Result<String, Problem> {
    let mut bytes = [0; RANDOM_BYTES];
    rand::fill(&mut bytes).map_err(|_| ErrorKind::Internal)?;
    Ok(BASE64URL_NOPAD.encode(&bytes))
}

fn hash(token: &str) -> Result<[u8; 32], Problem> {
    let hash = digest::digest(&digest::SHA256, token.as_bytes());
    hash.as_ref().try_into().map_err(|_| ErrorKind::Internal.into())
}
