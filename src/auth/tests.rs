//! What is accepted, for whom, and until when.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use koine_core::{ChatId, Profile, Purpose, UserId};

use super::*;
use crate::config::{RuleKind, Secret, UserSigConfig};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const HOUR: Duration = Duration::from_hours(1);
const ACCESS_DIALECTS: [DialectName; 4] =
    [DialectName::AccessToken, DialectName::StatusCode, DialectName::Envelope, DialectName::AuthAck];

/// Users, tokens and rows in memory.
#[derive(Default)]
struct Memory {
    users: Mutex<Vec<Arc<User>>>,
    tokens: Mutex<HashMap<[u8; 32], OpaqueToken>>,
    epoch: AtomicU64,
}

impl Memory {
    fn with(handles: &[&str]) -> Arc<Self> {
        let memory = Arc::new(Self::default());
        for handle in handles {
            memory.add(&Handle::new(handle).unwrap());
        }
        memory
    }

    fn add(&self, handle: &Handle) -> Arc<User> {
        let mut users = self.users.lock().unwrap();
        let id = UserId::new(users.len() as u64 + 1);
        let user = User {
            id,
            handle: handle.clone(),
            profile: Profile::default(),
            disabled: false,
            created: NOW,
            login: None,
        };
        users.push(Arc::new(user));
        Arc::clone(users.last().unwrap())
    }

    fn find(&self, key: &UserKey) -> Option<Arc<User>> {
        let matches = |user: &&Arc<User>| match key {
            UserKey::Id(id) => user.id == *id,
            UserKey::Handle(handle) => user.handle == *handle,
        };
        self.users.lock().unwrap().iter().find(matches).cloned()
    }

    fn get(&self, handle: &str) -> Option<Arc<User>> {
        self.find(&UserKey::Handle(Handle::new(handle).unwrap()))
    }

    fn disable(&self, handle: &str) {
        for user in self.users.lock().unwrap().iter_mut().filter(|user| user.handle.as_str() == handle) {
            *user = Arc::new(User { disabled: true, ..User::clone(user) });
        }
        self.epoch.fetch_add(1, Ordering::Relaxed);
    }

    fn store(&self, token: &str, dialect: Option<DialectName>, expires: Option<Timestamp>) {
        let stored = OpaqueToken { id: 1, user: UserId::new(1), dialect, expires };
        self.tokens.lock().unwrap().insert(Digest::of(token).bytes(), stored);
    }
}

impl Directory for Memory {
    fn user(&self, key: UserKey) -> Lookup<'_, Option<Arc<User>>> {
        Box::pin(async move { Ok(self.find(&key)) })
    }

    fn ensure_user(&self, handle: Handle) -> Lookup<'_, Arc<User>> {
        Box::pin(async move { Ok(self.get(handle.as_str()).unwrap_or_else(|| self.add(&handle))) })
    }

    fn opaque_token(&self, hash: [u8; 32]) -> Lookup<'_, Option<OpaqueToken>> {
        Box::pin(async move { Ok(self.tokens.lock().unwrap().get(&hash).cloned()) })
    }

    /// Row n belongs to user n.
    fn chat_owner(&self, chat: ChatId) -> Lookup<'_, Option<UserId>> {
        Box::pin(async move { Ok(Some(UserId::new(chat.get()))) })
    }

    fn revocation_epoch(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed)
    }
}

fn config_with(rule: RuleKind) -> Config {
    let mut config = Config::default();
    config.dialects.user_sig = UserSigConfig { rule, rule_secret: Secret::new("rule"), ..UserSigConfig::default() };
    config.dialects.access_token.notification_key = Secret::new("backend");
    config.auth.fixed.insert("fixed-tom", "tom");
    config
}

/// With keys of its own.
fn secrets(config: &Config) -> Secrets {
    let folder = tempfile::tempdir().unwrap();
    Secrets::open(&Config { data: folder.path().to_owned(), ..config.clone() }).unwrap()
}

fn auth_from(config: &Config, memory: &Arc<Memory>, demo: bool) -> Auth {
    Auth::new(config, &secrets(config), Arc::clone(memory) as Arc<dyn Directory>, demo, Zone::utc())
}

