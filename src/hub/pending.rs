//! The answer to a command that was handed over.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use koine_core::{Error, ErrorKind, Reply};

use super::committer::Answer;
use crate::store::Outcome;

/// The answer to a command that was handed over.
pub struct Pending(Kind);

enum Kind {
    /// The committer decides.
    Decided(Answer),
    /// The store is asked, or the directory.
    Asked(Pin<Box<dyn Future<Output = Result<Reply, Error>> + Send>>),
    /// It is known; taken by whoever waits.
    Known(Option<Error>),
}

impl Pending {
    pub(super) const fn decided(answer: Answer) -> Self {
        Self(Kind::Decided(answer))
    }

    pub(super) fn asked(answer: impl Future<Output = Result<Reply, Error>> + Send + 'static) -> Self {
        Self(Kind::Asked(Box::pin(answer)))
    }

    pub(super) const fn refused(error: Error) -> Self {
        Self(Kind::Known(Some(error)))
    }
}

impl Future for Pending {
    type Output = Result<Reply, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Kind::Decided(answer) => {
                let decided = ready!(Pin::new(answer).poll(context));
                // Without its sender: the committer has ended.
                Poll::Ready(match decided.unwrap_or(Err(Error::new(ErrorKind::Unavailable))) {
                    Ok(Outcome::Reply(reply)) => Ok(reply),
                    Ok(_) => Err(Error::internal()),
                    Err(error) => Err(error),
                })
            }
            Kind::Asked(answer) => answer.as_mut().poll(context),
            Kind::Known(error) => Poll::Ready(Err(error.take().unwrap_or_else(Error::internal))),
        }
    }
}
