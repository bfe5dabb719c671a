//! Networks, as `proxy.trusted` names them.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// An address or a network in CIDR notation (`10.0.0.0/8`, `fd00::/8`, `192.0.2.7`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: u128,
    mask: u128,
}

/// A text that names no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address or network such as 192.0.2.7 or 10.0.0.0/8")]
pub struct InvalidNetwork;

impl Network {
    /// Whether an address lies in it. An IPv4 address and its IPv6-mapped form are the same.
    pub fn contains(&self, address: IpAddr) -> bool {
        number(address) & self.mask == self.address
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork)?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let length = length.map_or(Ok(bits), str::parse::<u32>).map_err(|_| InvalidNetwork)?;
        let free = bits.checked_sub(length).ok_or(InvalidNetwork)?;
        let mask = u128::MAX.checked_shl(free).unwrap_or(0);
        Ok(Self { address: number(address) & mask, mask })
    }
}

/// The address as a number, IPv4 in its IPv6-mapped form.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().into(),
        IpAddr::V6(address) => Ipv6Addr::into(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(network: &str, address: &str) -> bool {
        network.parse::<Network>().unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn a_network_contains_the_addresses_with_its_prefix() {
        assert!(contains("10.0.0.0/8", "10.255.0.1"));
        assert!(!contains("10.0.0.0/8", "11.0.0.1"));
        assert!(contains("fd00::/8", "fd12::1"));
        assert!(!contains("fd00::/8", "fe00::1"));
        assert!(contains("0.0.0.0/0", "203.0.113.9"));
        assert!(!contains("0.0.0.0/0", "2001:db8::1"));
        assert!(contains("::/0", "203.0.113.9"));
    }

    #[test]
    fn a_bare_address_is_a_network_of_one() {
        assert!(contains("192.0.2.7", "192.0.2.7"));
        assert!(contains("192.0.2.7", "::ffff:192.0.2.7"));
        assert!(!contains("192.0.2.7", "192.0.2.8"));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "fd00::/129", "10.0.0.0/-1"] {
            assert_eq!(text.parse::<Network>(), Err(InvalidNetwork), "{text}");
        }
    }
}
