//! Putting the configuration together: built-in defaults, then the file, then `KOINE_*` environment
//! variables, then flags. Unknown keys are errors, wherever they come from.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use figment::error::Kind;
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::environment::Environment;
use super::file::File;
use super::problem::{Origin, Problem, Problems};
use super::{Config, ListenerConfig, print};

/// The file that is read if it exists and no other is named.
pub const DEFAULT_FILE: &str = "koine.toml";

/// Where the configuration comes from besides the defaults.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The file that was named; it has to exist. Without one, `koine.toml` is read if there is one.
    pub file: Option<PathBuf>,
    /// The environment.
    pub environment: Environment,
    /// The command line.
    pub flags: Flags,
}

/// What the command line can set.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--data`
    pub data: Option<PathBuf>,
    /// `--listen`: these listeners, with every dialect, instead of the configured ones.
    pub listen: Vec<SocketAddr>,
    /// `--management`
    pub management: Option<SocketAddr>,
}

/// A configuration that knows where its values come from.
#[derive(Debug, Clone)]
pub struct Loaded {
    config: Config,
    origins: Origins,
}

impl Loaded {
    /// Reads the sources. What is read has the right form; whether it makes sense,
    /// [`Loaded::validate`] says.
    pub fn read(sources: &Sources) -> Result<Self, Problems> {
        let (file, file_tree) = match file_to_read(sources) {
            None => (None, Dict::new()),
            Some(path) => {
                let (file, tree) = File::read(path).map_err(|problem| Problems(vec![problem]))?;
                (Some(file), tree)
            }
        };
        let defaults = default_tree();
        let figment = Figment::new()
            .merge(Layer::Default.with(defaults.clone().into_dict().unwrap_or_default()))
            .merge(Layer::File.with(file_tree))
            .merge(Layer::Environment.with(sources.environment.tree(&defaults)))
            .merge(Layer::Flags.with(flag_tree(&sources.flags)));
        let origins = Origins { figment, file, environment: sources.environment.clone() };
        match origins.figment.extract() {
            Ok(config) => Ok(Self { config, origins }),
            Err(errors) => Err(Problems(errors.into_iter().map(|error| origins.problem(error)).collect())),
        }
    }

    /// The configuration.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Checks it as [`Config::validate`] does, and says where each fault was written.
    pub fn validate(&self, demo: bool) -> Result<(), Problems> {
        let faults = match self.config.validate(demo) {
            Ok(()) => return Ok(()),
            Err(invalid) => invalid.0,
        };
        let place = |fault: super::validate::Fault| {
            let path: Vec<String> = fault.key.split('.').map(str::to_owned).collect();
            Problem { origin: self.origins.of(&path), key: fault.key, message: fault.message }
        };
        Err(Problems(faults.into_iter().map(place).collect()))
    }

    /// The effective configuration as TOML, each value with its origin as a comment, secrets redacted.
    pub fn print(&self) -> String {
        print::annotated(&self.config, &self.origins)
    }

    /// Where the value of a key (with dots) comes from.
    pub fn origin(&self, key: &str) -> Origin {
        let path: Vec<String> = key.split('.').map(str::to_owned).collect();
        self.origins.of(&path)
    }
}

/// The layers a configuration is made of, and how to find a value's.
#[derive(Debug, Clone)]
pub(super) struct Origins {
    figment: Figment,
    file: Option<File>,
    environment: Environment,
}

impl Origins {
    /// Every value as it was given, before it became a [`Config`].
    pub(super) fn tree(&self) -> Option<Value> {
        self.figment.find_value("").ok()
    }

