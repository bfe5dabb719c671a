//! Blocks: set and lifted, as often as one likes.

use super::Management;
use super::answer::Answer;
use super::call::Call;
use super::problem::Problem;

/// `PUT /v1/users/{user}/blocks/{other}`: the first never hears from the second again.
pub(super) async fn set(api: &Management, call: &Call) -> Result<Answer, Problem> {
    api.hub.set_block(&call.user()?, call.other()?, true).await?;
    Ok(Answer::nothing())
}

/// `DELETE /v1/users/{user}/blocks/{other}`: what was sent meanwhile stays unseen.
pub(super) async fn lift(api: &Management, call: &Call) -> Result<Answer, Problem> {
    api.hub.set_block(&call.user()?, call.other()?, false).await?;
    Ok(Answer::nothing())
}
