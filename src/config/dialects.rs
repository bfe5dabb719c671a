//! What can be configured about each dialect.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::duration;
use serde::{Deserialize, Serialize};

use super::Secret;

/// A dialect by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DialectName {
    /// Sessions, and a five-minute `user_sig` in the WebSocket path.
    UserSig,
    /// Unicast and multicast, groups, offline pull, notifications.
    AccessToken,
    /// One chat a connection, status codes from 30001.
    StatusCode,
    /// `{"url", "params"}` and `msgType` pushes.
    Envelope,
    /// An Auth frame, numeric ids, Ack.
    AuthAck,
}

impl DialectName {
    /// All of them, in the order of the table of dialects.
    pub const ALL: [Self; 5] = [Self::UserSig, Self::AccessToken, Self::StatusCode, Self::Envelope, Self::AuthAck];

    /// The name in configuration, logs and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserSig => "user-sig",
            Self::AccessToken => "access-token",
            Self::StatusCode => "status-code",
            Self::Envelope => "envelope",
            Self::AuthAck => "auth-ack",
        }
    }
}

impl fmt::Display for DialectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The five dialects.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DialectsConfig {
    /// user-sig
    pub user_sig: UserSigConfig,
    /// access-token
    pub access_token: AccessTokenConfig,
    /// status-code
    pub status_code: StatusCodeConfig,
    /// envelope
    pub envelope: EnvelopeConfig,
    /// auth-ack
    pub auth_ack: AuthAckConfig,
}

/// What every dialect has in common.
pub struct Common<'a> {
    /// See the fields of the same name.
    pub profile: Profile,
    /// See the fields of the same name.
    pub prefix: &'a str,
    /// See the fields of the same name.
    pub delivery: &'a Delivery,
}

impl DialectsConfig {
    /// The common part of one dialect's configuration.
    pub fn common(&self, name: DialectName) -> Common<'_> {
        macro_rules! common {
            ($section:expr) => {
                Common { profile: $section.profile, prefix: &$section.prefix, delivery: &$section.delivery }
            };
        }
        match name {
            DialectName::UserSig => common!(self.user_sig),
            DialectName::AccessToken => common!(self.access_token),
            DialectName::StatusCode => common!(self.status_code),
            DialectName::Envelope => common!(self.envelope),
            DialectName::AuthAck => common!(self.auth_ack),
        }
    }
}

/// Which servers a dialect behaves like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// The protocol's document to the letter; the default.
    Documented,
    /// What servers in the field were seen to do.
    Deployed,
}

/// How delivery is confirmed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Delivery {
    /// What confirms a live push. Default `pong`.
    pub confirm: ConfirmMode,
}

/// What confirms a live push.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConfirmMode {
    /// The client's Pong to a Ping sent after it.
    #[default]
    Pong,
    /// That it was written to the socket; for clients that never answer Pings. A connection that
    /// breaks may lose what was under way.
    Written,
}

/// user-sig
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UserSigConfig {
    /// Default `documented`.
    pub profile: Profile,
    /// Put before every path of this dialect. Default empty.
    pub prefix: String,
    /// How delivery is confirmed.
    pub delivery: Delivery,
    /// How the rule key of get-user-sig is made. Default `hmac`.
    pub rule: RuleKind,
    /// The secret of rules `hmac` and `shared`. Default: made at the first start, kept in the data
    /// directory.
    pub rule_secret: Secret,
    /// A file with that secret instead. Default none.
    pub rule_secret_file: Option<PathBuf>,
    /// How long a `user_sig` is good for connecting. Default 5 min.
    #[serde(with = "duration")]
    pub sig_ttl: Duration,
    /// What users see of others' profiles. Default `masked`.
    pub profiles: ProfileVisibility,
    /// Whether members are told of new sessions (`CONVERSATION_CREATED`). Default true.
    pub announce_sessions: bool,
}

/// How the rule key of get-user-sig is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleKind {
    /// Hexadecimal HMAC-SHA-256 of the `user_id` under the rule secret.
    Hmac,
    /// MD5 of `{user_id}-{YYYY-MM-DD-HH-MM}`, a minute's difference allowed. Anybody can make it.
    Md5Minute,
    /// MD5 of the `user_id`. Anybody can make it.
    Md5,
    /// The rule secret itself.
    Shared,
}

/// What users see of others' profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProfileVisibility {
    /// No birthday, identity card number, phone, email.
    Masked,
    /// Everything.
    Full,
}