fn auth(memory: &Arc<Memory>) -> Auth {
    auth_from(&config_with(RuleKind::Hmac), memory, false)
}

fn access(token: &Token) -> Authenticate {
    Authenticate { token: token.clone(), purpose: Purpose::Access, claim: None }
}

fn sig(token: &Token) -> Authenticate {
    Authenticate { token: token.clone(), purpose: Purpose::UserSig, claim: None }
}

fn handle(text: &str) -> Handle {
    Handle::new(text).unwrap()
}

async fn judge(auth: &Auth, dialect: DialectName, request: &Authenticate) -> Result<String, ErrorKind> {
    let grant = auth.authenticate_at(dialect, request, NOW).await;
    grant.map(|grant| grant.user.handle.to_string()).map_err(|error| error.kind())
}

#[tokio::test]
async fn a_token_for_no_dialect_is_good_in_the_four_with_access_tokens() {
    let memory = Memory::with(&["tom"]);
    let auth = auth(&memory);
    let token = auth.mint(&memory.get("tom").unwrap(), None, HOUR, NOW).token;
    for dialect in ACCESS_DIALECTS {
        assert_eq!(judge(&auth, dialect, &access(&token)).await, Ok("tom".to_owned()), "{dialect}");
        assert_eq!(judge(&auth, dialect, &sig(&token)).await, Err(ErrorKind::Unauthenticated), "{dialect}");
    }
    assert_eq!(judge(&auth, DialectName::UserSig, &sig(&token)).await, Err(ErrorKind::Unauthenticated));
    assert_eq!(judge(&auth, DialectName::UserSig, &access(&token)).await, Err(ErrorKind::Unauthenticated));
}

#[tokio::test]
async fn a_token_for_one_dialect_is_good_in_no_other() {
    let memory = Memory::with(&["tom"]);
    let auth = auth(&memory);
    for minted_for in ACCESS_DIALECTS {
        let token = auth.mint(&memory.get("tom").unwrap(), Some(minted_for), HOUR, NOW).token;
        for dialect in ACCESS_DIALECTS {
            let good = judge(&auth, dialect, &access(&token)).await.is_ok();
            assert_eq!(good, dialect == minted_for, "{minted_for} in {dialect}");
        }
    }
}

#[tokio::test]
async fn a_user_sig_is_good_for_nothing_but_user_sig() {
    let memory = Memory::with(&["tom"]);
    let auth = auth(&memory);
    let token = auth.mint(&memory.get("tom").unwrap(), Some(DialectName::UserSig), HOUR, NOW).token;
    assert_eq!(judge(&auth, DialectName::UserSig, &sig(&token)).await, Ok("tom".to_owned()));
    assert_eq!(judge(&auth, DialectName::UserSig, &access(&token)).await, Err(ErrorKind::Unauthenticated));
    for dialect in ACCESS_DIALECTS {
        assert_eq!(judge(&auth, dialect, &access(&token)).await, Err(ErrorKind::Unauthenticated), "{dialect}");
        assert_eq!(judge(&auth, dialect, &sig(&token)).await, Err(ErrorKind::Unauthenticated), "{dialect}");
    }
}

#[tokio::test]
async fn a_signed_token_ends_at_its_moment() {
    let memory = Memory::with(&["tom"]);
    let auth = auth(&memory);
    let token = auth.mint(&memory.get("tom").unwrap(), None, HOUR, NOW).token;
    let request = access(&token);
    let at = |now| auth.authenticate_at(DialectName::Envelope, &request, now);
    let last = Timestamp::from_millis(NOW.plus(HOUR).as_millis() - 1);
    assert!(at(last).await.is_ok());
    assert_eq!(at(NOW.plus(HOUR)).await.unwrap_err().kind(), ErrorKind::Unauthenticated);
}

