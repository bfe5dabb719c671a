//! How many connections there may be, in all and from one address.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use crate::config::Limits;

/// Counts connections. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Admission {
    counts: Arc<Counts>,
}

#[derive(Debug)]
struct Counts {
    total: AtomicUsize,
    most: usize,
    addresses: DashMap<IpAddr, usize>,
    most_per_address: usize,
    loopback: bool,
}

/// Why a connection is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There are `limits.connections` already.
    Full,
    /// There are `limits.connections_per_address` from its address already.
    Address,
}

/// A counted connection; dropping it makes room again.
#[derive(Debug)]
pub(super) struct Permit {
    counts: Arc<Counts>,
    total: bool,
    address: Option<IpAddr>,
}

impl Admission {
    /// No connections yet.
    pub(super) fn new(limits: &Limits) -> Self {
        let counts = Counts {
            total: AtomicUsize::new(0),
            most: limits.connections,
            addresses: DashMap::new(),
            most_per_address: limits.connections_per_address,
            loopback: limits.loopback,
        };
        Self { counts: Arc::new(counts) }
    }

    /// Counts a connection in all.
    pub(super) fn enter(&self) -> Result<Permit, Refusal> {
        let most = self.counts.most;
        let room = |total: usize| (total < most).then_some(total + 1);
        match self.counts.total.fetch_update(Ordering::AcqRel, Ordering::Acquire, room) {
            Ok(_) => Ok(Permit { counts: Arc::clone(&self.counts), total: true, address: None }),
            Err(_) => Err(Refusal::Full),
        }
    }

    /// Counts a connection for its address, which must not have been counted through this permit.
    /// Loopback counts only under `limits.loopback`.
    pub(super) fn enter_from(&self, address: IpAddr) -> Result<Permit, Refusal> {
        let address = address.to_canonical();
        let mut permit = Permit { counts: Arc::clone(&self.counts), total: false, address: None };
        if address.is_loopback() && !self.counts.loopback {
            return Ok(permit);
        }
        let mut count = self.counts.addresses.entry(address).or_insert(0);
        if *count >= self.counts.most_per_address {
            return Err(Refusal::Address);
        }
        *count += 1;
        permit.address = Some(address);
        Ok(permit)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.total {
            self.counts.total.fetch_sub(1, Ordering::AcqRel);
        }
        let Some(address) = self.address else { return };
        if let Entry::Occupied(mut entry) = self.counts.addresses.entry(address) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(loopback: bool) -> Admission {
        Admission::new(&Limits { connections: 2, connections_per_address: 1, loopback, ..Limits::default() })
    }

    #[test]
    fn the_total_is_bounded_and_leaving_makes_room() {
        let admission = admission(false);
        let first = admission.enter().expect("room");
        let _second = admission.enter().expect("room");
        assert_eq!(admission.enter().expect_err("full"), Refusal::Full);
        drop(first);
        assert!(admission.enter().is_ok());
    }

    #[test]
    fn an_address_is_bounded_and_forgotten_when_it_has_left() {
        let admission = admission(false);
        let address = IpAddr::from([192, 0, 2, 1]);
        let permit = admission.enter_from(address).expect("room");
        assert_eq!(admission.enter_from(address).expect_err("full"), Refusal::Address);
        assert!(admission.enter_from(IpAddr::from([192, 0, 2, 2])).is_ok());
        drop(permit);
        assert!(admission.counts.addresses.is_empty());
    }

    #[test]
    fn loopback_counts_only_where_it_is_told_to() {
        let here = IpAddr::from([127, 0, 0, 1]);
        let lenient = admission(false);
        let _permits = [lenient.enter_from(here), lenient.enter_from(here)].map(|permit| permit.expect("no limit"));
        let strict = admission(true);
        let _permit = strict.enter_from(here).expect("room");
        assert!(strict.enter_from(here).is_err());
    }
}