    /// Where a value comes from. What stands nowhere itself comes from where the nearest value above it
    /// does; what was left out altogether is a default.
    pub(super) fn of(&self, path: &[String]) -> Origin {
        let layer = self.tree().as_ref().and_then(|tree| at(tree, path)).and_then(|value| self.layer(value));
        match layer {
            None | Some(Layer::Default) => Origin::Default,
            Some(Layer::File) => self.file.as_ref().map_or(Origin::Default, |file| file.origin(path)),
            Some(Layer::Environment) => {
                self.environment.name_of(path).map_or(Origin::Default, |name| Origin::Environment(name.to_owned()))
            }
            Some(Layer::Flags) => Origin::Flag(flag_of(path)),
        }
    }

    fn layer(&self, value: &Value) -> Option<Layer> {
        // A table has no origin of its own: layers are merged into it. Any of its values tells.
        match value {
            Value::Dict(_, dict) if !dict.is_empty() => dict.values().filter_map(|value| self.layer(value)).max(),
            _ => Layer::named(&self.figment.get_metadata(value.tag())?.name),
        }
    }

    fn problem(&self, error: figment::Error) -> Problem {
        let mut path = error.path;
        let message = match error.kind {
            Kind::UnknownField(name, known) => {
                if path.last() != Some(&name) {
                    path.push(name);
                }
                format!("unknown key; known here: {}", known.join(", "))
            }
            Kind::UnknownVariant(found, known) => format!("`{found}` is none of: {}", known.join(", ")),
            Kind::InvalidType(_, expected) if is_secret(&path) => format!("expected {expected}"),
            Kind::InvalidType(found, expected) => format!("expected {expected}, found {found}"),
            other => other.to_string(),
        };
        Problem { origin: self.of(&path), key: path.join("."), message }
    }
}

/// Where a value was given; a later layer wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Layer {
    Default,
    File,
    Environment,
    Flags,
}

impl Layer {
    const ALL: [Self; 4] = [Self::Default, Self::File, Self::Environment, Self::Flags];

    const fn name(self) -> &'static str {
        match self {
            Self::Default => "defaults",
            Self::File => "file",
            Self::Environment => "environment",
            Self::Flags => "flags",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layer| layer.name() == name)
    }

    const fn with(self, tree: Dict) -> Given {
        Given { layer: self, tree }
    }
}

/// A layer's values.
struct Given {
    layer: Layer,
    tree: Dict,
}

impl Provider for Given {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.layer.name())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.tree.clone()))
    }
}

/// The built-in defaults as a tree of values.
pub(super) fn default_tree() -> Value {
    Value::serialize(Config::default()).unwrap_or_else(|_| Dict::new().into())
}

fn flag_tree(flags: &Flags) -> Dict {
    let mut tree = Dict::new();
    if let Some(data) = &flags.data {
        tree.insert("data".to_owned(), data.to_string_lossy().into_owned().into());
    }
    if !flags.listen.is_empty() {
        let listeners =
            flags.listen.iter().map(|address| ListenerConfig { address: *address, ..ListenerConfig::default() });
        if let Ok(listeners) = Value::serialize(listeners.collect::<Vec<_>>()) {
            tree.insert("listeners".to_owned(), listeners);
        }
    }
    if let Some(address) = flags.management {
        let management = Dict::from([("address".to_owned(), address.to_string().into())]);
        tree.insert("management".to_owned(), management.into());
    }
    tree
}

fn flag_of(path: &[String]) -> &'static str {
    match path.first().map(String::as_str) {
        Some("data") => "--data",
        Some("management") => "--management",
        _ => "--listen",
    }
}

fn file_to_read(sources: &Sources) -> Option<&Path> {
    let default = Path::new(DEFAULT_FILE);
    sources.file.as_deref().or_else(|| default.exists().then_some(default))
}

/// A value of a tree; arrays are entered by number.
pub(super) fn at<'a>(tree: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(tree, |value, key| match value {
        Value::Dict(_, dict) => dict.get(key),
        Value::Array(_, array) => array.get(key.parse::<usize>().ok()?),
        _ => None,
    })
}

fn is_secret(path: &[String]) -> bool {
    path.iter().any(|key| matches!(key.as_str(), "static" | "rule_secret" | "notification_key"))
}
