//! Whether a configuration makes sense: what its types alone cannot say.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use http::{HeaderName, Uri};
use ipnet::IpNet;
use jiff::tz::TimeZone;
use koine_core::{Handle, Zone};

use super::{AuthProvider, Config, DialectName, HttpAuth, Profile, RuleKind, Secret};

/// The highest node number: five bits of every message id.
const MAX_NODE: u8 = 31;
/// A user who left that long ago is not coming right back.
const MAX_GRACE: Duration = Duration::from_hours(1);

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The key, with dots.
    pub key: String,
    /// What is wrong, and what to do.
    pub message: String,
}

/// Everything that is wrong, at least one thing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Invalid(pub Vec<Fault>);

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{}: {}", fault.key, fault.message)?;
        }
        Ok(())
    }
}

impl Config {
    /// Checks everything that can be checked without starting. `demo`: whether the gateway is to run
    /// with tokens that anybody can make.
    ///
    /// # Errors
    /// All faults at once.
    pub fn validate(&self, demo: bool) -> Result<(), Invalid> {
        let mut faults = Faults(Vec::new());
        self.check_general(&mut faults);
        self.check_addresses(&mut faults);
        self.check_auth(&mut faults);
        self.check_dialects(&mut faults);
        self.check_limits(&mut faults);
        self.check_browsers_and_proxies(&mut faults);
        if demo {
            self.check_demo(&mut faults);
        }
        if faults.0.is_empty() { Ok(()) } else { Err(Invalid(faults.0)) }
    }