/// access-token
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccessTokenConfig {
    /// Default `documented`.
    pub profile: Profile,
    /// Put before every path of this dialect. Default empty.
    pub prefix: String,
    /// How delivery is confirmed.
    pub delivery: Delivery,
    /// How many messages one pull returns at most. Default 1,000.
    pub max_pull: u64,
    /// The key backends use the notification endpoint with. Default none: only the management key.
    pub notification_key: Secret,
    /// A file with that key instead. Default none.
    pub notification_key_file: Option<PathBuf>,
}

/// status-code
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StatusCodeConfig {
    /// Default `documented`.
    pub profile: Profile,
    /// Put before every path of this dialect. Default empty.
    pub prefix: String,
    /// How delivery is confirmed.
    pub delivery: Delivery,
}

/// envelope
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EnvelopeConfig {
    /// Default `documented`.
    pub profile: Profile,
    /// Put before every path of this dialect. Default empty.
    pub prefix: String,
    /// How delivery is confirmed.
    pub delivery: Delivery,
    /// Within what `uniqueNo` is unique. Default `user`.
    pub unique_no: UniqueNo,
    /// How dates are written. Default `millis`.
    pub dates: DateStyle,
}

/// Within what envelope's `uniqueNo` is unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UniqueNo {
    /// All sends of the user.
    User,
    /// Those of one connection, for clients whose counter restarts.
    Connection,
    /// Nothing: repeats are sent again.
    Ignore,
}

/// How envelope's dates are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DateStyle {
    /// Milliseconds since the Unix epoch, as an integer.
    Millis,
    /// `YYYY-MM-DD HH:MM:SS` in `time_zone`.
    Text,
}

/// auth-ack
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthAckConfig {
    /// Default `documented`.
    pub profile: Profile,
    /// Put before every HTTP path of this dialect; its WebSocket path stays bare. Default `/im`.
    pub prefix: String,
    /// How delivery is confirmed: only Ack frames count, whatever is set here.
    pub delivery: Delivery,
    /// How many messages one call for offline messages returns at most. Default 1,000.
    pub max_pull: u64,
    /// The form of an Ack's content. Default `json`.
    pub ack_content: AckContent,
    /// How long a connection may take for its Auth frame. Default 10 s.
    #[serde(with = "duration")]
    pub handshake: Duration,
    /// What the HTTP endpoints, whose document shows no credentials, ask for. Default `guarded`.
    pub http_auth: HttpAuth,
    /// What `thirdUserId` is. Default `shared`.
    pub identity: IdentityMode,
    /// What a second `app` for a known handle is, under identity `shared`. Default `refuse`.
    pub apps: AppPolicy,
}

/// The form of an Ack's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AckContent {
    /// A string of JSON.
    Json,
    /// With single quotes, as the document prints it.
    Documented,
}

/// What auth-ack's HTTP endpoints ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HttpAuth {
    /// A token, or an address with a live authenticated connection of the user.
    Guarded,
    /// Nothing, as documented; for trusted networks.
    Open,
    /// A token.
    Token,
}

/// What auth-ack's `thirdUserId` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdentityMode {
    /// The handle.
    Shared,
    /// The handle is `<app>/<thirdUserId>`.
    Namespaced,
}

/// What a second `app` for a known handle is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AppPolicy {
    /// An error with advice.
    Refuse,
    /// The same user.
    Merge,
}

impl Default for UserSigConfig {
    fn default() -> Self {
        Self {
            profile: Profile::Documented,
            prefix: String::new(),
            delivery: Delivery::default(),
            rule: RuleKind::Hmac,
            rule_secret: Secret::default(),
            rule_secret_file: None,
            sig_ttl: Duration::from_mins(5),
            profiles: ProfileVisibility::Masked,
            announce_sessions: true,
        }
    }
}

impl Default for AccessTokenConfig {
    fn default() -> Self {
        Self {
            profile: Profile::Documented,
            prefix: String::new(),
            delivery: Delivery::default(),
            max_pull: 1_000,
            notification_key: Secret::default(),
            notification_key_file: None,
        }
    }
}

impl Default for StatusCodeConfig {
    fn default() -> Self {
        Self { profile: Profile::Documented, prefix: String::new(), delivery: Delivery::default() }
    }
}

impl Default for EnvelopeConfig {
    fn default() -> Self {
        Self {
            profile: Profile::Documented,
            prefix: String::new(),
            delivery: Delivery::default(),
            unique_no: UniqueNo::User,
            dates: DateStyle::Millis,
        }
    }
}

impl Default for AuthAckConfig {
    fn default() -> Self {
        Self {
            profile: Profile::Documented,
            prefix: "/im".to_owned(),
            delivery: Delivery::default(),
            max_pull: 1_000,
            ack_content: AckContent::Json,
            handshake: Duration::from_secs(10),
            http_auth: HttpAuth::Guarded,
            identity: IdentityMode::Shared,
            apps: AppPolicy::Refuse,
        }
    }
}