#[tokio::test]
async fn no_character_of_a_signed_token_can_be_changed() {
    let memory = Memory::with(&["tom", "jack"]);
    let auth = auth(&memory);
    let token = auth.mint(&memory.get("tom").unwrap(), None, HOUR, NOW).token;
    let text = token.expose();
    for (at, old) in text.char_indices() {
        let new = if old == 'A' { 'B' } else { 'A' };
        let forged: String = text.char_indices().map(|(here, c)| if here == at { new } else { c }).collect();
        let result = judge(&auth, DialectName::Envelope, &access(&Token::new(&forged))).await;
        assert_eq!(result, Err(ErrorKind::Unauthenticated), "position {at}");
    }
    for cut in [0, 3, text.len() - 1] {
        let result = judge(&auth, DialectName::Envelope, &access(&Token::new(&text[..cut]))).await;
        assert_eq!(result, Err(ErrorKind::Unauthenticated), "first {cut}");
    }
}

#[tokio::test]
async fn a_signed_token_needs_no_escaping_in_a_path() {
    let memory = Memory::with(&["tom"]);
    let token = auth(&memory).mint(&memory.get("tom").unwrap(), None, HOUR, NOW).token;
    assert!(token.expose().chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'), "{}", token.expose());
}

#[tokio::test]
async fn a_token_signed_with_another_key_is_not_good() {
    let memory = Memory::with(&["tom"]);
    let token = auth(&memory).mint(&memory.get("tom").unwrap(), None, HOUR, NOW).token;
    let result = judge(&auth(&memory), DialectName::Envelope, &access(&token)).await;
    assert_eq!(result, Err(ErrorKind::Unauthenticated));
}

#[tokio::test]
async fn a_good_token_of_a_user_who_is_gone_says_so() {
    let memory = Memory::with(&["tom"]);
    let auth = auth(&memory);
    let token = auth.mint(&memory.get("tom").unwrap(), None, HOUR, NOW).token;
    memory.users.lock().unwrap().clear();
    assert_eq!(judge(&auth, DialectName::Envelope, &access(&token)).await, Err(ErrorKind::UserNotFound));
}

#[tokio::test]
async fn a_good_token_of_a_disabled_user_says_so() {
    let memory = Memory::with(&["tom"]);
    let auth = auth(&memory);
    let token = auth.mint(&memory.get("tom").unwrap(), None, HOUR, NOW).token;
    memory.disable("tom");
    assert_eq!(judge(&auth, DialectName::Envelope, &access(&token)).await, Err(ErrorKind::UserDisabled));
}

#[tokio::test]
async fn a_claim_has_to_name_the_tokens_user() {
    let memory = Memory::with(&["tom", "jack"]);
    let auth = auth(&memory);
    let token = auth.mint(&memory.get("jack").unwrap(), None, HOUR, NOW).token;
    let claims = [
        (Claim::User(UserKey::Id(UserId::new(2))), true),
        (Claim::User(UserKey::Id(UserId::new(1))), false),
        (Claim::User(UserKey::Handle(handle("jack"))), true),
        (Claim::User(UserKey::Handle(handle("tom"))), false),
        (Claim::Chat(ChatId::new(2)), true),
        (Claim::Chat(ChatId::new(1)), false),
    ];
    for (claim, holds) in claims {
        let request = Authenticate { claim: Some(claim.clone()), ..access(&token) };
        let expected = if holds { Ok("jack".to_owned()) } else { Err(ErrorKind::Unauthenticated) };
        assert_eq!(judge(&auth, DialectName::AuthAck, &request).await, expected, "{claim:?}");
    }
}

#[tokio::test]
async fn an_opaque_token_is_looked_up_by_its_hash() {
    let memory = Memory::with(&["tom"]);
    let auth = auth(&memory);
    memory.store("legacy", None, None);
    memory.store("for-envelope", Some(DialectName::Envelope), Some(NOW.plus(HOUR)));
    memory.store("ended", None, Some(NOW));
    let cases = [
        ("legacy", DialectName::StatusCode, true),
        ("for-envelope", DialectName::Envelope, true),
        ("for-envelope", DialectName::StatusCode, false),
        ("ended", DialectName::Envelope, false),
        ("unknown", DialectName::Envelope, false),
    ];
    for (token, dialect, good) in cases {
        let result = judge(&auth, dialect, &access(&Token::new(token))).await;
        assert_eq!(result.is_ok(), good, "{token} in {dialect}: {result:?}");
    }
    let as_sig = judge(&auth, DialectName::UserSig, &sig(&Token::new("legacy"))).await;
    assert_eq!(as_sig, Err(ErrorKind::Unauthenticated));
}

#[tokio::test]
async fn a_static_token_is_good_where_access_tokens_are() {
    let memory = Memory::with(&["tom"]);
    let auth = auth(&memory);
    let token = Token::new("fixed-tom");
    for dialect in ACCESS_DIALECTS {
        assert_eq!(judge(&auth, dialect, &access(&token)).await, Ok("tom".to_owned()), "{dialect}");
    }
    assert_eq!(judge(&auth, DialectName::UserSig, &sig(&token)).await, Err(ErrorKind::Unauthenticated));
}

#[tokio::test]
async fn a_provider_that_is_not_configured_is_not_asked() {
    let memory = Memory::with(&["tom"]);
    let mut config = config_with(RuleKind::Hmac);
    config.auth.providers = vec![AuthProvider::Opaque];
    let auth = auth_from(&config, &memory, false);
    let signed = auth.mint(&memory.get("tom").unwrap(), None, HOUR, NOW).token;
    for token in [signed, Token::new("fixed-tom")] {
        assert_eq!(judge(&auth, DialectName::Envelope, &access(&token)).await, Err(ErrorKind::Unauthenticated));
    }
}

#[tokio::test]
async fn demo_tokens_make_their_user_and_only_in_demo_mode() {
    let memory = Memory::with(&[]);
    let token = Token::new("demo-ann-marie");
    let closed = judge(&auth(&memory), DialectName::Envelope, &access(&token)).await;
    assert_eq!(closed, Err(ErrorKind::Unauthenticated));
    assert!(memory.get("ann-marie").is_none());

    let demo = auth_from(&config_with(RuleKind::Hmac), &memory, true);
    for dialect in ACCESS_DIALECTS {
        assert_eq!(judge(&demo, dialect, &access(&token)).await, Ok("ann-marie".to_owned()), "{dialect}");
    }
    assert_eq!(
        judge(&demo, DialectName::Envelope, &access(&Token::new("demo-"))).await,
        Err(ErrorKind::Unauthenticated)
    );
    assert_eq!(judge(&demo, DialectName::UserSig, &sig(&token)).await, Err(ErrorKind::Unauthenticated));
}

#[tokio::test]
async fn the_rule_key_is_exchanged_for_a_user_sig_of_five_minutes() {
    let memory = Memory::with(&["tom"]);
    let auth = auth(&memory);
    let key = auth.rule_key(&handle("tom"), NOW);
    let issued = auth.exchange(&handle("tom"), &key, NOW).await.unwrap();
    assert_eq!(issued.expires, NOW.plus(Duration::from_mins(5)));
    assert_eq!(judge(&auth, DialectName::UserSig, &sig(&issued.token)).await, Ok("tom".to_owned()));
}

#[tokio::test]
async fn a_wrong_rule_key_and_an_unknown_user_are_the_same_error() {
    let memory = Memory::with(&["tom"]);
    let auth = auth(&memory);
    let wrong = auth.exchange(&handle("tom"), &Token::new("wrong"), NOW).await.unwrap_err();
    let unknown_key = auth.rule_key(&handle("nobody"), NOW);
    let unknown = auth.exchange(&handle("nobody"), &unknown_key, NOW).await.unwrap_err();
    assert_eq!(wrong, unknown);
    assert_eq!(wrong.kind(), ErrorKind::Unauthenticated);
    memory.disable("tom");
    let disabled = auth.exchange(&handle("tom"), &Token::new("wrong"), NOW).await.unwrap_err();
    assert_eq!(disabled, wrong);
}

#[tokio::test]
async fn a_demo_token_is_a_rule_key_of_its_own_user() {
    let memory = Memory::with(&[]);
    let demo = auth_from(&config_with(RuleKind::Hmac), &memory, true);
    assert!(demo.exchange(&handle("tom"), &Token::new("demo-jack"), NOW).await.is_err());
    assert!(demo.exchange(&handle("tom"), &Token::new("demo-tom"), NOW).await.is_ok());
    assert!(memory.get("tom").is_some() && memory.get("jack").is_none());
}

#[tokio::test]
async fn every_rule_makes_the_key_that_backends_make() {
    // From `printf tom | openssl dgst -sha256 -hmac rule`, `printf tom-2023-11-14-22-13 | md5sum` and
    // `printf tom | md5sum`.
    let cases = [
        (RuleKind::Hmac, "4235e69eb230a3aa169a277cf7d643e537720fef6845e92bdba6d0ba0102675b"),
        (RuleKind::Md5Minute, "c1b002717e6dfdbe57b72b826e6b0f54"),
        (RuleKind::Md5, "34b7da764b21d298ef307d04d8152dc5"),
        (RuleKind::Shared, "rule"),
    ];
    for (rule, key) in cases {
        let memory = Memory::with(&["tom"]);
        let auth = auth_from(&config_with(rule), &memory, false);
        assert_eq!(auth.rule_key(&handle("tom"), NOW).expose(), key, "{rule:?}");
        assert!(auth.exchange(&handle("tom"), &Token::new(key), NOW).await.is_ok(), "{rule:?}");
        assert!(auth.exchange(&handle("tom"), &Token::new("x"), NOW).await.is_err(), "{rule:?}");
    }
}

#[tokio::test]
async fn the_minute_rule_allows_one_minute_either_way() {
    let memory = Memory::with(&["tom"]);
    let auth = auth_from(&config_with(RuleKind::Md5Minute), &memory, false);
    let key = auth.rule_key(&handle("tom"), NOW);
    for (minutes, good) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
        let then = Timestamp::from_millis(NOW.as_millis() + minutes * 60_000);
        assert_eq!(auth.exchange(&handle("tom"), &key, then).await.is_ok(), good, "{minutes}");
    }
}

