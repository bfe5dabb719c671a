//! What `koine serve` prints once it is ready: one line per listener and dialect, to be pasted into a
//! client.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::config::{Config, DialectName};

/// The lines for listeners that are bound to these addresses, in the order of the configuration.
pub(super) fn lines(config: &Config, addresses: &[(SocketAddr, Vec<DialectName>)], demo: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, (address, dialects)) in addresses.iter().enumerate() {
        let secure = config.listeners.get(index).is_some_and(|listener| listener.tls.is_some());
        let host = reachable(*address);
        for dialect in dialects {
            lines.push(line(config, *dialect, secure, host, demo));
        }
    }
    lines
}

/// The line for the management API.
pub(super) fn management(address: SocketAddr) -> String {
    format!("{:<13} http://{}/v1/", "management", reachable(address))
}

/// An address as this machine reaches it: not "every address", but the loopback one.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn line(config: &Config, dialect: DialectName, secure: bool, host: SocketAddr, demo: bool) -> String {
    let (ws, http) = if secure { ("wss", "https") } else { ("ws", "http") };
    let (tom, jack, token) = if demo { ("tom", "jack", "demo-tom") } else { ("<user>", "<peer>", "<token>") };
    let prefix = config.dialects.common(dialect).prefix;
    let rest = match dialect {
        DialectName::UserSig => {
            let key = if demo { token } else { "<rule key>" };
            format!(
                "{ws}://{host}{prefix}/ws/chat/{tom}/<user_sig>/  user_sig: curl {http}://{host}{prefix}/chat/get-user-sig/ -d user_id={tom} -d 'token={key}'"
            )
        }
        DialectName::AccessToken => format!("{ws}://{host}{prefix}/ws?access_token={token}"),
        DialectName::StatusCode => format!("{ws}://{host}{prefix}/v1/chat/{jack}?token={token}"),
        DialectName::Envelope => {
            format!(r#"{ws}://{host}{prefix}/chat  first: {{"url":"/chat/login","params":{{"token":"{token}"}}}}"#)
        }
        DialectName::AuthAck => format!(
            r#"{ws}://{host}/ws  first: {{"msgType":"Auth","fromUserId":<number>,"content":"{token}"}}  number: curl {http}://{host}{prefix}/user/register -d '{{"company":"","app":"","thirdUserId":"{tom}"}}'"#
        ),
    };
    format!("{:<13} {rest}", dialect.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(address: &str, demo: bool) -> Vec<String> {
        lines(&Config::default(), &[(address.parse().unwrap(), DialectName::ALL.to_vec())], demo)
    }

    #[test]
    fn every_dialect_has_a_line_with_its_address() {
        let lines = printed("127.0.0.1:4711", true);
        assert_eq!(lines.len(), DialectName::ALL.len());
        for (line, dialect) in lines.iter().zip(DialectName::ALL) {
            assert!(line.starts_with(dialect.as_str()) && line.contains(" ws://127.0.0.1:4711/"), "{line}");
            assert!(line.contains("demo-tom"), "{line}");
        }
    }

    #[test]
    fn outside_demo_mode_nobody_is_given_a_token() {
        assert!(printed("127.0.0.1:1", false).iter().all(|line| !line.contains("demo-")));
    }

    #[test]
    fn an_address_that_means_every_one_is_shown_as_loopback() {
        assert!(printed("0.0.0.0:1", false).iter().all(|line| line.contains("://127.0.0.1:1/")));
        assert_eq!(reachable("[::]:5".parse().unwrap()).to_string(), "[::1]:5");
    }
}
