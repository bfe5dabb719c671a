//! How often clients may ask.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter, state::keyed::DefaultKeyedStateStore};
use koine_core::Handle;

use crate::config::Limits;

/// The requests or frames of one connection (`limits.requests`, `limits.requests_burst`).
#[derive(Debug)]
pub(super) struct Pace(Option<DefaultDirectRateLimiter>);

impl Pace {
    /// A connection's pace.
    pub(super) fn new(limits: &Limits) -> Self {
        let burst = limits.requests.saturating_add(limits.requests_burst);
        Self(quota(limits.requests, burst).map(RateLimiter::direct))
    }

    /// Counts one and says whether it is within the limit.
    pub(super) fn allows(&self) -> bool {
        self.0.as_ref().is_none_or(|limiter| limiter.check().is_ok())
    }
}

/// Registrations and token exchanges, by address and by user (`limits.registrations`).
#[derive(Debug)]
pub(super) struct Registrations {
    addresses: Keyed<IpAddr>,
    users: Keyed<Handle>,
    loopback: bool,
}

impl Registrations {
    /// Nobody has asked yet.
    pub(super) fn new(limits: &Limits) -> Self {
        let quota = quota(limits.registrations, limits.registrations);
        Self { addresses: Keyed::new(quota), users: Keyed::new(quota), loopback: limits.loopback }
    }

    /// Counts one and says whether it is within the limits. An IPv6 client is known by its /64 network.
    pub(super) fn allow(&self, address: IpAddr, user: &Handle) -> bool {
        let exempt = !self.loopback && address.is_loopback();
        (exempt || self.addresses.allows(&network_of(address))) && self.users.allows(user)
    }
}

#[derive(Debug)]
struct Keyed<K: Hash + Eq + Clone> {
    limiter: Option<RateLimiter<K, DefaultKeyedStateStore<K>, governor::clock::DefaultClock>>,
    asked: AtomicU32,
}

impl<K: Hash + Eq + Clone> Keyed<K> {
    /// After this many questions those that have been quiet since are forgotten.
    const TIDY_EVERY: u32 = 1_024;

    fn new(quota: Option<Quota>) -> Self {
        Self { limiter: quota.map(RateLimiter::keyed), asked: AtomicU32::new(0) }
    }

    fn allows(&self, key: &K) -> bool {
        let Some(limiter) = &self.limiter else { return true };
        if self.asked.fetch_add(1, Ordering::Relaxed) % Self::TIDY_EVERY == Self::TIDY_EVERY - 1 {
            limiter.retain_recent();
        }
        limiter.check_key(key).is_ok()
    }
}

fn quota(per_second: u32, burst: u32) -> Option<Quota> {
    let burst = NonZeroU32::new(burst)?;
    NonZeroU32::new(per_second).map(|rate| Quota::per_second(rate).allow_burst(burst))
}

fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        four @ IpAddr::V4(_) => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(registrations: u32, loopback: bool) -> Limits {
        Limits { registrations, loopback, requests: 2, requests_burst: 3, ..Limits::default() }
    }

    fn user(name: &str) -> Handle {
        Handle::new(name).expect("a handle")
    }

    #[test]
    fn a_connection_may_burst_and_is_then_refused() {
        let pace = Pace::new(&limits(1, false));
        assert_eq!((0..50).filter(|_| pace.allows()).count(), 5);
        let unlimited = Pace::new(&Limits { requests: 0, ..Limits::default() });
        assert!((0..10_000).all(|_| unlimited.allows()));
    }

    #[test]
    fn registrations_count_by_address_and_by_user() {
        let registrations = Registrations::new(&limits(2, false));
        let here = "192.0.2.1".parse().expect("an address");
        assert!(registrations.allow(here, &user("a")));
        assert!(registrations.allow(here, &user("b")));
        assert!(!registrations.allow(here, &user("c")), "the address has asked often enough");
        let elsewhere = |last: u8| IpAddr::from([198, 51, 100, last]);
        assert!(registrations.allow(elsewhere(1), &user("a")));
        assert!(!registrations.allow(elsewhere(2), &user("a")), "the user has asked often enough");
    }

    #[test]
    fn loopback_is_exempt_by_address_but_not_by_user() {
        let here = IpAddr::from([127, 0, 0, 1]);
        let registrations = Registrations::new(&limits(1, false));
        assert!(registrations.allow(here, &user("a")) && registrations.allow(here, &user("b")));
        assert!(!registrations.allow(here, &user("a")));
        let strict = Registrations::new(&limits(1, true));
        assert!(strict.allow(here, &user("a")) && !strict.allow(here, &user("b")));
    }

    #[test]
    fn neighbours_in_one_ipv6_network_count_together() {
        let registrations = Registrations::new(&limits(1, false));
        assert!(registrations.allow("2001:db8::1".parse().expect("an address"), &user("a")));
        assert!(!registrations.allow("2001:db8::2".parse().expect("an address"), &user("b")));
    }
}
