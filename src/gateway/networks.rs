//! Which peers are believed about whom they forward.

use std::net::IpAddr;

use ipnet::IpNet;

/// Addresses and networks whose word about their clients is taken (`proxy.trusted`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

/// A text that is neither an address nor a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither an address nor a network such as 10.0.0.0/8")]
pub struct InvalidNetwork(String);

impl Networks {
    /// Reads addresses (`10.0.0.1`) and networks (`10.0.0.0/8`).
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidNetwork> {
        let parse = |text: &str| {
            let text = text.trim();
            let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            network.map_err(|_| InvalidNetwork(text.to_owned()))
        };
        texts.into_iter().map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// Whether an address is in one of them. An IPv4 address written as IPv6 is that IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_their_addresses_and_no_others() {
        let networks = Networks::parse(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]).expect("networks");
        for inside in ["10.255.0.1", "192.0.2.7", "2001:db8::1", "::ffff:10.1.2.3"] {
            assert!(networks.contains(inside.parse().expect("an address")), "{inside}");
        }
        for outside in ["11.0.0.1", "192.0.2.8", "2001:db9::1", "127.0.0.1"] {
            assert!(!networks.contains(outside.parse().expect("an address")), "{outside}");
        }
    }

    #[test]
    fn what_is_no_network_is_named() {
        let error = Networks::parse(["10.0.0.0/33"]).expect_err("no such network");
        assert!(error.to_string().contains("10.0.0.0/33"));
    }
}
