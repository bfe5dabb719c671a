//! Looking at the server: whether it lives, whether it takes work, how much goes on.

use http::StatusCode;
use koine_core::Error;
use serde::Serialize;

use super::Management;
use super::answer::Answer;
use super::call::Call;
use super::problem::Problem;
use super::routes::Running;

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

/// `GET /healthz`: who answers, lives.
pub(super) fn health<'a>(_: &'a Management, _: &'a Call) -> Running<'a> {
    Box::pin(std::future::ready(Answer::ok(&Health { status: "alive" })))
}

/// `GET /readyz`: whether the server takes work, else why not.
pub(super) async fn readiness(api: &Management, _: &Call) -> Result<Answer, Problem> {
    let mut reasons: Vec<&'static str> = api.readiness.obstacle().into_iter().collect();
    let hub = api.hub.clone();
    // The store may have to ask its engine.
    let asked = tokio::task::spawn_blocking(move || hub.readiness()).await;
    if let Err(error) = asked.unwrap_or_else(|_| Err(Error::internal())) {
        tracing::debug!(%error, "not ready");
        reasons.push("the store takes no changes, or its disk is nearly full");
    }
    if reasons.is_empty() { Answer::ok(&Health { status: "ready" }) } else { Err(Problem::not_ready(reasons)) }
}

#[derive(Serialize)]
struct Stats {
    users: u64,
    conversations: u64,
    /// Since this process started, as `ignored_acks`.
    messages: u64,
    ignored_acks: u64,
    connections: usize,
    /// Users with at least one connection.
    online: usize,
    /// Bytes waiting for connections.
    outbound_bytes: usize,
}

/// `GET /v1/stats`
pub(super) async fn stats(api: &Management, _: &Call) -> Result<Answer, Problem> {
    let stats = api.hub.stats().await?;
    Answer::ok(&Stats {
        users: stats.store.users,
        conversations: stats.store.conversations,
        messages: stats.store.messages,
        ignored_acks: stats.store.ignored_acks,
        connections: stats.connections,
        online: stats.online,
        outbound_bytes: stats.outbound_bytes,
    })
}

/// What this version does not have: 501.
pub(super) fn later<'a>(_: &'a Management, _: &'a Call) -> Running<'a> {
    let detail = "this version of koine has no such page; see /v1/stats for figures".to_owned();
    let problem = Problem::other(StatusCode::NOT_IMPLEMENTED, "not-available", "not available yet", detail);
    Box::pin(std::future::ready(Err(problem)))
}
