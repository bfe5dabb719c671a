//! What can be configured. Every field says its default and its unit; unknown keys are errors.

mod dialects;
mod duration;
mod environment;
mod file;
mod limits;
mod load;
mod print;
mod problem;
mod secret;
mod static_tokens;
mod validate;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use dialects::{
    AccessTokenConfig, AckContent, AppPolicy, AuthAckConfig, Common, ConfirmMode, DateStyle, Delivery, DialectName,
    DialectsConfig, EnvelopeConfig, HttpAuth, IdentityMode, Profile, ProfileVisibility, RuleKind, StatusCodeConfig,
    UniqueNo, UserSigConfig,
};
pub use duration::{InvalidDuration, duration_text, parse_duration};
pub use environment::Environment;
pub use limits::Limits;
pub use load::{DEFAULT_FILE, Flags, Loaded, Sources};
pub use problem::{Origin, Problem, Problems};
pub use secret::Secret;
pub use static_tokens::StaticTokens;
pub use validate::{Fault, Invalid};

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The data directory: store, files, keys. Default `./koine-data`.
    pub data: PathBuf,
    /// The zone of dates shown as text: an IANA name, or `system` (default).
    pub time_zone: String,
    /// The address clients reach the gateway at, put before the paths of uploaded files
    /// (`https://chat.example.org`). Default empty: taken from each request's `Host`.
    pub public_url: String,
    /// Who may register users. Default `open`.
    pub registration: Registration,
    /// The number of this node, 0 to 31, part of every message id. Default 0.
    pub node: u8,
    /// Where clients connect. Default: one on `127.0.0.1:8093` that serves every dialect.
    pub listeners: Vec<ListenerConfig>,
    /// The management listener.
    pub management: ManagementConfig,
    /// How tokens are judged.
    pub auth: AuthConfig,
    /// The five dialects.
    pub dialects: DialectsConfig,
    /// The embedded store.
    pub store: StoreConfig,
    /// Who may write to whom.
    pub policy: PolicyConfig,
    /// Who is there.
    pub presence: PresenceConfig,
    /// Bounds on what clients can make the gateway do.
    pub limits: Limits,
    /// Reverse proxies.
    pub proxy: ProxyConfig,
    /// Cross-origin requests of browsers.
    pub cors: CorsConfig,
    /// How long a stop may take before connections are cut. Default 10 s.
    #[serde(with = "duration")]
    pub drain: Duration,
    /// What is logged: a `tracing` filter such as `info` or `koine=debug`. Default `info`.
    pub log: String,
    /// How it is logged. Default `text`.
    pub log_format: LogFormat,
}

/// Who may register users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registration {
    /// Anybody, as the dialects' documents have it.
    Open,
    /// Only the management API.
    Managed,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines to read.
    Text,
    /// One JSON object a line.
    Json,
}

/// One address that clients connect to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListenerConfig {
    /// Where to listen; port 0 takes a free one. Default `127.0.0.1:8093`.
    pub address: SocketAddr,
    /// Which dialects it serves. Default: all. Where it is only one, bare paths belong to that one.
    pub dialects: Vec<DialectName>,
    /// Whether it can only be reached by the operator's own backends: access-token's notification
    /// endpoint then asks for no key. Default false.
    pub internal: bool,
    /// Whether connections start with a PROXY protocol header (v1 or v2) from a trusted proxy. Default false.
    pub proxy_protocol: bool,
    /// TLS, if any. Default none.
    pub tls: Option<TlsConfig>,
}

/// A listener's certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// PEM file with the certificate chain.
    pub certificate: PathBuf,
    /// PEM file with the private key.
    pub key: PathBuf,
}

/// The management listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ManagementConfig {
    /// Whether it listens at all. Default true.
    pub enabled: bool,
    /// Where to listen. Default `127.0.0.1:8094`.
    pub address: SocketAddr,
    /// The file with its key, made with mode 0600 at the first start. Default `management-key` in the
    /// data directory.
    pub key_file: PathBuf,
}

/// How tokens are judged: the providers are asked in this order until one knows the token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthConfig {
    /// Default: `signed`, `opaque`, `static`.
    pub providers: Vec<AuthProvider>,
    /// The file with the secret that signed tokens are made with; made with mode 0600 at the first
    /// start. Default `signing-key` in the data directory.
    pub signing_key_file: PathBuf,
    /// Provider `static`: token → handle. Default none.
    #[serde(rename = "static")]
    pub fixed: StaticTokens,
    /// Whether `static` tokens are accepted on listeners that are not loopback. Default false: such a
    /// configuration is refused.
    pub static_anywhere: bool,
    /// How long a signed token lives where nobody says otherwise. Default 30 days.
    #[serde(with = "duration")]
    pub token_ttl: Duration,
}

