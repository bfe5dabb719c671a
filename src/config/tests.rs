//! Defaults, files, environment, flags, and what is said of mistakes in them.

use std::collections::BTreeSet;

use figment::value::Value;

use super::*;

const EXAMPLE: &str = include_str!("../../koine.example.toml");

/// Reads a file with this text, this environment and these flags.
fn load_with(text: &str, vars: &[(&str, &str)], flags: Flags) -> Result<Loaded, Problems> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.toml");
    std::fs::write(&file, text).unwrap();
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let environment = Environment::from_vars(vars.iter().map(owned));
    Loaded::read(&Sources { file: Some(file), environment, flags })
}

fn load(text: &str) -> Result<Loaded, Problems> {
    load_with(text, &[], Flags::default())
}

/// The one problem of a text, with only the name of its file.
fn problem(result: Result<Loaded, Problems>) -> String {
    let problems = result.and_then(|loaded| loaded.validate(false)).unwrap_err();
    assert_eq!(problems.0.len(), 1, "{problems}");
    let text = problems.to_string();
    text.find("test.toml:").and_then(|at| text.get(at..)).unwrap_or(&text).to_owned()
}

/// The keys of a tree, with dots.
fn keys(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Dict(_, dict) => {
            for (key, value) in dict {
                keys(value, &below(key), found);
            }
        }
        Value::Array(_, items) if matches!(items.first(), Some(Value::Dict(..))) => {
            for item in items {
                keys(item, path, found);
            }
        }
        _ => {
            found.insert(path.to_owned());
        }
    }
}

#[test]
fn the_example_says_exactly_the_defaults() {
    let example = load(EXAMPLE).unwrap();
    assert_eq!(*example.config(), Config::default());
}

#[test]
fn the_example_names_every_key() {
    let mut expected = BTreeSet::new();
    keys(&load::default_tree(), "", &mut expected);
    let uncommented: String = EXAMPLE
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.split_once(" = ").is_some_and(|(key, _)| is_key(key)) => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let mut named = BTreeSet::new();
    keys(&toml::from_str(&uncommented).unwrap(), "", &mut named);
    let missing: Vec<_> = expected.difference(&named).collect();
    // Both are tables, named by what is in them.
    assert_eq!(missing, ["listeners.tls"]);
    assert!(named.contains("listeners.tls.certificate") && named.contains("listeners.tls.key"));
    assert!(EXAMPLE.contains("\n[auth.static]\n"));
}

fn is_key(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-')
}

#[test]
fn the_defaults_are_valid_even_in_demo_mode() {
    assert_eq!(Config::default().validate(true), Ok(()));
    assert_eq!(Config::default().warnings(), Vec::<String>::new());
}

#[test]
fn an_unknown_key_is_named_with_its_file_and_line() {
    let text = problem(load("node = 1\n[limits]\nmessage = 100\nmesage = 5\n"));
    assert!(text.starts_with("test.toml:4: limits.mesage: unknown key; known here: message, frame"), "{text}");
}

#[test]
fn an_unknown_key_of_a_listener_is_named_with_its_line() {
    let text = problem(load("[[listeners]]\n[[listeners]]\naddress = \"127.0.0.1:1\"\nport = 5\n"));
    assert!(text.starts_with("test.toml:4: listeners.1.port: unknown key"), "{text}");
}

#[test]
fn an_unknown_section_is_named_with_its_line() {
    let text = problem(load("node = 1\n\n[servers]\nport = 5\n"));
    assert!(text.starts_with("test.toml:3: servers: unknown key"), "{text}");
}

#[test]
fn a_value_of_the_wrong_type_is_named_with_its_line() {
    let text = problem(load("\n[limits]\nin_flight = \"many\"\n"));
    assert_eq!(text, "test.toml:3: limits.in_flight: expected usize, found string \"many\"");
}

#[test]
fn an_unknown_word_is_answered_with_the_known_ones() {
    let text = problem(load("registration = \"closed\""));
    assert_eq!(text, "test.toml:1: registration: `closed` is none of: open, managed");
}

