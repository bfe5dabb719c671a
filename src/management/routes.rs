//! Which path is what.

use std::pin::Pin;

use http::Method;
use matchit::{Params, Router};

use super::answer::Answer;
use super::call::Call;
use super::problem::Problem;
use super::{Management, blocks, friends, groups, looking, messages, notifications, tokens, users};

/// Every endpoint there is.
fn table() -> Vec<Endpoint> {
    vec![
        on("/v1/users", Method::POST, |api, call| Box::pin(users::add(api, call))),
        on("/v1/users", Method::GET, |api, call| Box::pin(users::list(api, call))),
        on("/v1/users/{user}", Method::GET, |api, call| Box::pin(users::show(api, call))),
        on("/v1/users/{user}", Method::PATCH, |api, call| Box::pin(users::change(api, call))),
        on("/v1/users/{user}/disable", Method::POST, |api, call| Box::pin(users::disable(api, call))),
        on("/v1/users/{user}/enable", Method::POST, |api, call| Box::pin(users::enable(api, call))),
        on("/v1/users/{user}/kick", Method::POST, |api, call| Box::pin(users::kick(api, call))),
        on("/v1/users/{user}/connections", Method::GET, |api, call| Box::pin(users::connections(api, call))),
        on("/v1/users/{user}/tokens", Method::POST, |api, call| Box::pin(tokens::issue(api, call))),
        on("/v1/tokens/{token}", Method::DELETE, |api, call| Box::pin(tokens::revoke(api, call))),
        on("/v1/friend-requests", Method::POST, |api, call| Box::pin(friends::ask(api, call))),
        on("/v1/friend-requests/{request}/decision", Method::POST, |api, call| Box::pin(friends::decide(api, call))),
        on("/v1/users/{user}/friends", Method::GET, |api, call| Box::pin(friends::list(api, call))),
        on("/v1/users/{user}/friends/{other}", Method::DELETE, |api, call| Box::pin(friends::end(api, call))),
        on("/v1/users/{user}/blocks/{other}", Method::PUT, |api, call| Box::pin(blocks::set(api, call))),
        on("/v1/users/{user}/blocks/{other}", Method::DELETE, |api, call| Box::pin(blocks::lift(api, call))),
        on("/v1/groups", Method::POST, |api, call| Box::pin(groups::create(api, call))),
        on("/v1/groups/{group}", Method::GET, |api, call| Box::pin(groups::show(api, call))),
        on("/v1/groups/{group}", Method::PATCH, |api, call| Box::pin(groups::rename(api, call))),
        on("/v1/groups/{group}", Method::DELETE, |api, call| Box::pin(groups::dissolve(api, call))),
        on("/v1/groups/{group}/join-requests", Method::POST, |api, call| Box::pin(groups::join(api, call))),
        on("/v1/groups/{group}/invitations", Method::POST, |api, call| Box::pin(groups::invite(api, call))),
        on("/v1/group-requests/{request}/decision", Method::POST, |api, call| Box::pin(groups::decide(api, call))),
        on("/v1/groups/{group}/members/{user}", Method::DELETE, |api, call| Box::pin(groups::remove(api, call))),
        on("/v1/messages", Method::POST, |api, call| Box::pin(messages::send(api, call))),
        on("/v1/conversations/{conversation}/messages", Method::GET, |api, call| Box::pin(messages::list(api, call))),
        on("/v1/notifications", Method::POST, |api, call| Box::pin(notifications::notify(api, call))),
        on("/v1/stats", Method::GET, |api, call| Box::pin(looking::stats(api, call))),
        on("/metrics", Method::GET, looking::later),
        on("/openapi.json", Method::GET, looking::later),
        on("/docs", Method::GET, looking::later),
        open("/healthz", Method::GET, looking::health),
        open("/readyz", Method::GET, |api, call| Box::pin(looking::readiness(api, call))),
    ]
}

/// Answers a call.
pub(super) type Run = for<'a> fn(&'a Management, &'a Call) -> Running<'a>;

/// The answer of a [`Run`].
pub(super) type Running<'a> = Pin<Box<dyn Future<Output = Result<Answer, Problem>> + Send + 'a>>;

struct Endpoint {
    path: &'static str,
    method: Method,
    run: Run,
    open: bool,
}

const fn on(path: &'static str, method: Method, run: Run) -> Endpoint {
    Endpoint { path, method, run, open: false }
}

const fn open(path: &'static str, method: Method, run: Run) -> Endpoint {
    Endpoint { path, method, run, open: true }
}

/// What is at one path.
pub(super) struct Resource {
    open: bool,
    methods: Vec<(Method, Run)>,
}

/// A path that was found, with its parameters as they came.
pub(super) struct Found<'a> {
    pub(super) resource: &'a Resource,
    pub(super) params: Params<'a, 'a>,
}

/// All resources by path.
pub(super) struct Routes {
    resources: Vec<Resource>,
    router: Router<usize>,
}

impl Routes {
    pub(super) fn new() -> Self {
        let (mut resources, mut router) = (Vec::<Resource>::new(), Router::new());
        let mut last = None;
        for Endpoint { path, method, run, open } in table() {
            match resources.last_mut() {
                Some(resource) if last == Some(path) => resource.methods.push((method, run)),
                _ => {
                    let inserted = router.insert(path, resources.len());
                    debug_assert!(inserted.is_ok(), "{path} is in the table twice, or in the way of another path");
                    resources.push(Resource { open, methods: vec![(method, run)] });
                    last = Some(path);
                }
            }
        }
        Self { resources, router }
    }

    /// What is at a path; matched before anything in it is decoded.
    pub(super) fn find<'a>(&'a self, path: &'a str) -> Option<Found<'a>> {
        let found = self.router.at(path).ok()?;
        Some(Found { resource: self.resources.get(*found.value)?, params: found.params })
    }
}

impl Resource {
    /// Whether it can be asked without the key.
    pub(super) const fn is_open(&self) -> bool {
        self.open
    }

    /// What a method does here; else a problem that says which methods there are.
    pub(super) fn method(&self, method: &Method) -> Result<Run, Problem> {
        let wanted = if method == Method::HEAD { &Method::GET } else { method };
        let found = self.methods.iter().find(|(known, _)| known == wanted);
        found.map(|(_, run)| *run).ok_or_else(|| Problem::method_not_allowed(self.allowed()))
    }

    fn allowed(&self) -> String {
        let mut words: Vec<&str> = self.methods.iter().map(|(method, _)| method.as_str()).collect();
        if words.contains(&"GET") {
            words.push("HEAD");
        }
        words.join(", ")
    }
}
