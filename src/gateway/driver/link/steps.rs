//! The way of one command: to the hub, or to whoever decides who a client is, and what comes of it.

use std::pin::Pin;
use std::sync::Arc;

use koine_core::{
    Attach, Authenticate, Authenticated, Command, ConfirmBy, Error, ErrorKind, Input, Purpose, Reply, Tag, Token,
};
use tracing::Span;

use super::{Attached, Bound, Change, Confirm, Link, Queued};
use crate::auth::Grant;
use crate::gateway::shared::now;
use crate::hub::{Actor, Pending, Receipts, Subscription};

/// A command on its way to the hub.
pub(super) type Step = Pin<Box<dyn Future<Output = Stepped> + Send>>;

/// How a command's way ended.
pub(super) enum Stepped {
    Answered(Tag, Result<Reply, Error>),
    Submitted { tag: Tag, pending: Pending, grant: Option<Grant> },
    Authenticated { tag: Tag, purpose: Purpose, result: Result<Grant, Error> },
    Attached { tag: Tag, attach: Attach, result: Result<Subscription, Error> },
}

/// What a token that came with a request is worth.
enum Presented {
    Good,
    Bad,
    /// To be judged, and to be this user's.
    Unknown(Authenticate, koine_core::UserId),
}

impl Link {
    /// Sets a command on its way.
    pub(super) fn begin(&mut self, Queued { tag, token, command }: Queued) -> Step {
        let connection = Arc::clone(&self.connection);
        let shared = Arc::clone(&connection.listener.shared);
        let name = self.mounted.name;
        match command {
            Command::Authenticate(request) => Box::pin(async move {
                let result = shared.auth.authenticate(name, &request).await;
                Stepped::Authenticated { tag, purpose: request.purpose, result }
            }),
            Command::Attach(attach) => {
                let Some(bound) = &self.bound else { return answered(tag, Err(ErrorKind::Unauthenticated.into())) };
                if self.is_subscribed(&attach) {
                    // What was pushed here and not confirmed yet must not come again.
                    return answered(tag, Ok(Reply::Attached));
                }
                let (id, info, user) = (self.id, Arc::clone(&self.info), Arc::clone(&bound.grant.user));
                Box::pin(async move {
                    let result = shared.hub.attach(id, &info, &user, &attach).await;
                    Stepped::Attached { tag, attach, result }
                })
            }
            command @ Command::ExchangeKey { .. } => {
                let (actor, client) = (Arc::clone(&self.actor), self.info.address);
                Box::pin(async move { Stepped::Answered(tag, shared.carry_out(&actor, client, command).await) })
            }
            command => {
                if let Command::Register(register) = &command
                    && let Err(error) = shared.count_registration(self.info.address, &register.handle)
                {
                    return answered(tag, Err(error));
                }
                let actor = Arc::clone(&self.actor);
                let presented = token.map_or(Presented::Good, |token| self.presented(token));
                Box::pin(async move {
                    let grant = match presented {
                        Presented::Good => None,
                        Presented::Bad => return Stepped::Answered(tag, Err(ErrorKind::Unauthenticated.into())),
                        Presented::Unknown(request, user) => match shared.auth.authenticate(name, &request).await {
                            Ok(grant) if grant.user.id == user => Some(grant),
                            Ok(_) => return Stepped::Answered(tag, Err(ErrorKind::Unauthenticated.into())),
                            Err(error) => return Stepped::Answered(tag, Err(error)),
                        },
                    };
                    Stepped::Submitted { tag, pending: shared.hub.submit(&actor, command).await, grant }
                })
            }
        }
    }

    /// Hands a command to the hub on the spot, if nothing has to be found out before; otherwise it is given back.
    pub(super) fn submit(&mut self, queued: Queued) -> Result<(), Box<Queued>> {
        let asks_first = matches!(
            queued.command,
            Command::Authenticate(_) | Command::Attach(_) | Command::ExchangeKey { .. } | Command::Register(_)
        );
        if asks_first || !queued.token.as_ref().is_none_or(|token| self.is_good(token)) {
            return Err(Box::new(queued));
        }
        let (tag, hub) = (queued.tag, &self.connection.listener.shared.hub);
        match hub.submit_now(&self.actor, queued.command) {
            Ok(pending) => self.answers.push_back((tag, pending)),
            Err(op) => {
                let hub = hub.clone();
                let submitted =
                    async move { Stepped::Submitted { tag, pending: hub.submit_op(*op).await, grant: None } };
                self.step = Some(Box::pin(submitted));
            }
        }
        Ok(())
    }