#[test]
fn a_duration_without_unit_is_an_error() {
    let text = problem(load("drain = 10"));
    assert!(text.starts_with("test.toml:1: drain: "), "{text}");
}

#[test]
fn broken_toml_is_named_with_its_line_and_without_its_text() {
    let text = problem(load("node = 1\nrule_secret = \"abc\n"));
    assert!(text.starts_with("test.toml:2: ") && !text.contains("abc"), "{text}");
}

#[test]
fn a_named_file_has_to_exist() {
    let sources = Sources { file: Some("/nowhere/koine.toml".into()), ..Sources::default() };
    let text = Loaded::read(&sources).unwrap_err().to_string();
    assert!(text.starts_with("/nowhere/koine.toml: the configuration file cannot be read"), "{text}");
}

#[test]
fn an_unknown_variable_is_an_error() {
    let text = problem(load_with("", &[("KOINE_LIMITS__MESAGE", "5")], Flags::default()));
    assert!(text.starts_with("KOINE_LIMITS__MESAGE: limits.mesage: unknown key"), "{text}");
}

#[test]
fn a_later_layer_wins() {
    let flags = Flags { data: Some("/flag".into()), ..Flags::default() };
    let vars = [("KOINE_DATA", "/env"), ("KOINE_NODE", "7"), ("OTHER", "x")];
    let loaded = load_with("data = \"/file\"\nnode = 3\nlog = \"warn\"\n", &vars, flags).unwrap();
    let config = loaded.config();
    assert_eq!((config.data.to_str(), config.node, config.log.as_str()), (Some("/flag"), 7, "warn"));
    assert_eq!(loaded.origin("data"), Origin::Flag("--data"));
    assert_eq!(loaded.origin("node"), Origin::Environment("KOINE_NODE".to_owned()));
    assert!(matches!(loaded.origin("log"), Origin::File(_, Some(3))));
    assert_eq!(loaded.origin("drain"), Origin::Default);
}

#[test]
fn a_variable_takes_the_type_of_what_it_sets() {
    let vars = [
        ("KOINE_DIALECTS__AUTH_ACK__HTTP_AUTH", "open"),
        ("KOINE_DIALECTS__USER_SIG__RULE_SECRET", "12345"),
        ("KOINE_DIALECTS__USER_SIG__RULE_SECRET_FILE", "678"),
        ("KOINE_PUBLIC_URL", "true"),
        ("KOINE_DATA", "007"),
        ("KOINE_LIMITS__LOOPBACK", "true"),
        ("KOINE_LIMITS__MESSAGE", "1000"),
        ("KOINE_DRAIN", "3s"),
        ("KOINE_CORS__ORIGINS", "https://a.example, https://b.example"),
        ("KOINE_AUTH__STATIC", "{one=\"tom\", two=5}"),
        ("KOINE_LISTENERS", "[{address=\"127.0.0.1:1\"}]"),
    ];
    let loaded = load_with("", &vars, Flags::default()).unwrap();
    let config = loaded.config();
    assert_eq!(config.dialects.auth_ack.http_auth, HttpAuth::Open);
    assert_eq!(config.dialects.user_sig.rule_secret.expose(), Some("12345"));
    assert_eq!(config.dialects.user_sig.rule_secret_file, Some(PathBuf::from("678")));
    assert_eq!((config.public_url.as_str(), config.data.to_str()), ("true", Some("007")));
    assert_eq!((config.limits.loopback, config.limits.message), (true, 1_000));
    assert_eq!(config.drain, Duration::from_secs(3));
    assert_eq!(config.cors.origins, ["https://a.example", "https://b.example"]);
    assert_eq!(config.auth.fixed.iter().collect::<Vec<_>>(), [("one", "tom"), ("two", "5")]);
    assert_eq!(config.listeners.len(), 1);
    assert_eq!(loaded.origin("listeners.0.address"), Origin::Environment("KOINE_LISTENERS".to_owned()));
}