    /// What is allowed but worth a second thought; logged at every start.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let open = self.listeners.iter().find(|listener| !listener.address.ip().is_loopback());
        if matches!(self.dialects.user_sig.rule, RuleKind::Md5 | RuleKind::Md5Minute) {
            warnings
                .push("dialects.user_sig.rule: anybody can make the keys of the md5 rules; use \"hmac\"".to_owned());
        }
        match (self.dialects.auth_ack.http_auth, open) {
            (HttpAuth::Open, _) => warnings.push(
                "dialects.auth_ack.http_auth: \"open\" asks nobody for credentials; for trusted networks only".to_owned(),
            ),
            (HttpAuth::Guarded, Some(listener)) if !self.proxy.behind => warnings.push(format!(
                "dialects.auth_ack.http_auth: \"guarded\" believes addresses, which is weak behind address translation, and {} is not loopback; use \"token\"",
                listener.address
            )),
            _ => {}
        }
        if self.proxy.trusted.is_empty() && self.listeners.iter().any(|listener| listener.proxy_protocol) {
            warnings.push(
                "listeners.proxy_protocol: no PROXY header is believed as long as proxy.trusted is empty".to_owned(),
            );
        }
        if self.management.enabled && !self.management.address.ip().is_loopback() {
            warnings.push(format!(
                "management.address: {} is not loopback, and the management key crosses the network in clear text",
                self.management.address
            ));
        }
        warnings
    }

    /// The zone of dates shown as text.
    ///
    /// # Errors
    /// If `time_zone` names none.
    pub fn zone(&self) -> Result<Zone, jiff::Error> {
        match self.time_zone.as_str() {
            "system" => Ok(Zone::new(TimeZone::system())),
            name => TimeZone::get(name).map(Zone::new),
        }
    }

    fn check_general(&self, faults: &mut Faults) {
        faults.unless(self.node <= MAX_NODE, "node", format!("{} is not from 0 to {MAX_NODE}", self.node));
        if self.zone().is_err() {
            faults.add(
                "time_zone",
                format!(
                    "`{}` is no time zone known here; use an IANA name such as \"Asia/Shanghai\", or \"system\"",
                    self.time_zone
                ),
            );
        }
        if !self.public_url.is_empty() && !is_base_url(&self.public_url) {
            faults.add("public_url", "not an http or https address such as \"https://chat.example.org\"");
        }
        faults.unless(
            self.presence.grace <= MAX_GRACE,
            "presence.grace",
            "longer than an hour; a reconnect takes seconds",
        );
        faults.unless(!self.store.keep_keys.is_zero(), "store.keep_keys", "must be longer than 0");
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&self.log) {
            faults.add("log", format!("not a filter such as \"info\" or \"koine=debug\": {error}"));
        }
    }

    fn check_addresses(&self, faults: &mut Faults) {
        faults.unless(!self.listeners.is_empty(), "listeners", "at least one is needed, or nobody can connect");
        let management = self.management.enabled.then_some(("management.address".to_owned(), self.management.address));
        let listeners = self.listeners.iter().enumerate();
        let addresses: Vec<_> = listeners
            .map(|(index, listener)| (format!("listeners.{index}.address"), listener.address))
            .chain(management)
            .collect();
        for (index, (key, address)) in addresses.iter().enumerate() {
            if let Some((other, _)) = addresses.iter().take(index).find(|(_, other)| collide(*other, *address)) {
                faults.add(key, format!("{address} is taken by {other}; every listener needs a port of its own"));
            }
        }
        for (index, listener) in self.listeners.iter().enumerate() {
            let key = format!("listeners.{index}.dialects");
            faults.unless(!listener.dialects.is_empty(), &key, "at least one dialect is needed");
            let different: BTreeSet<_> = listener.dialects.iter().collect();
            faults.unless(different.len() == listener.dialects.len(), &key, "a dialect is named twice");
            if let Some(tls) = &listener.tls {
                faults.readable(&format!("listeners.{index}.tls.certificate"), Some(&tls.certificate));
                faults.readable(&format!("listeners.{index}.tls.key"), Some(&tls.key));
            }
        }
    }

    fn check_auth(&self, faults: &mut Faults) {
        let different: BTreeSet<_> = self.auth.providers.iter().map(|provider| format!("{provider:?}")).collect();
        faults.unless(different.len() == self.auth.providers.len(), "auth.providers", "a provider is named twice");
        faults.unless(!self.auth.token_ttl.is_zero(), "auth.token_ttl", "must be longer than 0");
        for (token, handle) in self.auth.fixed.iter() {
            faults.unless(!token.is_empty(), "auth.static", "a token is empty");
            if let Err(why) = Handle::new(handle) {
                faults.add("auth.static", format!("the handle of a token cannot be one: {why}"));
            }
        }
        let in_use = self.auth.providers.contains(&AuthProvider::Static) && !self.auth.fixed.is_empty();
        let open = self.listeners.iter().find(|listener| !listener.address.ip().is_loopback());
        if let (true, false, Some(listener)) = (in_use, self.auth.static_anywhere, open) {
            faults.add(
                "auth.static",
                format!(
                    "static tokens are refused because {} is not a loopback address; \
                     remove them, or set auth.static_anywhere = true",
                    listener.address
                ),
            );
        }
    }

    fn check_dialects(&self, faults: &mut Faults) {
        for dialect in DialectName::ALL {
            let section = format!("dialects.{}", dialect.as_str().replace('-', "_"));
            let common = self.dialects.common(dialect);
            faults.unless(
                common.profile == Profile::Documented,
                &format!("{section}.profile"),
                "\"deployed\" is not available yet; use \"documented\"",
            );
            faults.unless(
                is_prefix(common.prefix),
                &format!("{section}.prefix"),
                "must be empty, or begin with `/`, not end with it, and hold only letters, digits and `-._~/`",
            );
        }
        let (user_sig, access_token, auth_ack) =
            (&self.dialects.user_sig, &self.dialects.access_token, &self.dialects.auth_ack);
        faults.secret("dialects.user_sig.rule_secret", &user_sig.rule_secret, user_sig.rule_secret_file.as_deref());
        faults.secret(
            "dialects.access_token.notification_key",
            &access_token.notification_key,
            access_token.notification_key_file.as_deref(),
        );
        faults.unless(!user_sig.sig_ttl.is_zero(), "dialects.user_sig.sig_ttl", "must be longer than 0");
        faults.unless(!auth_ack.handshake.is_zero(), "dialects.auth_ack.handshake", "must be longer than 0");
        faults.unless(access_token.max_pull > 0, "dialects.access_token.max_pull", "must be at least 1");
        faults.unless(auth_ack.max_pull > 0, "dialects.auth_ack.max_pull", "must be at least 1");
    }

    fn check_limits(&self, faults: &mut Faults) {
        let limits = &self.limits;
        let counts = [
            ("message", limits.message),
            ("http_body", limits.http_body),
            ("mailbox_frames", limits.mailbox_frames),
            ("in_flight", limits.in_flight),
            ("connections", limits.connections),
            ("connections_per_address", limits.connections_per_address),
            ("group_members", limits.group_members),
        ];
        for (name, count) in counts {
            faults.unless(count > 0, &format!("limits.{name}"), "must be at least 1");
        }
        faults.unless(limits.frame > limits.message, "limits.frame", "must be larger than limits.message");
        faults.unless(limits.mailbox_bytes >= limits.frame, "limits.mailbox_bytes", "must be at least limits.frame");
        faults.unless(
            limits.outbound_total >= limits.mailbox_bytes,
            "limits.outbound_total",
            "must be at least limits.mailbox_bytes",
        );
        faults.unless(limits.commit_queue >= limits.message, "limits.commit_queue", "must be at least limits.message");
        faults.unless(
            limits.requests == 0 || limits.requests_burst > 0,
            "limits.requests_burst",
            "must be at least 1 where limits.requests is set",
        );
        let durations = [
            ("unauthenticated", limits.unauthenticated),
            ("handshake", limits.handshake),
            ("header_read", limits.header_read),
            ("body_pause", limits.body_pause),
            ("idle_ping", limits.idle_ping),
        ];
        for (name, duration) in durations {
            faults.unless(!duration.is_zero(), &format!("limits.{name}"), "must be longer than 0");
        }
        faults.unless(limits.dead > limits.idle_ping, "limits.dead", "must be longer than limits.idle_ping");
    }

    fn check_browsers_and_proxies(&self, faults: &mut Faults) {
        for (index, network) in self.proxy.trusted.iter().enumerate() {
            let known = network.parse::<IpNet>().is_ok() || network.parse::<IpAddr>().is_ok();
            faults.unless(
                known,
                &format!("proxy.trusted.{index}"),
                format!("`{network}` is not an address or network such as 192.0.2.7 or 10.0.0.0/8"),
            );
        }
        for (index, origin) in self.cors.origins.iter().enumerate() {
            let known = origin == "*" || origin == "null" || is_origin(origin);
            faults.unless(
                known,
                &format!("cors.origins.{index}"),
                format!("`{origin}` is not \"*\" or an origin such as \"https://chat.example.org\""),
            );
        }
        for (index, header) in self.cors.headers.iter().enumerate() {
            faults.unless(
                header.parse::<HeaderName>().is_ok(),
                &format!("cors.headers.{index}"),
                format!("`{header}` is no name of a header"),
            );
        }
    }

    fn check_demo(&self, faults: &mut Faults) {
        let why =
            "is not a loopback address, and --demo lets anybody be anybody; listen on 127.0.0.1, or leave --demo out";
        for (index, listener) in self.listeners.iter().enumerate() {
            faults.unless(
                listener.address.ip().is_loopback(),
                &format!("listeners.{index}.address"),
                format!("{} {why}", listener.address),
            );
        }
        faults.unless(
            !self.management.enabled || self.management.address.ip().is_loopback(),
            "management.address",
            format!("{} {why}", self.management.address),
        );
    }
}

struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, key: &str, message: impl Into<String>) {
        self.0.push(Fault { key: key.to_owned(), message: message.into() });
    }

    fn unless(&mut self, holds: bool, key: &str, message: impl Into<String>) {
        if !holds {
            self.add(key, message);
        }
    }

    fn readable(&mut self, key: &str, path: Option<&Path>) {
        if let Some((path, error)) = path.and_then(|path| Some((path, std::fs::File::open(path).err()?))) {
            self.add(key, format!("{} cannot be read: {error}", path.display()));
        }
    }

    /// A secret is given in one place, and the place can be read.
    fn secret(&mut self, key: &str, secret: &Secret, file: Option<&Path>) {
        let file_key = format!("{key}_file");
        self.unless(
            secret.expose().is_none() || file.is_none(),
            &file_key,
            format!("{key} is set as well; remove one of the two"),
        );
        self.readable(&file_key, file);
    }
}

fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let same_family = one.is_ipv4() == other.is_ipv4();
    let overlap = one.ip() == other.ip() || (same_family && (one.ip().is_unspecified() || other.ip().is_unspecified()));
    one.port() != 0 && one.port() == other.port() && overlap
}

fn is_prefix(prefix: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
    prefix.is_empty() || (prefix.starts_with('/') && !prefix.ends_with('/') && prefix.chars().all(allowed))
}

fn is_base_url(text: &str) -> bool {
    text.parse::<Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some() && uri.query().is_none()
    })
}

fn is_origin(text: &str) -> bool {
    text.parse::<Uri>()
        .is_ok_and(|uri| uri.scheme().is_some() && uri.host().is_some() && uri.path() == "/" && !text.ends_with('/'))
}