    /// Whether a token that came with a request is known to be the bound user's.
    fn is_good(&self, token: &Token) -> bool {
        let auth = &self.connection.listener.shared.auth;
        self.bound.as_ref().is_some_and(|bound| auth.still_good(&bound.grant, token, now()))
    }

    /// What a token that came with a request is worth, as far as that is known without asking.
    fn presented(&self, token: Token) -> Presented {
        match &self.bound {
            None => Presented::Bad,
            Some(_) if self.is_good(&token) => Presented::Good,
            Some(bound) => {
                let request = Authenticate { token, purpose: bound.purpose, claim: None };
                Presented::Unknown(request, bound.grant.user.id)
            }
        }
    }

    /// Takes in how a command's way ended; whether the session has been told something.
    pub(super) fn finish(&mut self, stepped: Stepped) -> bool {
        match stepped {
            Stepped::Answered(tag, result) => self.feed(Input::Reply(tag, result)),
            Stepped::Submitted { tag, pending, grant } => {
                if let (Some(bound), Some(grant)) = (&mut self.bound, grant) {
                    bound.grant = grant;
                }
                self.answers.push_back((tag, pending));
                return false;
            }
            Stepped::Authenticated { tag, purpose, result } => {
                let result = result.map(|grant| {
                    let authenticated = Authenticated { user: Arc::clone(&grant.user), expires: grant.expires };
                    self.bind(grant, purpose);
                    Reply::Authenticated(authenticated)
                });
                self.feed(Input::Reply(tag, result));
            }
            Stepped::Attached { tag, attach, result } => {
                let result = result.map(|subscription| {
                    self.subscribe(subscription, &attach);
                    Reply::Attached
                });
                self.feed(Input::Reply(tag, result));
            }
        }
        true
    }

    fn bind(&mut self, grant: Grant, purpose: Purpose) {
        let user = grant.user.to_ref();
        if self.actor.user.as_ref().is_none_or(|bound| bound.id != user.id) {
            // What comes for somebody else must not reach this user.
            self.detach();
        }
        Span::current().record("user", user.handle.as_str());
        self.actor = Arc::new(Actor { user: Some(user), origin: self.actor.origin });
        self.bound = Some(Box::new(Bound { grant, purpose }));
    }

    fn subscribe(&mut self, subscription: Subscription, attach: &Attach) {
        let Some(user) = self.actor.user.clone() else { return };
        let confirm = match attach.confirm {
            ConfirmBy::Command => Confirm::Command,
            ConfirmBy::Pong if self.mounted.written_confirms => Confirm::Written,
            ConfirmBy::Pong => Confirm::Pong,
        };
        let read = attach.confirmed_is_read;
        self.subscribed = Some((user.id, attach.clone()));
        let acknowledges = confirm == Confirm::Command;
        self.acks = acknowledges.then(Box::default);
        self.receipts = acknowledges.then(|| Arc::new(Receipts::new(&user)));
        self.change = Some(Change::Attached(Box::new(Attached { subscription, user, confirm, read })));
    }

    /// Whether the bound user is subscribed just so.
    pub(super) fn is_subscribed(&self, attach: &Attach) -> bool {
        let (bound, subscribed) = (&self.actor.user, &self.subscribed);
        bound.as_ref().zip(subscribed.as_ref()).is_some_and(|(user, (whose, how))| user.id == *whose && how == attach)
    }

    /// Ends the subscription; whether there was one.
    pub(super) fn detach(&mut self) -> bool {
        let subscribed = self.subscribed.take().is_some();
        if subscribed {
            (self.acks, self.receipts) = (None, None);
            self.change = Some(Change::Detached);
        }
        subscribed
    }
}

fn answered(tag: Tag, result: Result<Reply, Error>) -> Step {
    Box::pin(std::future::ready(Stepped::Answered(tag, result)))
}