#[test]
fn listen_flags_replace_the_listeners() {
    let listen = vec!["127.0.0.1:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap()];
    let management = Some("127.0.0.1:3".parse().unwrap());
    let flags = Flags { listen, management, ..Flags::default() };
    let loaded = load_with("[[listeners]]\naddress = \"127.0.0.1:9\"", &[], flags).unwrap();
    let ports: Vec<_> = loaded.config().listeners.iter().map(|listener| listener.address.port()).collect();
    assert_eq!((ports, loaded.config().management.address.port()), (vec![1, 2], 3));
    assert_eq!(loaded.origin("listeners.1.address"), Origin::Flag("--listen"));
    assert_eq!(loaded.origin("management.address"), Origin::Flag("--management"));
    assert_eq!(loaded.origin("management.enabled"), Origin::Default);
}

#[test]
fn what_is_printed_can_be_read_back() {
    let text = "node = 4\npublic_url = \"https://a.example\"\n[[listeners]]\naddress = \"127.0.0.1:1\"\n\
                [[listeners]]\naddress = \"[::1]:2\"\ndialects = [\"envelope\"]\n\
                tls = { certificate = \"a \\\"b\\\".pem\", key = \"k\" }\n";
    let loaded = load(text).unwrap();
    let printed = loaded.print();
    let again = load(&printed).unwrap_or_else(|problems| panic!("{problems}\n{printed}"));
    assert_eq!(again.config(), loaded.config());
}

#[test]
fn every_printed_value_says_where_it_comes_from() {
    let vars = [("KOINE_LOG", "debug")];
    let flags = Flags { data: Some("/flag".into()), ..Flags::default() };
    let printed = load_with("\nnode = 4\n[limits]\nin_flight = 3\n", &vars, flags).unwrap().print();
    let comment = |key: &str| {
        let line = printed.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap();
        line.rsplit_once("# ").unwrap().1.to_owned()
    };
    assert!(comment("node").ends_with("test.toml:2"), "{printed}");
    assert!(comment("in_flight").ends_with("test.toml:4"), "{printed}");
    assert_eq!([comment("log"), comment("data"), comment("drain")], ["KOINE_LOG", "--data", "default"]);
}

#[test]
fn printing_shows_no_secret() {
    let vars = [("KOINE_DIALECTS__ACCESS_TOKEN__NOTIFICATION_KEY", "shh-1")];
    let text = "[auth.static]\nshh-2 = \"tom\"\nshh-3 = \"jack\"\n[dialects.user_sig]\nrule_secret = \"shh-4\"\n";
    let loaded = load_with(text, &vars, Flags::default()).unwrap();
    let printed = loaded.print();
    assert!(!printed.contains("shh"), "{printed}");
    assert!(!format!("{:?}", loaded.config()).contains("shh"));
    assert!(printed.contains("rule_secret = \"<redacted>\""), "{printed}");
    let jack = printed.lines().find(|line| line.contains("= \"jack\"")).unwrap();
    assert!(jack.starts_with("\"<redacted 2>\"") && jack.ends_with("test.toml:3"), "{jack}");
}

#[test]
fn a_mistyped_secret_is_not_shown_in_the_error() {
    let text = problem(load("[auth]\nstatic = \"shh\"\n"));
    assert!(text.starts_with("test.toml:2: auth.static: expected") && !text.contains("shh"), "{text}");
}

#[test]
fn what_makes_no_sense_is_refused_with_its_place() {
    let cases = [
        ("node = 32", "node: 32 is not from 0 to 31"),
        ("time_zone = \"Mars/Base\"", "time_zone: `Mars/Base` is no time zone"),
        ("public_url = \"chat.example.org\"", "public_url: not an http"),
        ("log = \"koine=loud\"", "log: not a filter"),
        ("listeners = []", "listeners: at least one"),
        (
            "[[listeners]]\naddress = \"127.0.0.1:8094\"",
            "management.address: 127.0.0.1:8094 is taken by listeners.0.address",
        ),
        ("[[listeners]]\ndialects = []", "listeners.0.dialects: at least one"),
        ("[[listeners]]\ndialects = [\"envelope\", \"envelope\"]", "listeners.0.dialects: a dialect is named twice"),
        (
            "[[listeners]]\ntls = { certificate = \"/nowhere\", key = \"Cargo.toml\" }",
            "listeners.0.tls.certificate: /nowhere cannot",
        ),
        ("[dialects.envelope]\nprofile = \"deployed\"", "dialects.envelope.profile: \"deployed\" is not available yet"),
        ("[dialects.envelope]\nprefix = \"im/\"", "dialects.envelope.prefix: must be empty, or begin"),
        ("[dialects.user_sig]\nrule_secret_file = \"/nowhere\"", "dialects.user_sig.rule_secret_file: /nowhere cannot"),
        (
            "[dialects.user_sig]\nrule_secret = \"a\"\nrule_secret_file = \"Cargo.toml\"",
            "dialects.user_sig.rule_secret_file: dialects.user_sig.rule_secret is set as well",
        ),
        ("[presence]\ngrace = \"2h\"", "presence.grace: longer than an hour"),
        ("[limits]\nframe = 100", "limits.frame: must be larger than limits.message"),
        ("[limits]\ndead = \"10s\"", "limits.dead: must be longer than limits.idle_ping"),
        ("[proxy]\ntrusted = [\"10.0.0.0/8\", \"all\"]", "proxy.trusted.1: `all` is not an address or network"),
        ("[cors]\norigins = [\"example.org\"]", "cors.origins.0: `example.org` is not"),
        ("[auth]\nproviders = [\"signed\", \"signed\"]", "auth.providers: a provider is named twice"),
        ("[auth.static]\nsecret = \"\"", "auth.static: the handle of a token cannot be one"),
    ];
    for (text, expected) in cases {
        let found = problem(load(text));
        let (_, found) = found.split_once(": ").unwrap();
        assert!(found.starts_with(expected), "{text}\n{found}");
    }
}

#[test]
fn static_tokens_are_refused_where_others_can_connect() {
    let open = "[[listeners]]\naddress = \"0.0.0.0:8093\"\n[auth.static]\nshh = \"tom\"\n";
    let text = problem(load(open));
    assert!(text.contains("auth.static: static tokens are refused because 0.0.0.0:8093"), "{text}");
    assert!(text.starts_with("test.toml:3:"), "{text}");
    let allowed = format!("{open}[auth]\nstatic_anywhere = true\n");
    assert_eq!(load(&allowed).unwrap().validate(false), Ok(()));
}

#[test]
fn demo_mode_is_refused_outside_loopback() {
    let open = load("[[listeners]]\naddress = \"0.0.0.0:8093\"\n[management]\naddress = \"0.0.0.0:8094\"\n").unwrap();
    assert_eq!(open.validate(false), Ok(()));
    let keys: Vec<_> = open.validate(true).unwrap_err().0.into_iter().map(|problem| problem.key).collect();
    assert_eq!(keys, ["listeners.0.address", "management.address"]);
}

#[test]
fn what_is_weak_is_warned_of() {
    let text = "[[listeners]]\naddress = \"0.0.0.0:8093\"\n[dialects.user_sig]\nrule = \"md5\"\n";
    let warnings = load(text).unwrap().config().warnings().join("\n");
    assert!(warnings.contains("md5") && warnings.contains("\"guarded\""), "{warnings}");
}

#[test]
fn time_zones_are_looked_up_by_their_iana_name() {
    let config = Config { time_zone: "Asia/Shanghai".to_owned(), ..Config::default() };
    let text = config.zone().unwrap().text(koine_core::Timestamp::from_millis(0));
    assert_eq!(text, "1970-01-01 08:00:00");
}