#[tokio::test]
async fn a_grant_holds_for_its_token_until_it_ends_or_something_is_revoked() {
    let memory = Memory::with(&["tom", "jack"]);
    let auth = auth(&memory);
    let token = auth.mint(&memory.get("tom").unwrap(), None, HOUR, NOW).token;
    let other = auth.mint(&memory.get("jack").unwrap(), None, HOUR, NOW).token;
    let grant = auth.authenticate_at(DialectName::Envelope, &access(&token), NOW).await.unwrap();
    assert!(auth.still_good(&grant, &token, NOW));
    assert!(!auth.still_good(&grant, &other, NOW));
    assert!(!auth.still_good(&grant, &token, NOW.plus(HOUR)));
    memory.disable("jack");
    assert!(!auth.still_good(&grant, &token, NOW));
}

#[test]
fn service_keys_open_what_they_are_for() {
    let memory = Memory::with(&[]);
    let config = config_with(RuleKind::Hmac);
    let secrets = secrets(&config);
    let auth = Auth::new(&config, &secrets, memory, false, Zone::utc());
    let management = secrets.management_key().clone();
    let notification = Token::new("backend");
    assert!(auth.service_key(DialectName::AccessToken, &management));
    assert!(auth.service_key(DialectName::AccessToken, &notification));
    assert!(!auth.service_key(DialectName::AccessToken, &Token::new("wrong")));
    assert!(!auth.service_key(DialectName::Envelope, &notification));
    assert!(auth.management_key(&management));
    assert!(!auth.management_key(&notification));
}

#[tokio::test]
async fn debug_shows_no_token() {
    let memory = Memory::with(&["tom"]);
    let auth = auth(&memory);
    let token = auth.mint(&memory.get("tom").unwrap(), None, HOUR, NOW).token;
    let grant = auth.authenticate_at(DialectName::Envelope, &access(&token), NOW).await.unwrap();
    let shown = format!("{auth:?} {grant:?} {:?}", config_with(RuleKind::Hmac));
    assert!(!shown.contains(token.expose()) && !shown.contains("fixed-tom") && !shown.contains("backend"), "{shown}");
}

#[tokio::test]
async fn judging_can_be_left_to_another_thread() {
    let memory = Memory::with(&["tom"]);
    let auth = auth(&memory);
    let key = auth.rule_key(&handle("tom"), wall_clock());
    let issued = tokio::spawn(async move {
        let issued = auth.exchange(&handle("tom"), &key, wall_clock()).await?;
        auth.authenticate(DialectName::UserSig, &sig(&issued.token)).await
    });
    assert_eq!(issued.await.unwrap().unwrap().user.handle.as_str(), "tom");
}
