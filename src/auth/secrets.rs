//! The keys of a data directory: made at the first start, read at every other.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand;
use data_encoding::HEXLOWER;
use koine_core::Token;

use crate::config::{Config, Secret};

/// The file of the rule secret in the data directory.
const RULE_SECRET_FILE: &str = "rule-secret";
const KEY_BYTES: usize = 32;

/// What the gateway proves and judges with. Its `Debug` shows none of it.
#[derive(Debug, Clone)]
pub struct Secrets {
    signing_key: Token,
    rule_secret: Token,
    management_key: Token,
    notification_key: Option<Token>,
}

/// Why a key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The file cannot be read or made.
    #[error("cannot use the key file {}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file holds nothing, or too little to be a key.
    #[error("the key file {} holds fewer than {least} characters; write a longer key into it or remove it", .path.display())]
    TooShort {
        /// The file.
        path: PathBuf,
        /// How many characters a key has at least.
        least: usize,
    },
    /// The system has no random numbers.
    #[error("the system gives no random numbers, so that no key can be made")]
    NoRandomness,
}

impl Secrets {
    /// Reads the keys that the configuration names; those of the data directory are made, with 256
    /// random bits and mode 0600, where they do not exist. Relative names lie in the data directory,
    /// except those of `rule_secret_file` and `notification_key_file`, which have to exist.
    pub fn open(config: &Config) -> Result<Self, SecretsError> {
        let user_sig = &config.dialects.user_sig;
        let rule_secret = match configured(&user_sig.rule_secret, user_sig.rule_secret_file.as_deref())? {
            Some(secret) => secret,
            None => read_or_make(&config.data.join(RULE_SECRET_FILE), KEY_BYTES)?,
        };
        let access_token = &config.dialects.access_token;
        Ok(Self {
            signing_key: read_or_make(&config.data.join(&config.auth.signing_key_file), KEY_BYTES)?,
            rule_secret,
            management_key: read_or_make(&config.data.join(&config.management.key_file), 1)?,
            notification_key: configured(
                &access_token.notification_key,
                access_token.notification_key_file.as_deref(),
            )?,
        })
    }

    /// The key of the management API.
    pub const fn management_key(&self) -> &Token {
        &self.management_key
    }

    pub(super) fn signing_key(&self) -> &[u8] {
        self.signing_key.expose().as_bytes()
    }

    pub(super) const fn rule_secret(&self) -> &Token {
        &self.rule_secret
    }

    pub(super) fn notification_key(&self) -> Option<&str> {
        self.notification_key.as_ref().map(Token::expose)
    }
}

fn configured(secret: &Secret, file: Option<&Path>) -> Result<Option<Token>, SecretsError> {
    match (secret.expose(), file) {
        (Some(secret), _) => Ok(Some(Token::new(secret))),
        (None, Some(path)) => read(path, 1).map(Some),
        (None, None) => Ok(None),
    }
}

fn read_or_make(path: &Path, least: usize) -> Result<Token, SecretsError> {
    match read(path, least) {
        Err(SecretsError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => make(path),
        other => other,
    }
}

/// The file's text without the white space around it.
fn read(path: &Path, least: usize) -> Result<Token, SecretsError> {
    let text = std::fs::read_to_string(path).map_err(|source| SecretsError::Io { path: path.to_owned(), source })?;
    let text = text.trim();
    if text.len() < least {
        return Err(SecretsError::TooShort { path: path.to_owned(), least });
    }
    Ok(Token::new(text))
}

fn make(path: &Path) -> Result<Token, SecretsError> {
    let mut bytes = [0; KEY_BYTES];
    rand::fill(&mut bytes).map_err(|_| SecretsError::NoRandomness)?;
    let text = HEXLOWER.encode(&bytes);
    write_private(path, &format!("{text}\n")).map_err(|source| SecretsError::Io { path: path.to_owned(), source })?;
    Ok(Token::new(&text))
}

/// Writes a file that only its owner can read, whole or not at all, and on the disk when it returns.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    create_folder(folder)?;
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let unfinished = PathBuf::from(name);
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)?;
    #[cfg(unix)]
    std::fs::File::open(folder)?.sync_all()?;
    Ok(())
}

fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config_in(folder: &Path) -> Config {
        Config { data: folder.join("data"), ..Config::default() }
    }

    #[test]
    fn keys_are_made_once_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let config = config_in(folder.path());
        let first = Secrets::open(&config).unwrap();
        let again = Secrets::open(&config).unwrap();
        assert_eq!(first.signing_key().len(), 2 * KEY_BYTES);
        assert_eq!(first.signing_key(), again.signing_key());
        assert_eq!(first.rule_secret, again.rule_secret);
        assert_eq!(first.management_key, again.management_key);
        assert_ne!(first.signing_key(), first.management_key.expose().as_bytes());
    }

    #[cfg(unix)]
    #[test]
    fn made_keys_are_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let config = config_in(folder.path());
        Secrets::open(&config).unwrap();
        for name in ["signing-key", "rule-secret", "management-key"] {
            let mode = std::fs::metadata(config.data.join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn a_configured_secret_wins_over_the_data_directory() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config_in(folder.path());
        config.dialects.user_sig.rule_secret = Secret::new("from the file");
        let secrets = Secrets::open(&config).unwrap();
        assert_eq!(secrets.rule_secret.expose(), "from the file");
        assert!(!config.data.join(RULE_SECRET_FILE).exists());
    }

    #[test]
    fn a_secret_file_is_read_without_its_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config_in(folder.path());
        let file = folder.path().join("notification");
        std::fs::write(&file, "backend\n").unwrap();
        config.dialects.access_token.notification_key_file = Some(file);
        assert_eq!(Secrets::open(&config).unwrap().notification_key(), Some("backend"));
    }

    #[test]
    fn a_named_secret_file_has_to_exist() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config_in(folder.path());
        config.dialects.user_sig.rule_secret_file = Some(folder.path().join("nowhere"));
        let error = Secrets::open(&config).unwrap_err().to_string();
        assert!(error.contains("nowhere"), "{error}");
    }

    #[test]
    fn a_short_signing_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let config = config_in(folder.path());
        std::fs::create_dir_all(&config.data).unwrap();
        std::fs::write(config.data.join("signing-key"), "short").unwrap();
        assert!(matches!(Secrets::open(&config), Err(SecretsError::TooShort { least: 32, .. })));
    }

    #[test]
    fn debug_shows_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets::open(&config_in(folder.path())).unwrap();
        assert!(!format!("{secrets:?}").contains(secrets.management_key.expose()));
    }
}
