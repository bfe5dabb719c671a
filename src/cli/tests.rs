//! What the command line understands.

use clap::CommandFactory;

use super::*;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split_whitespace())
}

#[test]
fn the_command_line_is_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_has_help_with_an_example() {
    fn check(command: &clap::Command, path: &str) {
        let path = format!("{path} {}", command.get_name()).trim().to_owned();
        let help = command.clone().render_long_help().to_string();
        assert!(help.contains("Example:\n  ") && help.contains("koine"), "{path} --help\n{help}");
        assert!(command.get_about().is_some(), "{path}");
        command.get_subcommands().filter(|command| command.get_name() != "help").for_each(|sub| check(sub, &path));
    }
    check(&Cli::command(), "");
}

#[test]
fn help_is_no_failure_and_a_mistake_has_exit_code_2() {
    for line in ["koine --help", "koine serve --help", "koine user add --help", "koine bench --help", "koine --version"]
    {
        assert_eq!(parse(line).unwrap_err().exit_code(), 0, "{line}");
    }
    let mistakes = [
        "koine",
        "koine serv",
        "koine serve --port 5",
        "koine serve --listen nowhere",
        "koine token",
        "koine token tom --dialect klingon",
        "koine token tom --ttl 5",
        "koine token tom --ttl 0s",
        "koine user add tom --number 0",
        "koine chat --dialect envelope",
        "koine chat --dialect envelope --as tom --with jack --group 5",
        "koine config",
        "koine completions",
    ];
    for line in mistakes {
        assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
    }
}

#[test]
fn commands_of_later_take_anything_and_say_that_they_are_not_there_yet() {
    for line in ["koine conform", "koine record --url x y"] {
        let error = run(parse(line).unwrap().command).unwrap_err();
        assert!(error.to_string().contains("not available yet"), "{line}: {error}");
        assert!(!error.is::<Usage>(), "{line}");
    }
}

#[test]
fn a_chat_that_a_dialect_cannot_hold_is_a_usage_error() {
    for line in ["koine chat --dialect status-code --as tom", "koine chat --dialect status-code --as tom --group 5"] {
        let error = run(parse(line).unwrap().command).unwrap_err();
        assert!(error.is::<Usage>() && error.to_string().contains("--with"), "{line}: {error}");
    }
}

#[test]
fn a_data_directory_that_does_not_exist_is_not_made_by_asking_for_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("nowhere");
    let line = format!("koine token tom --data {}", data.display());
    let error = run(parse(&line).unwrap().command).unwrap_err().to_string();
    assert!(error.contains("there is no data directory") && error.contains("--data"), "{error}");
    assert!(!data.exists());
}

#[test]
fn a_configuration_that_makes_no_sense_fails_the_check_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("koine.toml");
    let check = |text: &str| {
        std::fs::write(&file, text).unwrap();
        run(parse(&format!("koine config check --config {}", file.display())).unwrap().command)
    };
    assert!(check("node = 5\n").is_ok());
    for text in ["\nnode = 50\n", "\nnodes = 5\n", "\nnode = \"five\"\n"] {
        let error = check(text).unwrap_err().to_string();
        assert!(error.contains("koine.toml:2: node"), "{error}");
    }
}

#[test]
fn demo_mode_is_refused_on_addresses_that_others_can_reach() {
    let error = run(parse("koine serve --demo --listen 0.0.0.0:0").unwrap().command).unwrap_err().to_string();
    assert!(error.starts_with("--listen: listeners.0.address: 0.0.0.0:0 is not a loopback address"), "{error}");
}

#[test]
fn completions_are_written_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(parse(&format!("koine completions {shell}")).is_ok(), "{shell}");
    }
}