/// A way to judge tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthProvider {
    /// Tokens the gateway signed.
    Signed,
    /// Random tokens it issued and keeps the hash of, or that a backend minted and registered.
    Opaque,
    /// Tokens from the configuration.
    Static,
}

/// The embedded store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// Which engine. Default `fjall`.
    pub engine: EngineName,
    /// Memory for the engine's cache, in bytes. Default 64 MiB.
    pub cache: u64,
    /// Sends and uploads are refused while the disk has less than this free, in bytes. Default 512 MiB.
    pub min_free: u64,
    /// How long idempotency keys are kept at least. Default 24 h.
    #[serde(with = "duration")]
    pub keep_keys: Duration,
}

/// An embedded engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineName {
    /// A log-structured merge tree; the default.
    Fjall,
    /// A log-structured B-tree.
    Sled,
}

/// Who may write to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyConfig {
    /// Direct messages. Default `open`.
    pub direct: DirectPolicy,
    /// How long requests can be decided. Default 365 days.
    #[serde(with = "duration")]
    pub request_ttl: Duration,
}

/// Who may send direct messages to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DirectPolicy {
    /// Anybody to anybody.
    Open,
    /// Friends to friends.
    Friends,
}

/// Who is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PresenceConfig {
    /// How long after its end a connection still counts, so that a reconnect does not flap. Default 5 s.
    #[serde(with = "duration")]
    pub grace: Duration,
}

/// Reverse proxies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProxyConfig {
    /// Addresses or networks (`10.0.0.0/8`) whose `X-Forwarded-For`, `X-Forwarded-Proto` and PROXY
    /// headers are believed. Default none.
    pub trusted: Vec<String>,
    /// Whether a proxy stands before the gateway, so that addresses say nothing about users
    /// (switches auth-ack's address rule off). Default false.
    pub behind: bool,
}

/// Cross-origin requests of browsers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CorsConfig {
    /// Whether the headers are sent. Default true.
    pub enabled: bool,
    /// Which origins may read replies; `*` is any. Default `["*"]`.
    pub origins: Vec<String>,
    /// Which request headers they may send. Default `Authorization`, `token`, `Content-Type`, `Range`.
    pub headers: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("./koine-data"),
            time_zone: "system".to_owned(),
            public_url: String::new(),
            registration: Registration::Open,
            node: 0,
            listeners: vec![ListenerConfig::default()],
            management: ManagementConfig::default(),
            auth: AuthConfig::default(),
            dialects: DialectsConfig::default(),
            store: StoreConfig::default(),
            policy: PolicyConfig::default(),
            presence: PresenceConfig::default(),
            limits: Limits::default(),
            proxy: ProxyConfig::default(),
            cors: CorsConfig::default(),
            drain: Duration::from_secs(10),
            log: "info".to_owned(),
            log_format: LogFormat::Text,
        }
    }
}

impl Default for ListenerConfig {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 8093)),
            dialects: DialectName::ALL.to_vec(),
            internal: false,
            proxy_protocol: false,
            tls: None,
        }
    }
}

impl Default for ManagementConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 8094)),
            key_file: PathBuf::from("management-key"),
        }
    }
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            providers: vec![AuthProvider::Signed, AuthProvider::Opaque, AuthProvider::Static],
            signing_key_file: PathBuf::from("signing-key"),
            fixed: StaticTokens::default(),
            static_anywhere: false,
            token_ttl: Duration::from_hours(30 * 24),
        }
    }
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self { engine: EngineName::Fjall, cache: 64 << 20, min_free: 512 << 20, keep_keys: Duration::from_hours(24) }
    }
}

impl Default for PolicyConfig {
    fn default() -> Self {
        Self { direct: DirectPolicy::Open, request_ttl: Duration::from_hours(365 * 24) }
    }
}

impl Default for PresenceConfig {
    fn default() -> Self {
        Self { grace: Duration::from_secs(5) }
    }
}

impl Default for CorsConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            origins: vec!["*".to_owned()],
            headers: ["Authorization", "token", "Content-Type", "Range"].map(str::to_owned).to_vec(),
        }
    }
}

#[cfg(test)]
mod tests;
